/** The live tail against the real binary: what is stored appears by itself, and never under the hands of who reads. */
import { expect, test, type BrowserContext, type Locator, type Page } from '@playwright/test';
import { expectAccessible } from './accessible';
import { loggedIn, startVigie, type Vigie } from './vigie';

let vigie: Vigie;
let context: BrowserContext;
let page: Page;
let broken: string[] = [];

test.beforeAll(async ({ browser }) => {
  vigie = await startVigie();
  ({ context, page, broken } = await loggedIn(browser, vigie, 1));
});
test.afterAll(async () => {
  await vigie.stop();
  await context.close();
});

const rows = (): Locator => page.getByRole('grid').locator('[data-row]');

async function ingest(message: string): Promise<void> {
  const headers = { 'X-Vigie-Client': 'web' };
  const answer = await page.request.post(`${vigie.url}/api/logs/ingest`, { headers, data: { service: 'lighthouse', level: 'warn', message } });
  expect(answer.status()).toBe(200);
}

test('what is stored appears on top, waits while a row is open, and Back ends it', async () => {
  await page.goto(`${vigie.url}/explore?q=service:lighthouse`);
  await page.getByTestId('live').click();
  await expect(page).toHaveURL(/live=1/);
  await expect(page.getByTestId('live-status')).toHaveText('Live');
  await expect(page.getByTestId('live-empty')).toBeVisible();

  await ingest('first light');
  await expect(rows()).toHaveCount(1);
  await ingest('second light');
  await expect(rows().first()).toContainText('second light');
  await expect(page.getByTestId('live-numbers')).toContainText('2 shown, 2 matched');

  await rows().last().click();
  await expect(page.getByTestId('detail')).toContainText('first light');
  await ingest('third light');
  await expect(page.getByTestId('live-new')).toContainText('1 new');
  await expect(rows()).toHaveCount(2);
  await page.getByTestId('live-new').click();
  await expect(rows().first()).toContainText('third light');

  await page.getByTestId('live-pause').click();
  await ingest('fourth light');
  await expect(page.getByTestId('live-new')).toContainText('1 new');
  await page.getByTestId('live-pause').click();
  await expect(rows().first()).toContainText('fourth light');

  await expectAccessible(page, 'live');
  await page.getByTestId('live-end').click();
  await expect(page).not.toHaveURL(/live=1/);
  await expect(page.getByTestId('histogram')).toBeVisible();
  await expect(rows()).toHaveCount(4);
  expect(broken).toEqual([]);
});

test('a query that cannot be read is told and not tried again', async () => {
  await page.goto(`${vigie.url}/explore?q=${encodeURIComponent('level:(error')}&live=1`);
  await expect(page.getByTestId('live-bar').getByRole('alert')).toContainText('the query cannot be read');
  await expect(page.getByTestId('live-pause')).toHaveCount(0);
});
