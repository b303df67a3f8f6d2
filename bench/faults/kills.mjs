// F1 and F13: the process is killed, or told to stop, while events come in, parts are written and merged, backups run.
import { join } from 'node:path';
import { sleep } from '../engine/measure.mjs';
import { Ledger, batchAt, sendUntil } from './ledger.mjs';
import { broken } from './report.mjs';
import { Store } from './store.mjs';

const SENDERS = 4;
/** Everything is compared so often, and what was sent lately each time. */
const WHOLE_EVERY = 100;
const LATELY_EVENTS = 4_000;
const DRAIN_MAX_S = 30;

function storeOf({ binary, folder }) {
  const env = { VIGIE_STORAGE_FLUSH_BYTES: '400000', VIGIE_STORAGE_FREE_BYTES_MIN: '0', VIGIE_BACKUP_DIR: join(folder, 'backups') };
  return new Store({ binary, data: join(folder, 'data'), log: join(folder, 'vigie.log'), env });
}

/** Four senders, and now and then a backup, until the store is gone. */
async function load(store, ledger, has_backups) {
  const backUp = async () => {
    const connection = store.connection();
    while (has_backups && (await connection.request('POST', '/api/backups', store.headers, {}).catch(() => undefined))) await sleep(20);
    connection.close();
  };
  await Promise.all([backUp(), ...Array.from({ length: SENDERS }, () => sendUntil(store, ledger, () => false))]);
}

/** Sends again what was never answered and has ids. */
async function sendAgain(store, ledger) {
  const connection = store.connection();
  for (const first of ledger.unanswered()) {
    if ((await store.send(connection, batchAt(first))).status === 200) ledger.acknowledge(first);
  }
  connection.close();
}

export async function kills(around, report) {
  const [store, ledger] = [storeOf(around), new Ledger(join(around.folder, 'ledger'))];
  let [wrong, slowest_ms, done] = [[], 0, 0];
  for (; done < around.kill_count && wrong.length === 0; done += 1) {
    await store.start();
    slowest_ms = Math.max(slowest_ms, store.ready_ms);
    ({ wrong } = await ledger.check(store, done % WHOLE_EVERY === 0 ? 0 : Math.max(0, ledger.next - LATELY_EVENTS)));
    await sendAgain(store, ledger);
    const loaded = load(store, ledger, done % 3 === 0);
    // From in the middle of the first requests to after parts were written and merged.
    await sleep((done * 37) % 400);
    await store.kill();
    await loaded;
  }
  await store.start();
  if (wrong.length === 0) ({ wrong } = await ledger.check(store));
  await store.stop();
  ledger.close();
  report.add('F1', `killed ${done} times while it took in, wrote, merged and backed up; ${ledger.event_count} events acknowledged; ready in ${Math.round(slowest_ms)} ms at most`, wrong);
}

export async function stops(around, report) {
  const [store, ledger] = [storeOf(around), new Ledger(join(around.folder, 'ledger'))];
  let [slowest_s, is_refused, ends] = [0, true, []];
  for (let round = 0; round < 10; round += 1) {
    await store.start();
    await sendAgain(store, ledger);
    const second = new Store({ ...storeOf(around), log: join(around.folder, 'second.log') });
    is_refused &&= await second.start().then(() => second.kill().then(() => false), (error) => error.message.includes('is in use by'));
    const loaded = load(store, ledger, false);
    await sleep(300);
    const begun = performance.now();
    ends.push((await store.stop()).code);
    slowest_s = Math.max(slowest_s, (performance.now() - begun) / 1_000);
    await loaded;
  }
  await store.start();
  const { wrong } = await ledger.check(store);
  await store.stop();
  ledger.close();
  const facts = { 'ends within 30 s': slowest_s < DRAIN_MAX_S, 'ends with 0': ends.every((code) => code === 0), 'a second process is refused in words': is_refused };
  report.add('F13', `told to stop 10 times under load; gone in ${slowest_s.toFixed(1)} s at most; ${ledger.event_count} events acknowledged`, [...wrong, ...broken(facts)]);
}
