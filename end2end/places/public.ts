import { type Page, expect } from '@playwright/test';
import { type Means, type Place, answered, at, filled, follow, linked, refused } from './place';

/** What everybody can see while the sample's incident is open. */
export function publicPlaces(means: Means): Place[] {
  const { watch } = means;
  return [
    at('status-open', '/'),
    at('history', '/history'),
    at('history-filtered', '/history?impact=major&range=2y&q=tiles'),
    at('history-dates', '/history?from=2020-01-01&to=2020-12-31'),
    at('uptime', '/uptime'),
    at('api', '/api'),
    linked('maintenance', '/', 'article h3 a[href^="/incidents/"] >> nth=1'),
    linked('history-month', '/history', 'main h2 a'),
    linked('incident-open', '/', 'article h3 a'),
    linked('incident', '/', '.past a'),
    { name: 'not-found', go: (page) => watch.expects(404, page, () => page.goto('/nowhere')) },
    { name: 'not-allowed', go: (page) => watch.expects(404, page, () => page.goto('/setup/used')) },
    at('login', '/login'),
    at('forgotten', '/forgotten'),
    refused(means, at('login', '/login'), 'Log in'),
  ];
}

/** What is read more than a minute after the database went away. */
export function stalePlaces(means: Means): Place[] {
  const away = (path: string) => (page: Page) => means.watch.expects(503, page, () => page.goto(path));
  return [
    at('status-stale', '/'),
    at('history-stale', '/history'),
    linked('incident-stale', '/', 'article h3 a'),
    { name: 'filter-unavailable', go: away('/history?q=never+asked') },
    answered(means, 503, 'login-unavailable', filled(at('login', '/login'), 'Email', 'ines@example.org'), 'Log in'),
  ];
}

/** What is seen only once nothing is open any more. */
export function quietPlaces({ candor }: Means): Place[] {
  return [
    {
      name: 'status',
      go: async (page) => {
        await follow(page, '/', 'article h3 a');
        const id = new URL(page.url()).pathname.split('/').pop()!;
        await candor.shell(['incident', 'resolve', id, '--body', 'All tiles are back.']);
        const isCalm = async () => (await fetch(candor.url)).text().then((html) => html.includes('All Systems Operational'));
        await expect.poll(isCalm, { message: 'nothing is open any more', timeout: 20_000 }).toBe(true);
        await page.goto('/');
        await page.reload();
      },
    },
  ];
}
