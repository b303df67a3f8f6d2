// F7: the process may open 256 files, and more connections than that come.
import { connect } from 'node:net';
import { join } from 'node:path';
import { sleep } from '../engine/measure.mjs';
import { Ledger, sendUntil } from './ledger.mjs';
import { broken } from './report.mjs';
import { Store } from './store.mjs';

const FILES_MAX = 256;
const CONNECTIONS = 400;

export async function fewFiles({ binary, folder }, report) {
  const store = new Store({
    binary,
    data: join(folder, 'data'),
    log: join(folder, 'vigie.log'),
    before: ['prlimit', `--nofile=${FILES_MAX}:${FILES_MAX}`],
    env: { VIGIE_STORAGE_FLUSH_BYTES: '200000', VIGIE_STORAGE_FREE_BYTES_MIN: '0' },
  });
  const ledger = new Ledger(join(folder, 'ledger'));
  await store.start();
  const send = async (ms) => {
    const end = performance.now() + ms;
    const before = ledger.event_count;
    await Promise.all([1, 2].map(() => sendUntil(store, ledger, () => performance.now() > end)));
    return ledger.event_count - before;
  };
  const alone = await send(5_000);
  const { hostname, port } = new URL(store.url);
  const idle = Array.from({ length: CONNECTIONS }, () => connect({ host: hostname, port: Number(port) }).on('error', () => {}));
  await sleep(1_000);
  const crowded = await send(15_000);
  idle.forEach((socket) => socket.destroy());
  await sleep(1_000);
  const after = await send(5_000);
  const { code } = await store.stop();
  await store.start();
  const { wrong } = await ledger.check(store);
  await store.stop();
  ledger.close();
  const facts = { 'events go in before': alone > 0, 'events go in once the crowd is gone': after > 0, 'the process lived': code === 0 };
  report.add('F7', `${CONNECTIONS} idle connections with ${FILES_MAX} files; events taken in before, meanwhile, after: ${alone}, ${crowded}, ${after}`, [...wrong, ...broken(facts)]);
}
