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

test('components are added one a line, and dragged into order', async ({ page, javaScriptEnabled }) => {
  await logIn(page);
  await page.goto('/admin/components/new');
  await page.getByLabel('Name', { exact: true }).fill('API');
  await page.locator('summary', { hasText: 'Add several at once' }).click();
  await page.getByLabel('More components').fill('Web\nMail');
  await page.getByRole('button', { name: 'Add component' }).click();
  await expectMessage(page, 'Components added.');
  const names = page.locator('.board li .what > [dir]');
  await expect(names).toHaveText(['API', 'Web', 'Mail']);
  if (javaScriptEnabled === false) return;
  const rows = page.locator('.board li');
  await rows.nth(2).locator('.grip').dragTo(rows.nth(0), { targetPosition: { x: 200, y: 4 } });
  await expectMessage(page, 'Order saved.');
  await expect(names).toHaveText(['Mail', 'API', 'Web']);
});
