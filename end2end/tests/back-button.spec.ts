import { type Page } from '@playwright/test';
import { chromium } from '../chromium';
import { logIn, logOut } from '../steps';
import { expect, OWNER, test } from '../test';

// Playwright disables the back-forward cache; real browsers have it.
test.use({ launchOptions: { ...chromium.launchOptions, ignoreDefaultArgs: ['--disable-back-forward-cache'] } });

/** Visits pages of the admin and logs out. */
async function visitAndLogOut(page: Page): Promise<void> {
  await logIn(page);
  await page.getByRole('link', { name: 'Audit' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Audit log');
  await page.getByRole('link', { name: 'Managers' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Managers');
  await logOut(page);
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Log in');
}

test('after a logout, Back leads to the login', async ({ page }) => {
  await visitAndLogOut(page);
  for (const path of ['/admin/managers', '/admin/audit', '/admin']) {
    await page.goBack();
    await expect(page.getByRole('heading', { level: 1 }), `instead of ${path}`).toHaveText('Log in');
    await expect(page.locator('body')).not.toContainText(OWNER.name);
  }
});

// In a context without the watch, because the failing requests are expected.
test('after a logout, the browser has no cached page of the admin', async ({ browser, baseURL }) => {
  const context = await browser.newContext({ baseURL });
  const page = await context.newPage();
  await visitAndLogOut(page);
  await context.setOffline(true);
  for (let back = 0; back < 3; back++) {
    const answer = await page.goBack().catch((error: Error) => error.message);
    expect(answer, 'what Back brings').toContain('net::ERR_INTERNET_DISCONNECTED');
    await expect(page.locator('body')).not.toContainText(OWNER.name);
  }
  await context.close();
});
