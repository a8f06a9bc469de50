import { type Page, expect } from '@playwright/test';
import { type Means, type Place, errorPlace, filledForm, follow, invalidForm, linkedPlace, placeAt } from './page';

/** Public pages by route pattern, while the sample's incident is open. tests/it/access_matrix.rs checks for gaps. */
export function publicPages(means: Means): Record<string, Place[]> {
  const { watch } = means;
  return {
    '/': [placeAt('status-open', '/')],
    '/history': [
      placeAt('history', '/history'),
      placeAt('history-filtered', '/history?impact=major&range=2y&q=tiles'),
      placeAt('history-dates', '/history?from=2020-01-01&to=2020-12-31'),
    ],
    '/history/{month}': [linkedPlace('history-month', '/history', 'main h2 a')],
    '/uptime': [placeAt('uptime', '/uptime'), { name: 'uptime-detail', go: openMonth }],
    '/api': [placeAt('api', '/api')],
    // Without a mail server; subscribe.spec.ts covers the form and the links.
    '/subscribe': [placeAt('subscribe-feeds', '/subscribe')],
    '/subscribe/links': [placeAt('subscribe-links', '/subscribe/links')],
    '/incidents/{id}': [
      linkedPlace('maintenance', '/', '#scheduled h3 a'),
      linkedPlace('incident-open', '/', '#open-incidents h3 a'),
      linkedPlace('incident', '/', '.past a'),
    ],
    '/embed': [placeAt('embed', '/embed')],
    '/embed/{part}': [placeAt('embed-frame', '/embed/frame')],
    '/nowhere': [{ name: 'not-found', go: (page) => watch.expects(404, page, () => page.goto('/nowhere')) }],
    '/setup/{token}': [{ name: 'not-allowed', go: (page) => watch.expects(404, page, () => page.goto('/setup/used')) }],
    '/login': [placeAt('login', '/login'), invalidForm(means, placeAt('login', '/login'), 'Log in')],
    '/forgotten': [placeAt('forgotten', '/forgotten')],
  };
}

export function publicPlaces(means: Means): Place[] {
  return Object.values(publicPages(means)).flat();
}

/** Pages more than a minute after the database was lost. */
export function stalePlaces(means: Means): Place[] {
  const away = (path: string) => (page: Page) => means.watch.expects(503, page, () => page.goto(path));
  return [
    placeAt('status-stale', '/'),
    placeAt('history-stale', '/history'),
    placeAt('uptime-stale', '/uptime'),
    placeAt('embed-stale', '/embed'),
    linkedPlace('incident-stale', '/', '#open-incidents h3 a'),
    { name: 'filter-unavailable', go: away('/history?q=never+asked') },
    { name: 'incident-unavailable', go: away('/incidents/neverasked00') },
    errorPlace(means, 503, 'login-unavailable', filledForm(placeAt('login', '/login'), 'Email', 'ines@example.org'), 'Log in'),
  ];
}

/** Opens the first month of the uptime page that has a detail; on a phone, its component's row first. */
async function openMonth(page: Page): Promise<void> {
  await page.goto('/uptime');
  const row = page.locator('.grid tr:has([data-m] a)').first();
  const fold = row.locator('summary');
  if (await fold.isVisible()) await fold.click();
  await row.locator('[data-m] a').first().click();
  await page.locator('.detail').waitFor();
}

/** Pages without an open incident. */
export function quietPlaces({ candor }: Means): Place[] {
  return [
    {
      name: 'status',
      go: async (page) => {
        await follow(page, '/', '#open-incidents h3 a');
        const id = new URL(page.url()).pathname.split('/').pop()!;
        await candor.shell(['incident', 'resolve', id, '--body', 'All tiles are back.']);
        const isCalm = async () => (await fetch(candor.url)).text().then((html) => html.includes('All systems operational'));
        await expect.poll(isCalm, { message: 'nothing is open any more', timeout: 20_000 }).toBe(true);
        await page.goto('/');
        await page.reload();
      },
    },
  ];
}
