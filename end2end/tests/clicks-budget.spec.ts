import { type Locator, type Page, type Request } from '@playwright/test';
import { card, logIn } from '../steps';
import { expect, OWNER, test } from '../test';

test.use({ initialData: 'sample' });

/** The budgets: clicks, and bytes on the wire below. */
const UPDATE_CLICKS = 3;
const INCIDENT_CLICKS = 4;
/** Seconds for a manager who knows what to write. */
const MAX_SECONDS = 60;
const MAX_WASM_BYTES = 120 * 1024;

/** Seconds per operator of the keystroke-level model (Card, Moran, Newell 1980). */
const OPERATOR_SECONDS = { key: 0.28, point: 1.1, home: 0.4, think: 1.35 };

/** Operates the page without delays; counts operators of the model and the time that the server and browser take. */
class Hand {
  readonly did = { key: 0, point: 0, home: 0, think: 0 };
  /** How long server and browser took, in seconds. */
  waitedSeconds = 0;
  private at: 'keys' | 'pointer' = 'keys';

  constructor(private readonly page: Page) {}

  /** The time that a person would take according to the model, in seconds. */
  get modelSeconds(): number {
    const parts = Object.entries(OPERATOR_SECONDS) as [keyof typeof OPERATOR_SECONDS, number][];
    return parts.reduce((sum, [what, takes]) => sum + this.did[what] * takes, 0);
  }

  /** Types into the focused field; the click into the field already counted the thinking. */
  async type(text: string): Promise<void> {
    if (this.at === 'keys') this.did.think++;
    this.move('keys');
    this.did.key += text.length;
    await this.page.keyboard.type(text);
  }

  async tab(): Promise<void> {
    this.did.key++;
    await this.page.keyboard.press('Tab');
  }

  /** Clicks, and waits until `shown` is visible. */
  async click(target: Locator, shown: Locator): Promise<void> {
    this.did.think++;
    this.move('pointer');
    this.did.point++;
    const began = performance.now();
    await target.click();
    await shown.waitFor();
    this.waitedSeconds += (performance.now() - began) / 1000;
  }

  private move(to: 'keys' | 'pointer'): void {
    if (this.at !== to) this.did.home++;
    this.at = to;
  }
}

/** Counts clicks. */
async function countClicks(page: Page): Promise<() => number> {
  let clicks = 0;
  await page.exposeFunction('clicked', () => void clicks++);
  await page.addInitScript(() => addEventListener('pointerdown', () => void (window as any).clicked(), true));
  return () => clicks;
}

test('an update takes three clicks and less than a minute from the login', async ({ page, visitor }) => {
  const clicks = await countClicks(page);
  const hand = new Hand(page);
  const message =
    'A batch of scenes was published without its index. We are rebuilding it now, and expect all tiles to be back by 4 today.';
  const title = 'Satellite tiles are missing over the Bay of Biscay';
  const heading = (words: string) => page.getByRole('heading', { level: 1, name: words });
  await page.goto('/login');
  await expect(page.getByLabel('Email')).toBeFocused();
  await hand.type(OWNER.email);
  await hand.tab();
  await hand.type(OWNER.password);
  await hand.click(page.getByRole('button', { name: 'Log in', exact: true }), heading('Dashboard'));
  await hand.click(page.getByRole('link', { name: /^Post update/ }).first(), heading(title));
  await expect(page.getByLabel('Message', { exact: true })).toBeFocused();
  await hand.type(message);
  await hand.click(page.getByRole('button', { name: 'Publish update' }), page.getByRole('status'));
  await expect(page.getByRole('status')).toHaveText('Update published.');
  await expect.poll(clicks).toBe(UPDATE_CLICKS);
  await visitor.goto('/');
  await expect(card(visitor, title)).toContainText(message);

  const { key, point, home, think } = hand.did;
  const did = `${key} keys, ${point} clicks, ${home} moves between keys and pointer, ${think} thoughts`;
  const description = `${hand.modelSeconds.toFixed(1)} s (${did}) and ${hand.waitedSeconds.toFixed(1)} s of the machine`;
  test.info().annotations.push({ type: 'from the login to a published update of 120 characters', description });
  console.log(`from the login to a published update of 120 characters: ${description}`);
  expect(hand.modelSeconds, 'seconds that a person takes').toBeLessThan(MAX_SECONDS);
});

test('an incident takes four clicks from the login, and is resolved with two', async ({ page, visitor }) => {
  const clicks = await countClicks(page);
  const hand = new Hand(page);
  const heading = (words: string) => page.getByRole('heading', { level: 1, name: words });
  await page.goto('/login');
  await expect(page.getByLabel('Email')).toBeFocused();
  await hand.type(OWNER.email);
  await hand.tab();
  await hand.type(OWNER.password);
  await hand.click(page.getByRole('button', { name: 'Log in', exact: true }), heading('Dashboard'));
  await hand.click(page.locator('#main').getByRole('link', { name: 'New incident' }).first(), heading('Create incident'));
  await expect(page.getByLabel('Title', { exact: true })).toBeFocused();
  const [before, waited] = [hand.modelSeconds, hand.waitedSeconds];
  await page.keyboard.type('Searches fail');
  await hand.tab();
  await hand.tab();
  await page.keyboard.type('We are looking into it.');
  const search = page.getByLabel('Add a component', { exact: true });
  await hand.click(search, search);
  await hand.type('geo');
  await page.keyboard.press('Enter');
  await expect(page.getByLabel('Geocoding', { exact: true })).toBeFocused();
  await hand.type('Ma');
  await expect(page.getByLabel('Geocoding', { exact: true })).toHaveValue('major_outage');
  await hand.click(page.getByRole('button', { name: 'Publish incident' }), page.getByRole('status'));
  await expect(page.getByRole('status')).toHaveText('Incident published.');
  await expect.poll(clicks).toBe(INCIDENT_CLICKS);
  const seconds = `${hand.modelSeconds.toFixed(1)} s, of which ${before.toFixed(1)} s until the form, and ${(hand.waitedSeconds - waited).toFixed(1)} s of the machine`;
  test.info().annotations.push({ type: 'from the login to a published incident, without its text', description: seconds });
  console.log(`from the login to a published incident, without its text: ${seconds}`);
  expect(hand.modelSeconds, 'seconds that a person takes').toBeLessThan(45);
  await visitor.goto('/');
  await expect(card(visitor, 'Searches fail')).toContainText('Geocoding: major outage');

  await page.goto('/admin');
  const resolving = clicks();
  await page.getByRole('link', { name: /^Resolve/ }).first().click();
  await expect(page.getByLabel('Message', { exact: true })).toBeFocused();
  await page.keyboard.type('It works again.');
  await page.getByRole('button', { name: 'Resolve incident' }).click();
  await expect(page.getByRole('status')).toHaveText('Update published.');
  await expect.poll(() => clicks() - resolving).toBe(2);
});

/** The bytes on the wire of each request of a page load. */
async function measureRequests(page: Page, path: string): Promise<Map<string, number>> {
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

test('admin pages are small and load WebAssembly only if they use it', async ({ page }) => {
  await logIn(page);
  const islands: string[] = [];
  for (const path of ['/admin', '/admin/incidents', '/admin/components', '/admin/settings', '/admin/audit', '/admin/account']) {
    const sizes = await measureRequests(page, path);
    const loads = [...sizes.keys()].filter((it) => it.endsWith('.wasm') || it.includes('/candor.'));
    islands.push(...loads.map((it) => `${path} loads ${it}`));
    expect(total(sizes), `the weight of ${path}, in bytes`).toBeLessThan(64 * 1024);
  }
  expect(islands, 'there is no island on these').toEqual([]);
  const sizes = await measureRequests(page, '/admin/incidents/new');
  const wasm = [...sizes].filter(([path]) => path.endsWith('.wasm'));
  expect(wasm, 'the composer is an island').toHaveLength(1);
  expect(wasm[0][1], 'its weight on the wire, in bytes').toBeLessThan(MAX_WASM_BYTES);
});

function total(sizes: Map<string, number>): number {
  return [...sizes.values()].reduce((sum, size) => sum + size, 0);
}
