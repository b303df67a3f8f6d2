// Hurts a running store in full size and compares what it holds with what it acknowledged. Loopback only, one
// temporary folder, every process ended by its number.
//
//   node bench/faults/faults.mjs --binary target/release/vigie [--kills 1000] [--overload-s 600] [--only kills,overload]
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { fewFiles } from './few-files.mjs';
import { fullDisk } from './full-disk.mjs';
import { kills, stops } from './kills.mjs';
import { overload } from './overload.mjs';
import { Report } from './report.mjs';

const { values: asked } = parseArgs({
  options: {
    binary: { type: 'string' },
    kills: { type: 'string', default: '1000' },
    'overload-s': { type: 'string', default: '600' },
    only: { type: 'string', default: 'kills,stops,full-disk,few-files,overload' },
  },
});
const faults = { kills, stops, 'full-disk': fullDisk, 'few-files': fewFiles, overload };
const report = new Report();
for (const name of asked.only.split(',')) {
  const folder = mkdtempSync(join(tmpdir(), 'vigie-faults-'));
  const around = { binary: resolve(asked.binary), folder, kill_count: Number(asked.kills), overload_s: Number(asked['overload-s']) };
  try {
    await faults[name](around, report);
  } catch (error) {
    report.add(name, 'it could not be done to the end', [error.stack]);
  } finally {
    if (process.env.FAULTS_KEEP) console.log(`kept: ${folder}`);
    else rmSync(folder, { recursive: true, force: true });
  }
}
console.log(report.is_good ? '\nAll held.' : '\nSomething did not hold.');
process.exit(report.is_good ? 0 : 1);
