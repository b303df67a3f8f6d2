/** Explore against the real binary: what is typed is what runs, what is seen is in the address, nothing is lost. */
import { readFileSync } from 'node:fs';
import { expect, test, type BrowserContext, type Locator, type Page, type Request } from '@playwright/test';
import { expectAccessible } from './accessible';
import { loggedIn, startVigie, type Vigie } from './vigie';

let vigie: Vigie;
let context: BrowserContext;
let page: Page;
/** Script errors and what the content security policy stopped: there may be none, whatever a test does. */
let broken: string[] = [];

const HOUR_MS = 3_600_000;
const hoursAgo = (hours: number): string => new Date(Date.now() - hours * HOUR_MS).toISOString();
/** A fixed range of the demo's past: live events never reach it, so that counts stand still. */
const FROM = hoursAgo(20);
const TO = hoursAgo(2);
const PAST = `from=${FROM}&to=${TO}`;
const DEMO_EVENTS = 60_000;

test.beforeAll(async ({ browser }) => {
  vigie = await startVigie();
  ({ context, page, broken } = await loggedIn(browser, vigie, DEMO_EVENTS, { permissions: ['clipboard-read', 'clipboard-write'] }));
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
const grid = (): Locator => page.getByRole('grid');
const rows = (): Locator => grid().locator('[data-row]');
const total = (): Locator => page.getByTestId('total');
const pills = (): Locator => page.getByTestId('pill');
const count = (text: string | null): number => Number((text ?? '').replace(/\D/g, ''));

async function open(params = PAST): Promise<void> {
  await page.goto(`${vigie.url}/explore?${params}`);
  await expect(rows().first()).toBeVisible();
}

function searches(): { queries: string[]; stop: () => void } {
  const queries: string[] = [];
  const note = (request: Request): void => {
    if (request.url().endsWith('/api/logs/search')) queries.push((request.postDataJSON() as { query: string }).query);
  };
  page.on('request', note);
  return { queries, stop: () => page.off('request', note) };
}

test('Enter runs exactly what is typed, with the menu open and untouched', async () => {
  await open();
  const seen = searches();
  const text = 'level:error AND pay*';
  await query().pressSequentially(text, { delay: 4 });
  await query().press('Enter');
  await expect.poll(() => seen.queries.at(-1)).toBe(text);

  await query().fill('');
  await query().pressSequentially('leve', { delay: 4 });
  await expect(page.getByRole('option').first()).toBeVisible();
  await query().press('Enter');
  // Where nothing is found, the page asks at once how much there is without a query.
  await expect.poll(() => seen.queries.findLast((text) => text !== '')).toBe('leve');
  seen.stop();
});

test('a suggestion is taken only when it was chosen; Ctrl+Enter runs all the same', async () => {
  await open();
  const seen = searches();
  await query().fill('leve');
  await expect(page.getByRole('option', { name: /^level/ }).first()).toBeVisible();
  await query().press('ArrowDown');
  await query().press('Enter');
  await expect(query()).toHaveValue('level:');
  await expect(page.getByRole('option', { name: /ERROR [\d,]+/ })).toBeVisible();
  await query().pressSequentially('warn');
  await query().press('ArrowDown');
  await query().press('Control+Enter');
  await expect.poll(() => seen.queries.at(-1)).toBe('level:warn');
  seen.stop();
});

test('a bad query is underlined at its place, told in words, and keeps the old rows', async () => {
  await open(`${PAST}&q=level%3Aerror`);
  const before = await grid().getAttribute('aria-rowcount');
  await query().fill('level:error AND (service:payment');
  await expect(query()).toHaveAttribute('aria-invalid', 'true');
  const problem = page.locator(`[id="${await query().getAttribute('aria-describedby')}"]`);
  await expect(problem).toContainText('this group is not closed');
  await expect(page.locator('.paint .bad').first()).toBeAttached();
  await query().press('Control+Enter');
  await expect(page).toHaveURL(/q=level/);
  await expect(problem).toContainText('this group is not closed');
  await expect(grid()).toHaveAttribute('aria-rowcount', before ?? '');
  await expect(rows().first()).toBeVisible();
  await expect(page.getByTestId('status')).toContainText('earlier results are shown');
});

test('+ makes a pill that survives a reload, turns round, sleeps, and goes with a second click', async () => {
  await open();
  const all = count(await total().textContent());
  await page.getByRole('button', { name: /^service/ }).first().click();
  const first = page.getByTestId('field-value').first();
  await first.getByRole('button', { name: /Filter for this value/ }).click();
  await expect(pills()).toHaveCount(1);
  await expect(page).toHaveURL(/f=service/);
  await expect.poll(async () => count(await total().textContent())).toBeLessThan(all);
  const some = count(await total().textContent());
  await page.reload();
  await expect(pills()).toHaveCount(1);
  await expect.poll(async () => count(await total().textContent())).toBe(some);

  await pills().getByRole('button').first().click();
  await page.getByRole('button', { name: 'Exclude instead' }).click();
  await expect.poll(async () => count(await total().textContent())).toBe(all - some);
  await pills().getByRole('button').first().click();
  await page.getByRole('button', { name: 'Disable' }).click();
  await expect.poll(async () => count(await total().textContent())).toBe(all);
  await pills().getByRole('button', { name: /Remove/ }).click();
  await expect(pills()).toHaveCount(0);
});

test('alternatives of one field are added up', async () => {
  await open();
  const totals: number[] = [];
  for (const f of ['f=level%3AERROR', 'f=level%3AWARN', 'f=level%3AERROR&f=level%3AWARN']) {
    await open(`${PAST}&${f}`);
    await expect(total()).toBeVisible();
    totals.push(count(await total().textContent()));
  }
  expect(totals[0]).toBeGreaterThan(0);
  expect(totals[2]).toBe((totals[0] ?? 0) + (totals[1] ?? 0));
});

test('a drag over the bars zooms, the sum of the bars is the total, and Back undoes', async () => {
  await open();
  const before = await total().locator('b').textContent();
  const chart = page.getByTestId('histogram').getByRole('application');
  const box = await chart.boundingBox();
  if (box === null) throw new Error('no chart');
  const answered = page.waitForResponse((response) => response.url().includes('/api/analytics/logs-per-hour'));
  await page.mouse.move(box.x + box.width * 0.3, box.y + 40);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.5, box.y + 40, { steps: 5 });
  await page.mouse.up();
  await expect.poll(() => new URL(page.url()).searchParams.get('from')).not.toBe(FROM);
  const histogram = (await (await answered).json()) as { total: number; buckets: { total: number }[] };
  await expect.poll(async () => count(await total().locator('b').textContent())).toBe(histogram.total);
  expect(histogram.buckets.reduce((sum, bucket) => sum + bucket.total, 0)).toBe(histogram.total);
  await page.goBack();
  await expect.poll(() => new URL(page.url()).searchParams.get('from')).toBe(FROM);
  await expect(total().locator('b')).toHaveText(before ?? '');
});

test('a row opens with Enter, arrows walk on, Esc gives the focus back to its row', async () => {
  await open();
  await grid().focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('j');
  await page.keyboard.press('Enter');
  const detail = page.getByTestId('detail');
  await expect(detail).toBeVisible();
  await expect(page).toHaveURL(/row=/);
  const first = page.url();
  await detail.getByRole('button', { name: 'Next event' }).click();
  await expect.poll(() => page.url()).not.toBe(first);
  await page.keyboard.press('Escape');
  await expect(detail).toBeHidden();
  await expect(grid()).toBeFocused();
  const active = await grid().getAttribute('aria-activedescendant');
  await expect(page.locator(`[id="${active}"]`)).toHaveAttribute('data-row', '3');
  await page.goBack();
  await expect(detail).toBeVisible();
});

test('the end of the scroll is the last of exactly the rows found, few of them in the DOM', async () => {
  await open(`${PAST}&q=${encodeURIComponent('log_type:performance')}`);
  const found = count(await total().locator('b').textContent());
  expect(found).toBeGreaterThan(2_000);
  await expect(grid()).toHaveAttribute('aria-rowcount', String(found + 1));
  await grid().focus();
  await page.keyboard.press('End');
  await expect(rows().last()).toHaveAttribute('aria-rowindex', String(found + 1), { timeout: 30_000 });
  await expect(page.getByTestId('position')).toContainText(`of ${found.toLocaleString('en-US')}`);
  expect(await rows().count()).toBeLessThanOrEqual(60);
  const ids = await page.evaluate(async (body) => {
    const response = await fetch('/api/logs/search', { method: 'POST', headers: { 'Content-Type': 'application/json', 'X-Vigie-Client': 'web' }, body: JSON.stringify(body) });
    return ((await response.json()) as { hits: { _source: Record<string, string> }[] }).hits.map((hit) => hit._source['@timestamp']);
  }, { query: 'log_type:performance', date_from: FROM, date_to: TO, sort: 'oldest', size: 1 });
  await page.keyboard.press('Enter');
  await page.getByTestId('detail').getByRole('tab', { name: 'JSON' }).click();
  await expect(page.getByTestId('detail')).toContainText(String(ids[0]).slice(0, 16));
});

test('bars and rows fail apart, and a slow search can be cancelled', async () => {
  await page.route('**/api/analytics/logs-per-hour*', (route) => route.fulfill({ status: 500, contentType: 'application/problem+json', body: '{"title":"broken","detail":"the bars broke"}' }));
  await open();
  await expect(page.getByTestId('histogram').getByRole('alert')).toContainText('the bars broke');
  await expect(rows().first()).toBeVisible();
  await page.unrouteAll();

  await page.route('**/api/logs/search', (route) => route.fulfill({ status: 500, contentType: 'application/problem+json', body: '{"title":"broken","detail":"the rows broke"}' }));
  await page.goto(`${vigie.url}/explore?${PAST}`);
  await expect(page.getByTestId('search-error')).toContainText('the rows broke');
  await expect(page.getByTestId('histogram').getByRole('application')).toBeVisible();
  await page.unrouteAll();

  let release = (): void => undefined;
  const held = new Promise<void>((done) => (release = done));
  await page.route('**/api/logs/search', async (route) => {
    await held;
    await route.continue().catch(() => undefined);
  });
  await page.goto(`${vigie.url}/explore?${PAST}`);
  await expect(page.getByTestId('skeleton')).toBeVisible();
  await page.getByTestId('cancel').click();
  await expect(page.getByTestId('status')).toContainText('Cancelled');
  release();
});

test('around an event are the neighbours that the API names', async () => {
  await open();
  await rows().nth(5).click();
  await expect(page).toHaveURL(/row=/);
  const id = new URL(page.url()).searchParams.get('row') ?? '';
  await page.keyboard.press('c');
  const list = page.getByTestId('detail').getByRole('listitem');
  await expect(list).toHaveCount(41);
  const answer = (await (await page.request.get(`${vigie.url}/api/logs/${encodeURIComponent(id)}/context?before=20&after=20`)).json()) as {
    before: { _id: string }[];
    after: { _id: string }[];
  };
  await list.nth(0).getByRole('button').click();
  await expect.poll(() => new URL(page.url()).searchParams.get('row')).toBe(answer.before[0]?._id);
  await page.keyboard.press('Escape');
});

test('columns are added, moved and widened by key, and kept over a reload', async () => {
  await open();
  await page.getByTestId('field-search').fill('log type');
  await page.getByRole('button', { name: 'Add as column: log_type' }).click();
  const header = page.getByRole('columnheader').filter({ hasText: 'log_type' }).getByRole('button');
  await header.focus();
  await page.keyboard.press('Alt+ArrowLeft');
  await expect(page).toHaveURL(/cols=level%2Cservice%2Clog_type%2Cmessage/);
  await header.focus();
  await page.keyboard.press('Shift+ArrowRight');
  await expect(page).toHaveURL(/log_type\*\d+/);
  await page.goto(`${vigie.url}/explore?${PAST}`);
  await expect(page.getByRole('columnheader').nth(3)).toContainText('log_type');
  await page.getByRole('columnheader').filter({ hasText: 'log_type' }).getByRole('button').focus();
  await page.keyboard.press('Delete');
  await expect(page.getByRole('columnheader')).toHaveCount(4);
});

test('a link to this moment shows the same rows elsewhere; a live one stays relative', async ({ browser }) => {
  await open('from=now-20h&to=now-2h&q=level%3Aerror');
  const found = await total().locator('b').textContent();
  await page.getByRole('button', { name: 'Share' }).click();
  await page.getByTestId('share-moment').click();
  const link = await page.evaluate(() => navigator.clipboard.readText());
  expect(new URL(link).searchParams.get('from')).toMatch(/^\d{4}-.*Z$/);
  const other = await browser.newContext({ storageState: await context.storageState() });
  const elsewhere = await other.newPage();
  await elsewhere.goto(link);
  await expect(elsewhere.getByTestId('total').locator('b')).toHaveText(found ?? '');
  await other.close();
  await page.getByRole('button', { name: 'Share' }).click();
  await page.getByTestId('share-live').click();
  expect(new URL(await page.evaluate(() => navigator.clipboard.readText())).searchParams.get('from')).toBe('now-20h');
});

test('keys go where the help says, and letters are text inside a field', async () => {
  await open();
  await grid().focus();
  await page.keyboard.press('/');
  await expect(query()).toBeFocused();
  await page.keyboard.type('jf?');
  await expect(query()).toHaveValue('jf?');
  await page.keyboard.press('Escape');
  await page.keyboard.press('Escape');
  await page.keyboard.press('f');
  await expect(page.getByTestId('field-search')).toBeFocused();
  await page.keyboard.press('Escape');
  await page.keyboard.press('?');
  await expect(page.getByRole('dialog', { name: 'Keyboard' })).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog', { name: 'Keyboard' })).toBeHidden();
  await page.keyboard.press('[');
  await expect.poll(() => new URL(page.url()).searchParams.get('to')).toBe(FROM);
});

test('Escape closes the open menu before the open event', async () => {
  await open();
  await rows().nth(2).click();
  await expect(page.getByTestId('detail')).toBeVisible();
  await page.getByRole('button', { name: /^Time range/ }).click();
  await expect(page.getByRole('button', { name: 'Apply' })).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('button', { name: 'Apply' })).toBeHidden();
  await expect(page.getByTestId('detail')).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(page.getByTestId('detail')).toBeHidden();
});

test('rows are marked by key and by mouse, copied in three forms, and two are compared', async () => {
  await open();
  await rows().nth(1).click({ modifiers: ['Control'] });
  await rows().nth(4).click({ modifiers: ['Shift'] });
  await expect(page.getByTestId('selection')).toContainText('4 marked');
  await expect(page.getByTestId('detail')).toBeHidden();
  await page.keyboard.press('Shift+ArrowUp');
  await expect(page.getByTestId('selection')).toContainText('3 marked');
  const copied = async (form: string): Promise<string> => {
    // The words about the copy before may still stand there.
    await page.evaluate(() => navigator.clipboard.writeText(''));
    await page.getByTestId(`copy-${form}`).click();
    await expect(page.getByText('3 rows copied')).toBeVisible();
    await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).not.toBe('');
    return page.evaluate(() => navigator.clipboard.readText());
  };
  const events = JSON.parse(await copied('json')) as Record<string, string>[];
  expect(events).toHaveLength(3);
  expect((await copied('text')).split('\n').map((line) => line.split('\t')[0])).toEqual(events.map((event) => event['@timestamp']));
  const table = (await copied('markdown')).split('\n');
  expect([table.length, table[0]]).toEqual([5, '| @timestamp | level | service | message |']);

  await grid().focus();
  await page.keyboard.press('Space');
  await expect(page.getByTestId('selection')).toContainText('2 marked');
  await page.getByTestId('compare').click();
  const dialog = page.getByRole('dialog', { name: 'Compare' });
  const differing = await dialog.getByRole('rowheader').count();
  expect(differing).toBeGreaterThan(0);
  await expectAccessible(page, 'compare');
  await dialog.getByRole('checkbox').check();
  expect(await dialog.getByRole('rowheader').count()).toBeGreaterThan(differing);
  await page.keyboard.press('Escape');
  await grid().focus();
  await page.keyboard.press('Escape');
  await expect(page.getByTestId('selection')).toBeHidden();
});

test('nothing found says what would be found instead', async () => {
  await page.goto(`${vigie.url}/explore?${PAST}&q=service%3Anowhere&f=level%3AERROR`);
  const empty = page.getByTestId('empty');
  await expect(empty).toContainText(/0 of [\d,]+ events/);
  await empty.getByRole('button', { name: 'Clear the query' }).click();
  await expect(rows().first()).toBeVisible();
});

for (const theme of ['dark', 'light'] as const) {
  test(`no accessibility violation: rows, detail, menu, dialog, nothing found (${theme})`, async () => {
    await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' });
    await open(`${PAST}&q=payment&f=level%3AERROR&f=~!service%3Aweb`);
    await page.getByRole('button', { name: /^error_type/ }).first().click();
    await expect(page.getByTestId('field-value').first()).toBeVisible();
    await expectAccessible(page, 'rows');
    await rows().nth(2).click();
    await expect(page.getByTestId('detail-field').first()).toBeVisible();
    await expectAccessible(page, 'detail');
    await page.getByRole('tab', { name: 'JSON' }).click();
    await expectAccessible(page, 'json');
    await page.getByRole('tab', { name: /Around/ }).click();
    await expect(page.getByTestId('detail').getByRole('listitem').first()).toBeVisible();
    await expectAccessible(page, 'around');
    await query().fill('lev');
    await expect(page.getByRole('option').first()).toBeVisible();
    await expectAccessible(page, 'menu');
    await query().press('Escape');
    await page.getByTestId('inspect').click();
    await expectAccessible(page, 'inspect');
    await page.keyboard.press('Escape');
    await page.goto(`${vigie.url}/explore?${PAST}&q=service%3Anowhere`);
    await expect(page.getByTestId('empty')).toContainText(/0 of/);
    await expectAccessible(page, 'empty');
    await open();
    await query().fill('level:(error');
    await query().press('Control+Enter');
    await expect(page.getByTestId('status')).toContainText('earlier results are shown');
    await expectAccessible(page, 'bad query');
  });
}

test('messages are shown by their patterns, and one leads to its events', async () => {
  await open(`${PAST}&q=log_type:transaction`);
  await page.getByTestId('tab-patterns').click();
  await expect(page).toHaveURL(/view=patterns/);
  const patterns = page.getByTestId('patterns-view');
  const payments = patterns.getByRole('button', { name: /payment of/ }).first();
  await expect(payments).toBeVisible();
  await payments.click();
  await expect(payments).toHaveAttribute('aria-expanded', 'true');
  await expect(patterns.getByText(/^latest:/)).toBeVisible();
  await patterns.getByRole('button', { name: 'Show only these' }).first().click();
  await expect(query()).toHaveValue(/log_type:transaction\) AND message:"/);
  await expect(rows().first()).toContainText(/payment|refund/);
});

test('what is found is exported as a file, and a file that breaks off is said to be none', async () => {
  await open(`${PAST}&q=level:ERROR`);
  const expected = count(await total().textContent());
  // Without the browser's choice of a file, it downloads as it does everything else.
  await page.evaluate(() => Object.assign(window, { showSaveFilePicker: undefined }));
  await page.getByTestId('export').click();
  const dialog = page.getByRole('dialog', { name: 'Export' });
  await dialog.getByLabel(/NDJSON/).check();
  const [download] = await Promise.all([page.waitForEvent('download'), dialog.getByRole('button', { name: 'Export' }).click()]);
  await expect(dialog.getByText(/^✓/)).toBeVisible();
  const lines = readFileSync(await download.path(), 'utf8').trimEnd().split('\n');
  expect(lines.length).toBe(expected);
  expect(lines.every((line) => /"ERROR"|"err|"level":3|error/i.test(line))).toBe(true);

  await page.route('**/api/logs/export*', (route) => route.abort());
  await dialog.getByRole('button', { name: 'Export' }).click();
  await expect(dialog.getByRole('alert')).toBeVisible();
  await page.keyboard.press('Escape');
});
