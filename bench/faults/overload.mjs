// F11: ten times what the store takes in, for minutes, in 512 MiB.
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { peakMb, percentile, sleep } from '../engine/measure.mjs';
import { Ledger, batchAt, sendUntil } from './ledger.mjs';
import { broken } from './report.mjs';
import { Store } from './store.mjs';

const MEMORY_MB = 512;
const SENDERS_AT_EASE = 4;
const SENDERS_TOO_MANY = 40;
/** Events of a batch of the flood; a batch of the ledger is small, so that its answers tell how long one waits. */
const FLOOD_BATCHES = 250;
const ACCEPTED_P95_MAX_MS = 200;
const FULL_SPEED_AFTER_MS = 10_000;

/** A control group with that much memory and no swap; `undefined` where none may be made. */
function group() {
  const root = '/sys/fs/cgroup';
  const at = existsSync(join(root, 'memory')) ? join(root, 'memory', `vigie-faults-${process.pid}`) : join(root, `vigie-faults-${process.pid}`);
  try {
    mkdirSync(at);
    writeFileSync(join(at, existsSync(join(at, 'memory.max')) ? 'memory.max' : 'memory.limit_in_bytes'), String(MEMORY_MB * 1_048_576));
    return at;
  } catch {
    return undefined;
  }
}

/** Sends bodies of thousands of events as fast as it can until it is over; counts answers. */
async function flood(store, body, isOver, counts) {
  const connection = store.connection();
  while (!isOver()) {
    const headers = { ...store.headers, 'Content-Type': 'application/x-ndjson' };
    const answer = await connection.request('POST', '/api/logs/ingest', headers, body).catch(() => undefined);
    counts.set(answer?.status, (counts.get(answer?.status) ?? 0) + 1);
    if (!answer) await sleep(20);
  }
  connection.close();
}

export async function overload({ binary, folder, overload_s }, report) {
  const limits = group();
  const before = limits ? ['sh', '-c', `echo $$ > ${limits}/cgroup.procs && exec "$@"`, 'sh'] : [];
  const store = new Store({ binary, data: join(folder, 'data'), log: join(folder, 'vigie.log'), before, env: { VIGIE_STORAGE_FREE_BYTES_MIN: '0' } });
  const ledger = new Ledger(join(folder, 'ledger'));
  await store.start();
  // Without ids and numbers, so that they are none of the ledger's.
  const body = Buffer.from(Array.from({ length: FLOOD_BATCHES }, () => batchAt(0)).flat().map(({ n: _n, _id, ...event }) => JSON.stringify(event)).join('\n'));
  const run = async (senders, ms, counts, times) => {
    const end = performance.now() + ms;
    const isOver = () => performance.now() > end;
    const judged = sendUntil(store, ledger, isOver, (status, took) => status === 200 && times.push(took));
    await Promise.all([judged, ...Array.from({ length: senders }, () => flood(store, body, isOver, counts))]);
    return (counts.get(200) ?? 0) / (ms / 1_000);
  };
  const [easy, flooded, later] = [new Map(), new Map(), new Map()];
  const [times, ignored] = [[], []];
  const at_ease = await run(SENDERS_AT_EASE, 10_000, easy, ignored);
  await run(SENDERS_TOO_MANY, overload_s * 1_000, flooded, times);
  await sleep(FULL_SPEED_AFTER_MS);
  const afterwards = await run(SENDERS_AT_EASE, 10_000, later, ignored);
  const is_alive = store.child.exitCode === null && store.child.signalCode === null;
  const peak_mb = is_alive ? peakMb(store.child.pid) : MEMORY_MB;
  if (is_alive) await store.stop();
  await store.start();
  const { wrong } = await ledger.check(store);
  await store.stop();
  ledger.close();
  const killed = limits && existsSync(join(limits, 'memory.events')) ? Number(/oom_kill (\d+)/.exec(readFileSync(join(limits, 'memory.events'), 'utf8'))[1]) : 0;
  if (limits) rmdirSync(limits);
  const p95_ms = percentile(times, 0.95);
  const facts = {
    'nothing was killed for memory': is_alive && killed === 0,
    'refused with 429 and nothing else': [...flooded.keys()].every((status) => status === 200 || status === 429),
    'accepted in 200 ms (P95)': p95_ms < ACCEPTED_P95_MAX_MS,
    'full speed 10 s later': afterwards > at_ease * 0.8,
  };
  const answers = [...flooded].map(([status, count]) => `${count} of ${status ?? 'nothing'}`).join(', ');
  const where = limits ? `${MEMORY_MB} MiB` : 'no control group could be made, so memory was only measured';
  const speeds = `${at_ease.toFixed(1)} batches/s before, ${afterwards.toFixed(1)} after`;
  report.add('F11', `${SENDERS_TOO_MANY} senders for ${overload_s} s in ${where}: ${answers}; small requests P95 ${Math.round(p95_ms)} ms; peak ${Math.round(peak_mb)} MB; ${speeds}`, [...wrong, ...broken(facts)]);
}
