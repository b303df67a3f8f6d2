// Payments that somebody waits for: judged, stored with what is said of them and synced before the answer.
// Usage: node bench/fraud.mjs BINARY
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { clientCpuSeconds, cpuSeconds, percentile, sleep } from './engine/measure.mjs';
import { Vigie } from './engine/vigie.mjs';

const CONNECTIONS = 64;
const SECONDS = 20;
/** As many customers as a shop with thousands of payments a second has; who pays every few seconds is looked at. */
const USERS = 1_000_000;
/** One payment in so many is by one of a few who pay far too often. */
const SUSPECT_EVERY = 200;
const SUSPECTS = 20;
const MUST = { per_s: 3_000, p99_ms: 10 };
const AIM = { per_s: 8_000, p99_ms: 5 };

process.env.VIGIE_FRAUD_ENABLED = 'true';
const folder = mkdtempSync(join(tmpdir(), 'vigie-bench-'));
const vigie = new Vigie({ binary: process.argv[2], folder });

let number = 0;
function payment() {
  number += 1;
  const user = number % SUSPECT_EVERY === 0 ? (number / SUSPECT_EVERY) % SUSPECTS : SUSPECTS + ((number * 7919) % USERS);
  return JSON.stringify({
    transaction_id: `tx-${number}`, '@timestamp': new Date().toISOString(), amount: 5 + (number % 90) + 0.5, currency: 'EUR', status: 'completed',
    payment_method: 'card', user_id: `u-${user}`, card_hash: `c-${user}`, card_bin: '497070', device_id: `d-${user}`, email_domain: 'mail.example',
    client_ip: `90.${user % 250}.${(user >> 8) % 250}.7`, ip_country: 'FR', card_country: 'FR', billing_country: 'FR', shipping_country: 'FR',
  });
}

/** Asks over every connection: at once again after each answer, or so often a second in all, where times count from the planned instant. */
async function load(per_s = null) {
  const times = [];
  const flagged = { allow: 0, review: 0, block: 0 };
  const [cpu, client] = [cpuSeconds(vigie.pid), clientCpuSeconds()];
  const begun = performance.now();
  const step_ms = per_s && (CONNECTIONS * 1_000) / per_s;
  const ask = async (_, place) => {
    const connection = vigie.connection();
    let planned = begun + (step_ms ?? 0) * (place / CONNECTIONS);
    while (performance.now() - begun < SECONDS * 1_000) {
      if (step_ms) {
        const early_ms = planned - performance.now();
        if (early_ms > 0) await sleep(early_ms);
      }
      const asked = step_ms ? planned : performance.now();
      const answer = await connection.request('POST', '/api/fraud/detect', vigie.headers, payment());
      times.push(performance.now() - asked);
      planned += step_ms ?? 0;
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
  const verdict = (value, must, aim, isMore) => (isMore ? value >= aim : value <= aim) ? 'aim met' : (isMore ? value >= must : value <= must) ? 'met' : 'MISSED';
  console.log(`${cpus().length} processors, POST /api/fraud/detect with one payment, ${CONNECTIONS} connections, ${SECONDS} s, each answer after its sync`);
  const shown = ({ times, flagged, cpu_s, client_cpu_s }) => {
    const [p50, p99] = [percentile(times, 0.5), percentile(times, 0.99)];
    console.log(`  p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms (must ${MUST.p99_ms}, aim ${AIM.p99_ms}): ${verdict(p99, MUST.p99_ms, AIM.p99_ms, false)}`);
    console.log(`  server ${cpu_s.toFixed(1)} CPU s, client ${client_cpu_s.toFixed(1)} CPU s; ${JSON.stringify(flagged)}`);
  };
  const fastest = await load();
  console.log(`asked again at once: ${Math.round(fastest.per_s)} decisions/s (must ${MUST.per_s}, aim ${AIM.per_s}): ${verdict(fastest.per_s, MUST.per_s, AIM.per_s, true)}`);
  shown(fastest);
  const paced = await load(MUST.per_s);
  console.log(`asked ${MUST.per_s} times a second, times from when it was due: ${Math.round(paced.per_s)} decisions/s`);
  shown(paced);
} finally {
  await vigie.stop();
  rmSync(folder, { recursive: true });
}
