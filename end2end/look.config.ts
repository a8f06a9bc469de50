import { defineConfig } from '@playwright/test';
import { chromium } from './chromium';

// `npm run look`: screenshots of every page into docs/look.
export default defineConfig({
  testMatch: 'look.ts',
  fullyParallel: true,
  workers: 2,
  timeout: 900_000,
  reporter: [['list']],
  use: { ...chromium, actionTimeout: 15_000 },
});
