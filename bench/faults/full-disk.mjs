// F5: a small file system in memory fills up while events come in, and has room again.
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sleep } from '../engine/measure.mjs';
import { Ledger, sendUntil } from './ledger.mjs';
import { broken } from './report.mjs';
import { Store } from './store.mjs';

const DISK_MB = 96;
/** Room that is left beside the reserve, so that it is full in seconds. */
const ROOM_BYTES = 1_500_000;
const WRITING_BACK_MAX_MS = 5_000;
const FULL_FOR_MS = 10_000;

export async function fullDisk({ binary, folder }, report) {
  const disk = join(folder, 'disk');
  mkdirSync(disk);
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_MB}M`, 'none', disk]);
  try {
    // Once with the reserve that is kept free, once with none, so that writes themselves fail.
    for (const reserve of ['8000000', '0']) await fill({ binary, folder, disk, reserve }, report);
  } finally {
    execFileSync('umount', [disk]);
  }
}

async function fill({ binary, folder, disk, reserve }, report) {
  const ballast = join(disk, 'ballast');
  const env = { VIGIE_STORAGE_FLUSH_BYTES: '400000', VIGIE_STORAGE_FREE_BYTES_MIN: reserve };
  const store = new Store({ binary, data: join(disk, `data-${reserve}`), log: join(folder, 'vigie.log'), env });
  const ledger = new Ledger(join(folder, `ledger-${reserve}`));
  await store.start();
  const { bavail, bsize } = statfsSync(disk);
  writeFileSync(ballast, Buffer.alloc(bavail * bsize - Number(reserve) - ROOM_BYTES, 1));
  let full_at;
  const statuses = new Set();
  const isOver = () => full_at && performance.now() - full_at > FULL_FOR_MS;
  // Refused ones come at once: senders that heed the answer wait before they send again.
  await sendUntil(store, ledger, isOver, (status) => {
    statuses.add(status);
    if (status === 507) full_at ??= performance.now();
  });
  const answers = await ledger.check(store);
  rmSync(ballast);
  const room_at = performance.now();
  const before = ledger.event_count;
  while (ledger.event_count === before && performance.now() - room_at < 60_000) {
    let sent = 0;
    await sendUntil(store, ledger, () => (sent += 1) > 1);
    await sleep(50);
  }
  const back_ms = performance.now() - room_at;
  const { code } = await store.stop();
  await store.start();
  const { wrong } = await ledger.check(store);
  await store.stop();
  rmSync(join(disk, `data-${reserve}`), { recursive: true });
  ledger.close();
  const facts = {
    'refused with 507 and nothing else': [...statuses].every((status) => status === 200 || status === 507) && statuses.has(507),
    'searches go on': answers.wrong.length === 0,
    'writing is back in 5 s': back_ms < WRITING_BACK_MAX_MS,
    'the process lived': code === 0,
  };
  report.add('F5', `disk full for ${FULL_FOR_MS / 1_000} s, ${reserve} bytes kept free; writing back after ${Math.round(back_ms)} ms; ${ledger.event_count} events acknowledged`, [...answers.wrong, ...wrong, ...broken(facts)]);
}
