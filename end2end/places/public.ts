import { type Means, type Place, at, follow, linked, refused } from './place';

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

/** What is seen only once nothing is open any more. */
export function quietPlaces({ candor }: Means): Place[] {
  return [
    {
      name: 'status',
      go: async (page) => {
        await follow(page, '/', 'article h3 a');
        const id = new URL(page.url()).pathname.split('/').pop()!;
        await candor.shell(['incident', 'resolve', id, '--body', 'All tiles are back.']);
        await page.getByText('All tiles are back.').or(page.getByText('still open')).first().waitFor();
        await page.goto('/');
      },
    },
  ];
}
