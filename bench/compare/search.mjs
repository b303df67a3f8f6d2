// Asks Vigie and a real Elasticsearch or OpenSearch the same generated searches about the same events, and compares hits, counts and
// aggregations.
// Usage: node bench/compare/search.mjs --vigie URL/elasticsearch --user USER:PASSWORD --peer URL [--events 100000] [--searches 300] [--seed 1]
//
// Both get the events of bench/corpus.mjs by `_bulk`, with names of their own. What differs by design is not asked: scores, upper and
// lower case of words in keywords, and what the peer only estimates: percentiles, their ranks, the median deviation (docs/elasticsearch.md).
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { Searches } from './searches.mjs';

const HERE = dirname(fileURLToPath(import.meta.url));
const INDEX = 'compared';
const BULK_EVENTS = 5_000;
/** Sums of many decimals end in different last digits when they are added in another order. */
const TOLERANCE = 1e-9;
const { values: options } = parseArgs({
  options: {
    vigie: { type: 'string' },
    user: { type: 'string' },
    peer: { type: 'string' },
    events: { type: 'string', default: '100000' },
    searches: { type: 'string', default: '300' },
    seed: { type: 'string', default: '1' },
  },
});
const count = Number(options.events);
const day = new Date(Date.now() - 86_400_000).toISOString().slice(0, 10);

async function call(url, method, path, body, headers = {}) {
  const type = typeof body === 'string' ? 'application/x-ndjson' : 'application/json';
  const answer = await fetch(url + path, {
    method,
    headers: { 'Content-Type': type, ...headers },
    body: body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body),
  });
  return { status: answer.status, json: await answer.json() };
}
const login = { Authorization: `Basic ${Buffer.from(options.user ?? '').toString('base64')}` };
const vigie = (method, path, body) => call(options.vigie, method, path, body, login);
const peer = (method, path, body) => call(options.peer, method, path, body);

/** Strings are compared whole, but for messages: as Vigie has them. */
const MAPPING = {
  settings: { number_of_shards: 1, number_of_replicas: 0 },
  mappings: {
    dynamic_templates: [
      { strings: { match_mapping_type: 'string', mapping: { type: 'keyword' } } },
      { numbers: { match_mapping_type: 'double', mapping: { type: 'double' } } },
    ],
    properties: {
      '@timestamp': { type: 'date' },
      message: { type: 'text' },
      error_message: { type: 'text' },
      stack_trace: { type: 'text' },
      search_query: { type: 'text' },
      client_ip: { type: 'ip' },
    },
  },
};

async function send(events) {
  for (let start = 0; start < events.length; start += BULK_EVENTS) {
    const lines = events.slice(start, start + BULK_EVENTS).map((event, place) => `{"create":{"_id":"e${start + place}"}}\n${JSON.stringify(event)}\n`);
    for (const [ask, query] of [[vigie, '?any_time=true'], [peer, '']]) {
      const { status, json } = await ask('POST', `/${INDEX}/_bulk${query}`, lines.join(''));
      if (status !== 200 || json.errors) throw new Error(`events were refused: ${JSON.stringify(json).slice(0, 400)}`);
    }
  }
  await peer('POST', `/${INDEX}/_refresh`);
}

/** What is compared of an answer. */
function comparable({ json }) {
  const hits = json.hits.hits.map((hit) => [JSON.stringify(hit.sort), hit._id]);
  // Events of the same place in the order come in any order; of those at the ends of the page, any may be left out.
  const places = hits.map(([place]) => place);
  const inner = hits.filter(([place]) => place !== places[0] && place !== places.at(-1)).map((hit) => hit.join(' ')).sort();
  return { total: json.hits.total.value, places, inner, aggregations: withoutTies(json.aggregations ?? null) };
}

/** Of the events below buckets, only where they stand: which of several at one place is shown is anybody's choice. */
function withoutTies(answer) {
  if (answer === null || typeof answer !== 'object') return answer;
  if (Array.isArray(answer)) return answer.map(withoutTies);
  if (answer.hits?.hits) return { total: answer.hits.total, places: answer.hits.hits.map((hit) => hit.sort) };
  return Object.fromEntries(Object.entries(answer).map(([name, inner]) => [name, withoutTies(inner)]));
}

function difference(left, right, path = '') {
  if (typeof left === 'number' && typeof right === 'number') {
    const scale = Math.max(Math.abs(left), Math.abs(right), 1);
    // The root of what is left where squares cancel each other out.
    const tolerance = path.includes('std_deviation') ? Math.sqrt(TOLERANCE) : TOLERANCE;
    return Math.abs(left - right) <= tolerance * scale ? null : `${path}: ${left} and ${right}`;
  }
  if (left === null || right === null || typeof left !== 'object' || typeof right !== 'object') {
    return left === right ? null : `${path}: ${JSON.stringify(left)} and ${JSON.stringify(right)}`;
  }
  for (const key of new Set([...Object.keys(left), ...Object.keys(right)])) {
    // OpenSearch says of some aggregations that they have no further words.
    if (key === 'meta') continue;
    const found = difference(left[key] ?? null, right[key] ?? null, `${path}.${key}`);
    if (found) return found;
  }
  return null;
}

const folder = mkdtempSync(join(tmpdir(), 'vigie-compare-'));
try {
  const file = join(folder, 'events.ndjson');
  execFileSync('node', [join(HERE, '..', 'corpus.mjs'), '--out', file, '--count', String(count), '--day', day]);
  const events = readFileSync(file, 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line));
  const made = await peer('PUT', `/${INDEX}`, MAPPING);
  if (made.status !== 200) throw new Error(`the peer made no index: ${JSON.stringify(made.json)}`);
  await send(events);
  const searches = new Searches(events, { day, seed: Number(options.seed) });
  let [same, different, refused] = [0, 0, 0];
  for (let number = 0; number < Number(options.searches); number++) {
    const body = searches.next();
    const [ours, theirs] = [await vigie('POST', `/${INDEX}/_search`, body), await peer('POST', `/${INDEX}/_search`, body)];
    if (ours.status !== 200 || theirs.status !== 200) {
      refused++;
      const words = ours.status === 200 ? `only the peer refuses: ${theirs.json.error?.root_cause?.[0]?.reason}` : `Vigie refuses: ${ours.json.error?.reason}`;
      console.log(`search ${number}: ${words}\n  ${JSON.stringify(body)}`);
      continue;
    }
    const found = difference(comparable(ours), comparable(theirs));
    if (found) {
      different++;
      console.log(`search ${number} differs (Vigie's first): ${found}\n  ${JSON.stringify(body)}`);
    } else same++;
  }
  console.log(`${Number(options.searches)} searches about ${count} events: ${same} the same, ${different} different, ${refused} refused`);
  process.exitCode = different + refused > 0 ? 1 : 0;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
