// Lean shop events for the engine's bench, as NDJSON: the same seed, count and day give the same bytes.
// Usage: node bench/corpus.mjs --out FILE [--count 2000000] [--seed 1] [--day 2026-11-24] (default: yesterday, UTC)
//
// About 412 bytes an event: user_behavior 40 %, performance 35 %, transaction 20 %, error 5 %, in time order over the 24 hours of the day.
// Made hard to store rather than true to life: durations carry all their digits, addresses hardly repeat, and users change within a session.
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const DAY_MS = 86_400_000;
const CHUNK_EVENTS = 2_000;
const USERS = 200_000;
const SESSION_EVENTS = 20;
const SESSIONS_OPEN = 20_000;
const PRODUCTS = 20_000;
/** Addresses that come again and again (offices, crawlers), and how often one of them is the sender. */
const FREQUENT_ADDRESSES = 2_000;
const FREQUENT_SHARE = 0.1;
const ADDRESSES = 1_000_000;
/** How much busier than the mean the busiest hour is. */
const DAILY_SWING = 0.6;

const SERVICES = ['web', 'mobile-api', 'catalog', 'search', 'cart', 'checkout', 'payment', 'orders', 'accounts', 'shipping', 'recommendations', 'notifications'];
const METHODS = ['card', 'paypal', 'apple_pay', 'google_pay', 'bank_transfer', 'klarna'];
const CURRENCIES = ['EUR', 'EUR', 'EUR', 'EUR', 'GBP', 'USD', 'CHF', 'SEK'];
const STATUSES = [...Array(17).fill('completed'), 'pending', 'declined', 'failed', 'refunded'];
const ACTIONS = ['page_view', 'page_view', 'page_view', 'product_view', 'product_view', 'product_view', 'search', 'search', 'add_to_cart', 'remove_from_cart', 'checkout_start', 'login', 'logout'];
const PAGES = ['/', '/offers', '/new', '/women/shoes', '/men/shoes', '/kitchen', '/garden', '/books', '/toys', '/cart', '/checkout', '/account', '/account/orders', '/help', '/stores'];
const WORDS = ['red', 'wool', 'running', 'leather', 'crème', 'linen', 'winter', 'oak', 'steel', 'kids', 'wireless', 'organic', 'silk', 'garden', 'étui', 'travel'];
const GOODS = ['shoes', 'scarf', 'lamp', 'chair', 'kettle', 'jacket', 'backpack', 'headphones', 'sofa', 'mug', 'watch', 'tent', 'desk', 'blanket', 'bottle', 'gloves'];
const ENDPOINTS = [
  '/api/products', '/api/products/{id}', '/api/products/{id}/reviews', '/api/products/{id}/stock', '/api/categories', '/api/categories/{id}',
  '/api/search', '/api/search/suggest', '/api/cart', '/api/cart/items', '/api/cart/coupon', '/api/checkout', '/api/checkout/address', '/api/checkout/shipping',
  '/api/checkout/confirm', '/api/payments', '/api/payments/{id}', '/api/payments/{id}/capture', '/api/refunds', '/api/orders', '/api/orders/{id}',
  '/api/orders/{id}/invoice', '/api/orders/{id}/tracking', '/api/users/me', '/api/users/me/addresses', '/api/users/me/orders', '/api/login', '/api/logout',
  '/api/register', '/api/password', '/api/wishlist', '/api/recommendations', '/api/recommendations/home', '/api/shipping/rates', '/api/shipping/labels',
  '/api/stores', '/api/newsletter', '/api/notifications', '/api/health', '/api/version',
];
const HTTP_METHODS = ['GET', 'GET', 'GET', 'GET', 'POST', 'POST', 'PUT', 'DELETE'];
const ENDPOINT_METHODS = ENDPOINTS.map((_, index) => HTTP_METHODS[(index * 5) % HTTP_METHODS.length]);
const ENDPOINT_SERVICES = ENDPOINTS.map((_, index) => SERVICES[(index * 7) % SERVICES.length]);
const ERRORS = [
  { type: 'TimeoutError', code: 1001, status: 504, text: (a) => `Upstream ${a.service} did not answer within ${a.n} ms on ${a.endpoint}` },
  { type: 'DatabaseError', code: 1002, status: 500, text: (a) => `Query on table orders failed after ${a.n} ms: deadlock detected, retry ${a.few}` },
  { type: 'ValidationError', code: 1003, status: 422, text: (a) => `Field quantity of product ${a.product} is ${a.n}, stock holds ${a.few}` },
  { type: 'AuthenticationError', code: 1004, status: 401, text: (a) => `Token of user ${a.user} expired ${a.n} seconds ago` },
  { type: 'NotFoundError', code: 1005, status: 404, text: (a) => `Product ${a.product} is not in the catalog, asked by ${a.service}` },
  { type: 'InventoryError', code: 1006, status: 409, text: (a) => `Could not reserve ${a.few} pieces of ${a.product} in warehouse ${a.few}` },
];
const GATEWAY_ERROR = { type: 'PaymentError', code: 1007, status: 502, text: (a) => `Payment gateway refused order after ${a.n} ms with code ${a.few}, circuit half open` };
/** Shares of messages with the word `gateway`; in all about 1 % of the events. */
const GATEWAY_SHARE = { error: 0.17, transaction: 0.006, performance: 0.001 };
const STACK_SHARE = 0.3;

const HEX = Array.from({ length: 65_536 }, (_, number) => number.toString(16).padStart(4, '0'));
const TWO = Array.from({ length: 100 }, (_, number) => String(number).padStart(2, '0'));
const THREE = Array.from({ length: 1_000 }, (_, number) => String(number).padStart(3, '0'));

/** sfc32 of PractRand (Chris Doty-Humphrey): small, fast, and good enough for text nobody can guess the next letter of. */
function random(seed) {
  let a = seed | 0;
  let b = 0x9e3779b9 | 0;
  let c = 0x243f6a88 | 0;
  let counter = 1;
  const next = () => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum | 0;
    return sum >>> 0;
  };
  for (let round = 0; round < 20; round += 1) next();
  return next;
}

/** Makes the events of one day one after the other. */
export class Corpus {
  constructor({ seed = 1, count, day }) {
    this.next = random(seed);
    this.seed = seed;
    this.count = count;
    this.day = day;
    this.midnight_ms = Date.parse(`${day}T00:00:00Z`);
    this.made = 0;
    this.transactions = 0;
    this.sessions = Array.from({ length: SESSIONS_OPEN }, () => this.newSession(this.below(SESSION_EVENTS)));
  }

  unit() {
    return this.next() / 4_294_967_296;
  }

  below(bound) {
    return Math.floor(this.unit() * bound);
  }

  one(list) {
    return list[Math.floor(this.unit() * list.length)];
  }

  hex16() {
    const high = this.next();
    const low = this.next();
    return HEX[high >>> 16] + HEX[high & 65_535] + HEX[low >>> 16] + HEX[low & 65_535];
  }

  logNormal(median, sigma) {
    // Box and Muller; 1 - unit() is never 0.
    const normal = Math.sqrt(-2 * Math.log(1 - this.unit())) * Math.cos(2 * Math.PI * this.unit());
    return median * Math.exp(sigma * normal);
  }

  newSession(used) {
    return { id: this.hex16(), left: SESSION_EVENTS - used };
  }

  user() {
    // Some users come more often than others; the step scatters them over the ids.
    const rank = Math.floor(USERS * this.unit() ** 1.5);
    return `u${100_000 + ((rank * 7_919) % USERS)}`;
  }

  /** The id of an open session; the events of one are hours apart at most. */
  session() {
    const index = this.below(SESSIONS_OPEN);
    const session = this.sessions[index];
    session.left -= 1;
    if (session.left === 0) this.sessions[index] = this.newSession(0);
    return session.id;
  }

  address() {
    const number = this.unit() < FREQUENT_SHARE ? this.below(FREQUENT_ADDRESSES) : this.below(ADDRESSES);
    // An odd factor gives every number its own address.
    const bits = Math.imul(number + 1, 0x9e3779b1) >>> 0;
    return `${(bits >>> 24) % 200 + 11}.${(bits >>> 16) & 255}.${(bits >>> 8) & 255}.${bits & 255}`;
  }

  timestamp() {
    // Still in order: the slope of the swing is below 1.
    const share = (this.made + this.unit()) / this.count;
    const swung = share - (DAILY_SWING * Math.sin(2 * Math.PI * share)) / (2 * Math.PI);
    const ms = Math.min(DAY_MS - 1, Math.floor(swung * DAY_MS));
    const seconds = Math.floor(ms / 1_000);
    return `${this.day}T${TWO[Math.floor(seconds / 3_600)]}:${TWO[Math.floor(seconds / 60) % 60]}:${TWO[seconds % 60]}.${THREE[ms % 1_000]}Z`;
  }

  head(type, level, service, message) {
    const host = `node-${TWO[this.below(96)]}`;
    const environment = this.unit() < 0.97 ? 'prod' : 'staging';
    return `{"@timestamp":"${this.timestamp()}","log_type":"${type}","level":"${level}","service":"${service}","host":"${host}","environment":"${environment}","message":"${message}"`;
  }

  /** One event as a line without its end. */
  line() {
    const share = this.unit();
    let line;
    if (share < 0.4) line = this.userBehavior();
    else if (share < 0.75) line = this.performance();
    else if (share < 0.95) line = this.transaction();
    else line = this.error();
    this.made += 1;
    return line;
  }

  userBehavior() {
    const action = this.one(ACTIONS);
    const page = this.one(PAGES);
    const session = this.session();
    const user = this.user();
    const product = `SKU-${10_000 + this.below(PRODUCTS)}`;
    const shown_ms = Math.floor(this.logNormal(4_000, 1));
    const service = this.unit() < 0.6 ? 'web' : 'mobile-api';
    const rest = `"session_id":"${session}","user_id":"${user}","client_ip":"${this.address()}","action":"${action}","page":"${page}"`;
    if (action === 'search') {
      const asked = `${this.one(WORDS)} ${this.one(GOODS)}`;
      const found = this.below(400);
      return `${this.head('user_behavior', 'INFO', service, `Searched for ${asked} and got ${found} results`)},${rest},"search_query":"${asked}","duration_ms":${shown_ms}}`;
    }
    if (action === 'page_view' || action === 'login' || action === 'logout') {
      return `${this.head('user_behavior', action === 'page_view' ? 'DEBUG' : 'INFO', service, `Visitor opened ${page} and stayed ${shown_ms} ms`)},${rest},"duration_ms":${shown_ms},"referrer":"${this.one(PAGES)}"}`;
    }
    return `${this.head('user_behavior', 'INFO', service, `${product} at position ${this.below(48)} of ${page} saw ${action}`)},${rest},"product_id":"${product}","duration_ms":${shown_ms}}`;
  }

  performance() {
    const index = Math.floor(ENDPOINTS.length * this.unit() ** 1.3);
    const endpoint = ENDPOINTS[index];
    const method = ENDPOINT_METHODS[index];
    const service = ENDPOINT_SERVICES[index];
    const response = this.logNormal(25 + index * 3, 0.7);
    const query = response * (0.2 + 0.6 * this.unit());
    const status = this.unit() < 0.96 ? 200 : this.one([201, 204, 301, 304, 400, 404, 429, 500, 503]);
    const slow = response > 250;
    const through = this.unit() < GATEWAY_SHARE.performance;
    const message = through
      ? `${method} ${endpoint} waited for the gateway and answered ${status} in ${Math.round(response)} ms`
      : `${slow ? 'Slow: ' : ''}${method} ${endpoint} answered ${status} in ${Math.round(response)} ms`;
    return `${this.head('performance', slow ? 'WARN' : 'INFO', service, message)},"trace_id":"${this.hex16()}${this.hex16()}","client_ip":"${this.address()}","endpoint":"${endpoint}","method":"${method}","status_code":${status},"response_time_ms":${response},"db_query_time_ms":${query}${this.unit() < 0.2 ? `,"cache_hit":${this.unit() < 0.4}` : ''}}`;
  }

  transaction() {
    const session = this.session();
    const user = this.user();
    this.transactions += 1;
    const order = 40_000_000 + this.transactions * 2 + this.below(2);
    const method = METHODS[Math.floor(METHODS.length * this.unit() ** 1.6)];
    const status = this.one(STATUSES);
    const cents = Math.max(99, Math.round(this.logNormal(4_500, 0.8)));
    const amount = `${Math.floor(cents / 100)}.${TWO[cents % 100]}`;
    const currency = this.one(CURRENCIES);
    const through = this.unit() < GATEWAY_SHARE.transaction;
    const message = `Payment of ${amount} ${currency} for order ${order} by ${method} is ${status}${through ? ', gateway answered late' : ''}`;
    const card = method === 'card' ? `,"card_bin":"${400_000 + this.below(160_000)}","card_last4":"${TWO[this.below(100)]}${TWO[this.below(100)]}"` : '';
    const level = status === 'failed' || status === 'declined' ? 'WARN' : 'INFO';
    return `${this.head('transaction', level, 'payment', message)},"trace_id":"${this.hex16()}${this.hex16()}","session_id":"${session}","user_id":"${user}","client_ip":"${this.address()}","transaction_id":"TX${this.day.replaceAll('-', '')}${this.seed}-${1_000_000 + this.transactions}","order_id":"${order}","amount":${amount},"currency":"${currency}","payment_method":"${method}","status":"${status}"${card}}`;
  }

  error() {
    const session = this.session();
    const user = this.user();
    const index = this.below(ENDPOINTS.length);
    const endpoint = ENDPOINTS[index];
    const gateway = this.unit() < GATEWAY_SHARE.error;
    const kind = gateway ? GATEWAY_ERROR : this.one(ERRORS);
    const service = gateway ? 'payment' : ENDPOINT_SERVICES[index];
    const product = `SKU-${10_000 + this.below(PRODUCTS)}`;
    const message = kind.text({ service: this.one(SERVICES), endpoint, user, product, n: this.below(9_000) + 100, few: this.below(40) });
    const stack = this.unit() < STACK_SHARE
      ? `,"stack_trace":"${kind.type}: ${kind.code}\\n    at handle (${service}/src/handler.js:${this.below(400)}:${this.below(80)})\\n    at dispatch (${service}/src/router.js:${this.below(200)}:11)\\n    at process (node:internal/process/task_queues:95:5)"`
      : '';
    return `${this.head('error', this.unit() < 0.95 ? 'ERROR' : 'FATAL', service, message)},"trace_id":"${this.hex16()}${this.hex16()}","session_id":"${session}","user_id":"${user}","client_ip":"${this.address()}","error_type":"${kind.type}","error_code":${kind.code},"endpoint":"${endpoint}","method":"${ENDPOINT_METHODS[index]}","status_code":${kind.status}${stack}}`;
  }

  /** The next lines, each with its end; empty once all events are made. */
  chunk(events = CHUNK_EVENTS) {
    const wanted = Math.min(events, this.count - this.made);
    let text = '';
    for (let made = 0; made < wanted; made += 1) text += `${this.line()}\n`;
    return text;
  }
}

export const yesterday = () => new Date(Date.now() - DAY_MS).toISOString().slice(0, 10);

/** Writes the corpus to a file and tells how many bytes it has. */
export function writeCorpus({ out, ...what }) {
  mkdirSync(dirname(resolve(out)), { recursive: true });
  const file = openSync(out, 'w');
  const corpus = new Corpus(what);
  let bytes = 0;
  for (let text = corpus.chunk(); text !== ''; text = corpus.chunk()) bytes += writeSync(file, text);
  closeSync(file);
  return bytes;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: { out: { type: 'string' }, count: { type: 'string', default: '2000000' }, seed: { type: 'string', default: '1' }, day: { type: 'string', default: yesterday() } },
  });
  if (!values.out) throw new Error('--out FILE is missing');
  const count = Number(values.count);
  const begun = performance.now();
  const bytes = writeCorpus({ out: values.out, count, seed: Number(values.seed), day: values.day });
  console.log(`${count} events, ${bytes} bytes (${Math.round(bytes / count)} each) in ${((performance.now() - begun) / 1000).toFixed(1)} s`);
}
