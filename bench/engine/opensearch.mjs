// OpenSearch, one node and one shard, over HTTP with `_bulk`; each answer after the sync of its log, as is its default.
import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { Connection } from './connection.mjs';
import { clientCpuSeconds, cpuSeconds, freePort, peakMb, quiet, residentMb } from './measure.mjs';

const run = promisify(execFile);
const SENDERS = 2;
const INDEX = 'logs';
const HEAP = '4g';
const keyword = { type: 'keyword' };
const MAPPING = {
  settings: { number_of_shards: 1, number_of_replicas: 0 },
  mappings: {
    properties: {
      '@timestamp': { type: 'date' },
      ...Object.fromEntries(
        'log_type level service host environment trace_id session_id user_id transaction_id order_id currency payment_method status card_bin card_last4 action page referrer product_id endpoint method error_type'
          .split(' ').map((name) => [name, keyword])),
      message: { type: 'text' },
      search_query: { type: 'text' },
      stack_trace: { type: 'text' },
      client_ip: { type: 'ip' },
      amount: { type: 'scaled_float', scaling_factor: 10_000 },
      response_time_ms: { type: 'double' },
      db_query_time_ms: { type: 'double' },
      status_code: { type: 'integer' },
      error_code: { type: 'integer' },
      duration_ms: { type: 'long' },
      cache_hit: { type: 'boolean' },
    },
  },
};

export class OpenSearch {
  name = 'OpenSearch';

  constructor({ script, folder }) {
    this.script = script;
    this.data = join(folder, 'opensearch');
  }

  async start() {
    const env = { OPENSEARCH_HEAP: HEAP, ...process.env };
    this.port ??= await freePort();
    const { stdout } = await run(this.script, [this.data, String(this.port)], { env });
    const told = /ready: (\S+) .*pids=(\d+)/.exec(stdout);
    if (!told) throw new Error(`OpenSearch did not start: ${stdout}`);
    [, this.url, this.pid] = told;
    this.asking = new Connection(this.url);
  }

  async stop() {
    if (!this.asking) return;
    this.asking.close();
    await run(join(dirname(this.script), 'stop'), [this.data]);
  }

  async restart() {
    await this.stop();
    await this.start();
  }

  async call(method, path, body, headers = {}, connection = this.asking) {
    const answer = await connection.request(method, path, headers, body);
    if (answer.status >= 300) throw new Error(`OpenSearch answered ${answer.status} to ${path}: ${answer.body.subarray(0, 500)}`);
    return answer.json();
  }

  async ingest(batches) {
    await this.call('PUT', `/${INDEX}`, MAPPING);
    const [cpu, client] = [cpuSeconds(this.pid), clientCpuSeconds()];
    const begun = performance.now();
    let events = 0;
    const action = Buffer.from('{"index":{}}\n');
    const send = async () => {
      const connection = new Connection(this.url);
      for (const batch of batches) {
        const lines = [];
        for (let at = 0, end; at < batch.body.length; at = end + 1) {
          end = batch.body.indexOf(10, at);
          lines.push(action, batch.body.subarray(at, end + 1));
        }
        const answer = await this.call('POST', `/${INDEX}/_bulk`, Buffer.concat(lines), { 'Content-Type': 'application/x-ndjson' }, connection);
        if (answer.errors) throw new Error(`OpenSearch refused events: ${JSON.stringify(answer.items.find((item) => item.index.error))}`);
        events += batch.events;
      }
      connection.close();
    };
    await Promise.all(Array.from({ length: SENDERS }, send));
    const wall_s = (performance.now() - begun) / 1_000;
    const client_cpu_s = clientCpuSeconds() - client;
    const answered_cpu_s = cpuSeconds(this.pid) - cpu;
    await this.call('POST', `/${INDEX}/_flush`);
    const is_quiet = await quiet(this.pid);
    const measured = { events, wall_s, client_cpu_s, answered_cpu_s, cpu_s: cpuSeconds(this.pid) - cpu, is_quiet };
    // Its best layout for queries and disk; what that costs is not counted above.
    await this.call('POST', `/${INDEX}/_forcemerge?max_num_segments=1`);
    await this.call('POST', `/${INDEX}/_flush`);
    const stats = await this.call('GET', `/${INDEX}/_stats/store`);
    this.stored = stats.indices[INDEX].total.store.size_in_bytes;
    return measured;
  }

  diskBytes() {
    return this.stored;
  }

  residentMb() {
    return residentMb(this.pid);
  }

  peakMb() {
    return peakMb(this.pid);
  }

  async ask(query, param) {
    const bytes = Buffer.from(JSON.stringify(query.opensearch(param)));
    const head = this.asking.head('POST', `/${INDEX}/_search?request_cache=false`, {}, bytes.length);
    const begun = performance.now();
    const answer = await this.asking.send(head, bytes);
    const ms = performance.now() - begun;
    if (answer.status !== 200) throw new Error(`${query.name}: ${answer.status} ${answer.body}`);
    return { ms, answer: () => query.opensearchAnswer(answer.json()) };
  }
}
