// SQL over HTTP on the lean corpus: each statement in a new process, then over and over.
// Usage: node bench/sql.mjs BINARY [--events 2000000] [--corpus FILE] [--repeat 15]
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { yesterday } from './corpus.mjs';
import { batches, ensureCorpus } from './engine/events.mjs';
import { percentile } from './engine/measure.mjs';
import { shown, table, whole } from './engine/report.mjs';
import { Vigie } from './engine/vigie.mjs';

/** The target of a query over the API, in milliseconds. */
const P95_MUST_MS = 200;

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { events: { type: 'string', default: '2000000' }, corpus: { type: 'string' }, repeat: { type: 'string', default: '15' } },
});
const day = yesterday();
const STATEMENTS = {
  'nothing of the store': 'SELECT 1',
  'count of all': 'SELECT count(*) FROM logs',
  'one hour by level': `SELECT level, count(*) FROM logs WHERE @timestamp >= '${day}T10:00:00Z' AND @timestamp < '${day}T11:00:00Z' GROUP BY level`,
  'count of errors of a service': "SELECT count(*) FROM logs WHERE level = 'ERROR' AND service = 'payment'",
  'count and sum by payment method': 'SELECT payment_method, count(*), sum(amount) FROM transaction GROUP BY payment_method',
  'newest 50, every column': 'SELECT * FROM logs ORDER BY @timestamp DESC LIMIT 50',
  'p95 of response time by endpoint': 'SELECT endpoint, approx_percentile_cont(response_time_ms, 0.95) FROM performance GROUP BY endpoint',
  'top 10 users': 'SELECT user_id, count(*) AS n FROM logs GROUP BY user_id ORDER BY n DESC LIMIT 10',
  'a part of a message': "SELECT count(*) FROM logs WHERE message LIKE '%gateway%'",
  'join of visitors and buyers':
    'WITH v AS (SELECT DISTINCT user_id FROM user_behavior), p AS (SELECT user_id, sum(amount) AS s FROM transaction GROUP BY user_id) ' +
    'SELECT count(*), sum(s) FROM v JOIN p USING (user_id)',
  'count per hour': "SELECT date_trunc('hour', @timestamp) AS hour, count(*) FROM logs GROUP BY hour ORDER BY hour",
};

const folder = mkdtempSync(join(tmpdir(), 'vigie-sql-'));
const vigie = new Vigie({ binary: positionals[0], folder });

async function ask(query) {
  const begun = performance.now();
  const answer = await vigie.asking.request('POST', '/api/search/sql', { ...vigie.headers, 'Content-Type': 'application/json' }, { query });
  const ms = performance.now() - begun;
  if (answer.status !== 200) throw new Error(`${query}: ${answer.status} ${answer.body}`);
  return { ms, scanned: answer.json().rows_scanned };
}

try {
  const corpus = options.corpus ?? join(folder, 'lean.ndjson');
  ensureCorpus({ file: corpus, count: Number(options.events), day });
  await vigie.start();
  await vigie.ingest(batches(corpus));
  const rows = [];
  for (const [name, query] of Object.entries(STATEMENTS)) {
    await vigie.restart();
    const cold = await ask(query);
    const times = [];
    for (let round = 0; round < Number(options.repeat); round += 1) times.push((await ask(query)).ms);
    const p95 = percentile(times, 0.95);
    rows.push([name, shown(cold.ms), shown(percentile(times, 0.5)), shown(p95), whole(cold.scanned), p95 < P95_MUST_MS ? 'met' : 'MISSED']);
  }
  console.log(table(['statement', 'new process, ms', 'p50', 'p95', 'rows looked at', `p95 < ${P95_MUST_MS} ms`], rows));
  console.log(`memory after the last: ${shown(vigie.residentMb())} MB`);
} finally {
  await vigie.stop();
  rmSync(folder, { recursive: true, force: true });
}
