/** Lines over TCP, as the inputs page shows them; one of them becomes a dead letter and is stored after all. */
import { expect, test } from '@playwright/test';
import { connect } from 'node:net';
import { expectAccessible } from './accessible';
import { PASSWORD, startVigie, USERNAME, type Vigie } from './vigie';

let vigie: Vigie;

test.beforeAll(async () => {
  vigie = await startVigie();
});
test.afterAll(() => vigie.stop());

/** Sends lines; the server has stored them when it closes the connection. */
async function sendLines(lines: string[]): Promise<void> {
  await new Promise<void>((done, fail) => {
    const socket = connect(vigie.tcpPort, '127.0.0.1', () => socket.end(lines.map((line) => `${line}\n`).join('')));
    socket.on('error', fail).on('close', () => done()).resume();
  });
}

test('what came through an input is counted, a dead letter is stored after all', async ({ page }) => {
  await page.goto(`${vigie.url}/inputs`);
  await page.getByLabel('User name').fill(USERNAME);
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Log in' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Inputs' })).toBeVisible();
  await expect(page.getByText('There are none: everything that came in is stored.')).toBeVisible();

  const old = JSON.stringify({ '@timestamp': '2001-01-01T00:00:00Z', service: 'e2e-old', message: '<b>from another century</b>' });
  await sendLines([JSON.stringify({ service: 'e2e-new', message: 'of today' }), old]);
  await page.reload();
  const tcp = page.getByRole('region', { name: 'Inputs' }).last().getByRole('row').filter({ has: page.getByRole('cell', { name: 'tcp', exact: true }) });
  await expect(tcp).toContainText('running');
  await expect(tcp.getByRole('cell').nth(4)).toHaveText('2');
  await expect(tcp.getByRole('cell').nth(5)).toHaveText('1');
  await expect(tcp.getByRole('cell').nth(7)).toHaveText('1');
  await expect(tcp.getByRole('cell').nth(8)).toHaveText('0');
  await expect(tcp.getByRole('cell').nth(9)).toHaveText('0');
  const letters = page.getByRole('region', { name: 'Dead letters' });
  await expect(letters.getByText('<b>from another century</b>').first()).toBeVisible();

  await expect(letters.getByText('store the dead letter after all to keep it')).toBeVisible();

  await expectAccessible(page, 'dead letters');

  await page.getByRole('button', { name: 'Store after all', exact: true }).click();
  await expect(page.getByText('1 are stored, 0 were refused again.')).toBeVisible();
  await expect(page.getByText('There are none: everything that came in is stored.')).toBeVisible();
  const found = await page.request.post(`${vigie.url}/api/logs/search`, {
    headers: { 'X-Vigie-Client': 'web' },
    data: { query: 'service:e2e-old', date_from: '2001-01-01', date_to: '2001-01-02' },
  });
  expect((await found.json()).hits).toHaveLength(1);
});
