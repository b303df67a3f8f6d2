// Asks Vigie and a real Elasticsearch or OpenSearch the same generated searches about the same events, and compares hits, counts and
// aggregations.
// Usage: node bench/compare/search.mjs --vigie URL/elasticsearch --user USER:PASSWORD --peer URL [--events 100000] [--searches 300] [--seed 1]
//
// Both get the events of bench/corpus.mjs by `_bulk`, with names of their own. What differs by design is not asked: scores, an order by
// other fields, upper and lower case of words in keywords, and what the peer only estimates: percentiles, their ranks, the median deviation
// (docs/elasticsearch.md).
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

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

/** A sequence that is the same for a seed (mulberry32). */
let state = Number(options.seed);
function random() {
  state = (state + 0x6d2b79f5) | 0;
  let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
}
const below = (bound) => Math.floor(random() * bound);
const one = (list) => list[below(list.length)];
const some = (list, most) => Array.from({ length: 1 + below(most) }, () => one(list));

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

/** Values that events have, by field. */
function valuesOf(events) {
  const values = {};
  for (const event of events.slice(0, 20_000)) {
    for (const [field, value] of Object.entries(event)) (values[field] ??= new Set()).add(value);
  }
  return Object.fromEntries(Object.entries(values).map(([field, set]) => [field, [...set]]));
}

const KEYWORDS = ['level', 'service', 'host', 'log_type', 'user_id', 'page', 'payment_method', 'currency', 'country', 'action', 'status'];
const FEW = ['level', 'service', 'log_type', 'payment_method', 'currency', 'action'];
const NUMBERS = ['amount', 'duration_ms', 'response_time_ms', 'status_code'];

class Searches {
  constructor(values) {
    this.values = values;
    this.keywords = KEYWORDS.filter((field) => values[field]?.some((value) => typeof value === 'string'));
    this.few = FEW.filter((field) => this.keywords.includes(field));
    this.numbers = NUMBERS.filter((field) => values[field]?.some((value) => typeof value === 'number'));
    this.words = [...new Set(values.message.slice(0, 400).flatMap((text) => text.split(/[^A-Za-z]+/)).filter((word) => word.length > 2))];
  }

  value(field) {
    return one(this.values[field]);
  }

  instant() {
    return new Date(Date.parse(`${day}T00:00:00Z`) + below(86_400_000)).toISOString();
  }

  range() {
    if (random() < 0.4) {
      const [from, to] = [this.instant(), this.instant()].sort();
      return { range: { '@timestamp': { [one(['gte', 'gt'])]: random() < 0.3 ? Date.parse(from) : from, [one(['lte', 'lt'])]: to } } };
    }
    const field = one(this.numbers);
    const [low, high] = [this.value(field), this.value(field)].sort((left, right) => left - right);
    return { range: { [field]: random() < 0.3 ? { gte: low } : { [one(['gte', 'gt'])]: low, [one(['lte', 'lt'])]: high } } };
  }

  leaf() {
    const field = one(this.keywords);
    const value = this.value(field);
    const kinds = [
      () => ({ term: { [field]: random() < 0.5 ? value : { value } } }),
      () => ({ terms: { [field]: some(this.values[field], 4) } }),
      () => ({ exists: { field: one([...this.keywords, ...this.numbers, 'client_ip', 'nothing']) } }),
      () => this.range(),
      () => this.range(),
      () => ({ prefix: { [field]: value.slice(0, 1 + below(4)) } }),
      () => ({ wildcard: { [field]: { value: `*${value.slice(1, 3)}*` } } }),
      () => ({ regexp: { [field]: `${one(['', '.*', '[a-z]+'])}${value.slice(1, 4).replace(/[^a-z]/gi, '.')}${one(['.*', '[^0-9]*', '(a|b|e).*'])}` } }),
      () => ({ fuzzy: { [one(this.few)]: { value: this.mistaken(this.value(one(this.few))), fuzziness: one(['AUTO', 1, 2, 'AUTO:4,8']), prefix_length: one([0, 0, 1]), transpositions: one([true, false]) } } }),
      () => ({ match: { message: { query: some(this.words, 3).join(' '), operator: one(['and', 'or']) } } }),
      () => ({ match: { message: some(this.words, 2).join(' ') } }),
      () => ({ match_phrase: { message: one(this.values.message).split(' ').slice(0, 2).join(' ') } }),
      () => ({ match_bool_prefix: { message: `${one(this.words)} ${one(this.words).slice(0, 3)}` } }),
      () => ({ term: { client_ip: `${below(223)}.0.0.0/${6 + below(4)}` } }),
      () => ({ ids: { values: some([1, 2, 3, 4], 3).map(() => `e${below(count)}`) } }),
      () => ({ query_string: { query: `${field}:"${value}" ${one(['AND', 'OR', ''])} ${one(this.few)}:*`, default_operator: one(['AND', 'OR']) } }),
      () => ({ query_string: { query: `${one(this.numbers)}:>${this.value(one(this.numbers))} ${one(['AND NOT', 'OR', '-'])} message:${one(this.words)}`.replace('- ', '-') } }),
      () => ({ query_string: { query: `${one(this.words)} ${one(['AND', 'OR'])} ${one(this.words)}`, fields: [one(this.few), 'message'] } }),
      () => ({ match_all: {} }),
    ];
    return one(kinds)();
  }

  /** The word with two signs that changed places, or one that is missing. */
  mistaken(word) {
    const at = below(word.length);
    const [before, behind] = [word.slice(0, at), word.slice(at)];
    return random() < 0.5 ? before + behind.slice(1) : before + behind.slice(1, 2) + behind.slice(0, 1) + behind.slice(2);
  }

  query(depth = 0) {
    if (depth > 2 || random() < 0.45) return this.leaf();
    const several = () => Array.from({ length: 1 + below(3) }, () => this.query(depth + 1));
    const bool = {};
    if (random() < 0.5) bool.filter = several();
    if (random() < 0.4) bool.must = several();
    if (random() < 0.5) bool.should = several();
    if (random() < 0.3) bool.must_not = several();
    if (bool.should && random() < 0.4) bool.minimum_should_match = one([1, '100%']);
    return { bool };
  }

  metric() {
    const field = one(this.numbers);
    return one([
      { avg: { field } }, { sum: { field } }, { min: { field } }, { max: { field } }, { stats: { field } }, { value_count: { field } },
      { cardinality: { field: one(this.few) } }, { extended_stats: { field, sigma: one([1, 2, 3]) } },
      { weighted_avg: { value: { field }, weight: { field: one(this.numbers) } } },
    ]);
  }

  buckets() {
    const field = one(this.few);
    const number = one(this.numbers);
    const [low, high] = [this.value(number), this.value(number)].sort((left, right) => left - right);
    return one([
      () => ({ terms: { field, size: 1 + below(20) } }),
      () => ({ terms: { field, size: 50, order: { _key: one(['asc', 'desc']) } } }),
      () => ({ date_histogram: { field: '@timestamp', fixed_interval: one(['10m', '1h', '90m', '1d']), min_doc_count: one([0, 1]), ...this.bounds() } }),
      () => ({ date_histogram: { field: '@timestamp', calendar_interval: one(['hour', 'day', 'week']), time_zone: one(['+01:00', 'UTC', '-05:30']), min_doc_count: 1 } }),
      () => ({ date_histogram: { field: '@timestamp', calendar_interval: one(['day', 'week', 'month', 'quarter', 'year']), time_zone: one(['Europe/Paris', 'America/New_York', 'Asia/Kathmandu', 'UTC']), min_doc_count: one([0, 1]) } }),
      () => ({ histogram: this.histogram(number) }),
      () => ({ histogram: this.histogram(number) }),
      () => ({ filter: this.leaf() }),
      () => ({ filters: { filters: { a: this.leaf(), b: this.leaf() } } }),
      () => ({ filters: { filters: [this.leaf(), this.leaf()], other_bucket: true } }),
      () => ({ missing: { field: one([...this.keywords, ...this.numbers]) } }),
      () => ({ range: { field: number, ranges: [{ to: low }, { from: low, to: high, key: 'middle' }, { from: high }] } }),
      () => ({ date_range: { field: '@timestamp', ranges: [{ to: this.instant() }, { from: this.instant() }] } }),
    ])();
  }

  bounds() {
    const [min, max] = [this.instant(), this.instant()].sort();
    return random() < 0.3 ? { extended_bounds: { min, max } } : {};
  }

  histogram(field) {
    const numbers = this.values[field].filter((value) => typeof value === 'number');
    const [least, most] = [numbers.reduce((a, b) => Math.min(a, b)), numbers.reduce((a, b) => Math.max(a, b))];
    const interval = Math.max(0.5, Math.round((most - least) / (2 + below(40))));
    const histogram = { field, interval, min_doc_count: one([0, 1, 2]) };
    if (random() < 0.4) histogram.offset = below(interval);
    const [min, max] = [this.value(field), this.value(field)].sort((left, right) => left - right);
    if (random() < 0.3) histogram.extended_bounds = { min: least - interval, max: most + 2 * interval };
    else if (random() < 0.3) histogram.hard_bounds = one([{ min, max }, { max }, { min }]);
    if (random() < 0.3) histogram.order = { _key: one(['asc', 'desc']) };
    return histogram;
  }

  /** What is computed from the answers of a histogram's buckets. */
  ofBuckets() {
    const path = one(['_count', 'm']);
    const script = one(['max', 'min', 'sum', 'unweightedAvg', 'linearWeightedAvg']);
    return {
      m: { sum: { field: one(this.numbers) } },
      c: { cumulative_sum: { buckets_path: path } },
      p: one([
        { derivative: { buckets_path: one(['_count', 'm', 'c']), gap_policy: one(['skip', 'insert_zeros']) } },
        { moving_fn: { buckets_path: path, window: 1 + below(5), shift: one([0, 0, 1, -1]), script: `MovingFunctions.${script}(values)` } },
        { moving_fn: { buckets_path: path, window: 1 + below(5), script: 'MovingFunctions.ewma(values, 0.3)' } },
        { moving_fn: { buckets_path: path, window: 1 + below(5), script: 'MovingFunctions.stdDev(values, MovingFunctions.unweightedAvg(values))' } },
        { bucket_sort: { sort: [{ _count: { order: one(['asc', 'desc']) } }, { _key: { order: 'asc' } }], size: 1 + below(5), from: below(2) } },
      ]),
    };
  }

  aggregations(depth = 0) {
    const asked = {};
    for (let number = 0; number < 1 + below(2); number++) {
      const isMetric = depth > 1 || random() < 0.3;
      const aggregation = isMetric ? this.metric() : this.buckets();
      if (!isMetric && random() < 0.6) aggregation.aggs = this.aggregations(depth + 1);
      if (aggregation.terms && random() < 0.4) {
        const kind = one(['sum', 'min', 'max', 'avg']);
        aggregation.terms.order = { by: one(['asc', 'desc']) };
        aggregation.aggs = { ...aggregation.aggs, by: { [kind]: { field: one(this.numbers) } } };
      }
      const histogram = aggregation.date_histogram ?? aggregation.histogram;
      const showsGaps = histogram && (histogram.min_doc_count ?? 0) === 0;
      if (showsGaps && random() < 0.5) aggregation.aggs = { ...aggregation.aggs, ...this.ofBuckets() };
      asked[`a${number}`] = aggregation;
      if ((histogram || aggregation.terms) && random() < 0.3) {
        asked[`s${number}`] = { [one(['avg_bucket', 'sum_bucket', 'max_bucket', 'min_bucket', 'stats_bucket'])]: { buckets_path: `a${number}>_count` } };
      }
    }
    return asked;
  }

  next() {
    const body = { query: this.query(), size: one([0, 10, 50]), track_total_hits: true, sort: [{ '@timestamp': one(['asc', 'desc']) }], _source: false };
    if (random() < 0.7) body.aggs = this.aggregations();
    if (random() < 0.2) body.from = below(100);
    return body;
  }
}

/** What is compared of an answer. */
function comparable({ json }) {
  const hits = json.hits.hits.map((hit) => [hit._id, hit.sort[0]]);
  // Events of one instant come in any order; of those at the ends of the page, any may be left out.
  const times = hits.map(([, time]) => time);
  const inner = hits.filter(([, time]) => time !== times[0] && time !== times.at(-1)).map(([id, time]) => `${time} ${id}`).sort();
  return { total: json.hits.total.value, times, inner, aggregations: json.aggregations ?? null };
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
  const searches = new Searches(valuesOf(events));
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
