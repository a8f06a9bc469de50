import { expect, type Page } from '@playwright/test';
import { expectNoOverflow } from './steps';
import { code, step } from './totp';

/** Adds an authenticator app; returns its key, the time step of the code that confirmed it, and the recovery codes. */
export async function addApp(page: Page): Promise<{ key: string; used: number; codes: string[] }> {
  await page.goto('/admin/account/factors');
  await page.getByRole('button', { name: 'Add an authenticator app' }).click();
  await expect(page.getByRole('img', { name: 'QR code for the authenticator app' })).toBeVisible();
  await expectNoOverflow(page);
  const key = await page.locator('dd code').innerText();
  const used = step();
  await page.getByLabel('Code', { exact: true }).fill(code(key, used));
  await page.getByRole('button', { name: 'Verify' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Recovery codes');
  const codes = await page.locator('.codes li').allInnerTexts();
  await page.getByRole('link', { name: "I've saved them" }).click();
  await expect(page.getByText('10 of 10 codes left.')).toBeVisible();
  return { key, used, codes };
}

/** A virtual authenticator. */
export type Device = {
  /** Deletes its passkeys. */
  forget: () => Promise<unknown>;
  /** From now on user verification fails. */
  failVerification: () => Promise<unknown>;
};

/** Adds a virtual authenticator to this page's browser; it verifies its user unless `verifies` is false. */
export async function addAuthenticator(page: Page, { verifies = true } = {}): Promise<Device> {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('WebAuthn.enable');
  const { authenticatorId } = await devtools.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: verifies,
      isUserVerified: verifies,
      automaticPresenceSimulation: true,
    },
  });
  return {
    forget: () => devtools.send('WebAuthn.clearCredentials', { authenticatorId }),
    failVerification: () => devtools.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: false }),
  };
}

/** Adds a passkey with the virtual authenticator. */
export async function addPasskey(page: Page, name: string): Promise<void> {
  await page.goto('/admin/account/factors');
  await page.getByRole('link', { name: 'Add a passkey' }).click();
  await page.getByLabel('Name').fill(name);
  await page.getByRole('button', { name: 'Create passkey' }).click();
}
