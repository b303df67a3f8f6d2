// Logs events through winston-loki, a few every few milliseconds as a shop does, then waits until it has sent them.
// usage: winston-loki.cjs URL USER:PASSWORD EVENTS
const winston = require('winston');
const LokiTransport = require('winston-loki');

const [host, basicAuth, events] = process.argv.slice(2);
const AT_ONCE = 100;
const PAUSE_MS = 20;
const transport = new LokiTransport({
  host, basicAuth, labels: { client: 'winston-loki' }, json: false, interval: 0.2, timeout: 5000,
  onConnectionError: (error) => console.error('not sent yet', error && error.message),
});
const logger = winston.createLogger({ transports: [transport] });

let n = 0;
const timer = setInterval(() => {
  for (let sent = 0; sent < AT_ONCE && n < Number(events); sent += 1, n += 1) logger.info(`event n=${n}`);
  if (n === Number(events)) {
    clearInterval(timer);
    logger.end();
    transport.flush().then(() => setTimeout(() => process.exit(), 2000), () => process.exit(1));
  }
}, PAUSE_MS);
