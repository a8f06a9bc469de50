import { type Page } from '@playwright/test';
import { Candor } from './candor';
import { placeAt } from './pages/page';
import { type Place, adminPlaces, providerPlaces, publicPlaces, quietPlaces, stalePlaces, viewerPlaces } from './pages';
import { expectMessage, logIn, waitUntilStale } from './steps';
import { test, VIEWER } from './test';

/** The maximum height of a screenshot in px, which limits the size of files. */
const TALLEST = 1600;
/** The height of the window in px. */
const HEIGHT = 800;

/** Brands of fictional companies, as an owner sets them in the form. */
const BRANDS = [
  {
    name: 'nightjar',
    header: 'Nightjar Cloud',
    choices: ['Violet', 'White', 'Rounded'],
    logo: '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="9" fill="#6a3fc8"/><path fill="#fff" d="M7 18c5-1 8-5 9-10 1 5 4 9 9 10-4 1-7 3-9 7-2-4-5-6-9-7z"/></svg>',
  },
  {
    name: 'quay',
    header: 'Quay & Lantern',
    choices: ['Blue', 'Cool', 'Serif', 'Dark'],
    logo: '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><path fill="#7fb0ff" d="M12 1 3 7v10l9 6 9-6V7zm0 4 5 3-5 3-5-3zm-6 5 5 3v6l-5-3zm12 0v6l-5 3v-6z"/></svg>',
  },
];

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

for (const brand of BRANDS) {
  for (const colorScheme of ['light', 'dark'] as const) {
    for (const width of [360, 768, 1280]) {
      test.describe(`brand ${brand.name}, ${width} px ${colorScheme}`, () => {
        test.use({ colorScheme, viewport: { width, height: HEIGHT }, reducedMotion: 'reduce' });

        test('what everybody and an owner see', async ({ page, candor, watch }) => {
          await logIn(page);
          await page.goto('/admin/brand');
          await page.getByLabel('Header text (optional)').fill(brand.header);
          const fields = page.locator('.brand-fields');
          for (const name of brand.choices) await fields.getByRole('radio', { name, exact: true }).check();
          await page
            .getByLabel('Logo', { exact: true })
            .setInputFiles({ name: 'logo.svg', mimeType: 'image/svg+xml', buffer: Buffer.from(brand.logo) });
          await page.getByRole('button', { name: 'Save brand' }).click();
          await expectMessage(page, 'Brand saved. The page shows it now.');
          const shown = ['status-open', 'history', 'uptime', 'incident', 'subscribe-feeds', 'login'];
          const places = publicPlaces({ candor, watch }).filter(({ name }) => shown.includes(name));
          await shoot(page, [...places, placeAt('dashboard', '/admin'), placeAt('brand', '/admin/brand')], `${brand.name}-${width}-${colorScheme}`);
        });
      });
    }
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
