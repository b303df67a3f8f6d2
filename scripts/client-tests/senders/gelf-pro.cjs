// Sends events through gelf-pro, some at once every few milliseconds as a shop does.
// usage: gelf-pro.cjs ADAPTER HOST:PORT EVENTS NAME
const crypto = require('crypto');
const gelf = require('gelf-pro');

const [adapter, address, events, client] = process.argv.slice(2);
const [host, port] = address.split(':');
const AT_ONCE = 50;
const PAUSE_MS = 20;
const LARGE_EVERY = 50;
gelf.setConfig({ adapterName: adapter, adapterOptions: { host, port: Number(port) }, fields: { client } });

let n = 0;
const sendSome = async () => {
  const sent = [];
  for (; sent.length < AT_ONCE && n < Number(events); n += 1) {
    const large = n % LARGE_EVERY === 0 ? crypto.randomBytes(8000).toString('hex') : '';
    const fields = { n, large };
    const text = `event n=${n}`;
    sent.push(new Promise((done, fail) => gelf.info(text, fields, (error) => (error ? fail(error) : done()))));
  }
  await Promise.all(sent);
  if (n < Number(events)) setTimeout(sendSome, PAUSE_MS);
  else setTimeout(() => process.exit(), 2000);
};
sendSome();
