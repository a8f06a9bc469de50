import { defineConfig } from '@playwright/test';

// `make lighthouse`: Lighthouse scores of the public pages on a slow phone. It measures time, so no other test may run.
export default defineConfig({
  testMatch: 'lighthouse.ts',
  workers: 1,
  timeout: 300_000,
  reporter: [['line']],
});
