import { type Page } from '@playwright/test';
import { expectMessage, expectNoOverflow, logIn, logOut } from '../steps';
import { expect, OWNER, test } from '../test';

test.use({ hasProvider: true });

/** Goes from the login to the provider's page. */
async function goToProvider(page: Page): Promise<void> {
  await page.goto('/login');
  await expectNoOverflow(page);
  await page.getByRole('button', { name: 'Log in with Harbour ID' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Harbour ID');
}

/** Logs in at the provider. */
async function logInAtProvider(page: Page, name: string): Promise<void> {
  await page.getByLabel('Name').fill(name);
  await page.getByRole('button', { name: 'Log in' }).click();
}

test('a login at the provider gives the role of the group', { tag: '@dates' }, async ({ page, anotherBrowser, visitor }) => {
  await goToProvider(page);
  await logInAtProvider(page, 'paula');
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Dashboard');
  await page.goto('/admin/account');
  await expect(page.getByText('Paula Reis · paula@example.org · Publisher')).toBeVisible();
  await expect(page.getByRole('heading', { name: 'Change your password' })).toHaveCount(0);
  await expectNoOverflow(page);

  // The provider still has a session, so it does not ask again.
  await logOut(page);
  await page.getByRole('button', { name: 'Log in with Harbour ID' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Dashboard');

  await logIn(visitor);
  await visitor.goto('/admin/managers');
  await expect(visitor.getByRole('row').filter({ hasText: 'Paula Reis' })).toContainText('Publisher');
  const other = await anotherBrowser();
  await goToProvider(other);
  await logInAtProvider(other, 'paula');
  await expect(other.getByRole('heading', { level: 1 })).toHaveText('Dashboard');
});

test('a login without a role or denied by the provider fails', async ({ page, watch }) => {
  await goToProvider(page);
  await watch.expects(422, page, () => logInAtProvider(page, 'eve'));
  await expect(page.locator('.summary')).toContainText('No role is assigned to you in Harbour ID.');
  await page.goto('/admin');
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Log in');
});

test('cancelling at the provider leads back to the login', async ({ page, watch }) => {
  await goToProvider(page);
  await watch.expects(422, page, () => page.getByRole('button', { name: 'Cancel' }).click());
  await expect(page.locator('.summary')).toHaveText('Login at Harbour ID was denied.');
  await logIn(page);
});

test('with one break-glass owner, only that password works', async ({ page, candor, anotherBrowser, watch }) => {
  const rui = { name: 'Rui', email: 'rui@example.org', password: 'gravel lantern otter' };
  await candor.shell(['manager', 'add', '--name', rui.name, '--email', rui.email, '--role', 'owner', '--password-stdin'], `${rui.password}\n`);
  await logIn(page, rui);
  await page.goto('/admin/settings');
  await page.getByLabel('Password login').selectOption(`Disabled, except for ${OWNER.name} (${OWNER.email})`);
  await page.getByRole('button', { name: 'Save security settings' }).click();
  await expectMessage(page, 'Security settings saved.');
  await expectNoOverflow(page);

  const other = await anotherBrowser();
  await other.goto('/login');
  await other.getByLabel('Email').fill(rui.email);
  await other.getByLabel('Password').fill(rui.password);
  await watch.expects(422, other, () => other.getByRole('button', { name: 'Log in', exact: true }).click());
  await expect(other.locator('.summary')).toContainText('Incorrect e-mail address or password');
  await logIn(await anotherBrowser());

  await candor.shell(['manager', 'passwords', 'on']);
  await logIn(await anotherBrowser(), rui);
});

test('an owner connects a login and re-authenticates with it', async ({ page }) => {
  await logIn(page);
  await page.goto('/admin/account');
  await page.getByRole('button', { name: /^Connect/ }).click();
  await logInAtProvider(page, 'ines');
  await expectMessage(page, 'Identity provider connected. You can log in with it.');
  await logOut(page);
  // The provider has a session, but must ask again for a re-authentication.
  await page.getByRole('button', { name: 'Log in with Harbour ID' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Dashboard');
  await page.route('**/admin/shortcuts', (route) => route.fulfill({ contentType: 'text/html', body: PROOF }));
  await page.goto('/admin/shortcuts');
  await page.getByRole('button', { name: 'Confirm with Harbour ID' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Harbour ID');
  await logInAtProvider(page, 'ines');
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Add an authenticator app');
});

/** The form of the re-authentication page, which would only be shown ten minutes later. */
const PROOF = `<!doctype html><title>Proof</title><form method="post" action="/admin/proof/oidc">
<input type="hidden" name="path" value="/admin/account/totp"><button>Confirm with Harbour ID</button></form>`;
