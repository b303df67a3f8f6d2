// What a shop's people ask all day, while events arrive: pages of Explore with their histogram, panels of dashboards, facets, SQL; and what
// the cache saves a dashboard of twenty panels.
// Usage: node bench/mix.mjs BINARY [--events 2000000] [--corpus FILE] [--seconds 60] [--rate 2000]
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { yesterday } from './corpus.mjs';
import { batches, ensureCorpus, madeBatches } from './engine/events.mjs';
import { percentile, sleep } from './engine/measure.mjs';
import { difference } from './engine/queries.mjs';
import { shown, table, whole } from './engine/report.mjs';
import { Vigie } from './engine/vigie.mjs';

const CONNECTIONS = 8;
const [MIX_P95_MUST_MS, MIX_P99_MUST_MS, PANEL_P95_MUST_MS, SAVED_MUST] = [100, 200, 5, 0.8];
const REFRESH_MS = 10_000;
const TICK_MS = 100;
/** How many answers a panel that is asked alone gives. */
const ALONE = 200;

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    events: { type: 'string', default: '2000000' },
    corpus: { type: 'string' },
    seconds: { type: 'string', default: '60' },
    rate: { type: 'string', default: '2000' },
  },
});
const [day, seconds, rate] = [yesterday(), Number(options.seconds), Number(options.rate)];
const today = new Date().toISOString().slice(0, 10);
const span = { date_from: `${day}T00:00:00Z`, date_to: `${today}T23:59:59.999Z` };
const range = `from=${span.date_from}&to=${span.date_to}`;

const terms = (field, size, aggregations) => ({ terms: { field, size }, ...(aggregations && { aggregations }) });
const perHour = (aggregations) => ({ date_histogram: { interval: '1h' }, ...(aggregations && { aggregations }) });
const stats = (field) => ({ stats: { field } });
const percentiles = (field) => ({ percentiles: { field, percents: [50, 95, 99] } });
/** Twenty panels as dashboards of shops have them. */
const PANELS = [
  { aggregations: { q: perHour() } },
  { aggregations: { q: perHour({ level: terms('level', 10) }) } },
  { aggregations: { q: terms('log_type', 10) } },
  { aggregations: { q: terms('service', 20) } },
  { aggregations: { q: terms('level', 10) } },
  { query: 'level:ERROR', aggregations: { q: perHour() } },
  { query: 'level:ERROR', aggregations: { q: terms('service', 10) } },
  { query: 'level:ERROR', aggregations: { q: terms('error_code', 10) } },
  { query: 'log_type:transaction', aggregations: { q: perHour({ money: stats('amount') }) } },
  { query: 'log_type:transaction', aggregations: { q: terms('payment_method', 10, { money: stats('amount') }) } },
  { query: 'log_type:transaction', aggregations: { q: terms('currency', 10, { money: stats('amount') }) } },
  { query: 'log_type:transaction', aggregations: { q: terms('country', 20) } },
  { query: 'log_type:transaction', aggregations: { q: stats('amount') } },
  { query: 'log_type:performance', aggregations: { q: percentiles('response_time_ms') } },
  { query: 'log_type:performance', aggregations: { q: terms('endpoint', 20, { ms: percentiles('response_time_ms') }) } },
  { query: 'log_type:performance', aggregations: { q: perHour({ ms: stats('response_time_ms') }) } },
  { query: 'log_type:performance', aggregations: { q: terms('status_code', 10) } },
  { query: 'log_type:user_behavior', aggregations: { q: terms('event_type', 20) } },
  { query: 'log_type:user_behavior', aggregations: { q: terms('page', 20) } },
  { query: 'log_type:user_behavior', aggregations: { q: perHour() } },
];
/** What people look for in Explore, beside everything. */
const SEARCHES = ['', 'level:ERROR', 'service:payment', 'message:gateway', 'log_type:transaction AND amount>200', 'level:ERROR AND service:cart', 'timeout', 'endpoint:"/api/checkout"'];
const STATEMENTS = [
  'SELECT payment_method, count(*), sum(amount) FROM transaction GROUP BY payment_method',
  "SELECT count(*) FROM logs WHERE level = 'ERROR' AND service = 'payment'",
  'SELECT * FROM logs ORDER BY @timestamp DESC LIMIT 50',
];

const folder = mkdtempSync(join(tmpdir(), 'vigie-mix-'));
const vigie = new Vigie({ binary: positionals[0], folder });
const one = (list, number) => list[number % list.length];

/** Asks, and tells how long it took; whoever wants the answer reads it, since others wait for their answers meanwhile. */
async function ask(connection, method, path, body) {
  const begun = performance.now();
  const answer = await connection.request(method, path, { ...vigie.headers, 'Content-Type': 'application/json' }, body);
  const ms = performance.now() - begun;
  if (answer.status !== 200) throw new Error(`${method} ${path}: ${answer.status} ${answer.body}`);
  return { ms, json: () => answer.json() };
}

const panel = (connection, number) => ask(connection, 'POST', '/api/search/aggregate', { ...one(PANELS, number), ...span });

/** What is asked, by its share of a hundred. A page of Explore is two requests, each of which counts. */
const KINDS = [
  [60, 'Explore, events', (connection, number) => ask(connection, 'POST', '/api/logs/search', { query: one(SEARCHES, number), size: 50, ...span })],
  [0, 'Explore, histogram', (connection, number) => ask(connection, 'GET', `/api/analytics/logs-per-hour?${range}&query=${encodeURIComponent(one(SEARCHES, number))}`)],
  [25, 'panels', panel],
  [10, 'facets', (connection) => ask(connection, 'GET', `/api/search/facets?fields=level,service,log_type&${range}`)],
  [5, 'SQL', (connection, number) => ask(connection, 'POST', '/api/search/sql', { query: one(STATEMENTS, number) })],
];

/** Sends events of today until it is told to stop; answers how many arrived. */
function arriving() {
  let [isWanted, sent] = [true, 0];
  const running = (async () => {
    const connection = vigie.connection();
    const begun = performance.now();
    for (const batch of madeBatches({ count: 10_000_000, day: today, seed: Math.round(begun) }, Math.round((rate * TICK_MS) / 1_000))) {
      await vigie.sendBatch(connection, batch.body);
      sent += batch.events;
      await sleep(Math.max(0, begun + (sent / rate) * 1_000 - performance.now()));
      if (!isWanted) break;
    }
    connection.close();
    return sent;
  })();
  return () => {
    isWanted = false;
    return running;
  };
}

/** Eight connections ask without a pause; times by kind. */
async function mixed() {
  const taken = Object.fromEntries(KINDS.map(([, name]) => [name, []]));
  const stop = arriving();
  await sleep(1_000);
  const until = performance.now() + seconds * 1_000;
  const asking = async (_, first) => {
    const connection = vigie.connection();
    for (let number = first * 7_919; performance.now() < until; number += 1) {
      // Of twenty in a row each kind has its share; the odd step scatters them over the connections.
      const share = ((number * 37) % 20) * 5;
      let below = 0;
      const at = KINDS.findIndex(([part]) => (below += part) > share);
      const kinds = at === 0 ? [KINDS[0], KINDS[1]] : [KINDS[at]];
      for (const [, name, kind] of kinds) taken[name].push((await kind(connection, number)).ms);
    }
    connection.close();
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, asking));
  return { taken, arrived: await stop() };
}

/** The dashboard is refreshed while events arrive; answers the rows that were looked at. */
async function refreshed() {
  await vigie.restart();
  const connection = vigie.connection();
  // Whoever opens it the first time reads everything, with a cache and without.
  for (let number = 0; number < PANELS.length; number += 1) await panel(connection, number);
  const stop = arriving();
  let [rows, ms] = [0, []];
  for (let round = 0; round * REFRESH_MS < seconds * 1_000; round += 1) {
    const next = performance.now() + REFRESH_MS;
    for (let number = 0; number < PANELS.length; number += 1) {
      const answer = await panel(connection, number);
      rows += answer.json().rows_scanned;
      ms.push(answer.ms);
    }
    await sleep(Math.max(0, next - performance.now()));
  }
  await stop();
  const answers = [];
  for (let number = 0; number < PANELS.length; number += 1) answers.push((await panel(connection, number)).json());
  connection.close();
  return { rows, ms, answers };
}

try {
  const corpus = options.corpus ?? join(folder, 'lean.ndjson');
  ensureCorpus({ file: corpus, count: Number(options.events), day });
  await vigie.start();
  await vigie.ingest(batches(corpus));
  await vigie.restart();
  for (const [, , kind] of KINDS) for (let number = 0; number < PANELS.length; number += 1) await kind(vigie.asking, number);
  const alone = [];
  for (let number = 0; number < ALONE; number += 1) alone.push((await panel(vigie.asking, number)).ms);

  const { taken, arrived } = await mixed();
  const all = Object.values(taken).flat();
  const row = (name, times, must) => [name, whole(times.length), shown(percentile(times, 0.5)), shown(percentile(times, 0.95)), shown(percentile(times, 0.99)), must];
  const met = (is_met, words) => `${words}: ${is_met ? 'met' : 'MISSED'}`;
  const [p95, p99] = [percentile(all, 0.95), percentile(all, 0.99)];
  console.log(
    table(
      [`${CONNECTIONS} connections, ${whole(arrived / seconds)} events/s arriving`, 'answers', 'p50, ms', 'p95', 'p99', 'must'],
      [
        ...Object.entries(taken).map(([name, times]) => row(name, times, '')),
        row('all', all, met(p95 < MIX_P95_MUST_MS && p99 < MIX_P99_MUST_MS, `p95 < ${MIX_P95_MUST_MS}, p99 < ${MIX_P99_MUST_MS}`)),
        row('one panel alone, from the cache', alone, met(percentile(alone, 0.95) < PANEL_P95_MUST_MS, `p95 < ${PANEL_P95_MUST_MS}`)),
      ],
    ),
  );

  const kept = await refreshed();
  const again = [];
  process.env.VIGIE_QUERY_KEPT_BYTES_MAX = '0';
  const uncached = await refreshed();
  // The same events, counted anew.
  delete process.env.VIGIE_QUERY_KEPT_BYTES_MAX;
  await vigie.restart();
  for (let number = 0; number < PANELS.length; number += 1) again.push((await panel(vigie.asking, number)).json());
  const differing = again.filter((answer, number) => difference(answer.aggregations, uncached.answers[number].aggregations) !== '').length;
  const saved = 1 - kept.rows / uncached.rows;
  console.log(
    table(
      [`${PANELS.length} panels every ${REFRESH_MS / 1_000} s, ${whole(rate)} events/s arriving`, 'with the cache', 'without', 'must'],
      [
        ['rows looked at', whole(kept.rows), whole(uncached.rows), met(saved >= SAVED_MUST, `${shown(saved * 100)} % fewer, ≥ ${SAVED_MUST * 100} %`)],
        ['a panel, p50 ms', shown(percentile(kept.ms, 0.5)), shown(percentile(uncached.ms, 0.5)), ''],
        ['a panel, p95 ms', shown(percentile(kept.ms, 0.95)), shown(percentile(uncached.ms, 0.95)), ''],
        ['answers that differ', String(differing), '', met(differing === 0, '0')],
      ],
    ),
  );
} finally {
  await vigie.stop();
  rmSync(folder, { recursive: true, force: true });
}
