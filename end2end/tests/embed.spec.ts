import { createServer, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { type Page } from '@playwright/test';
import { addComponent, expectMessage, logIn, openIncident, postUpdate } from '../steps';
import { expect, test } from '../test';

/** Another site with the embed page in a frame and the script of the notice. */
async function startForeignSite(status: string): Promise<{ server: Server; origin: string }> {
  const page = `<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>A shop</title><h1>A shop</h1>
    <iframe src="${status}/embed" title="Status of the shop" width="400" height="120"></iframe>
    <script src="${status}/embed/script.js" defer></script>`;
  const server = createServer((request, answer) => {
    answer.setHeader('content-type', request.url === '/' ? 'text/html; charset=utf-8' : 'image/svg+xml');
    answer.end(request.url === '/' ? page : '<svg xmlns="http://www.w3.org/2000/svg"/>');
  });
  await new Promise<void>((listens) => server.listen(0, '127.0.0.1', listens));
  return { server, origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

/** Allows `site` to embed the page. */
async function allow(page: Page, site: string): Promise<void> {
  await page.goto('/admin/settings');
  await page.getByLabel('Allowed embed origins (optional)').fill(site);
  await page.getByRole('button', { name: 'Save settings' }).click();
  await expectMessage(page, 'Settings saved.');
}

test('an allowed origin shows the embed page and the notice', async ({
  page,
  browser,
  candor,
}) => {
  await logIn(page);
  await addComponent(page, 'Checkout');
  const { server, origin } = await startForeignSite(candor.url);
  /** Opens the shop in a browser without a cache; `complain` receives its errors. */
  const visit = async (complain = (_: string) => {}) => {
    const shop = await (await browser.newContext()).newPage();
    shop.on('console', (message) => message.type() === 'error' && complain(message.text()));
    await shop.goto(origin);
    const small = shop.frameLocator('iframe[title="Status of the shop"]');
    return { shop, small, corner: shop.locator('iframe[title="Status"]') };
  };
  try {
    await test.step('an origin that nobody named sees nothing, and its browser says why', async () => {
      const complaints: string[] = [];
      const { small } = await visit((complaint) => complaints.push(complaint));
      await expect.poll(() => complaints.join('\n')).toContain('frame-ancestors');
      await expect(small.getByText('Operational')).toHaveCount(0);
    });

    await allow(page, origin);
    await test.step('named, it shows how things stand', async () => {
      const { small, corner } = await visit();
      await expect(small.getByText('All systems operational')).toBeVisible();
      await expect(corner).toBeHidden();
    });

    const id = await openIncident(page, 'Checkout is slow', {
      message: 'We look into it.',
      components: { Checkout: 'Partial outage' },
    });
    await test.step('an incident shows, and its notice can be put away', async () => {
      const { shop, small, corner } = await visit();
      await expect(small.getByText('Checkout: partial outage')).toBeVisible();
      await expect(corner).toBeVisible();
      const notice = shop.frameLocator('iframe[title="Status"]');
      await expect(notice.getByText('Checkout is slow')).toBeVisible();
      await notice.getByRole('button').click();
      await expect(corner).toBeHidden();
    });

    await postUpdate(page, id, { phase: 'Resolved', message: 'Quick again.' });
    await expect((await visit()).small.getByText('All systems operational')).toBeVisible();
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
