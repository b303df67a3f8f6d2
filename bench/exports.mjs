// Exports of the lean corpus in each format: when the first byte comes, events a second, memory while it goes on.
// Then the analytics, performance and patterns of the same events, warm.
// Usage: node bench/exports.mjs BINARY [--events 2000000] [--corpus FILE] [--repeat 15]
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { yesterday } from './corpus.mjs';
import { batches, ensureCorpus } from './engine/events.mjs';
import { percentile } from './engine/measure.mjs';
import { shown, table, whole } from './engine/report.mjs';
import { Vigie } from './engine/vigie.mjs';

const FIRST_BYTE_MUST_MS = 300;
const NDJSON_MUST_PER_S = 500_000;
const P95_MUST_MS = 200;
/** Memory is looked at this often. */
const LOOK_MS = 200;

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { events: { type: 'string', default: '2000000' }, corpus: { type: 'string' }, repeat: { type: 'string', default: '15' } },
});
const day = yesterday();
const range = `from=${day}T00:00:00Z&to=${day}T23:59:59.999Z`;
const EXPORTS = {
  'NDJSON, all': 'format=ndjson',
  'CSV, six columns': 'format=csv',
  'Parquet, every field': 'format=parquet',
  'NDJSON, errors of a service': 'format=ndjson&query=level%3AERROR%20AND%20service%3Apayment',
};
const QUESTIONS = {
  'performance: metrics': `/api/performance/metrics?${range}`,
  'performance: endpoints': `/api/performance/api-response-times?${range}`,
  'performance: databases': `/api/performance/database-latency?${range}`,
  'performance: heatmap': `/api/performance/heatmap?${range}`,
  'analytics: transactions': `/api/analytics/transactions?${range}`,
  'analytics: funnel with cohorts': `/api/analytics/funnel?${range}`,
  'analytics: trends': `/api/analytics/trends?${range}`,
  'analytics: products': `/api/analytics/top-products?${range}`,
  'analytics: countries': `/api/analytics/top-countries?${range}`,
  'patterns of all messages': `/api/search/patterns?${range}`,
};

const folder = mkdtempSync(join(tmpdir(), 'vigie-exports-'));
const vigie = new Vigie({ binary: positionals[0], folder });

/** Reads a whole export and counts its bytes; the lines are counted by the server's header. */
function take(query) {
  const { hostname, port } = new URL(vigie.url);
  const begun = performance.now();
  return new Promise((done, fail) => {
    const asked = request({ hostname, port, path: `/api/logs/export?${query}`, headers: vigie.headers }, (answer) => {
      if (answer.statusCode !== 200) return fail(new Error(`${query}: ${answer.statusCode}`));
      let [first_ms, bytes, peak_mb] = [null, 0, vigie.residentMb()];
      const looking = setInterval(() => (peak_mb = Math.max(peak_mb, vigie.residentMb())), LOOK_MS);
      answer.on('data', (part) => {
        first_ms ??= performance.now() - begun;
        bytes += part.length;
      });
      answer.on('end', () => {
        clearInterval(looking);
        done({ first_ms, bytes, peak_mb, s: (performance.now() - begun) / 1000, events: Number(answer.headers['x-total-count']) });
      });
      answer.on('error', fail);
    });
    asked.on('error', fail);
    asked.end();
  });
}

async function ask(path) {
  const begun = performance.now();
  const answer = await vigie.asking.request('GET', path, vigie.headers);
  if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${answer.body}`);
  return performance.now() - begun;
}

try {
  const corpus = options.corpus ?? join(folder, 'lean.ndjson');
  ensureCorpus({ file: corpus, count: Number(options.events), day });
  await vigie.start();
  await vigie.ingest(batches(corpus));
  await vigie.restart();
  const exports = [];
  for (const [name, query] of Object.entries(EXPORTS)) {
    const before_mb = vigie.residentMb();
    const { first_ms, bytes, peak_mb, s, events } = await take(query);
    const misses = [];
    if (first_ms >= FIRST_BYTE_MUST_MS) misses.push('first byte');
    if (name === 'NDJSON, all' && events / s < NDJSON_MUST_PER_S) misses.push('events/s');
    exports.push([name, whole(events), whole(bytes / 1e6), shown(first_ms), whole(events / s), `${whole(before_mb)} → ${whole(peak_mb)}`, misses.length === 0 ? 'met' : `MISSED: ${misses.join(', ')}`]);
  }
  console.log(table(['export', 'events', 'MB', 'first byte, ms', 'events/s', 'memory, MB', `first byte < ${FIRST_BYTE_MUST_MS} ms, NDJSON ≥ ${NDJSON_MUST_PER_S}/s`], exports));
  const rows = [];
  for (const [name, path] of Object.entries(QUESTIONS)) {
    await vigie.restart();
    const cold = await ask(path);
    const times = [];
    for (let round = 0; round < Number(options.repeat); round += 1) times.push(await ask(path));
    const p95 = percentile(times, 0.95);
    rows.push([name, shown(cold), shown(percentile(times, 0.5)), shown(p95), p95 < P95_MUST_MS ? 'met' : 'MISSED']);
  }
  console.log(table(['question', 'new process, ms', 'p50', 'p95', `p95 < ${P95_MUST_MS} ms`], rows));
} finally {
  await vigie.stop();
  rmSync(folder, { recursive: true, force: true });
}
