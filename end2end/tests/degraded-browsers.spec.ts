import { createServer, request as ask } from 'node:http';
import { type AddressInfo } from 'node:net';
import { type Locator, type Page } from '@playwright/test';
import { type Candor } from '../candor';
import { expectNoOverflow, openFresh } from '../steps';
import { expect, test } from '../test';

test.use({ initialData: 'sample' });

/** Publishing takes long in a debug build on a busy machine. */
const SOON = { timeout: 20_000 };
/** How far the page's clock advances per poll, in ms: less than its polling interval. */
const STEP = 10_000;

/** Opens an incident with the CLI and waits until it is published; returns its id. */
async function openIncident(candor: Candor, title: string, body: string): Promise<string> {
  const opened = await candor.shell(['incident', 'open', '--title', title, '--body', body]);
  const published = async () => (await (await fetch(candor.url)).text()).includes(title);
  await expect.poll(published, { message: 'the incident is published', ...SOON }).toBe(true);
  return /[a-z0-9]{12}/.exec(opened)![0];
}

/** The components that the CLI lists, each with its row on the page and its status in words. */
async function components(page: Page, candor: Candor): Promise<{ name: string; status: string; row: Locator }[]> {
  const listed = (await candor.shell(['component', 'list'])).trim().split('\n').slice(1);
  return listed.map((line) => {
    const [id, path, , status] = line.split(/\s{2,}/);
    const name = path.split(' - ').pop()!;
    return { name, status: status.replaceAll('_', ' '), row: page.locator(`#component-${id}`) };
  });
}

/** A proxy in front of Candor, which records every request that reaches the network. */
type Relay = {
  url: string;
  asked: { path: string; tag?: string }[];
  /** Paths with this prefix are answered with 503. */
  refuses?: string;
};

// `page.route` would disable the browser's HTTP cache, and with it conditional requests.
const relayed = test.extend<{ relay: Relay }>({
  relay: async ({ candor }, use) => {
    const relay: Relay = { url: '', asked: [] };
    const server = createServer((incoming, answer) => {
      const path = incoming.url!;
      relay.asked.push({ path, tag: incoming.headers['if-none-match'] });
      if (relay.refuses && path.startsWith(relay.refuses)) return answer.writeHead(503).end();
      const headers = { ...incoming.headers, host: new URL(candor.url).host };
      const outgoing = ask(candor.url + path, { headers }, (found) => {
        answer.writeHead(found.statusCode!, found.headers);
        found.pipe(answer);
      });
      outgoing.on('error', () => answer.destroy()).end();
      answer.on('close', () => outgoing.destroy());
    });
    await new Promise<void>((listens) => server.listen(0, '127.0.0.1', listens));
    relay.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await use(relay);
    server.closeAllConnections();
    server.close();
  },
  baseURL: async ({ relay }, use) => use(relay.url),
});

relayed.describe('if event streams fail', () => {
  relayed.skip(({ javaScriptEnabled }) => javaScriptEnabled === false, 'nothing follows without JavaScript');

  // In a context without the watch, because the 503 responses are expected.
  relayed('an open page polls and shows a new incident', async ({ browser, candor, relay }) => {
    const title = 'Imports wait for hours';
    relay.refuses = '/events';
    const asked = (path: string) => relay.asked.filter((it) => it.path.split('?')[0] === path);
    const page = await browser.newPage();
    await page.clock.install();
    await page.goto('/');
    const began = await page.evaluate(() => {
      document.documentElement.dataset.mark = 'same';
      return Date.now();
    });
    await openIncident(candor, title, 'We are looking into it.');
    const later = { intervals: [100], ...SOON };
    const shown = async () => {
      await page.clock.runFor(STEP);
      return page.getByRole('heading', { name: title, exact: true }).isVisible();
    };
    await expect.poll(shown, { message: 'the incident is shown', ...later }).toBe(true);
    await expect(page.locator('html')).toHaveAttribute('data-mark', 'same');

    const before = asked('/').length;
    const newRequests = async () => {
      await page.clock.runFor(STEP);
      return asked('/').length - before;
    };
    await expect.poll(newRequests, { message: 'it goes on asking', ...later }).toBeGreaterThan(3);
    expect(asked('/').slice(1).filter(({ tag }) => !tag), 'what was asked for whole again').toEqual([]);
    // At once, again within seconds, and then at most every 30 s.
    const passed = (await page.evaluate(() => Date.now())) - began;
    expect(asked('/events').length, `streams tried in ${passed} ms`).toBeLessThanOrEqual(2 + passed / 30_000);
    await page.close();
  });
});

relayed('the first view is a document, its script and the stream', async ({ page, relay, javaScriptEnabled }) => {
  const foreignUrls: string[] = [];
  page.on('request', (request) => {
    const { origin, protocol } = new URL(request.url());
    if (origin !== relay.url && protocol !== 'data:') foreignUrls.push(request.url());
  });
  await page.goto('/', { waitUntil: 'networkidle' });
  const script = [/^\/assets\/live\.[0-9a-f]+\.js$/, /^\/events(\?|$)/].map((path) => expect.stringMatching(path));
  expect(relay.asked.map(({ path }) => path)).toEqual(['/', ...(javaScriptEnabled === false ? [] : script)]);
  expect(foreignUrls, 'what was asked for at other sites').toEqual([]);
});

test('the printed page has all content and no navigation', async ({ page, candor }) => {
  await page.goto('/');
  const folded = page.locator('details:not([open]) li.row').first();
  await expect(folded).toBeHidden();
  await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
  await expect(page.locator('html')).toHaveCSS('color-scheme', 'light');
  await expect(page.locator('.banner').getByRole('heading', { level: 1 })).toBeVisible();
  await expect(page.getByRole('navigation')).toBeHidden();
  await expect(folded, 'paper cannot unfold').toBeVisible();
  const incidents = page.locator('#open-incidents article');
  await expect(incidents).not.toHaveCount(0);
  for (const incident of await incidents.all()) {
    await expect(incident.getByRole('heading')).toBeVisible();
    const updates = incident.locator('.timeline > li');
    await expect(updates).not.toHaveCount(0);
    for (const one of await updates.all()) await expect(one.locator('.text')).toBeVisible();
  }
  const all = await components(page, candor);
  await expect(page.locator('li.row')).toHaveCount(all.length);
  for (const { name, status, row } of all) {
    await expect(row.getByText(name, { exact: true })).toBeVisible();
    await expect(row.locator('.state').first()).toBeVisible();
    await expect(row.locator('.state').first()).toHaveText(status, { ignoreCase: true });
  }
});

test('without styles, the page reads in order', async ({ page, candor }) => {
  await page.goto('/');
  const left = await page.evaluate(() => {
    for (const style of document.querySelectorAll('style, link[rel~=stylesheet]')) style.remove();
    return document.styleSheets.length + document.querySelectorAll('[style]').length;
  });
  expect(left, 'styles that are left').toBe(0);
  const banner = page.locator('.banner').getByRole('heading', { level: 1 });
  await expect(page.getByRole('heading').first()).toHaveText(await banner.innerText());
  await expect(page.getByRole('heading', { level: 1 })).toHaveCount(1);
  const headings = page.locator('h1, h2, h3, h4, h5, h6');
  const levels = await headings.evaluateAll((all) => all.map(({ tagName }) => Number(tagName[1])));
  expect(levels.filter((level, at) => level > (levels[at - 1] ?? 0) + 1), 'levels that leave one out').toEqual([]);
  for (const heading of await headings.all()) await expect(heading).toBeVisible();
  const all = await components(page, candor);
  await expect(page.locator('li.row')).toHaveCount(all.length);
  await page.locator('details').evaluateAll((all: HTMLDetailsElement[]) => all.forEach((it) => (it.open = true)));
  for (const { name, status, row } of all) {
    // The text of the uptime bars may follow.
    await expect(row).toHaveText(new RegExp(`^${name}\\b(.*\\d%( since \\d+ \\w+)? uptime)? ${status}$`, 'im'), { useInnerText: true });
  }
});

test('without styles, no text is hidden, repeated or joined', async ({ page }) => {
  await page.goto('/');
  const [incident, maintenance] = await page.locator('article h3 a').evaluateAll((all) => all.map((it) => it.getAttribute('href')!));
  for (const path of ['/', '/history', '/uptime', '/api', '/embed', incident, maintenance, '/login']) {
    await page.goto(path);
    const found = await page.evaluate(() => {
      for (const style of document.querySelectorAll('style, link[rel~=stylesheet]')) style.remove();
      const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
      const unshown = [];
      while (texts.nextNode()) {
        const { parentElement, textContent } = texts.currentNode;
        // Content of a closed summary is hidden, and titles inside drawings are tooltips.
        const isFolded = parentElement!.closest('details:not([open])') && !parentElement!.closest('summary');
        // So is what a popover says.
        if (isFolded || parentElement!.closest('[popover]') || parentElement!.closest('svg, script, noscript, option') || !textContent!.trim()) continue;
        const range = document.createRange();
        range.selectNodeContents(texts.currentNode);
        if (range.getClientRects().length === 0) unshown.push(textContent!.trim());
      }
      const lines = document.body.innerText.split('\n').map((line) => line.trim()).filter(Boolean);
      const links = [...document.querySelectorAll('a, button')].filter((link) => !link.closest('svg'));
      const touching = links.filter(({ nextSibling }) => nextSibling instanceof Element && nextSibling.matches('a, button'));
      return {
        unshown,
        repeated: lines.filter((line, at) => line === lines[at - 1]),
        touching: touching.map((link) => `${link.textContent}${link.nextSibling!.textContent}`),
      };
    });
    expect(found, path).toEqual({ unshown: [], repeated: [], touching: [] });
  }
});

test.describe('in a narrow window', () => {
  test.use({ viewport: { width: 360, height: 740 } });

  test('right-to-left and very long words fit', async ({ page, candor }) => {
    const title = `تعطّلت خدمة الخرائط ${'Donaudampfschifffahrt'.repeat(10).slice(0, 200)}`;
    const id = await openIncident(candor, title, `نعمل على إصلاح الخلل.\n\n${'خ'.repeat(200)} ${'w'.repeat(200)}`);
    for (const path of ['/', `/incidents/${id}`, '/history']) {
      await openFresh(page, path);
      const heading = page.getByRole('heading', { name: title, exact: true });
      await expect(heading).toBeVisible();
      await expect(heading).toHaveAttribute('dir', 'auto');
      await expect(heading).toHaveCSS('direction', 'rtl');
      await expect(page.locator('html')).toHaveCSS('direction', 'ltr');
      const isList = path === '/history';
      const card = page.locator(isList ? '.entries > li' : 'article').filter({ hasText: title });
      if (!isList) await expect(card.locator('.text > p').first()).toHaveCSS('direction', 'rtl');
      await expectNoOverflow(page);
      // Clipped text inside a card does not widen the page.
      for (const text of isList ? [heading] : [heading, card.locator('.text')]) expect(await linesBeyondWindow(text), `cut off on ${path}`).toEqual([]);
    }
  });
});

/** The lines of a text that extend beyond the window. */
function linesBeyondWindow(text: Locator): Promise<{ left: number; right: number }[]> {
  return text.evaluate((element) => {
    const range = document.createRange();
    range.selectNodeContents(element);
    const lines = [...range.getClientRects()].map(({ left, right }) => ({ left, right }));
    return lines.filter(({ left, right }) => left < 0 || right > document.documentElement.clientWidth);
  });
}

test('nothing is animated with reduced motion', async ({ page }) => {
  await page.goto('/');
  const incident = (await page.locator('#open-incidents h3 a').first().getAttribute('href'))!;
  await expect(page.locator('html')).toHaveCSS('scroll-behavior', 'smooth');
  await page.emulateMedia({ reducedMotion: 'reduce' });
  for (const path of ['/', incident, '/history', '/uptime', '/login']) {
    await page.goto(path);
    await expect(page.locator('html')).toHaveCSS('scroll-behavior', 'auto');
    expect(await page.evaluate(() => document.getAnimations().length), `what moves on ${path}`).toBe(0);
    expect(await animatedElements(page), `what could move on ${path}`).toEqual([]);
  }
});

/** The elements with a transition or animation of any duration. */
function animatedElements(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const takesTime = (element: Element, part?: string) => {
      const { transitionDuration, animationDuration } = getComputedStyle(element, part);
      return `${transitionDuration},${animationDuration}`.split(',').some((time) => parseFloat(time) > 0);
    };
    const all = [...document.querySelectorAll('*')];
    const found = all.filter((it) => [undefined, '::before', '::after'].some((part) => takesTime(it, part)));
    return found.map((it) => `${it.nodeName} ${it.className}`);
  });
}
