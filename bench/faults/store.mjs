// Vigie as it is hurt: the binary in a folder, started, killed and asked over loopback.
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { Connection } from '../engine/connection.mjs';
import { freePort, sleep } from '../engine/measure.mjs';

/** For throw-away servers only. */
const PASSWORD = 'quiet-lantern-42-orbit';
/** How long a start may take on a busy machine. */
const START_MAX_MS = 120_000;

export class Store {
  /** `before` is a command that starts another, such as `['prlimit', '--nofile=256']`. */
  constructor({ binary, data, log, env = {}, before = [] }) {
    Object.assign(this, { binary, data, log, env, before });
  }

  async start() {
    const begun = performance.now();
    const port = await freePort();
    const log = openSync(this.log, 'a');
    const [program, ...rest] = [...this.before, this.binary, 'serve', '--data', this.data, '--listen', `127.0.0.1:${port}`];
    this.child = spawn(program, rest, {
      env: { ...process.env, VIGIE_LOG_LEVEL: 'warn', VIGIE_ADMIN_PASSWORD: PASSWORD, ...this.env },
      stdio: ['ignore', 'ignore', log],
    });
    closeSync(log);
    this.ended = new Promise((done) => this.child.once('exit', (code, signal) => done({ code, signal })));
    this.url = `http://127.0.0.1:${port}`;
    this.asking = new Connection(this.url);
    const isReady = () => this.asking.request('GET', '/readyz').then(({ status }) => status === 200, () => false);
    while (!(await isReady())) {
      if (this.child.exitCode !== null || this.child.signalCode !== null) throw new Error(`it ended before it was ready: ${this.lastWords()}`);
      if (performance.now() - begun > START_MAX_MS) throw new Error('it was not ready in two minutes');
      await sleep(5);
    }
    this.ready_ms = performance.now() - begun;
    const login = await this.asking.request('POST', '/api/auth/login', {}, { username: 'admin@localhost', password: PASSWORD });
    this.headers = { Authorization: `Bearer ${login.json().access_token}` };
  }

  lastWords() {
    return readFileSync(this.log, 'utf8').trim().split('\n').slice(-3).join('\n');
  }

  /** No handler runs: the process is gone. */
  async kill() {
    this.child.kill('SIGKILL');
    return this.gone();
  }

  /** It is asked to end, and how it ended. */
  async stop() {
    this.child.kill('SIGTERM');
    return this.gone();
  }

  async gone() {
    const how = await this.ended;
    this.asking.close();
    return how;
  }

  connection() {
    return new Connection(this.url);
  }

  /** The answer to a batch of events. */
  send(connection, events) {
    const body = events.map((event) => JSON.stringify(event)).join('\n');
    return connection.request('POST', '/api/logs/ingest', { ...this.headers, 'Content-Type': 'application/x-ndjson' }, body);
  }

  async ask(path, body) {
    const answer = await this.asking.request('POST', path, this.headers, body);
    if (answer.status !== 200) throw new Error(`${path} answered ${answer.status}: ${answer.body}`);
    return answer.json();
  }

  /** Every event that the query finds. */
  async *events(query) {
    let cursor = null;
    do {
      const page = await this.ask('/api/logs/search', { query, size: 1_000, cursor });
      yield* page.hits.map((hit) => hit._source);
      cursor = page.next_cursor;
    } while (cursor);
  }
}
