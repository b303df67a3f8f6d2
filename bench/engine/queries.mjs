// The twelve questions, in the words of each system, and how their answers are made comparable.

const instant = (text) => Date.parse(/[zZ]$/.test(text) ? text : `${text.replace(' ', 'T')}Z`);
const instants = (texts) => texts.map(instant);
const fromPairs = (pairs) => Object.fromEntries(pairs.map(([key, ...values]) => [String(key), values.length === 1 ? values[0] : values]));
const cents = (amount) => Math.round(Number(amount) * 100) / 100;

/** Questions for the newest events are alike but for which. */
function newest(name, { params, vigie, clickhouse, opensearch, reference_ms, size = 50 }) {
  return {
    name,
    params,
    reference_ms,
    vigie: (param) => ({ path: '/api/logs/search', body: { query: vigie(param), size } }),
    vigieAnswer: (answer) => instants(answer.hits.map((hit) => hit._source['@timestamp'])),
    clickhouse: (param) => `SELECT * FROM logs ${clickhouse(param)} ORDER BY timestamp DESC LIMIT ${size}`,
    clickhouseAnswer: ({ meta, data }) => {
      const column = meta.findIndex(({ name: named }) => named === 'timestamp');
      return instants(data.map((row) => row[column]));
    },
    opensearch: (param) => ({ size, track_total_hits: false, sort: [{ '@timestamp': 'desc' }], query: { bool: { filter: opensearch(param) } } }),
    opensearchAnswer: (answer) => instants(answer.hits.hits.map((hit) => hit._source['@timestamp'])),
  };
}

/** Questions whose answer is counted. `read` takes Vigie's and OpenSearch's answer to the question `q`. */
function counted(name, { query = '', vigie, vigieRead, clickhouse, clickhouseRead, filter = [], opensearch, opensearchRead, reference_ms, tolerance }) {
  return {
    name,
    reference_ms,
    tolerance,
    params: () => [null],
    vigie: () => ({ path: '/api/search/aggregate', body: { query, aggregations: vigie ? { q: vigie } : {} } }),
    vigieAnswer: (answer) => vigieRead(answer.aggregations.q, answer),
    clickhouse: () => clickhouse,
    clickhouseAnswer: ({ data }) => clickhouseRead(data),
    opensearch: () => ({ size: 0, track_total_hits: opensearch ? false : true, query: { bool: { filter } }, ...(opensearch && { aggs: { q: opensearch } }) }),
    opensearchAnswer: (answer) => opensearchRead(answer.aggregations?.q, answer),
  };
}

const counts = (answer) => fromPairs(answer.buckets.map((bucket) => [bucket.key, bucket.count]));
const docCounts = (answer) => fromPairs(answer.buckets.map((bucket) => [bucket.key, bucket.doc_count]));
const numbered = (data) => fromPairs(data.map(([key, count]) => [key, Number(count)]));

export const QUERIES = [
  newest('by transaction id', {
    params: ({ transactions }) => transactions,
    vigie: (id) => `transaction_id:"${id}"`,
    clickhouse: (id) => `WHERE transaction_id = '${id}'`,
    opensearch: (id) => [{ term: { transaction_id: id } }],
    reference_ms: 1.4,
  }),
  counted('count of messages with `gateway`', {
    query: 'message:gateway',
    vigieRead: (_, { total }) => total,
    clickhouse: "SELECT count() FROM logs WHERE hasToken(message, 'gateway')",
    clickhouseRead: ([[count]]) => Number(count),
    filter: [{ match: { message: 'gateway' } }],
    opensearchRead: (_, { hits }) => hits.total.value,
    reference_ms: 1.4,
  }),
  newest('newest 50 with `gateway`, all fields', {
    params: () => [null],
    vigie: () => 'message:gateway',
    clickhouse: () => "WHERE hasToken(message, 'gateway')",
    opensearch: () => [{ match: { message: 'gateway' } }],
    reference_ms: 3.5,
  }),
  counted('count by log type', {
    vigie: { terms: { field: 'log_type' } },
    vigieRead: counts,
    clickhouse: 'SELECT log_type, count() FROM logs GROUP BY log_type',
    clickhouseRead: numbered,
    opensearch: { terms: { field: 'log_type' } },
    opensearchRead: docCounts,
    reference_ms: 0.5,
  }),
  counted('count per hour', {
    vigie: { date_histogram: { interval: '1h' } },
    vigieRead: counts,
    clickhouse: 'SELECT toUnixTimestamp(toStartOfHour(timestamp)) * 1000 AS hour, count() FROM logs GROUP BY hour ORDER BY hour',
    clickhouseRead: numbered,
    opensearch: { date_histogram: { field: '@timestamp', fixed_interval: '1h' } },
    opensearchRead: docCounts,
    reference_ms: 2.5,
  }),
  counted('count and sum by payment method', {
    vigie: { terms: { field: 'payment_method' }, aggregations: { amount: { stats: { field: 'amount' } } } },
    vigieRead: (answer) => fromPairs(answer.buckets.map((bucket) => [bucket.key, bucket.count, cents(bucket.aggregations.amount.sum)])),
    clickhouse: "SELECT payment_method, count(), sum(amount) FROM logs WHERE log_type = 'transaction' GROUP BY payment_method",
    clickhouseRead: (data) => fromPairs(data.map(([key, count, sum]) => [key, Number(count), cents(sum)])),
    opensearch: { terms: { field: 'payment_method' }, aggs: { amount: { sum: { field: 'amount' } } } },
    opensearchRead: (answer) => fromPairs(answer.buckets.map((bucket) => [bucket.key, bucket.doc_count, cents(bucket.amount.value)])),
    reference_ms: 3.8,
  }),
  counted('p95 of response time by endpoint', {
    query: 'log_type:performance',
    vigie: { terms: { field: 'endpoint', size: 100 }, aggregations: { time: { percentiles: { field: 'response_time_ms', percents: [95] } } } },
    vigieRead: (answer) => fromPairs(answer.buckets.map((bucket) => [bucket.key, bucket.aggregations.time.percentiles[0].value])),
    clickhouse: "SELECT endpoint, quantileExactInclusive(0.95)(response_time_ms) FROM logs WHERE log_type = 'performance' GROUP BY endpoint",
    clickhouseRead: numbered,
    filter: [{ term: { log_type: 'performance' } }],
    opensearch: { terms: { field: 'endpoint', size: 100 }, aggs: { time: { percentiles: { field: 'response_time_ms', percents: [95] } } } },
    opensearchRead: (answer) => fromPairs(answer.buckets.map((bucket) => [bucket.key, bucket.time.values['95.0']])),
    reference_ms: 10.4,
    tolerance: { opensearch: 0.05 },
  }),
  counted('top 10 users', {
    vigie: { terms: { field: 'user_id', size: 10 } },
    // Which of several users with the same count are shown last is anyone's choice.
    vigieRead: (answer) => answer.buckets.map((bucket) => bucket.count),
    clickhouse: "SELECT user_id, count() AS events FROM logs WHERE user_id != '' GROUP BY user_id ORDER BY events DESC, user_id LIMIT 10",
    clickhouseRead: (data) => data.map(([, count]) => Number(count)),
    opensearch: { terms: { field: 'user_id', size: 10 } },
    opensearchRead: (answer) => answer.buckets.map((bucket) => bucket.doc_count),
    reference_ms: 20.1,
  }),
  newest('by client address, newest 50', {
    params: ({ addresses }) => addresses,
    vigie: (address) => `client_ip:${address}`,
    clickhouse: (address) => `WHERE client_ip = toIPv4('${address}')`,
    opensearch: (address) => [{ term: { client_ip: address } }],
    reference_ms: 1.6,
  }),
  newest('newest 50 errors of one service', {
    params: ({ services }) => services,
    vigie: (service) => `log_type:error AND service:${service}`,
    clickhouse: (service) => `WHERE log_type = 'error' AND service = '${service}'`,
    opensearch: (service) => [{ term: { log_type: 'error' } }, { term: { service } }],
    reference_ms: 3.5,
  }),
  counted('distinct users', {
    vigie: { cardinality: { field: 'user_id' } },
    vigieRead: (answer) => answer.value,
    clickhouse: "SELECT uniqExactIf(user_id, user_id != '') FROM logs",
    clickhouseRead: ([[count]]) => Number(count),
    opensearch: { cardinality: { field: 'user_id' } },
    opensearchRead: (answer) => answer.value,
    reference_ms: 27,
    tolerance: { opensearch: 0.05 },
  }),
  newest('newest 50 of all', {
    params: () => [null],
    vigie: () => '',
    clickhouse: () => '',
    opensearch: () => [],
    reference_ms: 14.5,
  }),
];

/** Where two answers differ; an empty text when they agree. Numbers may differ by the share `tolerance`. */
export function difference(left, right, tolerance = 1e-9, path = 'answer') {
  if (typeof left === 'number' && typeof right === 'number') {
    const isNear = Math.abs(left - right) <= tolerance * Math.max(Math.abs(left), Math.abs(right));
    return isNear ? '' : `${path}: ${left} and ${right}`;
  }
  if (typeof left !== 'object' || typeof right !== 'object' || !left || !right) return left === right ? '' : `${path}: ${left} and ${right}`;
  const keys = new Set([...Object.keys(left), ...Object.keys(right)]);
  for (const key of keys) {
    const found = difference(left[key], right[key], tolerance, `${path}.${key}`);
    if (found) return found;
  }
  return '';
}
