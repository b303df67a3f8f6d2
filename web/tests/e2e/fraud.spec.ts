/** Fraud detection in a browser, against the real binary: payments of the demo shop are judged, looked at and decided. */
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
/** A fixed range of the demo's past: live events never reach it, so that the list stands still. */
const PAST = `from=${hoursAgo(20)}&to=${hoursAgo(2)}`;

test.use({ actionTimeout: 15_000 });
test.beforeAll(async ({ browser }) => {
  vigie = await startVigie();
  ({ context, page, broken } = await loggedIn(browser, vigie, 60_000));
});
test.afterAll(async () => {
  await vigie.stop();
  await context.close();
});
test.afterEach(() => {
  expect(broken.splice(0)).toEqual([]);
});

const cases = (): Locator => page.getByTestId('case');
const panel = (): Locator => page.getByTestId('case-panel');

async function open(params = PAST): Promise<void> {
  await page.goto(`${vigie.url}/fraud?${params}`);
  await expect(cases().first()).toBeVisible();
}

test('payments are counted, and a suspicious one says why', async () => {
  await open();
  await page.getByRole('link', { name: 'Overview' }).click();
  await page.getByRole('link', { name: 'Fraud' }).click();
  await open();
  const judged = Number(((await page.getByTestId('number').first().textContent()) ?? '').replace(/\D/g, ''));
  expect(judged).toBeGreaterThan(1_000);
  await expect(cases().first()).toContainText(/\d+ (review|block)/);
  await cases().first().getByRole('button').click();
  await expect(panel()).toContainText('points');
  await expect(panel()).toContainText(/Payment\s*tx-/);
  expect(new URL(page.url()).searchParams.get('case')).toMatch(/^fraud-tx-/);
  await expectAccessible(page, 'a case');
  await page.keyboard.press('Escape');
  await expect(panel()).toBeHidden();
  await expect(cases().first().getByRole('button')).toBeFocused();
});

test('keys move through the list and open a case', async () => {
  await open();
  await page.keyboard.press('j');
  await expect(cases().first().getByRole('button')).toBeFocused();
  await page.keyboard.press('j');
  await page.keyboard.press('ArrowDown');
  await expect(cases().nth(2).getByRole('button')).toBeFocused();
  await page.keyboard.press('k');
  await expect(cases().nth(1).getByRole('button')).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(panel()).toBeVisible();
  await panel().getByRole('textbox', { name: 'Note' }).fill('jk');
  await expect(panel().getByRole('textbox', { name: 'Note' })).toHaveValue('jk');
  await panel().getByRole('link').first().focus();
  await page.keyboard.press('Escape');
  await expect(panel()).toBeHidden();
  await expect(cases().nth(1).getByRole('button')).toBeFocused();
});

test('on a narrow screen a case stands in place of the list', async () => {
  await open();
  await page.setViewportSize({ width: 390, height: 844 });
  await cases().nth(3).getByRole('button').click();
  await expect(panel()).toBeInViewport();
  await expect(cases().first()).toBeHidden();
  await page.keyboard.press('Escape');
  await expect(cases().nth(3).getByRole('button')).toBeFocused();
  await page.setViewportSize({ width: 1440, height: 900 });
});

test('a next page that fails leaves the list alone, and comes when asked for again', async () => {
  let failsOnce = true;
  await page.route('**/api/fraud/cases?*', async (route) => {
    const url = route.request().url().replace('limit=50', 'limit=5');
    if (!url.includes('cursor=') || !failsOnce) return route.continue({ url });
    failsOnce = false;
    return route.fulfill({ status: 503, contentType: 'application/problem+json', body: '{"detail":"asked too soon"}' });
  });
  await open(`${PAST}&view=all`);
  await expect(cases()).toHaveCount(5);
  await page.getByRole('button', { name: 'Load more' }).click();
  await expect(page.getByRole('alert')).toContainText('asked too soon');
  await expect(cases()).toHaveCount(5);
  await page.getByRole('button', { name: 'Try again' }).click();
  await expect(cases()).toHaveCount(10);
  await page.unroute('**/api/fraud/cases?*');
  const times = await cases().locator('time').evaluateAll((all) => all.map((one) => one.getAttribute('datetime') ?? ''));
  expect(times).toEqual([...times].sort().reverse());
});

test('a case tells how often its names paid before, and what happened around it', async () => {
  await open();
  await cases().first().getByRole('button').click();
  const velocity = panel().getByTestId('velocity');
  await expect(velocity.getByRole('columnheader')).toHaveText(['10m', '1h', '24h', '7d']);
  // The first of what the payment names, below the head.
  const counts = (await velocity.getByRole('row').nth(1).getByRole('cell').allTextContents()).map((text) => Number.parseInt(text, 10));
  expect(counts.length).toBe(4);
  // The payment itself is counted, and a longer time holds the shorter ones.
  expect(counts[0]).toBeGreaterThan(0);
  expect(counts).toEqual([...counts].sort((left, right) => left - right));
  const timeline = panel().getByTestId('timeline');
  const own = timeline.locator('[aria-current]').first();
  await own.locator('summary').click();
  await expect(own.locator('pre')).toContainText('"transaction_id"');
  await expectAccessible(page, 'what is around a case');
});

test('a case whose surroundings cannot be read says so, and the rest is there', async () => {
  await page.route('**/around', (route) => route.fulfill({ status: 503, contentType: 'application/problem+json', body: '{"status":503,"title":"unavailable","detail":"the store is busy"}' }));
  await open();
  await cases().first().getByRole('button').click();
  await expect(panel()).toContainText('the store is busy');
  await expect(panel()).toContainText('points');
  await page.unroute('**/around');
  await panel().getByRole('button', { name: 'Try again' }).click();
  await expect(panel().getByTestId('velocity')).toBeVisible();
});

test('a case leads to the raw events of its payment', async () => {
  await open();
  await cases().first().getByRole('button').click();
  await panel().getByRole('link', { name: 'Events of this payment' }).click();
  await expect(page).toHaveURL(/\/explore\?q=transaction_id/);
  await expect(page.getByTestId('total')).not.toHaveText(/^0/);
});

test('a case is taken, noted and closed, and leaves the queue', async () => {
  await open();
  await cases().first().getByRole('button').click();
  const id = new URL(page.url()).searchParams.get('case') ?? '';
  await panel().getByRole('button', { name: 'Take it' }).click();
  await expect(panel()).toContainText('held by admin@localhost');
  await panel().getByRole('textbox', { name: 'Note' }).fill('asked the customer');
  await panel().getByRole('button', { name: 'Write it down' }).click();
  await expect(panel()).toContainText('asked the customer');
  await open(`${PAST}&view=mine`);
  await expect(cases()).toHaveCount(1);
  await cases().first().getByRole('button').click();
  await panel().getByRole('button', { name: 'confirmed fraud', exact: true }).click();
  await expect(panel()).toContainText('closed: confirmed fraud');
  await page.goto(`${vigie.url}/fraud?${PAST}&view=all&case=${id}`);
  await expect(panel().getByRole('button', { name: 'Open it again' })).toBeVisible();
  await page.goto(`${vigie.url}/fraud?${PAST}&view=mine`);
  await expect(page.getByText('You hold no case of this time')).toBeVisible();
});

test('a case gets tags, which find it again', async () => {
  await open();
  const before = await cases().count();
  await cases().nth(1).getByRole('button').click();
  const tags = panel().getByTestId('tags');
  for (const tag of ['Ring: north', 'chargeback']) {
    await tags.getByRole('textbox', { name: 'Tag' }).fill(tag);
    await tags.getByRole('button', { name: 'Put it on' }).click();
    await expect(tags.getByRole('link', { name: tag.toLowerCase() })).toBeVisible();
  }
  await expectAccessible(page, 'a case with tags');
  await tags.getByRole('button', { name: 'Take “chargeback” off' }).click();
  await expect(tags.getByRole('link', { name: 'chargeback' })).toHaveCount(0);
  await tags.getByRole('link', { name: 'ring: north' }).click();
  await expect(cases()).toHaveCount(1);
  await expect(cases().first()).toContainText('ring: north');
  await page.getByRole('link', { name: 'Cases with and without “ring: north”' }).click();
  await page.getByRole('link', { name: 'Open cases' }).click();
  await expect(cases()).toHaveCount(before);
});

test('several cases are chosen and closed at once, and what somebody else closed is told', async () => {
  await open();
  const bulk = page.getByTestId('bulk');
  await cases().nth(0).getByRole('checkbox').check();
  await cases().nth(1).getByRole('button').focus();
  await page.keyboard.press('x');
  await expect(cases().nth(1).getByRole('checkbox')).toBeChecked();
  await expect(panel()).toBeHidden();
  await expect(bulk).toContainText('2 chosen');
  await expectAccessible(page, 'chosen cases');
  await page.keyboard.press('Enter');
  const id = new URL(page.url()).searchParams.get('case') ?? '';
  await page.keyboard.press('Escape');
  // In another window the second of them is closed meanwhile.
  const other = await context.newPage();
  await other.goto(`${vigie.url}/fraud?${PAST}&case=${id}`);
  await other.getByTestId('case-panel').getByRole('button', { name: 'confirmed fraud', exact: true }).click();
  await expect(other.getByTestId('case-panel')).toContainText('closed: confirmed fraud');
  await other.close();
  await bulk.getByRole('button', { name: 'false alert' }).click();
  await expect(bulk.getByRole('status')).toHaveText('1 changed, 1 not: the case was closed by admin@localhost; open it again first');
  await expect(bulk.getByRole('group')).toBeHidden();
  await expect(cases().first().getByRole('button')).toBeFocused();
  await page.goto(`${vigie.url}/fraud?${PAST}&view=all&case=${id}`);
  await expect(panel()).toContainText('closed: confirmed fraud');
  await open();
  await page.getByRole('checkbox', { name: 'Choose all that are shown' }).check();
  await expect(bulk).toContainText(/\d+ chosen/);
  await bulk.getByRole('button', { name: 'Choose none' }).click();
  await expect(cases().first().getByRole('checkbox')).not.toBeChecked();
});

test('a case is put off, waits in its own queue and is back', async () => {
  await open();
  await cases().nth(1).getByRole('button').click();
  const id = new URL(page.url()).searchParams.get('case') ?? '';
  await panel().getByRole('group', { name: 'Put it off for' }).getByRole('button', { name: '7 days' }).click();
  await expect(panel()).toContainText('put off until');
  await expectAccessible(page, 'put off');
  await open(`${PAST}&view=snoozed`);
  await expect(cases()).toHaveCount(1);
  await cases().first().getByRole('button').click();
  expect(new URL(page.url()).searchParams.get('case')).toBe(id);
  await panel().getByRole('button', { name: 'Have it back now' }).click();
  await expect(panel().getByRole('group', { name: 'Put it off for' })).toBeVisible();
  await panel().getByRole('button', { name: 'Give it back' }).click();
  await page.goto(`${vigie.url}/fraud?${PAST}&view=snoozed`);
  await expect(page.getByText('No case is put off')).toBeVisible();
});

test('a case is decided by keys, taken back, and the next one is opened', async () => {
  await open();
  const before = await cases().count();
  await cases().nth(1).getByRole('button').click();
  const id = new URL(page.url()).searchParams.get('case') ?? '';
  await expect(panel().getByTestId('velocity')).toBeVisible();
  await page.keyboard.press('a');
  await expect(panel()).toContainText('closed: false alert');
  const undo = page.getByTestId('undo');
  await expect(undo).toContainText('false alert');
  await expectAccessible(page, 'a decided case');
  await page.keyboard.press('u');
  await expect(undo).toBeHidden();
  await expect(panel().getByRole('button', { name: 'Take it' })).toBeVisible();
  await expect(cases()).toHaveCount(before);

  // Refused from now on as well, and taken back with that.
  await page.keyboard.press('b');
  await expect(panel()).toContainText('closed: confirmed fraud');
  const listed = async (): Promise<number> => {
    const answer = await page.request.get(`${vigie.url}/api/fraud/lists`);
    return ((await answer.json()) as { total: number }).total;
  };
  await expect.poll(listed).toBe(1);
  await undo.getByRole('button', { name: 'Undo' }).click();
  await expect(undo).toBeHidden();
  await expect.poll(listed).toBe(0);

  await page.keyboard.press('d');
  await expect(cases()).toHaveCount(before - 1);
  await page.keyboard.press('n');
  await expect(panel().getByRole('button', { name: 'Take it' })).toBeVisible();
  expect(new URL(page.url()).searchParams.get('case')).not.toBe(id);
  await expect(cases().nth(1).getByRole('button')).toBeFocused();
  await expect(undo).toBeHidden();
});

test('a case is escalated with a reason, and given back', async () => {
  await open();
  await cases().nth(1).getByRole('button').click();
  await expect(panel()).toContainText('points');
  await page.keyboard.press('e');
  const why = panel().getByRole('textbox', { name: 'Why should somebody else decide it?' });
  await expect(why).toBeFocused();
  await page.keyboard.press('Escape');
  await expect(why).toBeHidden();
  await expect(panel()).toBeVisible();
  await page.keyboard.press('e');
  await page.keyboard.type('the same device paid for five people');
  await expectAccessible(page, 'why a case is escalated');
  await page.keyboard.press('Enter');
  await expect(panel()).toContainText('the same device paid for five people');
  await page.getByRole('link', { name: 'Escalated' }).click();
  await expect(cases()).toHaveCount(1);
  await expect(cases().first()).toContainText('escalated');
  await cases().first().getByRole('button').click();
  await panel().getByRole('button', { name: 'Give it back to everybody' }).click();
  await expect(page.getByText('No case is escalated')).toBeVisible();
});

test('what an analyst escalates is decided by a moderator', async ({ browser }) => {
  await vigie.addUser('marie@example.com', 'analyst');
  const analyst = await loggedIn(browser, vigie, 0, {}, 'marie@example.com');
  const theirs = analyst.page.getByTestId('case-panel');
  await analyst.page.goto(`${vigie.url}/fraud?${PAST}`);
  await analyst.page.getByTestId('case').nth(2).getByRole('button').click();
  await expect(theirs.getByRole('button', { name: 'Take it' })).toBeVisible();
  await analyst.page.keyboard.press('e');
  await analyst.page.keyboard.type('more than I may refuse');
  await analyst.page.keyboard.press('Enter');
  await expect(theirs).toContainText('more than I may refuse');
  // Neither buttons nor keys decide it any more, and nobody is told that they would.
  await expect(theirs.getByRole('button', { name: 'Take it' })).toBeHidden();
  await expect(theirs.getByRole('button', { name: 'confirmed fraud' })).toBeHidden();
  await analyst.page.keyboard.press('d');
  await analyst.page.keyboard.press('t');
  await expectAccessible(analyst.page, 'a case that was escalated away');
  await expect(theirs).toContainText('more than I may refuse');

  await page.goto(`${vigie.url}/fraud?${PAST}&view=escalated`);
  await expect(cases()).toHaveCount(1);
  await cases().first().getByRole('button').click();
  await panel().getByRole('button', { name: 'confirmed fraud', exact: true }).click();
  await expect(panel()).toContainText('closed: confirmed fraud');
  await analyst.page.reload();
  await expect(theirs).toContainText('closed: confirmed fraud');
  expect(analyst.broken).toEqual([]);
  await analyst.context.close();
});

test('the rules are listed with what they did', async () => {
  await open();
  await page.getByRole('link', { name: 'Rules' }).click();
  const rule = page.getByTestId('rule').filter({ hasText: 'card_testing' });
  await expect(rule).toContainText('device.declined_count_1h');
  await expectAccessible(page, 'rules');
});

test('a time without payments says so', async () => {
  await page.goto(`${vigie.url}/fraud?from=2001-01-01T00:00:00Z&to=2001-01-02T00:00:00Z`);
  await expect(page.getByText('No payment was judged in this time')).toBeVisible();
  await expectAccessible(page, 'nothing');
});
