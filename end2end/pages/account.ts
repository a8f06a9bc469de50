import { type Page } from '@playwright/test';
import { logOut } from '../steps';
import { OWNER } from '../test';
import { code, step } from '../totp';
import { type Means, type Place, errorPlace, filledForm, follow, invalidForm, placeAt } from './page';

/** The account pages, then adding a second factor, then the second step of a login. */
export function accountPlaces(means: Means): Place[] {
  const { candor, watch } = means;
  const account = placeAt('account', '/admin/account');
  const totp: Place = {
    name: 'totp',
    go: async (page) => {
      await page.goto('/admin/account/factors');
      await page.getByRole('button', { name: 'Add an authenticator app' }).click();
    },
  };
  const proof: Place = {
    name: 'proof',
    go: async (page) => {
      await candor.ageSessions(15);
      await follow(page, '/admin', '.card h3 a');
      await page.getByRole('link', { name: 'Delete the incident' }).click();
      await watch.expects(403, page, () => page.getByRole('button', { name: 'Delete the incident' }).click());
    },
  };
  const pendingForm: Place = {
    name: 'pending-form',
    go: async (page) => {
      await page.goto('/admin/incidents/new');
      await page.getByLabel('Title', { exact: true }).fill('Logins fail');
      await candor.ageSessions(13 * 60);
      await watch.expects(401, page, () => page.getByRole('button', { name: 'Publish' }).click());
      await page.getByLabel('Email').fill(OWNER.email);
      await page.getByLabel('Password').fill(OWNER.password);
      await page.getByRole('button', { name: 'Log in', exact: true }).click();
      await page.waitForURL('**/admin/pending-forms/*');
    },
  };
  const secondStep: Place = { name: 'second-step', go: (page) => givePassword(page) };
  return [
    pendingForm,
    account,
    errorPlace(means, 422, 'account-email-refused', filledForm(account, 'Email', 'nobody'), 'Change e-mail address'),
    errorPlace(means, 422, 'account-password-refused', account, 'Change the password'),
    invalidForm(means, placeAt('tokens', '/admin/tokens'), 'Create token'),
    {
      name: 'token-made',
      go: async (page) => {
        await page.goto('/admin/tokens');
        await page.getByLabel('Name').fill(`Deploy ${Date.now()}`);
        await page.getByRole('button', { name: 'Create token' }).click();
      },
    },
    placeAt('tokens', '/admin/tokens'),
    placeAt('passkey-new', '/admin/account/passkeys/new'),
    placeAt('factors', '/admin/account/factors'),
    totp,
    invalidForm(means, totp, 'Verify'),
    {
      name: 'recovery-codes',
      go: async (page) => {
        await totp.go(page);
        const key = await page.locator('dd code').innerText();
        await page.getByLabel('Code', { exact: true }).fill(code(key, step()));
        await page.getByRole('button', { name: 'Verify' }).click();
        await page.getByRole('heading', { level: 1, name: 'Recovery codes' }).waitFor();
      },
    },
    placeAt('factors-app', '/admin/account/factors'),
    proof,
    invalidForm(means, proof, 'Confirm'),
    secondStep,
    invalidForm(means, secondStep, 'Log in'),
  ];
}

/** Logs out, and in again up to the second step. */
async function givePassword(page: Page): Promise<void> {
  await page.goto('/admin');
  if (!page.url().includes('/login')) await logOut(page);
  await page.getByLabel('Email').fill(OWNER.email);
  await page.getByLabel('Password').fill(OWNER.password);
  await page.getByRole('button', { name: 'Log in', exact: true }).click();
  await page.getByRole('heading', { level: 1, name: 'Two-factor authentication' }).waitFor();
}
