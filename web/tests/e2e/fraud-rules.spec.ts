/** Lists, entities, the editor of rules and models of fraud detection in a browser, against the real binary. */
import { fileURLToPath } from 'node:url';
import { expect, test, type BrowserContext, type Locator, type Page } from '@playwright/test';
import { expectAccessible } from './accessible';
import { loggedIn, startVigie, type Vigie } from './vigie';

/** As XGBoost saves one. */
const XGBOOST_MODEL = fileURLToPath(new URL('../../../crates/fraud/samples/xgboost/model.json', import.meta.url));

let vigie: Vigie;
let context: BrowserContext;
let page: Page;
/** Script errors and what the content security policy stopped: there may be none. */
let broken: string[] = [];

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

const entries = (): Locator => page.getByTestId('list-entry');
const editor = (): Locator => page.getByTestId('expression');

test('a network is put on a list, found and taken off; a wrong one is told at its field', async () => {
  await page.goto(`${vigie.url}/fraud/lists`);
  await expect(page.getByText('Nothing is on a list')).toBeVisible();
  await expectAccessible(page, 'no entries');
  const form = page.getByTestId('list-form');
  await form.getByLabel('Value').fill('203.0.113.0/99');
  await form.getByRole('button', { name: 'Add' }).click();
  await expect(form.getByLabel('Value')).toHaveAttribute('aria-invalid', 'true');
  await expect(form.getByRole('alert')).toBeVisible();
  await expectAccessible(page, 'a wrong value');
  await form.getByLabel('Value').fill('203.0.113.0/24');
  await form.getByLabel('Note').fill('proxies of an attack');
  await form.getByRole('button', { name: 'Add' }).click();
  await expect(entries()).toHaveCount(1);
  await expect(entries()).toContainText('block');
  await form.getByLabel('Value').fill('203.0.113.0/24');
  await form.getByRole('button', { name: 'Add' }).click();
  await expect(form.getByRole('alert')).toContainText('on a list already');
  await page.getByTestId('filter-kind').selectOption('country');
  await expect(page.getByText('No entry matches')).toBeVisible();
  await page.getByRole('button', { name: 'Show all entries' }).click();
  await page.getByRole('searchbox').fill('PROXIES');
  await expect(page).toHaveURL(/q=PROXIES/);
  await expect(entries()).toHaveCount(1);
  await page.getByRole('button', { name: 'Take off: 203.0.113.0/24' }).click();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('button', { name: 'Take off: 203.0.113.0/24' })).toBeFocused();
  await page.keyboard.press('Enter');
  await page.keyboard.press('Enter');
  await expect(entries()).toHaveCount(0);
});

test('a case leads to its customer or address, which is put on a list', async () => {
  await page.goto(`${vigie.url}/fraud?from=now-20d&to=now&view=all`);
  await page.getByTestId('case').first().getByRole('button').click();
  const link = page.getByTestId('case-panel').locator('a[href^="/fraud/entity/ip/"], a[href^="/fraud/entity/user/"]').first();
  const value = (await link.textContent()) ?? '';
  await link.click();
  await expect(page).toHaveURL(/\/fraud\/entity\/(ip|user)\//);
  await expect(page.getByTestId('profile')).toContainText('Payments');
  await expect(page.getByTestId('links')).toBeVisible();
  await expectAccessible(page, 'an entity');
  await page.getByRole('button', { name: 'Put on a list' }).click();
  const form = page.getByTestId('list-form');
  await form.getByLabel('Effect').selectOption('review');
  await form.getByRole('button', { name: 'Add' }).click();
  await expect(entries()).toContainText(value);
  await expectAccessible(page, 'an entity on a list');
});

test('an entity that never paid says so', async () => {
  await page.goto(`${vigie.url}/fraud/entity/user/nobody-of-this-name`);
  await expect(page.getByText('No payment of this time knows it')).toBeVisible();
});

test('a rule is written, tried on the past and saved; its versions are compared and brought back', async () => {
  await page.goto(`${vigie.url}/fraud/rules`);
  await page.getByRole('link', { name: 'New rule' }).click();
  await editor().fill('user.count_10m >= 1 && nonsense');
  await expect(page.getByTestId('check')).toContainText(/Line 1, character/);
  await expectAccessible(page, 'a fault');
  await editor().fill('');
  await page.getByTestId('signals').getByRole('searchbox').fill('user.count_10m');
  await page.keyboard.press('Enter');
  await expect(editor()).toBeFocused();
  await page.keyboard.type(' >= 1');
  await expect(page.getByTestId('check')).toContainText('This is a rule');
  const backtest = page.getByTestId('backtest');
  await backtest.getByRole('button', { name: 'Backtest' }).click();
  await expect(page.getByTestId('report')).toContainText('Precision', { timeout: 60_000 });
  await expect(page.getByTestId('report')).toContainText('Decisions');
  await expectAccessible(page, 'a report');
  await page.getByLabel('Name', { exact: false }).first().fill('browser_rule');
  await page.getByLabel('Reason in English').fill('{user.count_10m} payments');
  await page.getByLabel('Reason in French').fill('{user.count_10m} paiements');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await expect(page.getByText('Saved as version 1')).toBeVisible();
  await expect(page).toHaveURL(/rule=browser_rule/);
  await expect(page.getByLabel('Owner')).toHaveValue(/./);
  await page.getByLabel('Owner').fill('payments team');
  await page.getByLabel('When it fires').selectOption('Always review');
  await page.getByRole('spinbutton', { name: 'Points' }).fill('35');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await expect(page.getByText('Saved as version 2')).toBeVisible();
  await expect(page.getByTestId('difference')).toContainText('35');
  await expect(page.getByTestId('difference')).toContainText('Always review');
  await expect(page.getByTestId('difference')).toContainText('payments team');
  await page.getByRole('button', { name: 'Bring back: Version 1' }).click();
  await page.getByRole('button', { name: 'Bring it back? Version 1' }).click();
  await expect(page.getByText('Version 1 is in force again')).toBeVisible();
  await expect(page.getByRole('spinbutton', { name: 'Points' })).toHaveValue('20');
});

test('a rule that somebody else changed meanwhile is told, and neither is lost', async () => {
  await page.goto(`${vigie.url}/fraud/rules?rule=card_testing`);
  await expect(page.getByTestId('check')).toContainText('This is a rule');
  const expression = await editor().inputValue();
  await page.evaluate(async (text) => {
    const body = JSON.stringify({ expression: text, points: 44, mode: 'shadow', reason: 'theirs', reason_fr: 'la leur' });
    const answer = await fetch('/api/fraud/rules/card_testing', { method: 'PUT', headers: { 'Content-Type': 'application/json', 'X-Vigie-Client': 'web' }, body });
    if (!answer.ok) throw new Error(`${answer.status}`);
  }, expression);
  await page.getByRole('spinbutton', { name: 'Points' }).fill('33');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  const conflict = page.getByTestId('conflict');
  await expect(conflict).toContainText('44');
  await expect(conflict).toContainText('33');
  await expectAccessible(page, 'a conflict');
  await conflict.getByRole('button', { name: 'Save mine over it' }).click();
  await expect(page.getByText('Saved as version 2')).toBeVisible();
});

test('without labelled payments only what is usual is learnt, and trees fail with words', async () => {
  await page.goto(`${vigie.url}/fraud`);
  await page.getByRole('link', { name: 'Models' }).click();
  await expect(page).toHaveURL(/\/fraud\/models$/);
  await expect(page.getByText('There is no model yet')).toBeVisible();
  await expectAccessible(page, 'no model');
  const panel = page.getByTestId('train');
  await panel.getByLabel('Range').selectOption({ label: 'Last 30 days' });
  await panel.getByRole('button', { name: 'Train' }).click();
  await expect(panel.getByRole('alert')).toContainText('label more payments', { timeout: 60_000 });
  await expect(panel.getByRole('button', { name: 'Train' })).toBeEnabled();
  await expectAccessible(page, 'a failed training');
  await expect(page.getByText('There is no model yet')).toBeVisible();
  await panel.getByLabel('Learns from').selectOption({ label: 'what is usual, no labels (tails)' });
  await panel.getByRole('button', { name: 'Train' }).click();
  await expect(page.getByTestId('model')).toContainText('0 of them fraud', { timeout: 60_000 });
  await expect(page.getByTestId('weights')).toContainText('transaction.amount');
  await expectAccessible(page, 'a model without labels');
  const importing = panel.getByLabel('Learns from');
  await importing.selectOption({ label: 'elsewhere: a model of XGBoost' });
  const table = await page.request.get(`${vigie.url}${await panel.getByRole('link', { name: 'What models learn from (CSV)' }).getAttribute('href')}`);
  expect(await table.text()).toContain('at,fraud_known_at,transaction.amount,');
  await panel.getByLabel('Model (JSON)').setInputFiles({ name: 'no-model.json', mimeType: 'application/json', buffer: Buffer.from('{}') });
  await panel.getByRole('button', { name: 'Import' }).click();
  await expect(panel.getByText('no model of XGBoost')).toBeVisible();
  await panel.getByLabel('Model (JSON)').setInputFiles(XGBOOST_MODEL);
  await panel.getByRole('button', { name: 'Import' }).click();
  await expect(page.getByTestId('model').first()).toContainText('elsewhere', { timeout: 60_000 });
  await expectAccessible(page, 'a model that learnt elsewhere');
});
