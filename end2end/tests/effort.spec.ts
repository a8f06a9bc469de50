import { type Page, type Request } from '@playwright/test';
import { card, logIn } from '../steps';
import { expect, OWNER, test } from '../test';

test.use({ begins: 'sample' });

/** What is allowed, in clicks and in bytes on the wire. */
const CLICKS = 4;
const WASM = 120 * 1024;

/** Counts every press of the pointer. */
async function counted(page: Page): Promise<() => number> {
  let clicks = 0;
  await page.exposeFunction('clicked', () => void clicks++);
  await page.addInitScript(() => addEventListener('pointerdown', () => void (window as any).clicked(), true));
  return () => clicks;
}

test('an update is published four clicks after the login page', async ({ page, visitor }) => {
  const clicks = await counted(page);
  await page.goto('/login');
  await expect(page.getByLabel('Email')).toBeFocused();
  await page.keyboard.type(OWNER.email);
  await page.keyboard.press('Tab');
  await page.keyboard.type(OWNER.password);
  await page.getByRole('button', { name: 'Log in', exact: true }).click();
  await page.getByRole('link', { name: /^Post an update/ }).first().click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Post an update');
  await page.getByLabel('Message', { exact: true }).click();
  await page.keyboard.type('Four clicks.');
  await page.getByRole('button', { name: 'Publish update' }).click();
  await expect(page.getByRole('status')).toHaveText('The update is published.');
  await expect.poll(clicks).toBe(CLICKS);
  await visitor.goto('/');
  await expect(card(visitor, 'Satellite tiles are missing over the Bay of Biscay')).toContainText('Four clicks.');
});

/** The bytes that each request for a page and all it loads took on the wire. */
async function weighed(page: Page, path: string): Promise<Map<string, number>> {
  const requests: Request[] = [];
  const note = (request: Request) => requests.push(request);
  page.on('requestfinished', note);
  await page.goto(path, { waitUntil: 'networkidle' });
  page.off('requestfinished', note);
  const sizes = await Promise.all(
    requests.map(async (it) => [new URL(it.url()).pathname, (await it.sizes()).responseBodySize] as const),
  );
  return new Map(sizes);
}

test('pages of the admin are light, and WebAssembly comes only where it does something', async ({ page }) => {
  await logIn(page);
  const islands: string[] = [];
  for (const path of ['/admin', '/admin/incidents', '/admin/components', '/admin/settings', '/admin/audit', '/admin/account']) {
    const sizes = await weighed(page, path);
    const loads = [...sizes.keys()].filter((it) => it.endsWith('.wasm') || it.includes('/candor.'));
    islands.push(...loads.map((it) => `${path} loads ${it}`));
    expect(total(sizes), `the weight of ${path}, in bytes`).toBeLessThan(64 * 1024);
  }
  expect(islands, 'there is no island on these').toEqual([]);
  const sizes = await weighed(page, '/admin/incidents/new');
  const wasm = [...sizes].filter(([path]) => path.endsWith('.wasm'));
  expect(wasm, 'the composer is an island').toHaveLength(1);
  expect(wasm[0][1], 'its weight on the wire, in bytes').toBeLessThan(WASM);
});

function total(sizes: Map<string, number>): number {
  return [...sizes.values()].reduce((sum, size) => sum + size, 0);
}
