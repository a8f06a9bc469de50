import { type Locator, type Page } from '@playwright/test';
import { expectNoOverflow } from '../steps';
import { expect, test } from '../test';

test.use({ initialData: 'sample to read' });

/** The number of incidents in the page's summary. */
async function totalIncidents(page: Page): Promise<number> {
  const lede = page.locator('.lede');
  await expect(lede).toHaveText(/^\d+ (\w+ )?incidents?\b/);
  return Number.parseInt(await lede.innerText(), 10);
}

/** The incidents in a part of a page, without maintenances. */
function incidents(part: Page | Locator) {
  return part.locator('.entries > li[id^="incident-"]');
}

/** The addresses of the incidents in a part of a page, in order. */
function incidentPaths(part: Page | Locator): Promise<string[]> {
  return incidents(part).locator('h3 a').evaluateAll((links) => links.map((link) => link.getAttribute('href')!));
}

/** Follows the links to older incidents to the last page; returns the incidents of each page. */
async function walkPages(page: Page): Promise<string[][]> {
  const pages = [await incidentPaths(page)];
  const older = page.locator('.pager .older');
  while ((await older.count()) > 0) {
    expect(pages.length, 'the walk comes to an end').toBeLessThan(100);
    const next = (await older.getAttribute('href'))!;
    await older.click();
    await expect(page).toHaveURL(next);
    await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
    pages.push(await incidentPaths(page));
  }
  return pages;
}

/** The start days of the incidents on a page, in the page's time zone. */
function startDays(page: Page): Promise<string[]> {
  const times = incidents(page).locator('time.date');
  return times.evaluateAll((all) => all.map((time) => time.getAttribute('datetime')!));
}

/** On a phone, unfolds the filters. */
async function openFilters(page: Page): Promise<void> {
  const more = page.locator('.filter .more');
  const isFolded = (await more.isVisible()) && (await more.getAttribute('open')) === null;
  if (isFolded) await more.locator('summary').click();
  await expect(page.getByLabel('Component')).toBeVisible();
}

async function submitFilter(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Apply' }).click();
}

test('can be filtered by component', { tag: '@dates' }, async ({ page }) => {
  await page.goto('/history');
  const all = await totalIncidents(page);
  await openFilters(page);
  await page.getByLabel('Component').selectOption('Geocoding');
  await submitFilter(page);
  await expect(page.locator('.lede')).toContainText(' affecting Geocoding');
  const some = await totalIncidents(page);
  expect(some).toBeGreaterThan(0);
  expect(some).toBeLessThan(all);
  await expect(incidents(page)).toHaveCount(some);
  for (const about of await incidents(page).locator('.soft').all()) await expect(about).toContainText('Geocoding');
  await expect(page.getByLabel('Component').locator('option:checked')).toHaveText('Geocoding');
  await expectNoOverflow(page);
  await page.getByRole('link', { name: 'Clear filters' }).click();
  expect(await totalIncidents(page)).toBe(all);
});

test('can be filtered by severity, and the severities add up', { tag: '@dates' }, async ({ page }) => {
  await page.goto('/history');
  const all = await totalIncidents(page);
  let sum = 0;
  for (const severity of ['Major outage', 'Partial outage', 'Degraded performance', 'No impact']) {
    await openFilters(page);
    await page.getByLabel('Severity').selectOption(severity);
    await submitFilter(page);
    await expect(page.getByLabel('Severity').locator('option:checked')).toHaveText(severity);
    await expect(page).toHaveURL(/impact=/);
    sum += await totalIncidents(page);
    const abouts = await incidents(page).locator('.soft').allInnerTexts();
    expect(abouts.filter((about) => !about.startsWith(severity)), 'incidents of another severity').toEqual([]);
  }
  expect(sum).toBe(all);
});

test('search ignores case and does not find internal notes', { tag: '@dates' }, async ({ page }) => {
  await page.goto('/history');
  const search = page.getByLabel('Search titles and updates');
  await search.fill('SEVERN');
  await submitFilter(page);
  await expect(incidents(page)).toHaveCount(1);
  await expect(incidents(page)).toContainText('Severn Estuary');
  await expect(page.locator('.lede')).toContainText('matching “SEVERN”');
  // A word in the newest incident's internal note.
  await search.fill('ticket 4471');
  await submitFilter(page);
  await expect(page.getByText('No incidents match these filters.')).toBeVisible();
  await expect(page.locator('.lede')).toContainText('No incidents');
  for (const wild of ['%', '_', "'", '"', '\\']) {
    await search.fill(wild);
    await submitFilter(page);
    await expect(search).toHaveValue(wild);
    const found = await page.locator('.entries > li').allInnerTexts();
    expect(found.length, `incidents that hold ${wild}`).toBeLessThan(25);
  }
});

test('can be filtered by period', { tag: '@dates' }, async ({ page }) => {
  await page.goto('/history');
  const all = await totalIncidents(page);
  await openFilters(page);
  await page.getByRole('combobox', { name: 'Period' }).selectOption('Last 12 months');
  await submitFilter(page);
  await expect(page.locator('.lede')).toContainText('in the last 12 months');
  const year = await totalIncidents(page);
  expect(year).toBeLessThan(all);
  const walked = (await walkPages(page)).flat();
  expect(walked).toHaveLength(year);
});

test('can be filtered by days, both included', { tag: '@dates' }, async ({ page }) => {
  await page.goto('/history');
  // The days of the third and the tenth newest incident.
  const begun = await startDays(page);
  const [to, from] = [begun[2], begun[9]];
  const within = begun.filter((start) => from <= start && start <= to);
  await openFilters(page);
  await page.getByText('Choose dates').click();
  await page.getByLabel('From', { exact: true }).fill(from);
  await page.getByLabel('To', { exact: true }).fill(to);
  await submitFilter(page);
  await expect(page.getByLabel('From', { exact: true })).toHaveValue(from);
  await openFilters(page);
  await expect(page.getByLabel('To', { exact: true })).toBeVisible();
  expect(await startDays(page)).toEqual(within);
  expect(await totalIncidents(page)).toBe(within.length);
  await expectNoOverflow(page);
});

test('has a stable address for every month', { tag: '@dates' }, async ({ page }) => {
  await page.goto('/history');
  const month = page.getByRole('heading', { level: 2 }).getByRole('link').nth(1);
  const [name, path] = [await month.innerText(), (await month.getAttribute('href'))!];
  expect(path).toMatch(/^\/history\/\d{4}-\d{2}$/);
  const section = page.locator('section').filter({ has: page.getByRole('heading', { level: 2, name }) });
  const shown = await incidentPaths(section);
  await month.click();
  await expect(page).toHaveURL(path);
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(name);
  expect(await incidentPaths(page)).toEqual(shown);
  expect(await totalIncidents(page)).toBe(shown.length);
  await expectNoOverflow(page);
});

test('pagination shows every incident once', { tag: '@dates' }, async ({ page }) => {
  await page.goto('/history');
  const all = await totalIncidents(page);
  const pages = await walkPages(page);
  const walked = pages.flat();
  expect(new Set(walked).size, 'none is repeated').toBe(walked.length);
  expect(walked.length, 'none is lost').toBe(all);
  expect(pages.length).toBeGreaterThan(2);

  const newer = page.locator('.pager .newer');
  const backwards: string[] = [];
  for (;;) {
    backwards.unshift(...(await incidentPaths(page)));
    if ((await newer.count()) === 0) break;
    const next = (await newer.getAttribute('href'))!;
    await newer.click();
    await expect(page).toHaveURL(next);
  }
  expect(backwards).toEqual(walked);
});

test('pagination shows every filtered incident once', { tag: '@dates' }, async ({ page }) => {
  await page.goto('/history?impact=minor');
  const all = await totalIncidents(page);
  const walked = (await walkPages(page)).flat();
  expect(walked.length).toBe(all);
  expect(new Set(walked).size).toBe(all);
  await page.goto('/history?range=2y');
  const range = await totalIncidents(page);
  const pages = await walkPages(page);
  expect(pages.length).toBeGreaterThan(1);
  expect(new Set(pages.flat()).size).toBe(range);
  await page.getByRole('link', { name: 'Newest' }).click();
  expect(await incidentPaths(page)).toEqual(pages[0]);
});

test('shows a 404 page for unknown addresses', { tag: '@dates' }, async ({ page, watch }) => {
  for (const path of ['/incidents/doesnotexist', '/incidents/..%2fx', '/history/2026-13', '/history/soon', '/nowhere']) {
    await watch.expects(404, page, () => page.goto(path));
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('Page not found');
    await expect(page.getByRole('main').getByRole('link', { name: 'Current status' })).toHaveAttribute('href', '/');
  }
  await page.goto('/history/2001-01');
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('January 2001');
});

test.describe('in a narrow window', () => {
  test.use({ viewport: { width: 360, height: 740 } });

  test('all filters but the search fold, and the fold says how many are set', async ({ page }) => {
    await page.goto('/history');
    const fold = page.locator('.filter summary').first();
    await expect(page.getByLabel('Search titles and updates')).toBeVisible();
    for (const label of ['Component', 'Severity', 'Period']) await expect(page.getByLabel(label)).toBeHidden();
    await expect(page.getByText('Choose dates')).toBeHidden();
    await expect(fold).toHaveText('Filters');
    await fold.focus();
    await page.keyboard.press('Enter');
    for (const label of ['Component', 'Severity', 'Period']) await expect(page.getByLabel(label)).toBeVisible();
    await page.getByLabel('Severity').selectOption('Partial outage');
    await page.getByLabel('Period').selectOption('Last 2 years');
    await submitFilter(page);
    await expect(page).toHaveURL(/impact=major/);
    await expect(fold).toHaveText('Filters · 2');
    await expectNoOverflow(page);
  });
});
