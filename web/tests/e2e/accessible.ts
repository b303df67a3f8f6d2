/** Looks for what keeps people from using a page: WCAG 2.2 AA, as far as axe tells it. */
import AxeBuilder from '@axe-core/playwright';
import { expect, type Page } from '@playwright/test';

const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];

/** Everything scrolled to its top: a row that is half behind the bar above the page is no smaller for that, but is counted as such. */
export async function expectAccessible(page: Page, what: string): Promise<void> {
  await page.evaluate(() => document.querySelectorAll('*').forEach((element) => element.scrollTo({ top: 0, behavior: 'instant' })));
  const { violations } = await new AxeBuilder({ page }).withTags(RULES).analyze();
  expect(violations.map(({ id, nodes }) => `${what}: ${id}: ${nodes.map((node) => node.html.slice(0, 200)).join(' | ')}`)).toEqual([]);
}
