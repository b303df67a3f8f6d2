// What the system says about processes and folders, and how times are summed up. Linux only: it reads /proc.
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';

const TICKS_PER_SECOND = 100;
const QUIET_FOR_MS = 2_000;
/** A process that uses less than this share of a core is quiet. */
const QUIET_SHARE = 0.03;

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/** CPU seconds of all threads of a process, user and system. */
export function cpuSeconds(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').pop().split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

const statusMb = (pid, key) => Number(new RegExp(`${key}:\\s+(\\d+)`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;
export const residentMb = (pid) => statusMb(pid, 'VmRSS');
export const peakMb = (pid) => statusMb(pid, 'VmHWM');
export const diskBytes = (path) => Number(execFileSync('du', ['-sb', path]).toString().split('\t')[0]);

/** Bytes of the files directly in a folder; 0 when there is none. */
export function folderBytes(path) {
  try {
    return readdirSync(path).reduce((sum, name) => sum + statSync(join(path, name)).size, 0);
  } catch {
    return 0;
  }
}

/** Waits until a process does nothing and `isDone` says so; tells whether it was done in time. */
export async function quiet(pid, isDone = () => true, limit_s = 120) {
  const end = performance.now() + limit_s * 1_000;
  let used = cpuSeconds(pid);
  while (performance.now() < end) {
    await sleep(QUIET_FOR_MS);
    const now = cpuSeconds(pid);
    if (now - used <= (QUIET_SHARE * QUIET_FOR_MS) / 1_000 && isDone()) return true;
    used = now;
  }
  return false;
}

export async function freePort() {
  const server = createServer();
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

export function percentile(times, share) {
  const sorted = [...times].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

export const clientCpuSeconds = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};
