// Asks one system all questions: cold, warm, and while events arrive.
import { cpuSeconds, percentile, sleep } from './measure.mjs';
import { QUERIES, difference } from './queries.mjs';

/** How often a question is asked at most, how often at least, and how long before it is enough. */
const REPEATS = { most: 200, least: 20, enough_ms: 2_500 };
const TICK_MS = 100;

/**
 * Times of a question asked again and again, its parameters in turn, and what it cost the server.
 * What has no parameter may be answered from what Vigie remembers, if it does; its settings decide that.
 */
async function times(system, query, params) {
  const found = [];
  const cpu = cpuSeconds(system.pid);
  const end = performance.now() + REPEATS.enough_ms;
  for (let round = 0; round < REPEATS.most && (round < REPEATS.least || performance.now() < end); round += 1) {
    const asked = await system.ask(query, params[round % params.length]);
    if (!asked) return undefined;
    found.push(asked.ms);
  }
  const cpu_ms = ((cpuSeconds(system.pid) - cpu) * 1_000) / found.length;
  return { p50: percentile(found, 0.5), p99: percentile(found, 0.99), cpu_ms, asked: found.length };
}

/** The first answer of each question. With `isFresh`, each is the first question to a new process. */
async function cold(system, samples, isFresh) {
  const found = {};
  await system.restart();
  for (const query of QUERIES) {
    if (isFresh) await system.restart();
    const asked = await system.ask(query, query.params(samples)[0]);
    if (asked) found[query.name] = { cold: asked.ms, answer: asked.answer() };
  }
  return found;
}

export async function askAll(system, samples, { isFresh }) {
  const found = await cold(system, samples, isFresh);
  for (const query of QUERIES) {
    const taken = await times(system, query, query.params(samples));
    if (taken) Object.assign(found[query.name], taken);
  }
  return found;
}

/** Sends events at a rate until told to stop; tells how many it sent. */
function arriving(vigie, batches, rate_per_s) {
  let isWanted = true;
  const run = async () => {
    const connection = vigie.connection();
    const begun = performance.now();
    let sent = 0;
    for (const batch of batches) {
      if (!isWanted) break;
      await vigie.sendBatch(connection, batch.body);
      sent += batch.events;
      const ahead_ms = (sent / rate_per_s) * 1_000 - (performance.now() - begun);
      if (ahead_ms > 0) await sleep(ahead_ms);
    }
    connection.close();
    return { sent, per_s: (sent / (performance.now() - begun)) * 1_000 };
  };
  const running = run();
  return () => {
    isWanted = false;
    return running;
  };
}

/** Asks Vigie while events arrive, and adds that to what was found before. */
export async function askUnderIngest(vigie, samples, found, { makeBatches, rate_per_s }) {
  const stop = arriving(vigie, makeBatches(Math.floor((rate_per_s * TICK_MS) / 1_000)), rate_per_s);
  await sleep(1_000);
  for (const query of QUERIES) {
    const taken = await times(vigie, query, query.params(samples));
    if (taken) Object.assign(found[query.name], { busy_p50: taken.p50, busy_p99: taken.p99 });
  }
  return stop();
}

/** Whether the peers answered the same as Vigie; says where they did not. */
export function compare(vigie, peers) {
  for (const query of QUERIES) {
    const own = vigie.queries[query.name];
    if (!own) continue;
    const asked = peers.filter((peer) => peer.queries[query.name]);
    const differences = asked.flatMap((peer) => {
      const found = difference(own.answer, peer.queries[query.name].answer, query.tolerance?.[peer.name.toLowerCase()]);
      return found ? [`${peer.name} ${found}`] : [];
    });
    own.agrees = asked.length === 0 ? 'not compared' : differences.join('; ') || 'agree';
  }
}
