import { type Locator, type Page } from '@playwright/test';
import { fits } from '../steps';
import { expect, test } from '../test';

test.use({ begins: 'sample to read' });

/** The number of incidents in the page's summary. */
async function total(page: Page): Promise<number> {
  const lede = page.locator('.lede');
  await expect(lede).toHaveText(/^\d+ (\w+ )?incidents?\b/);
  return Number.parseInt(await lede.innerText(), 10);
}

/** The incidents in a part of a page, without maintenances. */
function incidents(part: Page | Locator) {
  return part.locator('article.card[id^="incident-"]');
}

/** The addresses of the incidents in a part of a page, in order. */
function listed(part: Page | Locator): Promise<string[]> {
  return incidents(part).locator('h3 a').evaluateAll((links) => links.map((link) => link.getAttribute('href')!));
}

/** Follows the links to older incidents to the last page; returns the incidents of each page. */
async function walk(page: Page): Promise<string[][]> {
  const pages = [await listed(page)];
  const older = page.locator('.pager .older');
  while ((await older.count()) > 0) {
    expect(pages.length, 'the walk comes to an end').toBeLessThan(100);
    const next = (await older.getAttribute('href'))!;
    await older.click();
    await expect(page).toHaveURL(next);
    await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
    pages.push(await listed(page));
  }
  return pages;
}

/** The start times of the incidents on a page. */
function starts(page: Page): Promise<string[]> {
  const times = incidents(page).locator('.facts time');
  return times.evaluateAll((all) => all.map((time) => time.getAttribute('datetime')!));
}

async function filter(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Filter' }).click();
}

test('can be filtered by component', { tag: '@dates' }, async ({ page }) => {
  await page.goto('/history');
  const all = await total(page);
  await page.getByLabel('Component').selectOption('Geocoding');
  await filter(page);
  await expect(page.locator('.lede')).toContainText(' affecting Geocoding');
  const some = await total(page);
  expect(some).toBeGreaterThan(0);
  expect(some).toBeLessThan(all);
  await expect(page.getByRole('article')).toHaveCount(some);
  for (const facts of await page.getByRole('article').locator('.facts').all()) await expect(facts).toContainText('Geocoding');
  await expect(page.getByLabel('Component').locator('option:checked')).toHaveText('Geocoding');
  await fits(page);
  await page.getByRole('link', { name: 'Clear filters' }).click();
  expect(await total(page)).toBe(all);
});

test('can be filtered by impact, and every impact together is everything', { tag: '@dates' }, async ({ page }) => {
  await page.goto('/history');
  const all = await total(page);
  let sum = 0;
  for (const impact of ['Major outage', 'Partial outage', 'Degraded performance', 'Notice']) {
    await page.getByLabel('Impact').selectOption(impact);
    await filter(page);
    await expect(page.getByLabel('Impact').locator('option:checked')).toHaveText(impact);
    await expect(page).toHaveURL(/impact=/);
    sum += await total(page);
    for (const chip of await page.getByRole('article').locator('.chip').all()) {
      await expect(chip).toHaveText(new RegExp(`^(Resolved$|${impact} · open)`));
    }
  }
  expect(sum).toBe(all);
});

test('can be searched, whatever the case, but not for what only managers know', { tag: '@dates' }, async ({ page }) => {
  await page.goto('/history');
  const search = page.getByLabel('Search incidents');
  await search.fill('SEVERN');
  await filter(page);
  await expect(page.getByRole('article')).toHaveCount(1);
  await expect(page.getByRole('article')).toContainText('Severn Estuary');
  await expect(page.locator('.lede')).toContainText('matching “SEVERN”');
  // A word in the newest incident's internal note.
  await search.fill('ticket 4471');
  await filter(page);
  await expect(page.getByText('No incidents match these filters.')).toBeVisible();
  await expect(page.locator('.lede')).toContainText('No incidents');
  for (const wild of ['%', '_', "'", '"', '\\']) {
    await search.fill(wild);
    await filter(page);
    await expect(search).toHaveValue(wild);
    const found = await page.getByRole('article').allInnerTexts();
    expect(found.length, `incidents that hold ${wild}`).toBeLessThan(25);
  }
});

test('can be cut to a range of time', { tag: '@dates' }, async ({ page }) => {
  await page.goto('/history');
  const all = await total(page);
  await page.getByRole('combobox', { name: 'Period' }).selectOption('Last 12 months');
  await filter(page);
  await expect(page.locator('.lede')).toContainText('in the last 12 months');
  const year = await total(page);
  expect(year).toBeLessThan(all);
  const met = (await walk(page)).flat();
  expect(met).toHaveLength(year);
});

test('can be cut to days, both of them included', { tag: '@dates' }, async ({ page }) => {
  await page.goto('/history');
  // The days of the third and the tenth newest incident, in the page's time zone.
  const day = (instant: string) => new Intl.DateTimeFormat('sv', { timeZone: 'Europe/Lisbon' }).format(new Date(instant));
  const begun = await starts(page);
  const [to, from] = [day(begun[2]), day(begun[9])];
  const within = begun.filter((start) => from <= day(start) && day(start) <= to);
  await page.getByText('Custom date range').click();
  await page.getByLabel('From', { exact: true }).fill(from);
  await page.getByLabel('To', { exact: true }).fill(to);
  await filter(page);
  await expect(page.getByLabel('From', { exact: true })).toHaveValue(from);
  await expect(page.getByLabel('To', { exact: true })).toBeVisible();
  expect(await starts(page)).toEqual(within);
  expect(await total(page)).toBe(within.length);
  await fits(page);
});

test('has a stable address for every month', { tag: '@dates' }, async ({ page }) => {
  await page.goto('/history');
  const month = page.getByRole('heading', { level: 2 }).getByRole('link').nth(1);
  const [name, path] = [await month.innerText(), (await month.getAttribute('href'))!];
  expect(path).toMatch(/^\/history\/\d{4}-\d{2}$/);
  const section = page.locator('section').filter({ has: page.getByRole('heading', { level: 2, name }) });
  const shown = await listed(section);
  await month.click();
  await expect(page).toHaveURL(path);
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(`Incidents in ${name}`);
  expect(await listed(page)).toEqual(shown);
  expect(await total(page)).toBe(shown.length);
  await fits(page);
});

test('leads through all incidents without losing or repeating one', { tag: '@dates' }, async ({ page }) => {
  await page.goto('/history');
  const all = await total(page);
  const pages = await walk(page);
  const met = pages.flat();
  expect(new Set(met).size, 'none is repeated').toBe(met.length);
  expect(met.length, 'none is lost').toBe(all);
  expect(pages.length).toBeGreaterThan(2);

  const newer = page.locator('.pager .newer');
  const back: string[] = [];
  for (;;) {
    back.unshift(...(await listed(page)));
    if ((await newer.count()) === 0) break;
    const next = (await newer.getAttribute('href'))!;
    await newer.click();
    await expect(page).toHaveURL(next);
  }
  expect(back).toEqual(met);
});

test('leads through a filtered set the same way', { tag: '@dates' }, async ({ page }) => {
  await page.goto('/history?impact=minor');
  const all = await total(page);
  const met = (await walk(page)).flat();
  expect(met.length).toBe(all);
  expect(new Set(met).size).toBe(all);
  await page.goto('/history?range=2y');
  const range = await total(page);
  const pages = await walk(page);
  expect(pages.length).toBeGreaterThan(1);
  expect(new Set(pages.flat()).size).toBe(range);
  await page.getByRole('link', { name: 'Newest' }).click();
  expect(await listed(page)).toEqual(pages[0]);
});

test('says plainly what does not exist', { tag: '@dates' }, async ({ page, watch }) => {
  for (const path of ['/incidents/doesnotexist', '/incidents/..%2fx', '/history/2026-13', '/history/soon', '/nowhere']) {
    await watch.expects(404, page, () => page.goto(path));
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('Page not found');
    await expect(page.getByRole('main').getByRole('link', { name: 'Current status' })).toHaveAttribute('href', '/');
  }
  await page.goto('/history/2001-01');
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Incidents in January 2001');
});
