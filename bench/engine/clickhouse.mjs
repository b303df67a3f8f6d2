// ClickHouse in a Python process of its own (PyPI `chdb`), asked over its standard input: no HTTP and no sync in what it costs.
import { execFileSync, spawn } from 'node:child_process';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { cpuSeconds, diskBytes, peakMb, quiet, residentMb } from './measure.mjs';

const HOME = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'vigie-bench', 'chdb-venv');
const SCRIPT = join(dirname(fileURLToPath(import.meta.url)), 'clickhouse.py');

/** Installs chdb into the user's cache folder unless it is there. */
function ensureInstalled() {
  const python = join(HOME, 'bin', 'python');
  if (!hasChdb(python)) {
    execFileSync('python3', ['-m', 'venv', HOME], { stdio: 'inherit' });
    execFileSync(python, ['-m', 'pip', 'install', '--quiet', 'chdb'], { stdio: 'inherit' });
  }
  return python;
}

function hasChdb(python) {
  try {
    execFileSync(python, ['-c', 'import chdb'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

export class ClickHouse {
  name = 'ClickHouse';

  constructor({ folder }) {
    this.data = join(folder, 'clickhouse');
    this.python = ensureInstalled();
  }

  async start() {
    this.child = spawn(this.python, [SCRIPT, this.data], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.pid = this.child.pid;
    this.ended = new Promise((done) => this.child.once('exit', done));
    this.lines = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
    const hello = await this.call({ query: 'SELECT version()' });
    [[this.version]] = hello.answer.data;
  }

  async stop() {
    this.child?.stdin.end();
    await this.ended;
  }

  async restart() {
    await this.stop();
    await this.start();
  }

  async call(demand) {
    this.child.stdin.write(`${JSON.stringify(demand)}\n`);
    const { value, done } = await this.lines.next();
    if (done) throw new Error('ClickHouse ended');
    const answer = JSON.parse(value);
    if (answer.error) throw new Error(`ClickHouse: ${answer.error}`);
    return answer;
  }

  /** Reads the file itself. */
  async ingest(_batches, { file, count }) {
    const cpu = cpuSeconds(this.pid);
    const { ms } = await this.call({ ingest: file });
    const answered_cpu_s = cpuSeconds(this.pid) - cpu;
    const is_quiet = await quiet(this.pid);
    const measured = { events: count, wall_s: ms / 1_000, client_cpu_s: 0, answered_cpu_s, cpu_s: cpuSeconds(this.pid) - cpu, is_quiet };
    // Its best layout for queries and disk; what that costs is not counted above.
    await this.call({ execute: 'OPTIMIZE TABLE logs FINAL' });
    const { answer } = await this.call({ query: "SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND table = 'logs'" });
    this.stored = Number(answer.data[0][0]);
    return measured;
  }

  diskBytes() {
    return this.stored ?? diskBytes(this.data);
  }

  residentMb() {
    return residentMb(this.pid);
  }

  peakMb() {
    return peakMb(this.pid);
  }

  async ask(query, param) {
    const { ms, answer } = await this.call({ query: query.clickhouse(param) });
    return { ms, answer: () => query.clickhouseAnswer(answer) };
  }
}
