import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Page } from '@playwright/test';
import { type Candor } from '../candor';
import { clockSettings } from '../clock';
import { component } from '../steps';
import { expect, test } from '../test';

const TITLE = 'Imports wait for hours';
/** Publishing takes long in a debug build on a busy machine. */
const SOON = { timeout: 20_000 };
const PROGRAM = resolve(__dirname, '..', process.env.CANDOR_BIN ?? '../target/debug/candor');

/** Opens an incident with the CLI, in another process than the server. */
function openImportsIncident(candor: Candor, title = TITLE): Promise<string> {
  const options = ['--body', 'We are looking into it.', '--component', 'Maps - Tile API=major_outage'];
  return candor.shell(['incident', 'open', '--title', title, ...options]);
}

/** Marks the document, so that a reload can be detected. */
async function markDocument(page: Page): Promise<void> {
  await page.evaluate(() => (document.documentElement.dataset.mark = 'same'));
}

async function expectNoReload(page: Page): Promise<void> {
  expect(await page.evaluate(() => document.documentElement.dataset.mark)).toBe('same');
}

test.describe('an open page', () => {
  test.skip(({ javaScriptEnabled }) => javaScriptEnabled === false, 'nothing follows without JavaScript');
  test.use({ initialData: 'sample' });

  test('shows and announces a new incident', async ({ page, candor }) => {
    const followed = page.waitForResponse('**/events*');
    await page.goto('/');
    await followed;
    await markDocument(page);
    await expect(page.locator('#live')).toHaveText('');
    await openImportsIncident(candor);
    await expect(page.getByRole('heading', { name: TITLE, exact: true })).toBeVisible(SOON);
    await expect(component(page, 'Tile API').locator('.state')).toHaveText('Major Outage', { ignoreCase: true });
    const heading = await page.getByRole('heading', { level: 1 }).textContent();
    await expect(page.locator('#live')).toHaveText(`Updated: ${heading}`);
    await expect(page).toHaveTitle(new RegExp(`^${heading}`));
    await expectNoReload(page);
    const tone = (await page.locator('body').getAttribute('class'))!;
    await page.reload();
    await expect(page.locator('body')).toHaveClass(tone);
  });

  test('keeps focus, scroll position and open details', async ({ page, candor }) => {
    const followed = page.waitForResponse('**/events*');
    await page.goto('/history');
    await followed;
    await markDocument(page);
    const card = page.locator('main article').nth(6);
    await card.locator('summary').click();
    const link = card.getByRole('link').first();
    await link.focus();
    await link.evaluate((it) => it.scrollIntoView({ block: 'center', behavior: 'instant' }));
    await page.getByLabel('Search incidents').evaluate((field: HTMLInputElement) => (field.value = 'tiles'));
    const href = await link.getAttribute('href');
    const before = (await link.boundingBox())!.y;
    await openImportsIncident(candor);
    await expect(page.getByRole('heading', { name: TITLE, exact: true })).toBeAttached(SOON);
    const same = page.locator(`main article h3 a[href="${href}"]`);
    await expect(same).toBeFocused();
    await expect(page.locator('main article').nth(7).locator('details')).toHaveAttribute('open', '');
    await expect(page.getByLabel('Search incidents')).toHaveValue('tiles');
    await expect.poll(async () => Math.abs((await same.boundingBox())!.y - before)).toBeLessThan(3);
    await expectNoReload(page);
  });

  test('shows resolved incidents and new updates', async ({ page, candor }) => {
    const id = /[a-z0-9]{12}/.exec(await openImportsIncident(candor))![0];
    await page.goto('/');
    await expect(page.getByRole('heading', { name: TITLE, exact: true })).toBeVisible(SOON);
    await markDocument(page);
    await candor.shell(['incident', 'update', id, '--phase', 'identified', '--body', 'A disk is full.']);
    const updates = page.locator(`#incident-${id} .timeline > li`);
    await expect(updates).toHaveCount(2, SOON);
    await expect(updates.first()).toContainText('A disk is full.');
    await candor.shell(['incident', 'resolve', id, '--body', 'All imports are through.']);
    await expect(page.locator(`#incident-${id}`)).toHaveCount(0, SOON);
    await expect(page.locator('.days').getByRole('link', { name: TITLE })).toBeVisible();
    await expectNoReload(page);
    // After the incremental updates, the page equals a reloaded one.
    const mended = await page.locator('main').innerHTML();
    await page.reload();
    expect(await page.locator('main').innerHTML()).toBe(mended);
  });

  test("shows times in the visitor's zone on hover and focus", async ({ page }) => {
    await page.goto('/');
    const zone = await page.evaluate(() => Intl.DateTimeFormat().resolvedOptions().timeZone);
    const words = new RegExp(`^Your time: .*\\(${zone}\\)$`);
    const note = page.locator('body > [popover]');
    const time = page.locator('main time[datetime*=T]').first();
    await time.hover();
    await expect(note).toHaveText(words);
    await expect(note).toBeVisible();
    // The tooltip stays while the pointer is on it.
    await note.hover();
    await expect(note).toBeVisible();
    await page.locator('h1').hover();
    await expect(note).toBeHidden();
    // Times outside of links are tab stops.
    const stop = page.locator('main time[tabindex]').first();
    await stop.focus();
    await expect(note).toBeVisible();
    await expect(stop).toHaveAttribute('aria-description', words);
    await page.keyboard.press('Escape');
    await expect(note).toBeHidden();
    await expect(page.locator('main .past time[tabindex], main a time[tabindex]')).toHaveCount(0);
    await page.locator('main .past a').first().focus();
    await expect(note).toBeVisible();
    await expect(note).toHaveText(words);
  });
});

test('an open page reconnects to a restarted server', async ({ browser, javaScriptEnabled }) => {
  test.skip(javaScriptEnabled === false, 'nothing follows without JavaScript');
  const folder = await mkdtemp(join(tmpdir(), 'candor-'));
  const port = await freePort();
  let server = await serve(folder, port);
  const page = await browser.newPage();
  try {
    const followed = page.waitForResponse('**/events*');
    await expect.poll(async () => (await page.goto(`http://127.0.0.1:${port}/`))?.status()).toBe(200);
    await followed;
    await markDocument(page);
    await stop(server);
    server = await serve(folder, port);
    await run(folder, ['incident', 'open', '--title', TITLE, '--body', 'We are looking into it.']);
    await expect(page.getByRole('heading', { name: TITLE, exact: true })).toBeVisible({ timeout: 30_000 });
    await expectNoReload(page);
  } finally {
    await page.close();
    await stop(server);
    await rm(folder, { recursive: true });
  }
});

test.describe('without JavaScript', () => {
  test.use({ initialData: 'sample to read', javaScriptEnabled: false });

  test('the page is complete', async ({ page }) => {
    await page.goto('/');
    await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
    await expect(page.locator('main time').first()).not.toBeEmpty();
    await expect(page.locator('#live')).toBeEmpty();
  });
});

function freePort(): Promise<number> {
  return new Promise((found) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => found(port));
    });
  });
}

function start(folder: string, args: string[]): ChildProcess {
  const env = { ...process.env, RUST_LOG: 'warn', CANDOR_DATABASE_URL: `sqlite://${folder}/candor.db`, ...clockSettings() };
  return spawn(PROGRAM, args, { env, stdio: ['ignore', 'pipe', 'ignore'] });
}

async function serve(folder: string, port: number): Promise<ChildProcess> {
  const server = start(folder, ['serve', '--listen', `127.0.0.1:${port}`, '--data-dir', folder]);
  await new Promise((ready) => server.stdout!.on('data', (text) => /Listening on/.test(`${text}`) && ready(undefined)));
  return server;
}

async function run(folder: string, args: string[]): Promise<void> {
  const code = await new Promise((end) => start(folder, args).once('exit', end));
  expect(code, `candor ${args.join(' ')}`).toBe(0);
}

/** Stops the server; it must shut down promptly although a page has an event stream. */
async function stop(server: ChildProcess): Promise<void> {
  const began = Date.now();
  const ended = new Promise((end) => server.once('exit', end));
  server.kill('SIGTERM');
  await ended;
  expect(Date.now() - began, 'ms to stop').toBeLessThan(5000);
}
