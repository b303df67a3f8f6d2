// Vigie as it is measured: the binary, over HTTP, every answer to a batch after its sync.
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Connection } from './connection.mjs';
import { clientCpuSeconds, cpuSeconds, diskBytes, folderBytes, freePort, peakMb, quiet, residentMb, sleep } from './measure.mjs';

const PASSWORD = 'quiet-lantern-42-orbit';
const SENDERS = 2;
/** A log with less in it holds no event that is not in a part as well. */
const EMPTY_LOG_BYTES = 65_536;
/** So that a run need not wait a minute for the last events to be written; said in the report. */
export const FLUSH_SECONDS = '15';
/** The same for the ten minutes after which the parts of a day and type become one; long enough to tell its CPU from that of ingest. */
export const GATHER_SECONDS = '30';

export class Vigie {
  name = 'Vigie';

  constructor({ binary, folder }) {
    this.binary = binary;
    this.data = join(folder, 'vigie');
    this.log = join(folder, 'vigie.log');
    mkdirSync(folder, { recursive: true });
  }

  async start() {
    const port = await freePort();
    const log = openSync(this.log, 'a');
    const begun = performance.now();
    this.child = spawn(this.binary, ['serve', '--data', this.data, '--listen', `127.0.0.1:${port}`], {
      // Settings of the caller's environment are in force, so that they can be compared. Peers judge no payments.
      env: { VIGIE_STORAGE_FLUSH_SECONDS: FLUSH_SECONDS, VIGIE_STORAGE_GATHER_AFTER_S: GATHER_SECONDS, VIGIE_FRAUD_ENABLED: 'false', VIGIE_LOG_LEVEL: 'warn', ...process.env, VIGIE_ADMIN_PASSWORD: PASSWORD },
      stdio: ['ignore', 'ignore', log],
    });
    closeSync(log);
    this.ended = new Promise((done) => this.child.once('exit', done));
    this.pid = this.child.pid;
    this.url = `http://127.0.0.1:${port}`;
    this.asking = new Connection(this.url);
    const isReady = () => this.asking.request('GET', '/readyz').then(({ status }) => status === 200, () => false);
    while (!(await isReady())) {
      if (this.child.exitCode !== null) throw new Error(`${this.binary} ended with ${this.child.exitCode}: ${readFileSync(this.log, 'utf8')}`);
      await sleep(2);
    }
    this.ready_ms = performance.now() - begun;
    const login = await this.asking.request('POST', '/api/auth/login', {}, { username: 'admin@localhost', password: PASSWORD });
    this.headers = { Authorization: `Bearer ${login.json().access_token}` };
  }

  async stop() {
    this.asking?.close();
    this.child?.kill('SIGTERM');
    // A store that is left must be whole, so it is waited for.
    await this.ended;
  }

  /** The same store in a new process. */
  async restart() {
    await this.stop();
    await this.start();
  }

  connection() {
    return new Connection(this.url);
  }

  async sendBatch(connection, body, path = '/api/logs/ingest?any_time=true') {
    const headers = { ...this.headers, 'Content-Type': 'application/x-ndjson' };
    const answer = await connection.request('POST', path, headers, body);
    if (answer.status !== 200 || answer.body.includes('"errors":true')) throw new Error(`Vigie answered ${answer.status} to events: ${answer.body}`);
  }

  /** Sends batches over two connections; CPU is that until every event is in a part. */
  async ingest(batches) {
    const [cpu, client] = [cpuSeconds(this.pid), clientCpuSeconds()];
    const begun = performance.now();
    let events = 0;
    const send = async () => {
      const connection = this.connection();
      for (const batch of batches) {
        await this.sendBatch(connection, batch.body);
        events += batch.events;
      }
      connection.close();
    };
    await Promise.all(Array.from({ length: SENDERS }, send));
    const wall_s = (performance.now() - begun) / 1_000;
    const client_cpu_s = clientCpuSeconds() - client;
    const answered_cpu_s = cpuSeconds(this.pid) - cpu;
    const isInParts = () => folderBytes(join(this.data, 'logs/wal')) < EMPTY_LOG_BYTES;
    const is_quiet = await quiet(this.pid, isInParts);
    return { events, wall_s, client_cpu_s, answered_cpu_s, cpu_s: cpuSeconds(this.pid) - cpu, is_quiet };
  }

  /** Waits until each day and type has one part, the layout that it is asked in, as peers are merged into theirs; the CPU that it took. */
  async gathered() {
    const cpu = cpuSeconds(this.pid);
    const isGathered = () => {
      const names = readdirSync(join(this.data, 'logs/indices'), { recursive: true }).filter((name) => name.endsWith('.parquet'));
      return new Set(names.map((name) => name.replace(/-[0-9a-f]+\.parquet$/, ''))).size === names.length;
    };
    if (!(await quiet(this.pid, isGathered))) throw new Error('the parts of a day and type did not become one in time');
    return cpuSeconds(this.pid) - cpu;
  }

  diskBytes() {
    return diskBytes(join(this.data, 'logs'));
  }

  residentMb() {
    return residentMb(this.pid);
  }

  peakMb() {
    return peakMb(this.pid);
  }

  /** One answer and how long it took; `undefined` when this binary has no such route. */
  async ask(query, param) {
    const { path, body } = query.vigie(param);
    const bytes = Buffer.from(JSON.stringify(body));
    const head = this.asking.head('POST', path, this.headers, bytes.length);
    const begun = performance.now();
    const answer = await this.asking.send(head, bytes);
    const ms = performance.now() - begun;
    if (answer.status === 404) return undefined;
    if (answer.status !== 200) throw new Error(`${query.name}: ${answer.status} ${answer.body}`);
    return { ms, answer: () => query.vigieAnswer(answer.json()) };
  }
}
