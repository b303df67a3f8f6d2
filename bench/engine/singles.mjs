// Events sent one by one over many connections, each answered after its sync.
import { clientCpuSeconds, cpuSeconds, percentile } from './measure.mjs';

const CONNECTIONS = 64;
const SECONDS = 5;

export async function singles(vigie, batches) {
  const times = [];
  const [cpu, client] = [cpuSeconds(vigie.pid), clientCpuSeconds()];
  const begun = performance.now();
  const end = begun + SECONDS * 1_000;
  const send = async () => {
    const connection = vigie.connection();
    for (const { body } of batches) {
      const asked = performance.now();
      if (asked >= end) break;
      await vigie.sendBatch(connection, body);
      times.push(performance.now() - asked);
    }
    connection.close();
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, send));
  const seconds = (performance.now() - begun) / 1_000;
  return {
    connections: CONNECTIONS,
    per_s: times.length / seconds,
    p50_ms: percentile(times, 0.5),
    p95_ms: percentile(times, 0.95),
    cpu_s: cpuSeconds(vigie.pid) - cpu,
    client_cpu_s: clientCpuSeconds() - client,
  };
}
