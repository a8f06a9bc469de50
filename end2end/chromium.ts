import { existsSync } from 'node:fs';

/** Chromium without a window takes a third less CPU time. */
const headlessShell = '/usr/bin/chromium-headless-shell';

/** The system's Chromium: no browser is downloaded. */
export const chromium = {
  launchOptions: {
    executablePath: process.env.CHROMIUM ?? (existsSync(headlessShell) ? headlessShell : '/usr/bin/chromium'),
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  },
};
