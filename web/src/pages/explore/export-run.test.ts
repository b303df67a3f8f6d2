import { expect, it } from 'vitest';
import { type ExportQuestion, exportPath, ExportRun, type Sink } from './export-run.svelte';

const QUESTION: ExportQuestion = { format: 'csv', query: 'level:ERROR', from: 'a', to: 'b', sort: 'desc', fields: ['level', 'message'] };

interface World {
  run: ExportRun;
  push: (text: string) => void;
  end: () => void;
  fail: () => void;
  said: string[];
}

/** A server that sends what the test says, and a file that remembers what became of it. */
function world(status = 200): World {
  const said: string[] = [];
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  const body = new ReadableStream<Uint8Array>({ start: (given) => void (controller = given) });
  const sink: Sink = {
    write: (bytes) => Promise.resolve(void said.push(new TextDecoder().decode(bytes))),
    close: () => Promise.resolve(void said.push('closed')),
    abort: () => Promise.resolve(void said.push('thrown away')),
  };
  const run = new ExportRun({
    ask: () => Promise.resolve(status === 200 ? new Response(body, { headers: { 'X-Total-Count': '2' } }) : new Response(JSON.stringify({ detail: 'wait' }), { status })),
    sink: () => Promise.resolve(sink),
  });
  return { run, said, push: (text) => controller?.enqueue(new TextEncoder().encode(text)), end: () => controller?.close(), fail: () => controller?.error(new Error('cut off')) };
}

it('columns are asked for where there are any', () => {
  expect(exportPath(QUESTION)).toBe('/api/logs/export?format=csv&query=level%3AERROR&from=a&to=b&sort=desc&fields=level%2Cmessage');
  expect(exportPath({ ...QUESTION, format: 'ndjson' })).not.toContain('fields');
});

it('bytes go to the file as they come, and rows are counted', async () => {
  const { run, push, end, said } = world();
  const started = run.start(QUESTION, 'x.csv');
  push('level,message\r\nERROR,"a');
  push('\nb"\r\nERROR,b\r\n');
  end();
  await started;
  expect([run.status, run.rows, run.total, run.bytes]).toEqual(['done', 2, 2, 37]);
  expect(said.at(-1)).toBe('closed');
});

it('a file that broke off is thrown away, and why is said', async () => {
  const { run, push, fail, said } = world();
  const started = run.start(QUESTION, 'x.csv');
  push('level');
  fail();
  await started;
  expect([run.status, run.problem?.detail, said.at(-1)]).toEqual(['failed', 'cut off', 'thrown away']);
});

it('a refusal is said in the server’s words', async () => {
  const { run } = world(429);
  await run.start(QUESTION, 'x.csv');
  expect([run.status, run.problem?.status, run.problem?.detail]).toEqual(['failed', 429, 'wait']);
});

it('without a chosen file nothing is asked', async () => {
  const run = new ExportRun({ ask: () => Promise.reject(new Error('asked')), sink: () => Promise.resolve(null) });
  await run.start(QUESTION, 'x.csv');
  expect([run.status, run.problem]).toEqual(['idle', null]);
});

it('what is stopped between two parts is thrown away, and no failure', async () => {
  const { run, push, said } = world();
  const started = run.start(QUESTION, 'x.csv');
  push('level');
  await expect.poll(() => run.bytes).toBe(5);
  run.stop();
  push(',message');
  await started;
  expect([run.status, run.problem, said.at(-1)]).toEqual(['stopped', null, 'thrown away']);
});

it('a file that cannot be had is said', async () => {
  const run = new ExportRun({ ask: () => Promise.reject(new Error('asked')), sink: () => Promise.reject(new Error('no right to this folder')) });
  await run.start(QUESTION, 'x.csv');
  expect([run.status, run.problem?.detail]).toEqual(['failed', 'no right to this folder']);
});
