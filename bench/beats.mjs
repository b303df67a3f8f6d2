// Events as Filebeat sends them: windows of Lumberjack 2, packed, made before they are sent so that sending costs little.
import { connect } from 'node:net';
import { deflateSync } from 'node:zlib';

/** Filebeat's own: events of a window, level of compression, and windows under way on a connection. */
const WINDOW_EVENTS = 2_048;
const LEVEL = 3;
const PIPELINING = 2;
const ANSWER_BYTES = 6;

function header(kind, ...numbers) {
  const bytes = Buffer.alloc(2 + 4 * numbers.length);
  bytes.write(`2${kind}`);
  numbers.forEach((number, place) => bytes.writeUInt32BE(number, 2 + 4 * place));
  return bytes;
}

/** The lines as events of one file, with the place of each, in windows. */
export function beatsWindows(lines) {
  const windows = [];
  const begun = Date.now() - 3_600_000;
  let offset = 0;
  for (let start = 0; start < lines.length; start += WINDOW_EVENTS) {
    const frames = [];
    const events = lines.slice(start, start + WINDOW_EVENTS);
    events.forEach((message, place) => {
      const event = {
        '@timestamp': new Date(begun + start + place).toISOString(),
        '@metadata': { beat: 'filebeat', type: '_doc', version: '8.19.0' },
        message,
        log: { offset, file: { path: '/var/log/nginx/access.log', device_id: '2049', inode: '131842' } },
        input: { type: 'filestream' },
        fields: { shop: 'main' },
        host: { name: 'web-1' },
        agent: { id: '3f1c6c1e-6a0e-4d7e-9a53-0c2f1d1f6b11', name: 'web-1', type: 'filebeat', version: '8.19.0', ephemeral_id: '9d1f1c52-22c5-4b5f-8a11-0f5f2f0f7a10' },
        ecs: { version: '8.0.0' },
      };
      offset += message.length + 1;
      const json = Buffer.from(JSON.stringify(event));
      frames.push(header('J', place + 1, json.length), json);
    });
    const packed = deflateSync(Buffer.concat(frames), { level: LEVEL });
    windows.push(Buffer.concat([header('W', events.length), header('C', packed.length), packed]));
  }
  return windows;
}

/** Sends the windows over so many connections; done when each is acknowledged. */
export async function sendBeats(port, windows, connections) {
  let next = 0;
  const sender = () =>
    new Promise((done, fail) => {
      let [underway, rest] = [0, Buffer.alloc(0)];
      const socket = connect(port, '127.0.0.1');
      const send = () => {
        while (underway < PIPELINING && next < windows.length) {
          socket.write(windows[next++]);
          underway++;
        }
        if (underway === 0) socket.end();
      };
      socket.on('connect', send).on('error', fail);
      socket.on('close', () => (underway > 0 ? fail(new Error(`closed with ${underway} windows not acknowledged`)) : done()));
      socket.on('data', (bytes) => {
        rest = Buffer.concat([rest, bytes]);
        for (; rest.length >= ANSWER_BYTES; rest = rest.subarray(ANSWER_BYTES)) {
          if (rest.readUInt32BE(2) > 0) underway--;
        }
        send();
      });
    });
  await Promise.all(Array.from({ length: connections }, sender));
}
