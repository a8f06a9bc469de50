import { expectMessage, logIn } from '../steps';
import { expect, test } from '../test';

test('an API token is created, used, listed and revoked', async ({ page, candor, watch }) => {
  await logIn(page);
  await page.goto('/admin/account');
  await page.getByRole('link', { name: 'API tokens' }).click();
  await watch.expects(422, page, () => page.getByRole('button', { name: 'Create token' }).click());
  await expect(page.getByLabel('Name')).toHaveAccessibleDescription(/Enter a name/);
  await page.getByLabel('Name').fill('Deploy');
  await page.getByLabel('Scope').selectOption('Publish');
  await page.getByLabel('Expires in').selectOption('30 days');
  await page.getByRole('button', { name: 'Create token' }).click();
  const secret = await page.getByLabel('The token').inputValue();
  const ask = () => fetch(`${candor.url}/v1/token`, { headers: { authorization: `Bearer ${secret}` } });
  const answer = await ask();
  expect(answer.status).toBe(200);
  expect(await answer.json()).toMatchObject({ name: 'Deploy', scope: 'publish', manager: 'Ines Duarte' });

  await page.getByRole('link', { name: 'Back to the tokens' }).click();
  const row = page.getByRole('row', { name: 'Deploy' });
  await expect(row).toContainText(`candor_…${secret.slice(-4)}`);
  await expect(page.locator('body')).not.toContainText(secret.slice(0, 20));
  await row.getByRole('button', { name: 'Revoke' }).click();
  await expectMessage(page, 'Token revoked.');
  expect((await ask()).status).toBe(401);

  await page.goto('/admin/audit');
  await expect(page.getByRole('cell', { name: 'revoked API token Deploy' })).toBeVisible();
  const head = page.getByText(/^\d+:[0-9a-f]{64}$/);
  const proof = await candor.shell(['audit', 'verify', '--expect', (await head.textContent())!]);
  expect(proof).toContain('Audit log OK');
});

test('without a mail server, a forgotten password needs an owner', async ({ page }) => {
  await page.goto('/login');
  await page.getByRole('link', { name: 'Forgot password?' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Forgot password');
  await expect(page.getByText('Ask an owner')).toBeVisible();
});
