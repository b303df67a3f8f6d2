// Runs inside the machine whose power is cut: starts the store, judges what the last cut left, sends until it is cut.
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { Ledger, batchAt, sendUntil } from './ledger.mjs';
import { Store } from './store.mjs';

const { FAULTS_FOLDER: folder, FAULTS_BINARY: binary, FAULTS_LAST: last, FAULTS_PRELOAD: preload } = process.env;
/** Of most rounds only what was sent lately is compared; of every twentieth and the last, everything. */
const LATELY_EVENTS = 5_000;
const WHOLE_EVERY = 20;
const SENDERS = 2;

const report = openSync(`${folder}/report`, 'a');
const tell = (line) => {
  writeSync(report, `${line}\n`);
  fsyncSync(report);
};

const round = Number(process.env.FAULTS_ROUND);
const ledger = new Ledger(`${folder}/ledger`);
const store = new Store({
  binary,
  data: `${folder}/disk/data`,
  log: `${folder}/vigie.log`,
  // Small, so that power is cut while parts are written and merged too.
  env: { VIGIE_STORAGE_FLUSH_BYTES: '200000', VIGIE_STORAGE_FREE_BYTES_MIN: '0', ...(preload ? { LD_PRELOAD: preload } : {}) },
});
try {
  await store.start();
  const is_whole = last === '1' || round % WHOLE_EVERY === 0;
  const { stored, wrong } = await ledger.check(store, is_whole ? 0 : Math.max(0, ledger.next - LATELY_EVENTS));
  tell(JSON.stringify({ round, ready_ms: Math.round(store.ready_ms), compared: stored, wrong: wrong.slice(0, 5) }));
  if (wrong.length === 0 && last !== '1') {
    // What the cut left unanswered is sent again: an answer to that counts like any other.
    const connection = store.connection();
    for (const first of ledger.unanswered()) {
      if ((await store.send(connection, batchAt(first))).status === 200) ledger.acknowledge(first);
    }
    connection.close();
    await Promise.all(Array.from({ length: SENDERS }, () => sendUntil(store, ledger, () => false)));
  }
} catch (error) {
  tell(JSON.stringify({ round, wrong: [`${error.message}`] }));
}
closeSync(report);
process.exit(0);
