import { type Page } from '@playwright/test';
import { addApp } from '../second-factor';
import { expectMessage, expectNoOverflow, logIn } from '../steps';
import { expect, OWNER, test } from '../test';
import { code } from '../totp';

async function givePassword(page: Page): Promise<void> {
  await page.goto('/login');
  await page.getByLabel('Email').fill(OWNER.email);
  await page.getByLabel('Password').fill(OWNER.password);
  await page.getByRole('button', { name: 'Log in', exact: true }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Two-factor authentication');
}

test('an owner logs in with an authenticator app or recovery code', { tag: '@dates' }, async ({
  page,
  anotherBrowser,
  watch,
}) => {
  await logIn(page);
  await page.goto('/admin/account');
  await page.getByRole('link', { name: 'Manage two-factor authentication' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Two-factor authentication');
  const { key, used, codes } = await addApp(page);
  const otherPage = await anotherBrowser();
  await givePassword(otherPage);
  const give = async (typed: string) => {
    await otherPage.getByLabel('Code', { exact: true }).fill(typed);
    await otherPage.getByRole('button', { name: 'Log in', exact: true }).click();
  };
  await watch.expects(422, otherPage, () => give(code(key, used)));
  await expect(otherPage.getByLabel('Code', { exact: true })).toHaveAccessibleDescription(/already used code/);
  await expect(otherPage.getByLabel('Code', { exact: true })).toBeFocused();
  await give(code(key, used + 1));
  await expect(otherPage.getByRole('heading', { level: 1 })).toHaveText('Dashboard');

  const third = await anotherBrowser();
  await givePassword(third);
  await third.getByLabel('Code', { exact: true }).fill(codes[0]);
  await third.getByRole('button', { name: 'Log in', exact: true }).click();
  await expect(third.getByRole('heading', { level: 1 })).toHaveText('Dashboard');
});

test('a required second factor must be added at login', async ({ page }) => {
  await logIn(page);
  await page.goto('/admin/settings');
  await page.getByLabel('Require two-factor authentication').check();
  await page.getByRole('button', { name: 'Save security settings' }).click();
  await expect(page.getByRole('alert')).toContainText('Two-factor authentication is required here');
  await page.goto('/admin');
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Two-factor authentication');
  await addApp(page);
  await page.goto('/admin');
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Dashboard');
});

test('re-authentication after ten minutes keeps submitted text', async ({ page, candor, watch }) => {
  await logIn(page);
  await page.goto('/admin/account');
  await candor.ageSessions(15);
  await page.getByLabel('Email').fill('duarte@example.org');
  await watch.expects(403, page, () => page.getByRole('button', { name: 'Change e-mail address' }).click());
  await expect(page.getByRole('heading', { level: 1 })).toHaveText("Confirm it's you");
  const confirm = async (password: string) => {
    await page.getByLabel('Password').fill(password);
    await page.getByRole('button', { name: 'Confirm' }).click();
  };
  await watch.expects(422, page, () => confirm('not the right password'));
  await expect(page.getByLabel('Password')).toBeFocused();
  await expectNoOverflow(page);
  await confirm(OWNER.password);
  await expectMessage(page, 'E-mail address changed. Log in with the new one from now on.');
  await expect(page.getByLabel('Email')).toHaveValue('duarte@example.org');
});

test('an owner changes the e-mail address and sees all sessions', async ({ page, anotherBrowser }) => {
  await logIn(page);
  await logIn(await anotherBrowser());
  await page.goto('/admin/account');
  await page.getByLabel('Email').fill('duarte@example.org');
  await page.getByRole('button', { name: 'Change e-mail address' }).click();
  await expectMessage(page, 'E-mail address changed. Log in with the new one from now on.');
  await page.goto('/admin/managers');
  await page.getByRole('link', { name: 'Active sessions of managers' }).click();
  await expect(page.getByRole('row').filter({ hasText: OWNER.name })).toHaveCount(2);
  await expectNoOverflow(page);
  await page.getByRole('row').getByRole('button', { name: /^Log out/ }).click();
  await expectMessage(page, 'Session logged out.');
  await expect(page.getByRole('row').filter({ hasText: OWNER.name })).toHaveCount(1);
});
