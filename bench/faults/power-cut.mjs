// F2: cuts the power of a machine while its shop's logs come in, and compares what is left with what was acknowledged.
//
// The machine is user-mode Linux (Debian's package `user-mode-linux`): a whole kernel with its own page cache and ext4,
// as a process. Killing its process group is the cut: everything that the guest had not written to its disk is gone,
// and the journal is replayed at the next start. Its disk is a file of the host, which keeps what was written in order:
// a drive without a volatile cache. What drives with one lose is tried with the simulated disk of the engine's tests.
//
//   node bench/faults/power-cut.mjs --binary target/debug/vigie [--cuts 200] [--seed 1] [--no-sync]
//
// --no-sync runs the store with syncs that do nothing (libeatmydata), to see that losses are then found.
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { sleep } from '../engine/measure.mjs';
import { Ledger } from './ledger.mjs';

const DISK_MB = 2_048;
const MEMORY_MB = 512;
const ROUND_MAX_MS = 300_000;
const NO_SYNC = '/usr/lib/x86_64-linux-gnu/libeatmydata.so.1';

const { values: asked } = parseArgs({
  options: { binary: { type: 'string' }, cuts: { type: 'string', default: '200' }, seed: { type: 'string', default: '1' }, 'no-sync': { type: 'boolean', default: false } },
});
const scripts = dirname(fileURLToPath(import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'vigie-power-cut-'));
const lines = (name) => (existsSync(join(folder, name)) ? readFileSync(join(folder, name), 'utf8').split('\n').filter(Boolean) : []);

/** The same seed cuts after the same numbers of answers. */
let dice = Number(asked.seed);
function roll(below) {
  dice = (Math.imul(dice, 1_664_525) + 1_013_904_223) >>> 0;
  return Math.floor((dice / 2 ** 32) * below);
}

function boot(round, last) {
  const settings = {
    FAULTS_FOLDER: folder,
    FAULTS_BINARY: resolve(asked.binary),
    FAULTS_NODE: process.execPath,
    FAULTS_SCRIPTS: scripts,
    FAULTS_ROUND: String(round),
    FAULTS_LAST: last ? '1' : '0',
    ...(asked['no-sync'] ? { FAULTS_PRELOAD: NO_SYNC } : {}),
    PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: folder,
  };
  const environment = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
  const kernel = [`mem=${MEMORY_MB}M`, 'rootfstype=hostfs', 'rootflags=/', 'rw', `ubd0=${folder}/disk.img`, `uml_dir=${folder}/`, 'con=null', 'con0=null,fd:1', 'quiet', `init=${scripts}/guest.sh`];
  // Its own process group, so that all of the machine goes at once.
  const machine = spawn('linux.uml', [...kernel, ...environment], { detached: true, stdio: 'ignore', env: { ...process.env, TMPDIR: folder } });
  machine.gone = new Promise((done) => machine.once('exit', done));
  return machine;
}

async function cut(machine) {
  process.kill(-machine.pid, 'SIGKILL');
  await machine.gone;
}

/** One life of the machine: until the store was compared and so many batches were answered, then the power goes. */
async function round(number) {
  const acknowledged = () => lines('ledger').filter((line) => line.startsWith('acknowledged')).length;
  const [reports, answered, wanted] = [lines('report').length, acknowledged(), 1 + roll(60)];
  const machine = boot(number, false);
  const end = performance.now() + ROUND_MAX_MS;
  while (acknowledged() - answered < wanted) {
    const told = lines('report').slice(reports).map((line) => JSON.parse(line));
    if (told.some(({ wrong }) => wrong.length)) break;
    if (performance.now() > end) {
      await cut(machine);
      throw new Error(`round ${number} took more than ${ROUND_MAX_MS / 1_000} s; ${lines('guest.log').slice(-3).join(' ')}`);
    }
    await sleep(5);
  }
  await cut(machine);
  return lines('report').slice(reports).map((line) => JSON.parse(line))[0];
}

let failures = [];
let cuts = 0;
try {
  execFileSync('truncate', ['-s', `${DISK_MB}M`, join(folder, 'disk.img')]);
  execFileSync('mkfs.ext4', ['-q', '-F', join(folder, 'disk.img')]);
  mkdirSync(join(folder, 'disk'));
  chmodSync(join(scripts, 'guest.sh'), 0o755);
  for (; cuts < Number(asked.cuts) && failures.length === 0; cuts += 1) {
    const told = await round(cuts);
    failures = told?.wrong ?? ['the machine told nothing'];
    if (cuts % 10 === 0) console.log(`  ${cuts} cuts, ready in ${told?.ready_ms} ms, ${told?.compared} events compared`);
  }
  if (failures.length === 0) {
    const before = lines('report').length;
    const machine = boot(cuts, true);
    const late = sleep(ROUND_MAX_MS).then(() => 'late');
    if ((await Promise.race([machine.gone, late])) === 'late') await cut(machine);
    failures = lines('report').slice(before).map((line) => JSON.parse(line))[0]?.wrong ?? ['the last start told nothing'];
  }
  const ledger = new Ledger(join(folder, 'ledger'));
  const resent = `${ledger.next - ledger.event_count} never answered`;
  console.log(`power cut${asked['no-sync'] ? ' without syncs' : ''}: ${cuts} cuts, ${ledger.event_count} events acknowledged, ${resent}, ${failures.length ? failures.join('; ') : '0 lost, 0 twice, 0 wrong'}`);
  ledger.close();
} finally {
  if (process.env.FAULTS_KEEP) console.log(`kept: ${folder}`);
  else rmSync(folder, { recursive: true, force: true });
}
process.exit(failures.length ? 1 : 0);
