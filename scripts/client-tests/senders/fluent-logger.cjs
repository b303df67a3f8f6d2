// Sends events through @fluent-org/logger and waits until each is acknowledged, however often it has to be sent again.
// usage: fluent-logger.cjs MODE HOST:PORT EVENTS NAME SHARED_KEY
const { FluentClient } = require('@fluent-org/logger');

const [eventMode, address, events, client, sharedKey] = process.argv.slice(2);
const [host, port] = address.split(':');
const AT_ONCE = 50;
const PAUSE_MS = 20;
const logger = new FluentClient('shop', {
  eventMode,
  socket: { host, port: Number(port), reconnect: { backoff: 2, delay: 50, minDelay: 50, maxDelay: 500 } },
  ack: { ackTimeout: 3000 },
  flushInterval: 50,
  ...(sharedKey ? { security: { clientHostname: 'shop-1', sharedKey } } : {}),
});
logger.socketOn('error', (error) => console.error('not connected', error.message));

const emit = async (n) => {
  for (;;) {
    try {
      await logger.emit('pay', { client, n, order: { id: `o-${n}` } });
      return;
    } catch (error) {
      console.error('sent again', n, error.message);
      await new Promise((done) => setTimeout(done, 200));
    }
  }
};
const all = [];
let n = 0;
const timer = setInterval(() => {
  for (let sent = 0; sent < AT_ONCE && n < Number(events); sent += 1, n += 1) all.push(emit(n));
  if (n === Number(events)) {
    clearInterval(timer);
    Promise.all(all).then(() => process.exit());
  }
}, PAUSE_MS);
