import { type Page } from '@playwright/test';
import { Candor } from './candor';
import { placeAt } from './pages/page';
import { type Place, adminPlaces, providerPlaces, publicPlaces, quietPlaces, stalePlaces, viewerPlaces } from './pages';
import { logIn, waitUntilStale } from './steps';
import { test, VIEWER } from './test';

/** The maximum height of a screenshot in px, which limits the size of files. */
const TALLEST = 1600;
/** The height of the window in px. */
const HEIGHT = 800;

test.use({ initialData: 'sample' });

for (const colorScheme of ['light', 'dark'] as const) {
  for (const width of [360, 768, 1280]) {
    test.describe(`${width} px ${colorScheme}`, () => {
      test.use({ colorScheme, viewport: { width, height: HEIGHT }, reducedMotion: 'reduce' });

      test('what everybody sees', async ({ page, candor, watch }) => {
        const places = [...publicPlaces({ candor, watch }), ...quietPlaces({ candor, watch })];
        await shoot(page, places, `${width}-${colorScheme}`);
      });

      test('what everybody sees while the database is away', async ({ page, candor, watch }) => {
        for (const warm of ['/', '/uptime']) await page.goto(warm);
        await candor.loseDatabase();
        await waitUntilStale(candor);
        await shoot(page, stalePlaces({ candor, watch }), `${width}-${colorScheme}`);
      });

      test('what everybody sees before anything is published', async ({ browser }) => {
        const candor = await Candor.inFreshFolder();
        await candor.loseDatabase();
        await candor.serve();
        const page = await browser.newPage();
        await shoot(page, [placeAt('not-ready', candor.url)], `${width}-${colorScheme}`);
        await page.close();
        await candor.stop();
      });

      test('what an owner sees', async ({ page, candor, watch }) => {
        await logIn(page);
        const places = Object.values(adminPlaces).flatMap((about) => about({ candor, watch }));
        await shoot(page, places, `${width}-${colorScheme}`);
      });

      test('what somebody sees who only reads', async ({ page, candor, watch }) => {
        await candor.addManager(VIEWER, 'viewer');
        await logIn(page, VIEWER);
        await shoot(page, viewerPlaces({ candor, watch }), `${width}-${colorScheme}`);
      });

      test.describe('with an identity provider', () => {
        test.use({ hasProvider: true });

        test('what an owner sees', async ({ page, candor, watch }) => {
          await logIn(page);
          await shoot(page, providerPlaces({ candor, watch }), `${width}-${colorScheme}`);
        });
      });
    });
  }
}

async function shoot(page: Page, places: Place[], suffix: string): Promise<void> {
  for (const place of places) {
    await place.go(page);
    await page.getByRole('heading', { level: 1 }).waitFor();
    const size = await page.evaluate(() => ({
      width: document.documentElement.clientWidth,
      height: document.documentElement.scrollHeight,
    }));
    // Chromium does not draw frames outside of the window.
    const framed = page.frames().length > 1;
    if (framed) await page.setViewportSize({ width: size.width, height: Math.min(size.height, TALLEST) });
    for (const frame of page.frames()) await frame.waitForLoadState('load');
    await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))));
    const clip = { x: 0, y: 0, width: size.width, height: Math.min(size.height, TALLEST) };
    await page.screenshot({ path: `../docs/look/${place.name}-${suffix}.png`, fullPage: true, clip, scale: 'css' });
    if (framed) await page.setViewportSize({ width: size.width, height: HEIGHT });
  }
}
