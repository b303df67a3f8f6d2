// The foundation's figures: start, idle memory, durable ingest, bytes on disk, upload memory, queries over HTTP.
// Usage: node bench/foundation.mjs BINARY. Linux only: memory is read from /proc.
import { execFileSync, spawn } from 'node:child_process';
import { createReadStream, mkdtempSync, openAsBlob, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { cpus, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

const binary = resolve(process.argv[2] ?? 'target/dist/vigie');
const EVENTS = 400_000;
const BATCH = 5_000;
const SENDERS = 2;
const UPLOAD_BYTES = 100_000_000;
const REPEATS = 30;
const PASSWORD = 'quiet-lantern-42-orbit';

const folder = mkdtempSync(join(tmpdir(), 'vigie-bench-'));
const rows = [];
const note = (measure, value, target = '') => rows.push([measure, value, target]);

async function freePort() {
  const server = createServer();
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

async function start(name) {
  const port = await freePort();
  const data = join(folder, name);
  const begun = performance.now();
  const child = spawn(binary, ['serve', '--data', data, '--listen', `127.0.0.1:${port}`], {
    // Settings of the caller's environment are in force, so that they can be compared.
    env: { ...process.env, VIGIE_ADMIN_PASSWORD: PASSWORD, VIGIE_LOG_LEVEL: 'warn' },
    stdio: 'ignore',
  });
  const url = `http://127.0.0.1:${port}`;
  while (!(await fetch(`${url}/readyz`).then((answer) => answer.ok, () => false)));
  return { child, url, data, ready_ms: performance.now() - begun };
}

async function stop({ child }) {
  const ended = new Promise((done) => child.once('exit', done));
  child.kill('SIGTERM');
  await ended;
}

const memory = ({ child }, key) => Number(new RegExp(`${key}:\\s+(\\d+)`).exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))[1]) / 1024;
const cpuSeconds = ({ child }) => {
  const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
};
const diskBytes = (path) => Number(execFileSync('du', ['-sb', path]).toString().split('\t')[0]);
const percentile = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];

async function token({ url }) {
  const answer = await fetch(`${url}/api/auth/login`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ username: 'admin@localhost', password: PASSWORD }),
  });
  return (await answer.json()).access_token;
}

/** The ways in that are compared: where to send, and what stands before each event. */
const NDJSON = { path: '/api/logs/ingest?any_time=true', before: '' };
const BULK = { path: '/elasticsearch/_bulk?any_time=true', before: '{"create":{}}\n' };

async function ingest(server, auth, file, way) {
  const batches = [];
  let lines = [];
  for await (const line of createInterface({ input: createReadStream(file) })) {
    lines.push(way.before + line);
    if (lines.length === BATCH) batches.push(lines.splice(0).join('\n'));
  }
  if (lines.length > 0) batches.push(lines.join('\n'));
  const cpu = cpuSeconds(server);
  const begun = performance.now();
  let next = 0;
  const send = async () => {
    while (next < batches.length) {
      const body = batches[next++];
      const answer = await fetch(server.url + way.path, { method: 'POST', headers: { ...auth, 'Content-Type': 'application/x-ndjson' }, body });
      const text = await answer.text();
      if (!answer.ok || text.startsWith('{"errors":true')) throw new Error(`${answer.status} ${text.slice(0, 500)}`);
    }
  };
  await Promise.all(Array.from({ length: SENDERS }, send));
  return { seconds: (performance.now() - begun) / 1000, cpu_s: cpuSeconds(server) - cpu };
}

async function query(server, auth, name, ask) {
  const times = [];
  for (let round = 0; round < REPEATS; round += 1) {
    const begun = performance.now();
    const answer = await ask();
    if (!answer.ok) throw new Error(`${name}: ${answer.status} ${await answer.text()}`);
    await answer.arrayBuffer();
    times.push(performance.now() - begun);
  }
  times.sort((a, b) => a - b);
  note(`${name}: p50 / p95`, `${percentile(times, 0.5).toFixed(1)} / ${percentile(times, 0.95).toFixed(1)} ms`, 'p95 < 200 ms');
}

try {
  const empty = await start('empty');
  note('start to ready, empty store', `${empty.ready_ms.toFixed(0)} ms`, '< 1,000 ms');
  note('idle memory (RSS), empty store', `${memory(empty, 'VmRSS').toFixed(0)} MB`, '< 60 MB');
  await stop(empty);

  const file = join(folder, 'events.ndjson');
  execFileSync(binary, ['generate', '--events', String(EVENTS), '--seed', '11', '--out', file], { stdio: 'ignore' });
  const server = await start('full');
  const auth = { Authorization: `Bearer ${await token(server)}` };
  const { seconds, cpu_s } = await ingest(server, auth, file, NDJSON);
  note(`durable ingest, ${EVENTS.toLocaleString('en')} events, batches of ${BATCH.toLocaleString('en')}`, `${Math.round(EVENTS / seconds).toLocaleString('en')} events/s`, 'far more than 1,000/s');
  note('server CPU per million events', `${((cpu_s * 1e6) / EVENTS).toFixed(1)} s`);
  note('peak memory while ingesting', `${memory(server, 'VmHWM').toFixed(0)} MB`);

  const other = await start('bulk');
  const bulk = await ingest(other, { Authorization: `Bearer ${await token(other)}` }, file, BULK);
  await stop(other);
  const share = (mine, theirs) => `${Math.round((100 * mine) / theirs)} %`;
  note('the same as `_bulk` with an answer for each event', `${Math.round(EVENTS / bulk.seconds).toLocaleString('en')} events/s (${share(seconds, bulk.seconds)})`, '> 85 %');
  note('server CPU per million events as `_bulk`', `${((bulk.cpu_s * 1e6) / EVENTS).toFixed(1)} s (${share(bulk.cpu_s, cpu_s)})`);

  const post = (path, body) => fetch(server.url + path, { method: 'POST', headers: { ...auth, 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
  const get = (path) => fetch(server.url + path, { headers: auth });
  await query(server, auth, 'newest 50 of all', () => post('/api/logs/search', { query: '', size: 50 }));
  await query(server, auth, 'newest 50 errors of one service', () => post('/api/logs/search', { query: 'level:error AND service:payment', size: 50 }));
  await query(server, auth, 'newest 50 with a word anywhere', () => post('/api/logs/search', { query: 'timed', size: 50 }));
  await query(server, auth, 'histogram by level, 24 h', () => get('/api/analytics/logs-per-hour?from=now-24h&to=now'));
  await query(server, auth, 'dashboard numbers, 24 h and the 24 h before', () => get('/api/dashboard/stats'));
  await stop(server);
  const stored = await start('full');
  note('bytes on disk per event (JSON sent: ' + Math.round(statSync(file).size / EVENTS) + ')', (diskBytes(join(stored.data, 'logs')) / EVENTS).toFixed(0));
  note('start to ready, full store', `${stored.ready_ms.toFixed(0)} ms`);
  const upload = join(folder, 'upload.ndjson');
  writeFileSync(upload, readFileSync(file).subarray(0, UPLOAD_BYTES - 1_000_000));
  const form = new FormData();
  form.append('file', await openAsBlob(upload), 'upload.ndjson');
  const uploader = { Authorization: `Bearer ${await token(stored)}` };
  // The peak so far is that of hashing the password.
  writeFileSync(`/proc/${stored.child.pid}/clear_refs`, '5');
  const before = memory(stored, 'VmRSS');
  const answer = await fetch(`${stored.url}/api/logs/upload?any_time=true`, { method: 'POST', headers: uploader, body: form });
  const state = await answer.json();
  note('upload of 99 MB', `${state.records_processed.toLocaleString('en')} events, ${state.state}`);
  note('memory that it added at its peak', `${(memory(stored, 'VmHWM') - before).toFixed(0)} MB`, '< 150 MB');
  await stop(stored);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column].length), ['measure', 'measured', 'target'][column].length));
const line = (row) => `| ${row.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |`;
console.log(`${cpus().length} cores, ${cpus()[0].model}`);
console.log(line(['measure', 'measured', 'target']));
console.log(`|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`);
rows.forEach((row) => console.log(line(row)));
