// The events of a run: a file of the corpus, cut into batches, and values of them to ask for.
import { closeSync, existsSync, openSync, readSync, renameSync, statSync } from 'node:fs';
import { Corpus, writeCorpus, yesterday } from '../corpus.mjs';

export const BATCH = 5_000;
const BLOCK_BYTES = 8 << 20;
const NEW_LINE = 10;
/** Lines of which one is looked at for values to ask for. */
const SAMPLE_EVERY = 20;
const SAMPLES = 64;

/** Makes the file unless it is there and of that day: questions about the last hours would find nothing in an older one. */
export function ensureCorpus({ file, count, day = yesterday(), seed = 1 }) {
  if (!existsSync(file) || dayOf(file) !== day) {
    writeCorpus({ out: `${file}.new`, count, day, seed });
    renameSync(`${file}.new`, file);
  }
  return { file, bytes: statSync(file).size };
}

/** The day of a corpus's first event. */
function dayOf(file) {
  const start = Buffer.alloc(64);
  const handle = openSync(file, 'r');
  readSync(handle, start);
  closeSync(handle);
  return /^\{"@timestamp":"([^T]*)T/.exec(start.toString())?.[1];
}

/** Batches of whole lines of a file, as bytes. */
export function* batches(file, events = BATCH, most = Infinity) {
  const handle = openSync(file, 'r');
  let rest = Buffer.alloc(0);
  let lines = 0;
  let begun = 0;
  let given = 0;
  let at = 0;
  for (;;) {
    const block = Buffer.allocUnsafe(BLOCK_BYTES);
    const read = readSync(handle, block, 0, BLOCK_BYTES, null);
    if (read === 0) break;
    at = rest.length;
    rest = Buffer.concat([rest, block.subarray(0, read)]);
    begun = 0;
    for (let end = rest.indexOf(NEW_LINE, at); end >= 0; end = rest.indexOf(NEW_LINE, end + 1)) {
      lines += 1;
      if (lines < events) continue;
      yield { body: rest.subarray(begun, end + 1), events: lines };
      given += lines;
      lines = 0;
      begun = end + 1;
      if (given >= most) return closeSync(handle);
    }
    rest = rest.subarray(begun);
  }
  closeSync(handle);
  if (lines > 0) yield { body: rest, events: lines };
}

/** Batches made on the spot. */
export function* madeBatches({ count, day, seed }, events = BATCH) {
  const corpus = new Corpus({ count, day, seed });
  for (let text = corpus.chunk(events); text !== ''; text = corpus.chunk(events)) {
    yield { body: Buffer.from(text), events: Math.min(events, count) };
  }
}

/** Values that events have: ids that occur once, addresses that occur often. */
export function samples(file) {
  const transactions = [];
  const addresses = new Map();
  let number = 0;
  for (const { body } of batches(file)) {
    for (const line of body.toString().split('\n')) {
      number += 1;
      if (line === '' || number % SAMPLE_EVERY !== 0) continue;
      const event = JSON.parse(line);
      if (event.transaction_id) transactions.push(event.transaction_id);
      addresses.set(event.client_ip, (addresses.get(event.client_ip) ?? 0) + 1);
    }
  }
  const often = [...addresses].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).slice(0, SAMPLES);
  const step = Math.max(1, Math.floor(transactions.length / SAMPLES));
  return {
    transactions: transactions.filter((_, index) => index % step === 0).slice(0, SAMPLES),
    addresses: often.map(([address]) => address),
    services: ['payment', 'cart', 'checkout', 'catalog', 'search', 'orders', 'web', 'accounts', 'shipping', 'recommendations', 'notifications', 'mobile-api'],
  };
}
