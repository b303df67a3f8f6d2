// Payments that somebody waits for: judged, stored with what is said of them and synced before the answer.
// Usage: node bench/fraud.mjs BINARY
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { clientCpuSeconds, cpuSeconds, percentile } from './engine/measure.mjs';
import { Vigie } from './engine/vigie.mjs';

const CONNECTIONS = 64;
const SECONDS = 20;
const USERS = 20_000;
const MUST = { per_s: 3_000, p99_ms: 10 };
const AIM = { per_s: 8_000, p99_ms: 5 };

process.env.VIGIE_FRAUD_ENABLED = 'true';
const folder = mkdtempSync(join(tmpdir(), 'vigie-bench-'));
const vigie = new Vigie({ binary: process.argv[2], folder });

let number = 0;
function payment() {
  number += 1;
  const user = (number * 7919) % USERS;
  return JSON.stringify({
    transaction_id: `tx-${number}`, '@timestamp': new Date().toISOString(), amount: 5 + (number % 90) + 0.5, currency: 'EUR', status: 'completed',
    payment_method: 'card', user_id: `u-${user}`, card_hash: `c-${user}`, card_bin: '497070', device_id: `d-${user}`, email_domain: 'mail.example',
    client_ip: `90.${user % 250}.${(user >> 8) % 250}.7`, ip_country: 'FR', card_country: 'FR', billing_country: 'FR', shipping_country: 'FR',
  });
}

async function load() {
  const times = [];
  const flagged = { allow: 0, review: 0, block: 0 };
  const [cpu, client] = [cpuSeconds(vigie.pid), clientCpuSeconds()];
  const begun = performance.now();
  const ask = async () => {
    const connection = vigie.connection();
    while (performance.now() - begun < SECONDS * 1_000) {
      const asked = performance.now();
      const answer = await connection.request('POST', '/api/fraud/detect', vigie.headers, payment());
      times.push(performance.now() - asked);
      if (answer.status !== 200) throw new Error(`Vigie answered ${answer.status}: ${answer.body}`);
      flagged[answer.json().decisions[0].decision] += 1;
    }
    connection.close();
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, ask));
  const seconds = (performance.now() - begun) / 1_000;
  return { per_s: times.length / seconds, times, flagged, cpu_s: cpuSeconds(vigie.pid) - cpu, client_cpu_s: clientCpuSeconds() - client };
}

try {
  await vigie.start();
  const { per_s, times, flagged, cpu_s, client_cpu_s } = await load();
  const [p50, p99] = [percentile(times, 0.5), percentile(times, 0.99)];
  const verdict = (value, must, aim, isMore) => (isMore ? value >= aim : value <= aim) ? 'aim met' : (isMore ? value >= must : value <= must) ? 'met' : 'MISSED';
  console.log(`${cpus().length} processors, POST /api/fraud/detect with one payment, ${CONNECTIONS} connections, ${SECONDS} s, each answer after its sync`);
  console.log(`${Math.round(per_s)} decisions/s (must ${MUST.per_s}, aim ${AIM.per_s}): ${verdict(per_s, MUST.per_s, AIM.per_s, true)}`);
  console.log(`p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms (must ${MUST.p99_ms}, aim ${AIM.p99_ms}): ${verdict(p99, MUST.p99_ms, AIM.p99_ms, false)}`);
  console.log(`server ${cpu_s.toFixed(1)} CPU s, client ${client_cpu_s.toFixed(1)} CPU s; ${JSON.stringify(flagged)}`);
} finally {
  await vigie.stop();
  rmSync(folder, { recursive: true });
}
