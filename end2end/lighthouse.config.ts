import { defineConfig } from '@playwright/test';

// `make lighthouse`: what Lighthouse gives the public pages on a slow phone. It looks at the clock, so nothing else should.
export default defineConfig({
  testMatch: 'lighthouse.ts',
  workers: 1,
  timeout: 300_000,
  reporter: [['line']],
});
