// Logs events through pino-elasticsearch and waits until it says that all are in.
// usage: pino.cjs URL USER PASSWORD EVENTS
const pino = require('pino');
const pinoElastic = require('pino-elasticsearch');

const [node, username, password, events] = process.argv.slice(2);
const stream = pinoElastic({
  index: 'pino-logs',
  node,
  auth: { username, password },
  esVersion: 8,
  opType: 'create',
  flushBytes: 20_000,
});
for (const event of ['error', 'insertError', 'unknown']) {
  stream.on(event, (error) => { console.error(event, error); process.exit(1); });
}
stream.on('insert', (stats) => {
  console.log(stats);
  process.exit(stats.successful === Number(events) ? 0 : 1);
});
const logger = pino({ base: null }, stream);
for (let n = 0; n < Number(events); n += 1) {
  logger.info({ n, client: 'pino-elasticsearch' }, `event ${n}`);
}
stream.end();
