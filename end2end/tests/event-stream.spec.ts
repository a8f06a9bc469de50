import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Page } from '@playwright/test';
import { type Candor } from '../candor';
import { clockSettings, now } from '../clock';
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
    await expect(component(page, 'Tile API').locator('.state').first()).toHaveText('Major Outage', { ignoreCase: true });
    const heading = (await page.getByRole('heading', { level: 1 }).textContent())!;
    expect(heading).toContain('Tile API');
    await expect(page.locator('#live')).toHaveText(`Updated: ${heading}`);
    await expect(page).toHaveTitle(new RegExp(`^${heading.split(' since ')[0]}`));
    await expectNoReload(page);
    const tone = (await page.locator('body').getAttribute('class'))!;
    await page.reload();
    await expect(page.locator('body')).toHaveClass(tone);
  });

  test('keeps focus, scroll position, fields and folded groups', async ({ page, candor }) => {
    const followed = page.waitForResponse('**/events*');
    await page.goto('/');
    await followed;
    await markDocument(page);
    const [opened, folded] = [page.locator('details.panel').nth(1), page.locator('details.panel').first()];
    await opened.locator('> summary').click();
    await folded.locator('> summary').click();
    const link = page.locator('.past a').first();
    await link.focus();
    await link.evaluate((it) => it.scrollIntoView({ block: 'center', behavior: 'instant' }));
    const href = await link.getAttribute('href');
    await openImportsIncident(candor);
    await expect(page.getByRole('heading', { name: TITLE, exact: true })).toBeAttached(SOON);
    await expect(page.locator(`.past a[href="${href}"]`)).toBeFocused();
    await expect(opened).toHaveAttribute('open', '');
    await expect(folded).not.toHaveAttribute('open', '');
    await expectNoReload(page);

    await page.goto('/history');
    await markDocument(page);
    const search = page.getByLabel('Search titles and updates');
    await search.evaluate((field: HTMLInputElement) => (field.value = 'tiles'));
    const entry = page.locator('.entries h3 a').nth(16);
    await entry.focus();
    await entry.evaluate((it) => it.scrollIntoView({ block: 'center', behavior: 'instant' }));
    const path = await entry.getAttribute('href');
    const before = (await entry.boundingBox())!.y;
    await openImportsIncident(candor, `${TITLE} again`);
    const news = page.getByRole('link', { name: `${TITLE} again`, exact: true });
    await expect(news).toBeAttached(SOON);
    const same = page.locator(`.entries h3 a[href="${path}"]`);
    await expect(same).toBeFocused();
    await expect(search).toHaveValue('tiles');
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
    // After the incremental updates, the page equals a reloaded one, except for where the tab stops are.
    const html = async () => (await page.locator('main').innerHTML()).replace(/ (tabindex|aria-description)="[^"]*"/g, '');
    const mended = await html();
    await page.reload();
    expect(await html()).toBe(mended);
  });

});

test.describe("in the visitor's time zone", () => {
  test.skip(({ javaScriptEnabled }) => javaScriptEnabled === false, 'the server knows no zone of a visitor');
  test.use({ initialData: 'sample to read', timezoneId: 'Asia/Tokyo' });

  test("times have the page's zone beside them, and can be switched to it", async ({ page }) => {
    await page.goto('/');
    // Near midnight a time has its date.
    const date = String.raw`(\d+ \w{3}( \d{4})?, )?`;
    const due = page.locator('.foot time').first();
    await expect(due).toHaveText(new RegExp(String.raw`^${date}\d\d:\d\d \S+ \(\d\d:\d\d WES?T\)$`));
    const words = (timeZone: string) =>
      due.evaluate((it: HTMLTimeElement, timeZone) => {
        const options = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23', timeZone } as const;
        return new Intl.DateTimeFormat('en-GB', options).format(new Date(it.dateTime));
      }, timeZone);
    await expect(due).toContainText(await words('Asia/Tokyo'));
    await expect(due).toContainText(`(${await words('Europe/Lisbon')} W`);
    const zone = page.locator('footer .zone');
    await expect(zone).toContainText('All times in Tokyo');
    await zone.getByRole('button').click();
    await expect(zone).toContainText(/^All times in Lisbon \(WES?T\)/);
    await expect(due).toHaveText(new RegExp(`^${date}${await words('Europe/Lisbon')} WES?T$`));
    await page.reload();
    await expect(zone).toContainText('All times in Lisbon');
    await expect(due).toHaveText(new RegExp(String.raw`^${date}\d\d:\d\d WES?T$`));
    await zone.getByRole('button', { name: 'Show in my time' }).click();
    await expect(due).toContainText(await words('Asia/Tokyo'));
  });
});

test.describe('relative times', () => {
  test.skip(({ javaScriptEnabled }) => javaScriptEnabled === false, 'nothing grows without JavaScript');
  test.use({ initialData: 'sample to read' });

  test('grow while the page is open', async ({ page }) => {
    // A browser whose clock is wrong: ages come from the time of the server, which its answers say. A server with a
    // shifted clock would date them with the machine's.
    await page.clock.install({ time: now() - 86_400_000 });
    await page.route('/', async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, headers: { ...response.headers(), date: new Date(now()).toUTCString() } });
    });
    // The script asks for events once it knows that time.
    const follows = page.waitForRequest(/\/events/);
    await page.goto('/');
    await follows;
    const age = page.locator('.pill .ago').first();
    const minutes = async () => {
      const [, hours, rest] = /^(?:(\d+) h ?)?(?:(\d+) min)?$/.exec(await age.innerText())!;
      return Number(hours ?? 0) * 60 + Number(rest ?? 0);
    };
    const before = await minutes();
    await page.clock.runFor(5 * 60_000);
    await expect.poll(minutes).toBeGreaterThanOrEqual(before + 5);
    await expect(page.locator('.said .ago').first()).toHaveText(/ min ago$/);
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
    await expect(page.getByRole('heading', { level: 1, name: TITLE, exact: true })).toBeVisible({ timeout: 30_000 });
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
