import { addComponent, compose, logIn, openIncident, expectMessage } from '../steps';
import { expect, OWNER, test } from '../test';

test('a form whose session has ended goes on after the login, with every field', async ({ page, candor, watch }) => {
  await logIn(page);
  await addComponent(page, 'Login');
  await addComponent(page, 'Search');
  const id = await openIncident(page, 'Login fails', { phase: 'Investigating', message: 'We look into it.', components: { Login: 'Partial outage' } });
  await page.goto(`/admin/incidents/${id}`);
  await compose(page, { phase: 'Identified', message: 'A **disk** is full.', components: { Login: 'Major outage', Search: 'Degraded performance' } });
  await candor.ageSessions(13 * 60);
  await watch.expects(401, page, () => page.getByRole('button', { name: 'Publish update' }).click());
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Your session has ended');
  await page.getByLabel('Email').fill(OWNER.email);
  await page.getByLabel('Password').fill('not the password');
  await watch.expects(422, page, () => page.getByRole('button', { name: 'Log in', exact: true }).click());
  await page.getByLabel('Password').fill(OWNER.password);
  await page.getByRole('button', { name: 'Log in', exact: true }).click();

  await expect(page.getByRole('radio', { name: 'Identified' })).toBeChecked();
  await expect(page.getByLabel('Message', { exact: true })).toHaveValue('A **disk** is full.');
  await expect(page.getByLabel('Login', { exact: true })).toHaveValue('major_outage');
  await expect(page.getByLabel('Search', { exact: true })).toHaveValue('degraded_performance');
  await page.getByRole('button', { name: 'Publish update' }).click();
  await expectMessage(page, 'Update published.');
  await expect(page.locator('.timeline > li').first()).toContainText('Search');
});
