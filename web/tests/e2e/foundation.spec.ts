/** A newcomer's way through the product, in a real browser against the real binary. */
import { expect, test, type Page } from '@playwright/test';
import { expectAccessible } from './accessible';
import { PASSWORD, startVigie, USERNAME, type Vigie } from './vigie';

let vigie: Vigie;

test.beforeAll(async () => {
  vigie = await startVigie();
});
test.afterAll(() => vigie.stop());

async function login(page: Page): Promise<void> {
  await page.goto(`${vigie.url}/`);
  await page.getByLabel('User name').fill(USERNAME);
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Log in' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Overview' })).toBeVisible();
}

/** The demo is filled in the background; the page refreshes by itself. */
async function untilDemoIsThere(page: Page): Promise<void> {
  await expect
    .poll(async () => (await page.request.get(`${vigie.url}/api/logs/stats`)).json().then((stats) => stats.total_logs), { timeout: 90_000 })
    .toBeGreaterThanOrEqual(60_000);
}

test('a wrong password is refused in words', async ({ page }) => {
  await page.goto(`${vigie.url}/explore?q=level%3Aerror`);
  await page.getByLabel('User name').fill(USERNAME);
  await page.getByLabel('Password', { exact: true }).fill('not the password at all');
  await page.getByRole('button', { name: 'Log in' }).click();
  await expect(page.getByRole('alert')).toHaveText('User name or password is wrong.');
});

test('login, overview, search, a row, an upload, logout', async ({ page }) => {
  const foreign: string[] = [];
  const broken: string[] = [];
  page.on('request', (request) => !request.url().startsWith(vigie.url) && !request.url().startsWith('data:') && foreign.push(request.url()));
  page.on('pageerror', (error) => broken.push(String(error)));
  page.on('console', (message) => /Content Security Policy|Trusted/.test(message.text()) && broken.push(message.text()));

  await login(page);
  await untilDemoIsThere(page);
  await page.reload();
  const events = page.getByRole('region', { name: 'Events', exact: true });
  await expect(events).toContainText(/\d/);
  await expect(page.getByRole('region', { name: 'Revenue' })).toContainText('€');
  await expect(page.getByRole('link', { name: 'payment', exact: true })).toBeVisible();

  await page.getByRole('link', { name: 'Explore' }).click();
  // At night the shop is quiet: a quarter of an hour may hold no error.
  await page.getByRole('button', { name: /^Time range: Last 15 minutes/ }).click();
  await page.getByRole('button', { name: 'Last 24 hours' }).click();
  const query = page.getByRole('combobox', { name: 'Query' });
  await query.fill('level:error AND log_type:error');
  await query.press('Control+Enter');
  await expect(page).toHaveURL(/q=level/);
  const table = page.getByRole('grid');
  await expect(table.getByText('ERROR').first()).toBeVisible();
  await table.getByText('ERROR').first().click();
  const detail = page.getByRole('complementary').filter({ hasText: '@timestamp' });
  await expect(detail.getByText('log_type').first()).toBeVisible();
  await page.keyboard.press('Escape');

  await query.fill('level:(error');
  await query.press('Control+Enter');
  await expect(page.getByText('this group is not closed')).toBeVisible();

  await page.getByRole('link', { name: 'Uploads' }).click();
  const now = new Date().toISOString();
  const lines = [
    { '@timestamp': now, service: 'e2e-probe', level: 'info', message: 'first <img src=x onerror=alert(1)>' },
    { '@timestamp': now, service: 'e2e-probe', level: 'warn', message: 'second' },
  ];
  const file = [JSON.stringify(lines[0]), '{broken', JSON.stringify(lines[1])].join('\n');
  await page.setInputFiles('input[type=file]', { name: 'probe.ndjson', mimeType: 'application/x-ndjson', buffer: Buffer.from(file) });
  await expect(page.getByText('ndjson', { exact: true })).toBeVisible();
  await page.getByRole('button', { name: 'Store the events' }).click();
  await expect(page.getByText('2 events are stored.')).toBeVisible();
  await expect(page.getByRole('region', { name: 'Rejected lines' }).getByRole('row').nth(1)).toContainText('2');
  await page.getByRole('link', { name: 'See its events' }).click();
  await page.getByRole('combobox', { name: 'Query' }).fill('service:e2e-probe');
  await page.getByRole('combobox', { name: 'Query' }).press('Control+Enter');
  await expect(page.getByRole('grid').getByText('first <img src=x onerror=alert(1)>')).toBeVisible();

  await page.getByRole('button', { name: 'Profile' }).click();
  await page.getByRole('button', { name: 'Log out' }).click();
  await expect(page.getByRole('heading', { name: 'Log in to Vigie' })).toBeVisible();
  await page.goto(`${vigie.url}/explore`);
  await expect(page.getByRole('heading', { name: 'Log in to Vigie' })).toBeVisible();
  expect(foreign).toEqual([]);
  expect(broken).toEqual([]);
});

test('the skip link takes the focus to the content', async ({ page }) => {
  await login(page);
  await page.goto(`${vigie.url}/uploads`);
  await expect(page.getByRole('heading', { level: 1, name: 'Uploads' })).toBeVisible();
  await page.keyboard.press('Tab');
  await expect(page.getByRole('link', { name: 'Skip to content' })).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('main')).toBeFocused();
  await expect(page.getByRole('heading', { level: 1, name: 'Uploads' })).toBeVisible();
});

test('the chosen time zone holds in the picker, the table, the address and on every page', async ({ browser }) => {
  const context = await browser.newContext({ timezoneId: 'Asia/Kolkata' });
  const page = await context.newPage();
  await login(page);
  await untilDemoIsThere(page);
  const to = new Date(Date.now() - 3_600_000);
  to.setUTCHours(to.getUTCHours(), 0, 0, 0);
  const from = new Date(to.getTime() - 3_600_000);
  const clock = (at: Date, ahead_minutes: number): string => new Date(at.getTime() + ahead_minutes * 60_000).toISOString().slice(0, 19).replace('T', ' ');
  await page.goto(`${vigie.url}/explore?from=${from.toISOString()}&to=${to.toISOString()}&sort=oldest`);
  const first = page.getByRole('grid').locator('[data-row="0"] [data-field="@timestamp"]');
  await expect(first).toContainText(`${clock(from, 330).slice(11, 13)}:3`);
  const picker = page.getByRole('button', { name: /^Time range:.*\(Asia\/(Kolkata|Calcutta)\)$/ });
  await picker.click();
  await expect(page.getByRole('textbox', { name: 'From', exact: true })).toHaveValue(clock(from, 330));
  await page.getByLabel('Time zone').selectOption('UTC');
  await expect(page.getByRole('textbox', { name: 'From', exact: true })).toHaveValue(clock(from, 0));
  await expect(page).toHaveURL(/tz=UTC/);
  await expect(first).toContainText(`${clock(from, 0).slice(11, 13)}:0`);
  await page.getByRole('textbox', { name: 'To', exact: true }).fill(clock(new Date(to.getTime() - 60_000), 0));
  await page.getByRole('button', { name: 'Apply' }).click();
  await expect.poll(() => new URL(page.url()).searchParams.get('to')).toBe(new Date(to.getTime() - 60_000).toISOString());
  await expect(page).toHaveURL(/tz=UTC/);
  await page.getByRole('link', { name: 'Uploads' }).click();
  await expect(page).toHaveURL(/\/uploads\?tz=UTC/);
  await page.goto(`${vigie.url}/`);
  await expect(page.getByRole('button', { name: /^Time range:.*\(UTC\)$/ })).toBeVisible();
  await context.close();
});

for (const theme of ['dark', 'light'] as const) {
  test(`no page has a serious accessibility violation (${theme})`, async ({ page }) => {
    await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' });
    await page.goto(`${vigie.url}/login`);
    await expect(page.getByRole('heading', { name: 'Log in to Vigie' })).toBeVisible();
    await expectAccessible(page, 'login');
    await login(page);
    await untilDemoIsThere(page);
    await page.reload();
    await expect(page.getByRole('link', { name: 'payment', exact: true })).toBeVisible();
    await expectAccessible(page, 'overview');
    await page.goto(`${vigie.url}/explore?q=level%3Aerror&from=now-24h&to=now`);
    await expect(page.getByRole('grid').getByText('ERROR').first()).toBeVisible();
    await expectAccessible(page, 'explore');
    await page.goto(`${vigie.url}/uploads`);
    await expect(page.getByText('Drop a file of logs here')).toBeVisible();
    await expectAccessible(page, 'uploads');
  });
}

test('French is spoken when the browser does', async ({ browser }) => {
  const context = await browser.newContext({ locale: 'fr-FR' });
  const page = await context.newPage();
  await page.goto(`${vigie.url}/login`);
  await expect(page.getByRole('heading', { name: 'Se connecter à Vigie' })).toBeVisible();
  await expect(page.locator('html')).toHaveAttribute('lang', 'fr');
  await context.close();
});

test('performance by service and endpoint, and from a cell to its requests', async ({ page }) => {
  await login(page);
  await untilDemoIsThere(page);
  await page.goto(`${vigie.url}/performance?from=now-24h`);
  await expect(page.getByRole('region', { name: 'Response time p95' })).toContainText('ms');
  const endpoints = page.getByRole('region', { name: 'Endpoints' });
  await expect(endpoints.getByRole('row')).not.toHaveCount(1);
  await endpoints.getByRole('button', { name: 'endpoint', exact: true }).click();
  await expect(endpoints.getByRole('columnheader', { name: /^endpoint/ })).toHaveAttribute('aria-sort', 'ascending');
  await expectAccessible(page, 'performance');

  await page.getByLabel('service', { exact: true }).selectOption('payment');
  await expect(page).toHaveURL(/service=payment/);
  await expect(endpoints.getByRole('link', { name: /api\/payments/ })).toBeVisible();

  await page.getByRole('application', { name: 'Spread of response times' }).focus();
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/explore.*response_time_ms/);
  await expect(page.getByRole('heading', { level: 1, name: 'Explore' })).toBeAttached();

  await page.goto(`${vigie.url}/performance?from=now-24h&service=nobody`);
  await expect(page.getByText('No requests in this period')).toBeVisible();
  await page.getByRole('button', { name: 'Show all services' }).click();
  await expect(page.getByRole('region', { name: 'Response time p95' })).toBeVisible();
});

test('the overview tells what is sold, how it is paid and what is lost', async ({ page }) => {
  await login(page);
  await untilDemoIsThere(page);
  await page.goto(`${vigie.url}/?from=now-24h`);
  await expect(page.getByRole('region', { name: 'Top products' }).getByRole('row')).toHaveCount(9);
  await expect(page.getByRole('region', { name: 'Top countries' })).toContainText('France');
  await expect(page.getByRole('region', { name: 'Payments by method' })).toContainText('card');
  await expect(page.getByRole('region', { name: 'From view to payment by hour' })).toContainText('of carts were left behind');
  await page.getByRole('region', { name: 'Top countries' }).getByRole('link', { name: 'France' }).click();
  await expect(page).toHaveURL(/explore\?q=geo\.country/);
});
