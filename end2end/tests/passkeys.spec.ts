import { addAuthenticator, addPasskey } from '../second-factor';
import { expectMessage, logIn, logOut } from '../steps';
import { expect, OWNER, test } from '../test';

test.use({ onLocalhost: true });

test('an owner adds a passkey, logs in with it and removes it', async ({ page }) => {
  await logIn(page);
  await addAuthenticator(page);
  await addPasskey(page, 'Laptop');
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Recovery codes');
  await page.getByRole('link', { name: "I've saved them" }).click();
  await expect(page.getByText('never used')).toBeVisible();

  await logOut(page);
  await page.goto('/login?next=/admin/audit');
  await page.getByRole('button', { name: 'Log in with a passkey' }).click();
  await expect(page.getByRole('heading', { level: 1 }), 'where they wanted to go').toHaveText('Audit log');
  await expect(page.getByText('logged in with a passkey:')).toBeVisible();

  await page.goto('/admin/account/factors');
  await expect(page.getByText('used just now')).toBeVisible();
  await page.getByRole('button', { name: /^Remove.*Laptop/ }).click();
  await expectMessage(page, 'Passkey removed.');
});

test('a passkey is a second factor, one per device', async ({ page }) => {
  await logIn(page);
  await addAuthenticator(page);
  await addPasskey(page, 'Laptop');
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Recovery codes');
  await addPasskey(page, 'Laptop again');
  await expect(page.getByRole('alert')).toHaveText('This device already has a passkey for your account.');

  await logOut(page);
  await page.getByLabel('Email').fill(OWNER.email);
  await page.getByLabel('Password').fill(OWNER.password);
  await page.getByRole('button', { name: 'Log in', exact: true }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Two-factor authentication');
  await page.getByRole('button', { name: 'Use a passkey' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Dashboard');
});

test('without a passkey on the device, the password still works', async ({ page }) => {
  const device = await addAuthenticator(page);
  await device.forget();
  await page.goto('/login');
  await page.getByRole('button', { name: 'Log in with a passkey' }).click();
  await expect(page.getByRole('alert')).toHaveText('No passkey was confirmed. Try again or use another method.');
  await logIn(page);
});
