/** The fields of the events found, against the real binary: counted exactly, filtered and added as columns from there. */
import { expect, test, type BrowserContext, type Locator, type Page } from '@playwright/test';
import { expectAccessible } from './accessible';
import { loggedIn, startVigie, type Vigie } from './vigie';

let vigie: Vigie;
let context: BrowserContext;
let page: Page;
/** Script errors and what the content security policy stopped: there may be none. */
let broken: string[] = [];

const HOUR_MS = 3_600_000;
const hoursAgo = (hours: number): string => new Date(Date.now() - hours * HOUR_MS).toISOString();
/** A fixed range of the demo's past: live events never reach it, so that counts stand still. */
const [FROM, TO] = [hoursAgo(20), hoursAgo(2)];
const PAST = `from=${FROM}&to=${TO}`;

test.use({ actionTimeout: 15_000 });
test.beforeAll(async ({ browser }) => {
  vigie = await startVigie();
  ({ context, page, broken } = await loggedIn(browser, vigie, 60_000));
});
test.afterAll(async () => {
  await vigie.stop();
  await context.close();
});
test.afterEach(async () => {
  await page.unrouteAll({ behavior: 'ignoreErrors' });
  expect(broken.splice(0)).toEqual([]);
});

const view = (): Locator => page.getByTestId('fields-view');
const rows = (): Locator => page.getByTestId('field-row');
const row = (field: string): Locator => rows().filter({ has: page.locator(`[data-field="${field}"]`) });
const panel = (): Locator => page.getByTestId('field-stats');
const pills = (): Locator => page.getByTestId('pill');
const total = (): Locator => page.getByTestId('total');
const count = (text: string | null): number => Number((text ?? '').replace(/\D/g, ''));

async function open(params = `${PAST}&view=fields`): Promise<void> {
  await page.goto(`${vigie.url}/explore?${params}`);
  await expect(row('service').locator('.filled')).toBeVisible();
}

test('the tab is reached by keys, is in the address, and Back leaves it', async () => {
  await page.goto(`${vigie.url}/explore?${PAST}`);
  await expect(page.getByRole('grid')).toBeVisible();
  await page.getByRole('tab', { name: 'Logs' }).focus();
  await page.keyboard.press('ArrowRight');
  await expect(page).toHaveURL(/view=patterns/);
  await page.keyboard.press('ArrowRight');
  await expect(page).toHaveURL(/view=fields/);
  await expect(page.getByRole('tab', { name: 'Fields' })).toBeFocused();
  await expect(view()).toBeVisible();
  await expect(page.getByRole('grid')).toBeHidden();
  await page.goBack();
  await page.goBack();
  await expect(page.getByRole('grid')).toBeVisible();
});

test('every event is counted, and a field says what the search itself would find', async () => {
  await open();
  const all = count(await total().locator('b').textContent());
  await expect(view().getByRole('status')).toHaveText(`Every one of ${all.toLocaleString('en-US')} events is counted: no sample`);
  await page.getByTestId('fields-search').fill('amount');
  await row('amount').locator('[data-field]').click();
  await expect(panel()).toContainText('events have it');
  const told = /([\d,]+) of ([\d,]+) events have it/.exec((await panel().textContent()) ?? '') ?? [];
  const found = (await (
    await page.request.post(`${vigie.url}/api/logs/search`, { headers: { 'X-Vigie-Client': 'web' }, data: { query: 'amount:*', date_from: FROM, date_to: TO, size: 0 } })
  ).json()) as { total: number };
  expect([count(told[1] ?? ''), count(told[2] ?? '')]).toEqual([found.total, all]);
  await expect(panel().getByRole('img', { name: /amount: [\d,]+ numbers from/ })).toBeVisible();
  for (const word of ['Smallest', 'Median', 'p95', 'Largest']) await expect(panel().getByText(word, { exact: true })).toBeVisible();
  await expect(page.getByTestId('stats-currencies')).toContainText('EUR');
  await expect(panel().getByText('Sum', { exact: true })).toBeHidden();
  await page.getByTestId('fields-search').fill('response_time_ms');
  await row('response_time_ms').locator('[data-field]').click();
  for (const word of ['Mean', 'Deviation', 'Sum']) await expect(panel().getByText(word, { exact: true })).toBeVisible();
});

test('from a value one filters for and out, from a field for being there, and adds a column', async () => {
  await open();
  const all = count(await total().locator('b').textContent());
  await row('service').locator('[data-field]').click();
  const first = page.getByTestId('stats-value').first();
  const some = count(await first.locator('.count').textContent());
  await first.getByRole('button', { name: /Filter for this value/ }).click();
  await expect(pills()).toHaveCount(1);
  await expect.poll(async () => count(await total().locator('b').textContent())).toBe(some);
  await expect(page.getByTestId('stats-value')).toHaveCount(1);
  await page.getByTestId('stats-value').getByRole('button', { name: /Filter out this value/ }).click();
  await expect.poll(async () => count(await total().locator('b').textContent())).toBe(all - some);
  await panel().getByRole('button', { name: 'Only events without service' }).click();
  await expect(pills()).toHaveCount(2);
  await pills().last().getByRole('button', { name: /Remove/ }).click();
  await row('host').getByRole('button', { name: 'Add as column: host' }).click();
  await expect(page).toHaveURL(/cols=.*host/);
  await page.getByRole('tab', { name: 'Logs' }).click();
  await expect(page.getByRole('columnheader').filter({ hasText: 'host' })).toBeVisible();
  await page.goto(`${vigie.url}/explore?${PAST}&view=fields&cols=level,service,message`);
});

test('keys walk the names, unfold and fold; all fields come by scrolling', async () => {
  await open();
  await page.getByTestId('fields-search').focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await expect(row('level').locator('[data-field]')).toHaveAttribute('aria-expanded', 'true');
  await expect(panel()).toContainText('INFO');
  await page.keyboard.press('Escape');
  await expect(panel()).toBeHidden();
  await expect(row('level').locator('[data-field]')).toBeFocused();
  const fields = ((await (await page.request.get(`${vigie.url}/api/search/fields?${PAST}`)).json()) as { fields: { name: string }[] }).fields.length;
  for (let step = 0; step < 20 && (await rows().count()) < fields; step += 1) {
    await rows().last().scrollIntoViewIfNeeded();
    await page.mouse.move(900, 600);
    await page.mouse.wheel(0, 4_000);
    await expect.poll(() => rows().last().locator('.filled').count()).toBe(1);
  }
  expect(await rows().count()).toBeGreaterThanOrEqual(fields);
});

test('what cannot be counted says so and is counted again; nothing found says what would be', async () => {
  const refused = { status: 500, contentType: 'application/problem+json', body: '{"title":"broken","detail":"narrow the time range"}' };
  await page.route('**/api/search/facets*', (route) => route.fulfill(refused));
  await page.goto(`${vigie.url}/explore?${PAST}&view=fields`);
  await expect(view().getByRole('alert')).toContainText('narrow the time range');
  // Once every field is known, nothing more is asked for by itself, which would be answered and take the alert away.
  await expect(row('geo.country')).toBeVisible();
  await page.waitForLoadState('networkidle');
  await page.unrouteAll();
  await view().getByRole('button', { name: 'Try again' }).click();
  await expect(row('service').locator('.filled')).toBeVisible();
  await page.route('**/api/search/fields/service/stats*', (route) => route.fulfill(refused));
  await row('service').locator('[data-field]').click();
  await expect(panel().getByRole('alert')).toContainText('narrow the time range');
  await page.unrouteAll();
  await panel().getByRole('button', { name: 'Try again' }).click();
  await expect(page.getByTestId('stats-value').first()).toBeVisible();
  await page.goto(`${vigie.url}/explore?${PAST}&view=fields&q=service%3Anowhere`);
  await expect(page.getByTestId('empty')).toContainText(/0 of [\d,]+ events/);
});

test('what stands out is told against the others or the period before, filtered by, and its failures are said', async () => {
  await page.route('**/api/search/differences*', (route) => route.fulfill({ status: 500, contentType: 'application/problem+json', body: '{"title":"broken","detail":"narrow the time range"}' }));
  await open(`${PAST}&view=fields&q=level%3AERROR`);
  await page.getByTestId('differences-toggle').click();
  const differences = page.getByTestId('differences');
  await expect(differences.getByRole('alert')).toContainText('narrow the time range');
  await page.unrouteAll();
  await differences.getByRole('button', { name: 'Try again' }).click();
  const first = page.getByTestId('difference').first();
  await expect(first).toContainText(/only here|× [\d,.]+/);
  const told = (await (await page.request.get(`${vigie.url}/api/search/differences?${PAST}&query=level%3AERROR&size=1`)).json()) as { differences: { field: string; value: string }[]; total: number; elsewhere_total: number };
  await expect(first.locator('.name')).toHaveText(told.differences[0]?.field ?? '');
  await expect(differences.getByRole('status')).toContainText(`${told.total.toLocaleString('en-US')} events against ${told.elsewhere_total.toLocaleString('en-US')}`);
  await expectAccessible(page, 'differences');
  await first.getByRole('button', { name: /Filter for this value/ }).click();
  await expect(pills()).toHaveCount(1);
  await pills().first().getByRole('button', { name: /Remove/ }).click();
  await differences.getByLabel('Compared with').selectOption('before');
  await expect(differences.getByRole('status')).not.toContainText('Loading');
  await expect(differences.getByRole('alert')).toHaveCount(0);
  await open();
  await page.getByTestId('differences-toggle').click();
  await expect(page.getByTestId('differences-empty')).toContainText('there are no others');
});

for (const [theme, language] of [['dark', 'en'], ['light', 'fr']] as const) {
  test(`no accessibility violation: list, numbers, values; narrow (${theme}, ${language})`, async () => {
    await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' });
    await page.evaluate((name) => localStorage.setItem('vigie.language', name), language);
    await open();
    await expectAccessible(page, 'list');
    await page.getByTestId('fields-search').fill('amount');
    await row('amount').locator('[data-field]').click();
    await expect(panel().getByRole('img')).toBeVisible();
    await expectAccessible(page, 'numbers');
    await page.setViewportSize({ width: 390, height: 844 });
    await open();
    await page.getByTestId('fields-search').fill('amount');
    await row('amount').locator('[data-field]').click();
    await expect(panel().getByRole('img')).toBeVisible();
    await expect.poll(() => view().evaluate((element) => element.scrollWidth <= element.clientWidth)).toBe(true);
    await expectAccessible(page, 'narrow');
    await page.setViewportSize({ width: 1440, height: 900 });
    await page.evaluate(() => localStorage.removeItem('vigie.language'));
  });
}
