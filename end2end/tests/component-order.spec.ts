import { addComponent, addGroup, expectNoOverflow, logIn, expectMessage } from '../steps';
import { expect, test } from '../test';

test('components and groups move up and down, and a second name asks first', async ({ page, visitor, watch }) => {
  await logIn(page);
  await addGroup(page, 'Core');
  await addComponent(page, 'API', 'Core');
  await addComponent(page, 'Web', 'Core');
  await addComponent(page, 'Billing');

  await page.getByRole('button', { name: 'Move up: Billing' }).click();
  await expectMessage(page, 'Order saved.');
  await page.getByRole('button', { name: 'Move down: API' }).click();
  await expectMessage(page, 'Order saved.');
  const names = page.locator('.board li .what > [dir]');
  await expect(names).toHaveText(['Billing', 'Web', 'API']);
  await expect(page.getByRole('button', { name: 'Move up: Billing' })).toBeDisabled();
  await expectNoOverflow(page);
  await visitor.goto('/');
  await expect(visitor.locator('li.row').first()).toContainText('Billing');

  await page.goto('/admin/components/new');
  await page.getByLabel('Name', { exact: true }).fill('Billing');
  await watch.expects(409, page, () => page.getByRole('button', { name: 'Add component' }).click());
  await expect(page.getByRole('alert')).toContainText('Another component has this name');
  await page.getByRole('button', { name: 'Create anyway' }).click();
  await expectMessage(page, 'Component added.');
});
