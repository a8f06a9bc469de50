import { type Page } from '@playwright/test';
import { chromium } from '../chromium';
import { logIn } from '../steps';
import { expect, OWNER, test } from '../test';

// Playwright turns off what lets a browser go back without asking; people's browsers have it.
test.use({ launchOptions: { ...chromium.launchOptions, ignoreDefaultArgs: ['--disable-back-forward-cache'] } });

/** Through pages of the admin, and out. */
async function leave(page: Page): Promise<void> {
  await logIn(page);
  await page.getByRole('link', { name: 'Audit' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Audit log');
  await page.getByRole('link', { name: 'Managers' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Managers');
  await page.getByRole('button', { name: 'Log out' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Log in');
}

test('after logging out, Back leads to the login and to no page of the admin', async ({ page }) => {
  await leave(page);
  for (const path of ['/admin/managers', '/admin/audit', '/admin']) {
    await page.goBack();
    await expect(page.getByRole('heading', { level: 1 }), `instead of ${path}`).toHaveText('Log in');
    await expect(page.locator('body')).not.toContainText(OWNER.name);
  }
});

// In a page that nobody watches: that the network is gone is no news.
test('after logging out, the browser has kept no page of the admin to show without the server', async ({ browser, baseURL }) => {
  const context = await browser.newContext({ baseURL });
  const page = await context.newPage();
  await leave(page);
  await context.setOffline(true);
  for (let back = 0; back < 3; back++) {
    const answer = await page.goBack().catch((error: Error) => error.message);
    expect(answer, 'what Back brings').toContain('net::ERR_INTERNET_DISCONNECTED');
    await expect(page.locator('body')).not.toContainText(OWNER.name);
  }
  await context.close();
});
