/** A Vigie of its own for a test: the real binary with its demo shop, on a free port, in a folder that goes away. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, type Browser, type BrowserContext, type BrowserContextOptions, type Page } from '@playwright/test';

export const USERNAME = 'admin@localhost';
/** For this throw-away server only, and for everybody on it. */
export const PASSWORD = 'quiet-lantern-42-orbit';
/** How long the server may take to answer. */
const START_MS_MAX = 30_000;

export interface Vigie {
  url: string;
  /** Where it takes lines. */
  tcpPort: number;
  /** Adds somebody who may do what that role may. */
  addUser: (username: string, role: string) => Promise<void>;
  stop: () => Promise<void>;
}

async function freePort(): Promise<number> {
  return new Promise((done, fail) => {
    const server = createServer();
    server.on('error', fail);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => (typeof address === 'object' && address !== null ? done(address.port) : fail(new Error('no port'))));
    });
  });
}

async function untilReady(url: string, process: ChildProcess, said: () => string): Promise<void> {
  const end = Date.now() + START_MS_MAX;
  while (Date.now() < end) {
    if (process.exitCode !== null) throw new Error(`vigie ended with ${process.exitCode}:\n${said()}`);
    const isReady = await fetch(`${url}/readyz`).then((response) => response.ok, () => false);
    if (isReady) return;
  }
  throw new Error(`vigie was not ready in ${START_MS_MAX} ms:\n${said()}`);
}

export async function startVigie(): Promise<Vigie> {
  const binary = process.env['VIGIE_BIN'] ?? resolve('../target/debug/vigie');
  const folder = mkdtempSync(join(tmpdir(), 'vigie-e2e-'));
  const port = await freePort();
  const tcpPort = await freePort();
  const child = spawn(binary, ['serve', '--demo', '--data', join(folder, 'data'), '--listen', `127.0.0.1:${port}`], {
    cwd: folder,
    env: { PATH: process.env['PATH'] ?? '', VIGIE_ADMIN_PASSWORD: PASSWORD, VIGIE_DEMO_EVENTS: '60000', VIGIE_LOG_LEVEL: 'warn', VIGIE_INPUT_TCP_LISTEN: `127.0.0.1:${tcpPort}`, VIGIE_INPUT_UDP_LISTEN: '', VIGIE_INPUT_SYSLOG_TCP_LISTEN: '', VIGIE_INPUT_SYSLOG_UDP_LISTEN: '', VIGIE_INPUT_BEATS_LISTEN: '' },
  });
  let output = '';
  child.stdout.on('data', (bytes: Buffer) => (output += bytes.toString()));
  child.stderr.on('data', (bytes: Buffer) => (output += bytes.toString()));
  const url = `http://127.0.0.1:${port}`;
  await untilReady(url, child, () => output);
  const addUser = async (username: string, role: string): Promise<void> => {
    const env = { PATH: process.env['PATH'] ?? '', VIGIE_USER_PASSWORD: PASSWORD };
    await promisify(execFile)(binary, ['user', '--data', join(folder, 'data'), 'add', username, '--role', role], { cwd: folder, env });
  };
  const stop = (): Promise<void> =>
    new Promise((done) => {
      child.once('exit', () => {
        rmSync(folder, { recursive: true, force: true });
        done();
      });
      child.kill('SIGTERM');
    });
  return { url, tcpPort, addUser, stop };
}

/** A page on which somebody is logged in, and what went wrong on it: script errors and what the content security policy stopped. */
export interface WatchedPage {
  context: BrowserContext;
  page: Page;
  broken: string[];
}

/** Logs in on a page of its own, and waits until the demo has stored so many events. */
export async function loggedIn(
  browser: Browser,
  vigie: Vigie,
  events: number,
  options: BrowserContextOptions = {},
  username = USERNAME,
): Promise<WatchedPage> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const broken: string[] = [];
  page.on('pageerror', (error) => broken.push(String(error)));
  page.on('console', (message) => /Content Security Policy|Trusted/.test(message.text()) && broken.push(message.text()));
  await page.goto(`${vigie.url}/login`);
  await page.getByLabel('User name').fill(username);
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Log in' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Overview' })).toBeVisible();
  await expect
    .poll(async () => (await (await page.request.get(`${vigie.url}/api/logs/stats`)).json()).total_logs, { timeout: 90_000 })
    .toBeGreaterThanOrEqual(events);
  return { context, page, broken };
}
