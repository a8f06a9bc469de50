import AxeBuilder from '@axe-core/playwright';
import { type Page } from '@playwright/test';
import { Candor } from '../candor';
import {
  type Place,
  adminPlaces,
  isAt,
  providerPlaces,
  publicPages,
  publicPlaces,
  ROUTES,
  stalePlaces,
  viewerPlaces,
} from '../pages';
import { affect, expectNoOverflow, logIn, openFresh, waitUntilStale } from '../steps';
import { expect, test, VIEWER } from '../test';

const RULES = ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa', 'best-practice'];
/** The rules that depend on the colour scheme. */
const COLOUR_RULES = { type: 'rule' as const, values: ['color-contrast', 'link-in-text-block'] };

test.describe.configure({ timeout: 450_000 });
test.use({ initialData: 'sample', actionTimeout: 15_000 });

test('axe checks every page of the admin', ({ candor, watch }) => {
  const means = { candor, watch };
  const lists = [...Object.values(adminPlaces), publicPlaces, viewerPlaces, providerPlaces];
  const names = lists.flatMap((places) => places(means)).map((place) => place.name);
  expect(Object.values(ROUTES).filter((name) => !names.includes(name))).toEqual([]);
});

for (const width of [360, 1280]) {
  test.describe(`${width} px wide`, () => {
    test.use({ viewport: { width, height: 800 } });

    test.describe('every public page', () => {
      test.use({ initialData: 'sample to read' });

      test('is accessible and fits', async ({ page, candor, watch }) => {
        for (const [route, places] of Object.entries(publicPages({ candor, watch }))) {
          await visit(page, places, new RegExp(`^${route.replace(/{\w+}/g, '[^/]+')}$`));
        }
      });
    });

    for (const [about, places] of Object.entries(adminPlaces)) {
      test(`every page of the admin about ${about} is accessible and fits`, async ({ page, candor, watch }) => {
        await logIn(page);
        await visit(page, places({ candor, watch }));
      });
    }

    test('every page of a viewer is accessible and fits', async ({ page, candor, watch }) => {
      await candor.addManager(VIEWER, 'viewer');
      await logIn(page, VIEWER);
      await visit(page, viewerPlaces({ candor, watch }));
    });

    test.describe('with an identity provider', () => {
      test.use({ hasProvider: true });

      test('every page is accessible and fits', async ({ page, candor, watch }) => {
        await logIn(page);
        await visit(page, providerPlaces({ candor, watch }));
      });
    });
  });
}

test('stale pages without the database are accessible and fit', async ({ page, candor, watch }) => {
  for (const warm of ['/', '/uptime']) await page.goto(warm);
  await candor.loseDatabase();
  await waitUntilStale(candor);
  for (const width of [360, 1280]) {
    await page.setViewportSize({ width, height: 800 });
    await visit(page, stalePlaces({ candor, watch }));
  }
  await page.goto('/embed');
  await expect(page.locator('.stale'), 'the small view says it too').toBeVisible();
});

test('the page before the first publish is accessible and fits', async ({ browser }) => {
  const candor = await Candor.inFreshFolder();
  await candor.loseDatabase();
  await candor.serve();
  const page = await (await browser.newContext({ viewport: { width: 360, height: 800 } })).newPage();
  const expected = { '/': 503, '/history': 503, '/embed': 503, '/incidents/any': 503, '/nowhere': 404 };
  for (const [path, status] of Object.entries(expected)) {
    const go = async () => expect((await page.goto(candor.url + path))?.status(), path).toBe(status);
    await visit(page, [{ name: `${path} of nothing yet`, go }]);
  }
  await page.context().close();
  await candor.stop();
});

test.describe('without an owner', () => {
  test.use({ initialData: 'empty', viewport: { width: 360, height: 800 } });

  test('the setup page is accessible and fits', async ({ page, candor }) => {
    await expect.poll(() => candor.setupLink(), 'the link is printed').toBeTruthy();
    const go = (page: Page) => page.goto(new URL(candor.setupLink()!).pathname);
    await visit(page, [{ name: 'setup', go }], /^\/setup\/[^/]+$/);
  });
});

for (const colorScheme of ['light', 'dark'] as const) {
  test.describe(`without open incidents, ${colorScheme}`, () => {
    test.use({ colorScheme, viewport: { width: 360, height: 800 } });

    test('the status page is accessible and fits', async ({ page, candor }) => {
      const listed = await candor.shell(['incident', 'list', '--limit', '0']);
      const id = listed.trim().split('\n')[1].split(' ')[0];
      await candor.shell(['incident', 'resolve', id, '--body', 'All tiles are back.']);
      await expect(async () => {
        await openFresh(page, '/');
        await expect(page.getByRole('heading', { level: 1 })).toHaveText('All systems operational', { timeout: 1 });
      }).toPass();
      await checkPage(page, 'status');
    });
  });
}

test.describe('an empty page', () => {
  test.use({ initialData: 'owned', viewport: { width: 360, height: 800 } });

  test('is accessible and fits', async ({ page }) => {
    for (const path of ['/', '/history', '/history?q=x']) {
      await page.goto(path);
      await checkPage(page, path);
    }
    await logIn(page);
    for (const path of ['', '/incidents', '/incidents/new', '/incidents/new?past=1', '/components']) {
      await page.goto(`/admin${path}`);
      await checkPage(page, `/admin${path}`);
    }
  });
});

test.describe('very long texts', () => {
  test.use({ initialData: 'owned', viewport: { width: 360, height: 800 } });

  test('fit the window', async ({ page, candor }) => {
    const word = 'Donaudampfschifffahrt'.repeat(15);
    await logIn(page);
    await page.goto('/admin/components/new');
    await page.getByLabel('Name').fill(word.slice(0, 100));
    await page.getByLabel('Description').fill(word.slice(0, 200));
    await page.getByRole('button', { name: 'Add component' }).click();
    await page.goto('/admin/incidents/new');
    await page.getByLabel('Title').fill(word.slice(0, 255));
    await page.getByLabel('Message').fill(`${word}\n\n\`${word}\`\n\n| a | b |\n|--|--|\n| ${word} | ${word} |\n\n    ${word}`);
    await affect(page, word.slice(0, 100), 'Major outage');
    await page.getByRole('button', { name: 'Publish incident' }).click();
    await expect(page.getByRole('status')).toBeVisible();
    const id = new URL(page.url()).pathname.split('/').pop();
    const admin = ['', '/incidents', `/incidents/${id}`, `/incidents/${id}/edit`, `/incidents/${id}/deletion`, '/components'];
    for (const path of ['/', '/history', `/incidents/${id}`, ...admin.map((path) => `/admin${path}`), '/admin/audit']) {
      await page.goto(path);
      await checkPage(page, path);
    }
    expect(candor.unexpectedLog()).toBe('');
  });
});

/** Checks each place in both themes, and that it is at its route. */
async function visit(page: Page, places: Place[], where = /^/): Promise<void> {
  for (const place of places) {
    await test.step(place.name, async () => {
      await place.go(page);
      expect(new URL(page.url()).pathname).toMatch(where);
      for (const [route] of Object.entries(ROUTES).filter(([, name]) => name === place.name)) {
        await expect.soft(page, `${place.name} is at ${route}`).toHaveURL((url) => isAt(route, url.pathname));
      }
      await page.emulateMedia({ colorScheme: 'light' });
      await checkPage(page, place.name);
      await page.emulateMedia({ colorScheme: 'dark' });
      await checkPage(page, `${place.name} in the dark`, COLOUR_RULES);
    });
  }
}

async function checkPage(page: Page, name: string, rules: Parameters<AxeBuilder['options']>[0]['runOnly'] = RULES): Promise<void> {
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
  // axe can't run inside a preview's frames, which allow no scripts; the same pages are checked without a frame. The
  // legacy mode checks the page without its frames, and opens no second page for the results.
  const axe = new AxeBuilder({ page }).options({ runOnly: rules, resultTypes: ['violations'] }).exclude('iframe');
  const { violations } = await axe.setLegacyMode().analyze();
  const findings = violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.target} ${node.failureSummary}`));
  expect.soft(findings, `what axe finds on ${name}`).toEqual([]);
  await expectNoOverflow(page);
}
