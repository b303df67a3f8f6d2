// How fast each input takes events in, durably, beside NDJSON over HTTP in the same run.
// Usage: node bench/inputs.mjs BINARY [--events 1000000] [--only PIECE OF A NAME] [--sender PATH of the example send_datagrams]
//
// An input is done when GET /api/pipelines/inputs has counted every event as stored: then each is synced.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { cpus, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { beatsWindows, sendBeats } from './beats.mjs';
import { cpuSeconds, freePort, peakMb, residentMb, sleep } from './engine/measure.mjs';
import { Vigie } from './engine/vigie.mjs';

const HERE = dirname(fileURLToPath(import.meta.url));
const CONNECTIONS = 4;
const BATCH_EVENTS = 5_000;
const IDLE_CONNECTIONS = 10_000;
/** Datagrams per second that are sent, and whether none of them may be lost. */
const PACES = [[20_000, true], [60_000, false], [90_000, false]];
const PACED_SECONDS = 5;
const WAIT_MAX_MS = 180_000;
/** How much slower `_bulk` may be than NDJSON. */
const BULK_RATIO_MIN = 0.85;
/** Takes lines apart that Vigie does not know by itself, as those who come from Logstash do. */
const GROK_PIPELINE = `version = 1

[[stage]]
type = "grok"
patterns = ['^%{HOSTNAME:[host][name]} \\| %{COMBINEDAPACHELOG}$']

[[stage]]
type = "date"
field = "timestamp"
formats = ["dd/MMM/yyyy:HH:mm:ss Z"]

[[stage]]
type = "convert"
fields = { "http.response.status_code" = "int", "http.response.body.bytes" = "int" }
`;

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { events: { type: 'string', default: '1000000' }, only: { type: 'string', default: '' }, sender: { type: 'string' } },
});
const [binary] = positionals;
const count = Number(options.events);

/** Lines that begin and end at line ends, in as many pieces as there are connections. */
function pieces(bytes) {
  const ends = [0];
  for (let number = 1; number < CONNECTIONS; number++) ends.push(bytes.indexOf(10, Math.floor((bytes.length * number) / CONNECTIONS)) + 1);
  ends.push(bytes.length);
  return ends.slice(0, -1).map((start, number) => bytes.subarray(start, ends[number + 1]));
}

function accessLog(events) {
  const lines = [];
  const begun = Date.now() - 3_600_000;
  const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
  for (let number = 0; number < events; number++) {
    const at = new Date(begun + number);
    const iso = at.toISOString();
    const day = `${iso.slice(8, 10)}/${months[at.getUTCMonth()]}/${iso.slice(0, 4)}:${iso.slice(11, 19)} +0000`;
    const address = `${(number * 7) % 223 + 1}.${(number * 13) % 256}.${(number * 31) % 256}.${number % 256}`;
    const agent = `Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/${100 + (number % 40)}.0.0.0 Safari/537.36`;
    lines.push(`${address} - - [${day}] "GET /products/${number % 5000}?page=${number % 9} HTTP/1.1" ${number % 50 ? 200 : 404} ${number % 9000} "https://shop.example/" "${agent}"\n`);
  }
  return Buffer.from(lines.join(''));
}

function syslog(events) {
  const lines = [];
  const begun = Date.now() - 3_600_000;
  for (let number = 0; number < events; number++) {
    const at = new Date(begun + number).toISOString();
    lines.push(`<134>1 ${at} web-${number % 20} checkout ${1000 + (number % 50)} ID${number % 7} [shop@32473 order="o-${number}"] payment ${number} took ${number % 900} ms\n`);
  }
  return Buffer.from(lines.join(''));
}

class Bench {
  rows = [];

  async start(name, pipeline) {
    this.folder = mkdtempSync(join(tmpdir(), 'vigie-inputs-'));
    if (pipeline) {
      const pipelines = join(this.folder, 'vigie', 'pipelines');
      mkdirSync(pipelines, { recursive: true });
      writeFileSync(join(pipelines, 'default.toml'), pipeline);
    }
    const sections = ['TCP', 'UDP', 'SYSLOG_TCP', 'SYSLOG_UDP', 'BEATS'];
    this.ports = {};
    for (const section of sections) {
      this.ports[section] = await freePort();
      process.env[`VIGIE_INPUT_${section}_LISTEN`] = `127.0.0.1:${this.ports[section]}`;
    }
    this.vigie = new Vigie({ binary, folder: this.folder });
    this.name = name;
    await this.vigie.start();
  }

  async stop() {
    await this.vigie.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async input(name) {
    const answer = await this.vigie.asking.request('GET', '/api/pipelines/inputs', this.vigie.headers);
    return answer.json().inputs.find((input) => input.name === name);
  }

  /** Waits until the input has stored so many; what it says then. */
  async stored(name, events) {
    const end = Date.now() + WAIT_MAX_MS;
    for (;;) {
      const state = await this.input(name);
      if (state.stored + state.deduplicated + state.dead_lettered >= events) return state;
      if (Date.now() > end) throw new Error(`${name} stored ${state.stored} of ${events}: ${JSON.stringify(state)}`);
      await sleep(20);
    }
  }

  /** Waits until nothing more is stored and lost datagrams have been looked for since; what the input says then. */
  async settled(name) {
    let [state, since] = [await this.input(name), Date.now()];
    while (Date.now() - since < 1_500) {
      await sleep(50);
      const next = await this.input(name);
      if (next.stored !== state.stored) since = Date.now();
      state = next;
    }
    return state;
  }

  async measure(what, events, must, run, pipeline) {
    if (!what.includes(options.only)) return;
    await this.start(what, pipeline);
    const cpu = cpuSeconds(this.vigie.pid);
    const begun = performance.now();
    const { extra = '', seconds = (performance.now() - begun) / 1_000, stored = events } = (await run()) ?? {};
    const cpu_s = cpuSeconds(this.vigie.pid) - cpu;
    const row = { what, rate: stored / seconds, cpu: (cpu_s / events) * 1e6, peak: peakMb(this.vigie.pid), must, extra };
    this.rows.push(row);
    console.log(`${what}: ${Math.round(row.rate)} events/s, ${row.cpu.toFixed(1)} CPU s per million, peak ${Math.round(row.peak)} MB ${extra}`);
    await this.stop();
  }

  async overTcp(section, name, bytes, events) {
    const send = (piece) =>
      new Promise((done, fail) => {
        const socket = connect(this.ports[section], '127.0.0.1', () => socket.end(piece));
        socket.on('error', fail).on('close', done).resume();
      });
    await Promise.all(pieces(bytes).map(send));
    const state = await this.stored(name, events);
    if (state.stored !== events) throw new Error(`${name} stored ${state.stored} of ${events}: ${JSON.stringify(state)}`);
  }
}

const bench = new Bench();
const folder = mkdtempSync(join(tmpdir(), 'vigie-corpus-'));
try {
  const corpus = join(folder, 'lean.ndjson');
  const day = new Date(Date.now() - 86_400_000).toISOString().slice(0, 10);
  execFileSync('node', [join(HERE, 'corpus.mjs'), '--out', corpus, '--count', String(count), '--day', day]);
  const json = readFileSync(corpus);

  /** Sends batches over two connections. */
  const overHttp = async (bytes, linesOfBatch, path) => {
    const batches = [];
    for (let start = 0, lines = 0, at = 0; start < bytes.length; ) {
      at = bytes.indexOf(10, at) + 1;
      if (++lines === linesOfBatch || at >= bytes.length) {
        batches.push(bytes.subarray(start, at));
        [start, lines] = [at, 0];
      }
    }
    let next = 0;
    const send = async () => {
      const connection = bench.vigie.connection();
      while (next < batches.length) await bench.vigie.sendBatch(connection, batches[next++], path);
      connection.close();
    };
    await Promise.all([send(), send()]);
  };
  await bench.measure('NDJSON over HTTP', count, 0, () => overHttp(json, BATCH_EVENTS, '/api/logs/ingest?any_time=true'));
  const bulk = Buffer.from(json.toString().replaceAll(/^(?=.)/gm, '{"create":{}}\n'));
  const bulkPath = '/elasticsearch/ecommerce-logs/_bulk?any_time=true';
  const ndjsonRate = bench.rows[0]?.rate ?? 0;
  await bench.measure('`_bulk`', count, ndjsonRate * BULK_RATIO_MIN, () => overHttp(bulk, 2 * BATCH_EVENTS, bulkPath));
  await bench.measure('JSON lines over TCP', count, 100_000, () => bench.overTcp('TCP', 'tcp', json, count));
  const access = accessLog(count);
  await bench.measure('access log lines over TCP', count, 100_000, () => bench.overTcp('TCP', 'tcp', access, count));
  const prefixed = Buffer.from(access.toString().replaceAll(/^(?=.)/gm, 'web-1.shop.example | '));
  const grok = () => bench.overTcp('TCP', 'tcp', prefixed, count);
  await bench.measure('grok, country and browser, lines over TCP', count, 100_000, grok, GROK_PIPELINE);
  const messages = syslog(count);
  await bench.measure('syslog over TCP (RFC 5424)', count, 80_000, () => bench.overTcp('SYSLOG_TCP', 'syslog_tcp', messages, count));

  const windows = beatsWindows(access.toString().trimEnd().split('\n'));
  await bench.measure('Beats, windows of 2,048, compressed', count, 80_000, () => sendBeats(bench.ports.BEATS, windows, CONNECTIONS));

  if (options.sender) {
    const short = join(folder, 'short.ndjson');
    writeFileSync(short, json.subarray(0, json.indexOf(10, 40_000_000) + 1));
    const send = (events, rate) => {
      execFileSync(options.sender, [short, `127.0.0.1:${bench.ports.UDP}`, String(events), String(rate)]);
    };
    for (const [rate, isWithoutLoss] of PACES) {
      const sent = rate * PACED_SECONDS;
      await bench.measure(`UDP, ${rate}/s sent`, sent, 0, async () => {
        const said = execFileSync(options.sender, [short, `127.0.0.1:${bench.ports.UDP}`, String(sent), String(rate)]).toString();
        const state = await bench.settled('udp');
        const lost = sent - state.stored;
        const seconds = Number(/in ([\d.]+) s/.exec(said)[1]);
        const extra = `lost ${lost}${isWithoutLoss && lost > 0 ? ' **must be 0**' : ''}, counted as lost ${state.lost_datagrams}`;
        return { extra, seconds, stored: state.stored };
      });
    }
  }

  if (!options.only) {
    await bench.start('idle connections');
    const before = residentMb(bench.vigie.pid);
    const sockets = [];
    for (let number = 0; number < IDLE_CONNECTIONS; number++) {
      sockets.push(await new Promise((done, fail) => {
        const socket = connect(bench.ports.TCP, '127.0.0.1', () => done(socket)).on('error', fail);
      }));
    }
    while ((await bench.input('tcp')).connections < IDLE_CONNECTIONS) await sleep(50);
    const extra_mb = residentMb(bench.vigie.pid) - before;
    const begun = performance.now();
    for (let number = 0; number < 100; number++) await bench.vigie.asking.request('GET', '/api/logs/stats', bench.vigie.headers);
    const ask_ms = (performance.now() - begun) / 100;
    console.log(`${IDLE_CONNECTIONS} idle connections: +${extra_mb.toFixed(0)} MB (must < 150), a question beside them ${ask_ms.toFixed(1)} ms`);
    sockets.forEach((socket) => socket.destroy());
    await bench.stop();
  }

  console.log(`\n${cpus().length} processors, ${count} events, ${CONNECTIONS} connections, every event synced\n`);
  console.log('| input | events/s | must | CPU s per million | peak MB | |\n|---|---|---|---|---|---|');
  for (const { what, rate, must, cpu, peak, extra } of bench.rows) {
    const wanted = must ? `${Math.round(must)}${rate >= must ? '' : ' **missed**'}` : '';
    console.log(`| ${what} | ${Math.round(rate)} | ${wanted} | ${cpu.toFixed(1)} | ${Math.round(peak)} | ${extra} |`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
