/** Saved and recent searches against the real binary: kept by one, seen by others as far as they may, offered in the bar. */
import { expect, test, type BrowserContext, type Locator, type Page } from '@playwright/test';
import { expectAccessible } from './accessible';
import { loggedIn, startVigie, type Vigie } from './vigie';

let vigie: Vigie;
let context: BrowserContext;
let page: Page;
/** Script errors and what the content security policy stopped: there may be none. */
let broken: string[] = [];

test.beforeAll(async ({ browser }) => {
  vigie = await startVigie();
  ({ context, page, broken } = await loggedIn(browser, vigie, 20_000));
});
test.afterAll(async () => {
  await vigie.stop();
  await context.close();
});
test.afterEach(async () => {
  await page.unrouteAll({ behavior: 'ignoreErrors' });
  expect(broken.splice(0)).toEqual([]);
});

const query = (): Locator => page.getByRole('combobox', { name: 'Query' });
const dialog = (): Locator => page.getByRole('dialog');
const saved = (): Locator => page.getByTestId('saved-search');
const options = (): Locator => page.getByRole('listbox', { name: 'Suggestions' }).getByRole('option');

async function open(params = 'from=now-6h&to=now'): Promise<void> {
  await page.goto(`${vigie.url}/explore?${params}`);
  await expect(page.getByTestId('total')).toBeVisible();
}

test('a search is saved, found and opened by keys alone, as it was typed', async () => {
  await open();
  await page.keyboard.press('o');
  await expect(page.getByTestId('saved-empty')).toBeVisible();
  await page.keyboard.press('Escape');
  await open('from=now-6h&to=now&q=level%3Aerror&f=service%3Apayment&cols=service%2Cmessage*400&sort=oldest');
  await page.keyboard.press('s');
  await expect(page.getByTestId('save-name')).toBeFocused();
  await page.keyboard.press('Control+a');
  await page.keyboard.type('Errors of payments');
  await page.keyboard.press('Enter');
  await expect(dialog()).toBeHidden();
  await expect(page.getByText('“Errors of payments” saved')).toBeVisible();

  await open('from=now-1h&to=now');
  await page.getByTestId('saved-searches').focus();
  await page.keyboard.press('Enter');
  await page.keyboard.type('payments err');
  await expect(saved()).toHaveCount(1);
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await expect(dialog()).toBeHidden();
  await expect(query()).toHaveValue('level:error');
  const params = new URL(page.url()).searchParams;
  expect(['from', 'to', 'q', 'f', 'cols', 'sort'].map((name) => params.get(name))).toEqual(['now-6h', 'now', 'level:error', 'service:payment', 'service,message*400', 'oldest']);
});

test('a name that is taken is told, and what changed goes in the place of what was opened', async () => {
  await open();
  await page.getByTestId('save-search').click();
  await page.getByTestId('save-name').fill('errors of PAYMENTS');
  await dialog().getByRole('button', { name: 'Save', exact: true }).click();
  await expect(dialog().getByRole('alert')).toContainText('of this name already');
  await page.keyboard.press('Escape');

  await page.getByTestId('saved-searches').click();
  await saved().first().getByRole('button').first().click();
  await query().fill('level:fatal');
  await query().press('Enter');
  await page.getByTestId('save-search').click();
  await dialog().getByRole('button', { name: 'Save the changes' }).click();
  await expect(dialog()).toBeHidden();
  const answer = (await (await page.request.get(`${vigie.url}/api/logs/search/saved`)).json()) as { searches: { version: number; search: { query: string } }[] };
  expect(answer.searches.map(({ version, search }) => [version, search.query])).toEqual([[2, 'level:fatal']]);
});

test('searches are renamed, shared and deleted; a late change is told', async () => {
  await open();
  await page.getByTestId('saved-searches').click();
  await expect(saved()).toHaveCount(1);
  await page.getByRole('button', { name: 'Rename: Errors of payments' }).click();
  await page.getByRole('textbox', { name: 'Name' }).fill('Fatal ones');
  await page.keyboard.press('Enter');
  await expect(saved()).toContainText('Fatal ones');
  await page.getByRole('button', { name: 'Share with others: Fatal ones' }).click();
  await expect(saved()).toContainText('shared');

  const [before] = ((await (await page.request.get(`${vigie.url}/api/logs/search/saved`)).json()) as { searches: { id: string; version: number; search: unknown }[] }).searches;
  const elsewhere = await page.request.put(`${vigie.url}/api/logs/search/saved/${before?.id}`, {
    headers: { 'X-Vigie-Client': 'web' },
    data: { version: before?.version, name: 'Changed elsewhere', search: before?.search },
  });
  expect(elsewhere.status()).toBe(200);
  await page.getByRole('button', { name: 'Share with others: Fatal ones' }).click();
  await expect(saved().getByRole('alert')).toContainText('meanwhile');
  await expect(saved()).toContainText('Changed elsewhere');

  await page.getByRole('button', { name: 'Delete: Changed elsewhere' }).click();
  await page.keyboard.press('Escape');
  await expect(saved()).toHaveCount(1);
  await page.getByRole('button', { name: 'Delete: Changed elsewhere' }).click();
  await expect(page.getByRole('button', { name: 'Delete', exact: true })).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page.getByTestId('saved-empty')).toBeVisible();
});

test('what a person runs is offered again, on another machine too; what asks by itself is not', async ({ browser }) => {
  await open('from=now-1h&to=now&q=polled&refresh=5');
  await query().fill('level:error AND service:payment');
  await query().press('Enter');
  await query().fill('refund');
  await query().press('Enter');
  await expect(page).toHaveURL(/q=refund/);
  await expect
    .poll(async () => ((await (await page.request.get(`${vigie.url}/api/logs/search/recent`)).json()) as { searches: { search: { query: string } }[] }).searches.map(({ search }) => search.query).slice(0, 2))
    .toEqual(['refund', 'level:error AND service:payment']);

  const other = await browser.newContext({ storageState: { cookies: (await context.storageState()).cookies, origins: [] } });
  const elsewhere = await other.newPage();
  await elsewhere.goto(`${vigie.url}/explore?from=now-6h&to=now`);
  const bar = elsewhere.getByRole('combobox', { name: 'Query' });
  await expect(elsewhere.getByRole('button', { name: 'Recent queries' })).toBeEnabled();
  await bar.focus();
  await bar.press('ArrowDown');
  await expect(elsewhere.getByRole('option').first()).toContainText('refund');
  expect(await elsewhere.getByRole('option').allTextContents()).not.toContain(expect.stringContaining('polled'));
  await bar.press('ArrowDown');
  await bar.press('ArrowDown');
  await bar.press('Enter');
  await expect(bar).toHaveValue('level:error AND service:payment');
  await expect(elsewhere).toHaveURL(/q=level/);
  await other.close();

  await open();
  await query().pressSequentially('refu', { delay: 5 });
  await expect(options().last()).toContainText('refund');
  await query().press('Escape');
  await query().fill('');
  await page.getByRole('button', { name: 'Recent queries' }).click();
  await page.getByRole('button', { name: 'Forget recent searches' }).click();
  await expect(page.getByRole('button', { name: 'Recent queries' })).toBeDisabled();
});

test('a list that cannot be read says so and is read again', async () => {
  await page.route('**/api/logs/search/saved*', (route) => route.fulfill({ status: 503, contentType: 'application/problem+json', body: '{"title":"away","detail":"the searches are away"}' }));
  await open();
  await page.getByTestId('saved-searches').click();
  await expect(dialog().getByRole('alert')).toContainText('the searches are away');
  await page.unrouteAll();
  await dialog().getByRole('button', { name: 'Try again' }).click();
  await expect(page.getByTestId('saved-empty')).toBeVisible();
});

for (const [theme, language] of [['dark', 'en'], ['light', 'fr']] as const) {
  test(`no accessibility violation: save, list, rename, delete (${theme}, ${language})`, async () => {
    await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' });
    await page.evaluate((name) => localStorage.setItem('vigie.language', name), language);
    await open('from=now-6h&to=now&q=level%3Aerror%20AND%20amount%3E100&f=!service%3Apayment&f=country');
    await page.getByTestId('save-search').click();
    await page.getByTestId('save-name').fill(`Paiements ${language}`);
    await expectAccessible(page, 'save');
    await page.getByRole('checkbox').check();
    await dialog().locator('button[type=submit]').click();
    await expect(dialog()).toBeHidden();
    await page.getByTestId('saved-searches').click();
    await expect(saved()).not.toHaveCount(0);
    await expectAccessible(page, 'list');
    await saved().first().locator('[data-rename]').click();
    await expectAccessible(page, 'rename');
    await page.keyboard.press('Escape');
    await saved().first().locator('[data-remove]').click();
    await expectAccessible(page, 'delete');
    await page.keyboard.press('Escape');
    await page.setViewportSize({ width: 390, height: 844 });
    await expect.poll(() => dialog().evaluate((element) => element.scrollWidth <= element.clientWidth)).toBe(true);
    await page.setViewportSize({ width: 1440, height: 900 });
    await page.keyboard.press('Escape');
    await page.evaluate(() => localStorage.removeItem('vigie.language'));
  });
}
