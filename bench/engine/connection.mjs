// One HTTP/1.1 connection that stays open and costs its own process next to nothing: one request at a time, no parsing but of the head.
import { connect } from 'node:net';

/** Servers close idle connections; one that rested longer than this is opened anew. */
const REST_MS = 4_000;

export class Connection {
  constructor(url) {
    this.target = new URL(url);
    this.waiting = null;
    this.pieces = [];
    this.received = 0;
    this.used_at = 0;
  }

  async open() {
    this.close();
    const socket = connect({ host: this.target.hostname, port: Number(this.target.port), noDelay: true });
    await new Promise((done, fail) => {
      socket.once('connect', done);
      socket.once('error', fail);
    });
    socket.on('data', (piece) => this.receive(piece));
    socket.on('error', (error) => this.fail(error));
    socket.on('close', () => {
      if (this.socket === socket) this.socket = null;
      this.fail(new Error('the server closed the connection'));
    });
    this.socket = socket;
  }

  close() {
    const { socket } = this;
    this.socket = null;
    socket?.removeAllListeners('close');
    socket?.destroy();
  }

  fail(error) {
    const { waiting } = this;
    this.waiting = null;
    waiting?.fail(error);
  }

  receive(piece) {
    this.pieces.push(piece);
    this.received += piece.length;
    if (this.wanted === undefined) {
      const whole = this.pieces.length === 1 ? piece : Buffer.concat(this.pieces);
      const end = whole.indexOf('\r\n\r\n');
      if (end < 0) return;
      const head = whole.latin1Slice(0, end);
      const length = /\r\ncontent-length: *(\d+)/i.exec(head);
      if (!length) return this.fail(new Error(`an answer without a length: ${head}`));
      this.pieces = [whole];
      this.status = Number(head.slice(9, 12));
      this.head_bytes = end + 4;
      this.wanted = this.head_bytes + Number(length[1]);
    }
    if (this.received < this.wanted) return;
    const body = Buffer.concat(this.pieces).subarray(this.head_bytes);
    const { waiting } = this;
    this.waiting = null;
    waiting?.done({ status: this.status, body, json: () => JSON.parse(body.toString()) });
  }

  /** Sends head and body as they are and waits for the answer. */
  async send(head, body) {
    if (!this.socket || performance.now() - this.used_at > REST_MS) await this.open();
    this.pieces = [];
    this.received = 0;
    this.wanted = undefined;
    const answer = new Promise((done, fail) => {
      this.waiting = { done, fail };
    });
    this.socket.cork();
    this.socket.write(head, 'latin1');
    if (body) this.socket.write(body);
    this.socket.uncork();
    const given = await answer;
    this.used_at = performance.now();
    return given;
  }

  async request(method, path, headers = {}, body = undefined) {
    const bytes = body === undefined ? undefined : Buffer.isBuffer(body) ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
    return this.send(this.head(method, path, headers, bytes?.length ?? 0), bytes);
  }

  head(method, path, headers, length) {
    const lines = Object.entries({ Host: this.target.host, 'Content-Type': 'application/json', ...headers, 'Content-Length': length });
    return `${method} ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
  }
}
