// How Vigie does as it fills: ingest, a needle, the newest events and the last hour after every step, a day of events per step.
import { setTimeout as pause } from 'node:timers/promises';
import { BATCH, madeBatches } from './events.mjs';
import { percentile } from './measure.mjs';
import { shown, table, whole } from './report.mjs';

const FIRST_DAY_MS = Date.parse('2026-01-01T00:00:00Z');
const DAY_MS = 86_400_000;
const REPEATS = 50;
/** How long a server is left alone before it counts as idle. */
const IDLE_MS = 10_000;

const search = (name, query, range = {}) => ({ name, vigie: (param) => ({ path: '/api/logs/search', body: { query: query(param), size: 50, ...range } }), vigieAnswer: (answer) => answer.hits.length });

/** Questions whose cost must not grow with what lies in other days. */
function questions(day) {
  const last_hour = { date_from: `${day}T23:00:00Z`, date_to: `${day}T23:59:59.999Z` };
  return [
    search('needle', (id) => `transaction_id:"${id}"`),
    search('newest 50', () => ''),
    search('last hour, errors', () => 'log_type:error', last_hour),
    { name: 'last hour, by minute', vigie: () => ({ path: '/api/search/aggregate', body: { ...last_hour, aggregations: { q: { date_histogram: { interval: '1m' } } } } }), vigieAnswer: (answer) => answer.total },
  ];
}

async function times(vigie, query, params) {
  const taken = [];
  for (let round = 0; round < REPEATS; round += 1) {
    const asked = await vigie.ask(query, params[round % params.length]);
    if (!asked) return undefined;
    taken.push(asked.ms);
  }
  return percentile(taken, 0.5);
}

export async function growth(vigie, { say, until, step }) {
  await vigie.start();
  const rows = [];
  const needles = [];
  let idle_mb;
  try {
    for (let stored = 0; stored < until; stored += step) {
      const day = new Date(FIRST_DAY_MS + (stored / step) * DAY_MS).toISOString().slice(0, 10);
      // Made before they are sent, so that making them costs the server nothing.
      const made = [...madeBatches({ count: step, day, seed: 1 }, BATCH)];
      needles.push(/"transaction_id":"([^"]+)"/.exec(made[0].body.toString())[1]);
      const ingest = await vigie.ingest(made.values());
      await vigie.gathered();
      const asked = questions(day);
      const found = {};
      for (const query of asked) found[query.name] = await times(vigie, query, query.name === 'needle' ? needles : [null]);
      rows.push({ events: stored + step, per_s: ingest.events / ingest.wall_s, cpu_s: ingest.cpu_s, bytes: vigie.diskBytes() / (stored + step), resident_mb: vigie.residentMb(), ...found });
      say(`${whole(stored + step)} events: ${whole(ingest.events / ingest.wall_s)}/s`);
    }
    await vigie.restart();
    await pause(IDLE_MS);
    idle_mb = vigie.residentMb();
  } finally {
    await vigie.stop();
  }
  const names = questions('').map(({ name }) => name);
  console.log(table(['events', 'ingest/s', 'CPU s of the step', 'bytes/event', 'RSS MB', ...names.map((name) => `${name}, p50 ms`)],
    rows.map((row) => [whole(row.events), whole(row.per_s), shown(row.cpu_s), shown(row.bytes), whole(row.resident_mb), ...names.map((name) => shown(row[name], 2))])));
  const [first, last] = [rows[0], rows.at(-1)];
  console.log(`last against first: ingest ${shown(last.per_s / first.per_s, 2)} ×, ${names.filter((name) => last[name] !== undefined).map((name) => `${name} ${shown(last[name] / first[name], 2)} ×`).join(', ')}`);
  console.log(`start on the full store: ${shown(vigie.ready_ms)} ms; memory after ${IDLE_MS / 1000} s without a question: ${whole(idle_mb)} MB`);
  return { rows, ready_ms: vigie.ready_ms, idle_mb };
}
