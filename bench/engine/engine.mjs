// The engine beside its peers, on the same events in one run: ingest, disk, memory, twelve queries, and what the targets say.
// Usage: node bench/engine/engine.mjs [--binary FILE] [--events 2000000] [--peers clickhouse,opensearch] [--corpus FILE]
//        [--busy 5000] [--json FILE] [--growth 50000000 --step 2000000] [--heavy]
//
// ClickHouse is installed from PyPI into the user's cache folder. OpenSearch is measured when VIGIE_BENCH_OPENSEARCH names a script
// that is called `start FOLDER PORT`, prints `ready: URL … pids=N`, and has `stop FOLDER` beside it. Settings of Vigie are taken
// from the environment (VIGIE_STORAGE_FLUSH_BYTES …). Linux only. Everything but a corpus named lives in a temporary folder.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { yesterday } from '../corpus.mjs';
import { askAll, askUnderIngest, compare } from './asking.mjs';
import { ClickHouse } from './clickhouse.mjs';
import { batches, ensureCorpus, madeBatches, samples } from './events.mjs';
import { growth } from './growth.mjs';
import { heavy } from './heavy.mjs';
import { OpenSearch } from './opensearch.mjs';
import { QUERIES } from './queries.mjs';
import { ingestTable, queryTable, shown, targetTable, whole } from './report.mjs';
import { singles } from './singles.mjs';
import { FLUSH_SECONDS, Vigie } from './vigie.mjs';

/** Events of which those under ingest and single ones are made: enough never to run out. */
const LATER_EVENTS = 2_000_000;

const { values: options } = parseArgs({
  options: {
    binary: { type: 'string', default: 'target/dist/vigie' },
    events: { type: 'string', default: '2000000' },
    peers: { type: 'string', default: 'clickhouse,opensearch' },
    corpus: { type: 'string' },
    busy: { type: 'string', default: '5000' },
    json: { type: 'string' },
    growth: { type: 'string' },
    step: { type: 'string', default: '2000000' },
    heavy: { type: 'boolean', default: false },
  },
});
const folder = mkdtempSync(join(tmpdir(), 'vigie-engine-'));
const binary = resolve(options.binary);
const count = Number(options.events);
/** What was started and may still run. */
const systems = [];
const say = (text) => console.error(`${new Date().toISOString().slice(11, 19)} ${text}`);

function peersAsked() {
  const names = options.peers.split(',').filter(Boolean);
  const peers = [];
  if (names.includes('clickhouse')) peers.push(new ClickHouse({ folder }));
  const script = process.env.VIGIE_BENCH_OPENSEARCH;
  if (names.includes('opensearch') && script) peers.push(new OpenSearch({ script, folder }));
  else if (names.includes('opensearch')) say('OpenSearch is left out: VIGIE_BENCH_OPENSEARCH names no script that starts it');
  return peers;
}

const corpusAsked = () => ensureCorpus({ file: options.corpus ? resolve(options.corpus) : join(folder, 'corpus.ndjson'), count });

/** Ingest and queries of one system; it runs on when this returns. */
async function measure(system, corpus, found) {
  say(`${system.name}: ingest`);
  await system.start();
  // Read before, so that reading takes nothing from the server while it is measured.
  const ingest = await system.ingest([...batches(corpus.file)].values(), { file: corpus.file, count });
  Object.assign(ingest, { peak_mb: system.peakMb(), idle_mb: system.residentMb() });
  const gather_cpu_s = await system.gathered?.();
  Object.assign(ingest, { disk_bytes: system.diskBytes(), gather_cpu_s });
  say(`${system.name}: queries`);
  // A new OpenSearch for every cold question would take minutes: there, cold is the first time in one new process.
  const queries = await askAll(system, found, { isFresh: system.name !== 'OpenSearch' });
  return { name: system.name, version: system.version, ingest, queries, restarted_mb: system.residentMb() };
}

async function whileEventsArrive(vigie, own, found) {
  const later = { count: LATER_EVENTS, day: new Date(Date.parse(yesterday()) + 86_400_000).toISOString().slice(0, 10), seed: 2 };
  say('Vigie: queries while events arrive');
  const arrived = await askUnderIngest(vigie, found, own.queries, { makeBatches: (events) => madeBatches(later, events), rate_per_s: Number(options.busy) });
  say('Vigie: single events');
  return { arrived, alone: await singles(vigie, madeBatches({ ...later, seed: 3 }, 1)) };
}

/** Everything on the same events, one system after the other. */
async function compareAll(vigie) {
  const peers = peersAsked();
  systems.push(...peers);
  const corpus = corpusAsked();
  const found = samples(corpus.file);
  const measured = [];
  let later;
  try {
    const own = await measure(vigie, corpus, found);
    measured.push(own);
    later = await whileEventsArrive(vigie, own, found);
  } finally {
    await vigie.stop();
  }
  for (const peer of peers) {
    try {
      measured.push(await measure(peer, corpus, found));
    } finally {
      await peer.stop();
    }
  }
  compare(measured[0], measured.slice(1));
  report(measured, corpus, later);
  return { measured, later };
}

function report(measured, corpus, { arrived, alone }) {
  console.log(`${whole(count)} events of ${Math.round(corpus.bytes / count)} bytes; memory written as parts after ${process.env.VIGIE_STORAGE_FLUSH_SECONDS ?? FLUSH_SECONDS} s at the latest`);
  console.log('CPU of all threads of the server; that of the client, which makes no events meanwhile, is beside it and not counted. ClickHouse reads the file itself, in process, without HTTP or sync.\n');
  console.log(`${ingestTable(measured)}\n`);
  console.log(`putting the parts of a day and type together took ${shown(measured[0].ingest.gather_cpu_s)} CPU s after that, as merging the peers does, which is not counted; disk and answers are of what they then have\n`);
  console.log(`${targetTable(measured[0])}\n`);
  console.log(`${queryTable(QUERIES, measured)}\n`);
  console.log(`events that arrived meanwhile: ${whole(arrived.per_s)}/s`);
  console.log(`single events over ${alone.connections} connections: ${whole(alone.per_s)}/s, p50 ${shown(alone.p50_ms)} ms, p95 ${shown(alone.p95_ms)} ms (server ${shown(alone.cpu_s)} CPU s, client ${shown(alone.client_cpu_s)})`);
}

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, async () => {
    await Promise.allSettled(systems.map((system) => system.stop()));
    rmSync(folder, { recursive: true, force: true });
    process.exit(1);
  });
}

try {
  console.log(`${cpus().length} cores, ${cpus()[0].model}; load before ${loadavg()[0].toFixed(1)}`);
  const vigie = new Vigie({ binary, folder });
  systems.push(vigie);
  let result;
  if (options.growth) result = await growth(vigie, { say, until: Number(options.growth), step: Number(options.step) });
  else if (options.heavy) result = await heavy(vigie, { say, corpus: corpusAsked() });
  else result = await compareAll(vigie);
  console.log(`load after: ${loadavg()[0].toFixed(1)}; on a machine with other work, CPU is worth more than time`);
  if (options.json) writeFileSync(options.json, `${JSON.stringify(result, null, 1)}\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
