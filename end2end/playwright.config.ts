import { defineConfig } from '@playwright/test';
import { chromium } from './chromium';

const phone = { width: 360, height: 740 };
/** Programs, for which no browser is needed, and pages that are nothing without a script. */
const needsScript = ['clients', 'management', 'island', 'keyboard', 'effort', 'accessibility', 'passkeys'].map((name) => `${name}.spec.ts`);
/** Tests that look at the clock: they run last, while nothing else does. */
const timed = ['shell.spec.ts'];

export default defineConfig({
  testDir: 'tests',
  fullyParallel: true,
  workers: 2,
  retries: 0,
  forbidOnly: true,
  timeout: 60_000,
  reporter: [['list']],
  use: { ...chromium, viewport: { width: 1280, height: 800 } },
  projects: [
    { name: 'with JavaScript', testIgnore: timed },
    { name: 'without JavaScript', testIgnore: [...needsScript, ...timed], use: { javaScriptEnabled: false } },
    {
      name: 'on a phone',
      testMatch: ['first-owner.spec.ts', 'working-day.spec.ts', 'island.spec.ts', 'history.spec.ts'],
      use: { viewport: phone, hasTouch: true, isMobile: true },
    },
    {
      name: 'alone',
      testMatch: timed,
      dependencies: ['with JavaScript', 'without JavaScript', 'on a phone'],
    },
  ],
});
