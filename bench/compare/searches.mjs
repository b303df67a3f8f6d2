// Searches made up about events: queries, orders and aggregations over the values that the events have. The same seed gives the same searches.

/** A sequence that is the same for a seed (mulberry32). */
function sequence(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

let random = sequence(1);
const below = (bound) => Math.floor(random() * bound);
const one = (list) => list[below(list.length)];
const shuffled = (list) => list.map((item) => [random(), item]).sort(([left], [right]) => left - right).map(([, item]) => item);
const some = (list, most) => Array.from({ length: 1 + below(most) }, () => one(list));

const KEYWORDS = ['level', 'service', 'host', 'log_type', 'user_id', 'page', 'payment_method', 'currency', 'country', 'action', 'status'];
const FEW = ['level', 'service', 'log_type', 'payment_method', 'currency', 'action'];
const NUMBERS = ['amount', 'duration_ms', 'response_time_ms', 'status_code'];

/** Values that events have, by field. */
function valuesOf(events) {
  const values = {};
  for (const event of events.slice(0, 20_000)) {
    for (const [field, value] of Object.entries(event)) (values[field] ??= new Set()).add(value);
  }
  return Object.fromEntries(Object.entries(values).map(([field, set]) => [field, [...set]]));
}

/** Makes searches about events of one day. */
export class Searches {
  /**
   * @param {object[]} events what is searched; the event at place n has the id `en`
   * @param {{ day: string, seed: number }} of the day that the events are of, as YYYY-MM-DD, and the seed
   */
  constructor(events, { day, seed }) {
    random = sequence(seed);
    const values = valuesOf(events);
    this.values = values;
    this.count = events.length;
    this.day = day;
    this.keywords = KEYWORDS.filter((field) => values[field]?.some((value) => typeof value === 'string'));
    this.few = FEW.filter((field) => this.keywords.includes(field));
    this.numbers = NUMBERS.filter((field) => values[field]?.some((value) => typeof value === 'number'));
    this.words = [...new Set(values.message.slice(0, 400).flatMap((text) => text.split(/[^A-Za-z]+/)).filter((word) => word.length > 2))];
  }

  value(field) {
    return one(this.values[field]);
  }

  instant() {
    return new Date(Date.parse(`${this.day}T00:00:00Z`) + below(86_400_000)).toISOString();
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
      () => ({ ids: { values: some([1, 2, 3, 4], 3).map(() => `e${below(this.count)}`) } }),
      () => ({ query_string: { query: `${field}:"${value}" ${one(['AND', 'OR', ''])} ${one(this.few)}:*`, default_operator: one(['AND', 'OR']) } }),
      () => ({ query_string: { query: `${one(this.numbers)}:>${this.value(one(this.numbers))} ${one(['AND NOT', 'OR', '-'])} message:${one(this.words)}`.replace('- ', '-') } }),
      () => ({ query_string: { query: `${one(this.words)} ${one(['AND', 'OR'])} ${one(this.words)}`, fields: [one(this.few), 'message'] } }),
      () => ({ match_all: {} }),
      () => ({ match_phrase_prefix: { message: this.startOfMessage() } }),
      () => ({ intervals: { message: this.intervals() } }),
      () => ({ intervals: { message: this.intervals() } }),
      () => ({ span_near: { clauses: some(this.words, 3).map((word) => this.span(word)), slop: below(4), in_order: one([true, false]) } }),
      () => ({ span_not: { include: this.span(one(this.words)), exclude: this.span(one(this.words)) } }),
    ];
    return one(kinds)();
  }

  span(word) {
    return { span_term: { message: word.toLowerCase() } };
  }

  startOfMessage() {
    const words = one(this.values.message).split(/[^A-Za-z]+/).filter(Boolean).slice(0, 2);
    return [...words.slice(0, -1), words.at(-1).slice(0, 3)].join(' ');
  }

  intervals(depth = 0) {
    const match = () => ({ match: { query: some(this.words, 3).join(' '), max_gaps: one([-1, 0, 1, 3]), ordered: one([true, false]) } });
    const kinds = [
      match,
      match,
      () => ({ prefix: { prefix: one(this.words).slice(0, 3).toLowerCase() } }),
      () => ({ wildcard: { pattern: `${one(this.words).slice(0, 2).toLowerCase()}*` } }),
      () => ({ fuzzy: { term: this.mistaken(one(this.words).toLowerCase()), fuzziness: one(['AUTO', 1]) } }),
    ];
    if (depth < 2) {
      const several = () => Array.from({ length: 1 + below(3) }, () => this.intervals(depth + 1));
      kinds.push(
        () => ({ all_of: { intervals: several(), max_gaps: one([-1, 0, 2, 5]), ordered: one([true, false]) } }),
        () => ({ any_of: { intervals: several() } }),
        () => ({ match: { ...match().match, filter: { [one(['containing', 'contained_by', 'before', 'after', 'not_containing', 'not_overlapping', 'overlapping'])]: this.intervals(2) } } }),
      );
    }
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
      { [one(['avg', 'sum', 'min', 'max', 'stats'])]: { field, missing: below(100) } },
      { top_hits: { size: 1 + below(3), sort: this.order(), _source: false } },
    ]);
  }

  buckets(depth) {
    const field = one(this.few);
    const number = one(this.numbers);
    const [low, high] = [this.value(number), this.value(number)].sort((left, right) => left - right);
    // Elsewhere, combinations are counted below no other buckets.
    if (depth === 0 && random() < 0.15) return { composite: this.composite() };
    // In Vigie, so are spans that are chosen by how many there are.
    if (depth === 0 && random() < 0.1) return { auto_date_histogram: { field: '@timestamp', buckets: 1 + below(30) } };
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
      () => ({ range: { field: number, ranges: shuffled([{ to: low }, { from: low, to: high, key: 'middle' }, { from: high }]) } }),
      () => ({ date_range: { field: '@timestamp', ranges: [{ to: this.instant() }, { from: this.instant() }] } }),
      () => ({ terms: { field, size: 50, ...this.keyFilter(field) } }),
      () => ({ terms: { field, size: 50, missing: 'none' } }),
      () => ({ multi_terms: { terms: [{ field }, { field: one(this.few), missing: 'none' }], size: 1 + below(30) } }),
      () => ({ rare_terms: { field, max_doc_count: one([1, 10, 100]) } }),
      () => ({ significant_terms: { field, size: 20, min_doc_count: one([1, 3, 10]) } }),
      () => ({ ip_range: { field: 'client_ip', ranges: shuffled([{ to: '80.0.0.0' }, { from: '80.0.0.0', to: '160.0.0.0' }, { mask: '10.0.0.0/7' }]) } }),
      () => ({ adjacency_matrix: { filters: { a: this.leaf(), b: this.leaf(), c: this.leaf() } } }),
    ])();
  }

  keyFilter(field) {
    const start = this.value(field).slice(0, 1).replace(/[^a-z]/gi, '.');
    return one([
      { include: some(this.values[field], 3) },
      { exclude: some(this.values[field], 3) },
      { include: `${start}.*` },
      { include: `.*${start}.*`, exclude: `${start}.*` },
      { include: { partition: 0, num_partitions: 1 } },
    ]);
  }

  composite() {
    const [few, number] = [one(this.few), one(this.numbers)];
    const order = one(['asc', 'desc']);
    const sources = [
      { first: { terms: { field: few, order, missing_bucket: one([true, false]) } } },
      one([
        { second: { terms: { field: one(this.few) } } },
        { second: { histogram: { field: number, interval: 10 + below(90) } } },
        { second: { date_histogram: { field: '@timestamp', fixed_interval: one(['1h', '6h']) } } },
      ]),
    ];
    return { size: 1 + below(20), sources: sources.slice(0, 1 + below(2)) };
  }

  /** By instants, by up to two fields, or by a field and then instants. */
  order() {
    const direction = () => one(['asc', 'desc']);
    const byTime = { '@timestamp': direction() };
    const byField = () => ({ [one([...this.few, ...this.numbers])]: { order: direction(), missing: one(['_last', '_first']) } });
    return one([() => [byTime], () => [byTime], () => [byField(), byTime], () => [byField(), byField()]])();
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
      const aggregation = isMetric ? this.metric() : this.buckets(depth);
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
    const body = { query: this.query(), size: one([0, 10, 50]), track_total_hits: true, sort: this.order(), _source: false };
    if (random() < 0.7) body.aggs = this.aggregations();
    if (random() < 0.2) body.from = below(100);
    return body;
  }
}
