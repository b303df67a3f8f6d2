// The judge: what was sent and what was acknowledged, on disk before it counts, and whether the store holds it.
//
// acknowledged ⊆ stored ⊆ sent, no event twice, no wrong byte.
import { closeSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';

export const BATCH_EVENTS = 20;

/** The same number always makes the same event; every second batch has ids, so that it may be sent again. */
export function eventOf(n) {
  const event = { n, service: ['cart', 'payment', 'search'][n % 3], level: n % 7 ? 'info' : 'error', message: messageOf(n) };
  return hasId(n) ? { _id: `event-${n}`, ...event } : event;
}

const messageOf = (n) => `order ${n} of ${((n * 2_654_435_761) >>> 0).toString(16)} was paid`;
const hasId = (n) => Math.floor(n / BATCH_EVENTS) % 2 === 1;
export const batchAt = (first) => Array.from({ length: BATCH_EVENTS }, (_, place) => eventOf(first + place));

export class Ledger {
  /** Goes on in the file, if there is one. */
  constructor(path) {
    this.path = path;
    this.file = openSync(path, 'a');
    this.acknowledged = new Set();
    this.next = 0;
    for (const line of readFileSync(path, 'utf8').split('\n').filter(Boolean)) this.take(line);
  }

  take(line) {
    const [what, first] = line.split(' ');
    const batch = Number(first);
    if (what === 'acknowledged') this.acknowledged.add(batch);
    this.next = Math.max(this.next, batch + BATCH_EVENTS);
  }

  write(line) {
    writeSync(this.file, `${line}\n`);
    fsyncSync(this.file);
  }

  /** A batch that nobody sent before. */
  begin() {
    const first = this.next;
    this.next += BATCH_EVENTS;
    this.write(`sent ${first}`);
    return first;
  }

  acknowledge(first) {
    this.write(`acknowledged ${first}`);
    this.acknowledged.add(first);
  }

  /** Batches with ids that were sent and never acknowledged. */
  unanswered() {
    const firsts = Array.from({ length: this.next / BATCH_EVENTS }, (_, number) => number * BATCH_EVENTS);
    return firsts.filter((first) => hasId(first) && !this.acknowledged.has(first));
  }

  get event_count() {
    return this.acknowledged.size * BATCH_EVENTS;
  }

  close() {
    closeSync(this.file);
  }

  /** Compares the store with the ledger; answers what is wrong, in words. */
  async check(store, from = 0) {
    const stored = new Map();
    const wrong = [];
    for await (const event of store.events(`n:>=${from}`)) {
      stored.set(event.n, (stored.get(event.n) ?? 0) + 1);
      if (event.message !== messageOf(event.n)) wrong.push(`event ${event.n} has come to be ${JSON.stringify(event)}`);
      if (event.n >= this.next) wrong.push(`nobody sent event ${event.n}`);
    }
    for (const [n, count] of stored) if (count > 1) wrong.push(`event ${n} is stored ${count} times`);
    let lost = 0;
    for (const first of this.acknowledged) {
      for (let n = first; n < first + BATCH_EVENTS; n += 1) if (n >= from && !stored.has(n)) lost += 1;
    }
    if (lost) wrong.push(`${lost} acknowledged events are lost`);
    return { stored: stored.size, lost, wrong };
  }
}

/** Sends batches one after another until the store is gone or `isOver`; each answer of 200 goes to the ledger. */
export async function sendUntil(store, ledger, isOver, told = () => {}) {
  const connection = store.connection();
  while (!isOver()) {
    const first = ledger.begin();
    const begun = performance.now();
    const answer = await store.send(connection, batchAt(first)).catch(() => undefined);
    if (answer?.status === 200) ledger.acknowledge(first);
    told(answer?.status, performance.now() - begun, answer);
    if (!answer) break;
  }
  connection.close();
}
