// Logs events through winston-elasticsearch, a few every few milliseconds as a shop does, then waits for the last one.
// usage: winston.cjs URL USER PASSWORD EVENTS
const winston = require('winston');
const { ElasticsearchTransport } = require('winston-elasticsearch');

const [node, username, password, events] = process.argv.slice(2);
const AT_ONCE = 100;
const PAUSE_MS = 20;
const transport = new ElasticsearchTransport({
  level: 'info',
  index: 'winston-logs',
  flushInterval: 50,
  clientOpts: { node, auth: { username, password }, maxRetries: 0 },
});
transport.on('error', (error) => { console.error('error', error); process.exitCode = 1; });
const logger = winston.createLogger({ transports: [transport] });

let n = 0;
const timer = setInterval(() => {
  for (let sent = 0; sent < AT_ONCE && n < Number(events); sent += 1, n += 1) {
    logger.info(`event ${n}`, { n, client: 'winston-elasticsearch' });
  }
  const { bulkWriter } = transport;
  if (n === Number(events) && bulkWriter.bulk.length === 0 && !bulkWriter.running) {
    clearInterval(timer);
    setTimeout(() => process.exit(), 1000);
  }
}, PAUSE_MS);
