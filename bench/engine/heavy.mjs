// The memory of Vigie while eight heavy questions run at once, again and again.
import { writeFileSync } from 'node:fs';
import { batches } from './events.mjs';
import { peakMb, percentile, residentMb, sleep } from './measure.mjs';
import { shown, table, whole } from './report.mjs';

const SECONDS = 20;
/** How long one that was refused, for its size or for want of room among the others, waits before it asks again. */
const AGAIN_MS = 100;
const QUESTIONS = {
  'users, 10,000 of them': { users: { terms: { field: 'user_id', size: 10_000 } } },
  'distinct addresses': { addresses: { cardinality: { field: 'client_ip' } } },
  'distinct traces': { traces: { cardinality: { field: 'trace_id' } } },
  'addresses, 10,000 of them': { addresses: { terms: { field: 'client_ip', size: 10_000 } } },
  'percentiles by endpoint and method': { endpoints: { terms: { field: 'endpoint', size: 100 }, aggregations: { methods: { terms: { field: 'method' }, aggregations: { time: { percentiles: { field: 'response_time_ms', percents: [50, 95, 99] } } } } } } },
  'percentiles of all': { time: { percentiles: { field: 'response_time_ms', percents: [50, 90, 95, 99, 99.9] } }, query_time: { percentiles: { field: 'db_query_time_ms', percents: [50, 99] } } },
  'minutes by service': { minutes: { date_histogram: { interval: '1m' }, aggregations: { services: { terms: { field: 'service', size: 20 } } } } },
  'sessions, 10,000 of them, with amounts': { sessions: { terms: { field: 'session_id', size: 10_000 }, aggregations: { amount: { stats: { field: 'amount' } } } } },
};

async function askOn(vigie, aggregations, end) {
  const connection = vigie.connection();
  const times = [];
  let refused = 0;
  while (performance.now() < end) {
    const begun = performance.now();
    const { status, body } = await connection.request('POST', '/api/search/aggregate', vigie.headers, { aggregations });
    if (status === 503 || status === 413) {
      refused += 1;
      await sleep(AGAIN_MS);
      continue;
    }
    if (status !== 200) throw new Error(`${status} ${body}`);
    times.push(performance.now() - begun);
  }
  connection.close();
  return { times, refused };
}

export async function heavy(vigie, { say, corpus }) {
  await vigie.start();
  try {
    say('ingest');
    await vigie.ingest([...batches(corpus.file)].values());
    await vigie.gathered();
    await vigie.restart();
    const idle_mb = residentMb(vigie.pid);
    // The peak so far is that of starting and of hashing a password.
    writeFileSync(`/proc/${vigie.pid}/clear_refs`, '5');
    say(`eight questions at once for ${SECONDS} s`);
    const end = performance.now() + SECONDS * 1_000;
    const all = await Promise.all(Object.values(QUESTIONS).map((aggregations) => askOn(vigie, aggregations, end)));
    const peak_mb = peakMb(vigie.pid);
    await sleep(5_000);
    const after_mb = residentMb(vigie.pid);
    console.log(table(['question', 'answered', 'refused', 'p50 ms', 'slowest ms'], Object.keys(QUESTIONS).map((name, index) => [name, all[index].times.length, all[index].refused, all[index].times.length ? shown(percentile(all[index].times, 0.5)) : '–', all[index].times.length ? shown(Math.max(...all[index].times)) : '–'])));
    console.log(`RSS: ${whole(idle_mb)} MB before, ${whole(peak_mb)} MB at the peak, ${whole(after_mb)} MB five seconds after`);
    return { idle_mb, peak_mb, after_mb };
  } finally {
    await vigie.stop();
  }
}
