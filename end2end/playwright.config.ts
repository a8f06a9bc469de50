import { defineConfig } from '@playwright/test';
import { chromium } from './chromium';
import { FAILURES } from './report';
import { type Options } from './test';

const phone = { width: 360, height: 740 };
/** Tests that use no browser, or pages that need JavaScript. */
const needsScript = [
  'accessibility',
  'clients',
  'clicks-budget',
  'embed',
  'island',
  'keyboard',
  'management',
  'passkeys',
  'passkeys-hostile',
  'text-browser',
].map((name) => `${name}.spec.ts`);
/** Long scenarios of managers, which also run in a narrow window and with the keyboard. */
const scenarios = [
  'composer',
  'conflict',
  'corrections',
  'factors',
  'first-owner',
  'maintenance',
  'managers',
  'posting',
  'tokens',
  'working-day',
].map((name) => `${name}.spec.ts`);
/** Tests that measure time: they run last, while no other test does. */
const timed = ['command-line.spec.ts'];

export default defineConfig<Options>({
  testDir: 'tests',
  fullyParallel: true,
  // Tests wait for the server and for timers: two workers leave a third of two cores unused.
  workers: 3,
  retries: 0,
  forbidOnly: true,
  timeout: 90_000,
  expect: { timeout: 10_000 },
  reporter: [['list'], ['./report.ts']],
  outputDir: FAILURES,
  use: {
    ...chromium,
    viewport: { width: 1280, height: 800 },
    // Snapshots of the page cost an eighth of the time.
    trace: { mode: 'retain-on-failure', screenshots: false, snapshots: false },
    screenshot: 'only-on-failure',
  },
  projects: [
    { name: 'with JavaScript', testIgnore: timed },
    { name: 'without JavaScript', testIgnore: [...needsScript, ...timed], use: { javaScriptEnabled: false } },
    {
      name: 'on a phone',
      testMatch: [...scenarios, 'island.spec.ts', 'history.spec.ts'],
      use: { viewport: phone, hasTouch: true, isMobile: true },
    },
    // Every Tab is a traced round trip to the page, which doubles the time.
    { name: 'by keyboard', testMatch: scenarios, use: { inputDevice: 'keyboard' }, timeout: 240_000 },
    {
      name: 'on a phone without JavaScript',
      testMatch: scenarios,
      use: { viewport: phone, hasTouch: true, isMobile: true, javaScriptEnabled: false },
    },
    {
      name: 'alone',
      testMatch: timed,
      dependencies: ['with JavaScript', 'without JavaScript', 'on a phone', 'on a phone without JavaScript', 'by keyboard'],
    },
  ],
});
