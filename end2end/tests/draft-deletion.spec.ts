import { logIn, expectMessage } from '../steps';
import { expect, PUBLISHER, test } from '../test';

test("deleting a colleague's draft asks first and names who is editing it", async ({ page, candor, anotherBrowser }) => {
  await candor.addManager(PUBLISHER, 'publisher');
  const colleague = await anotherBrowser();
  await logIn(colleague, PUBLISHER);
  await colleague.goto('/admin/incidents/new');
  await colleague.getByLabel('Title', { exact: true }).fill('Search is slow');
  await colleague.getByRole('button', { name: 'Save as draft' }).click();
  await expectMessage(colleague, "Draft saved. Everyone who publishes can see it; visitors can't.");
  await logIn(page);
  await page.getByRole('link', { name: /^Delete….*Search is slow/ }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Delete this draft?');
  await expect(page.getByText(`${PUBLISHER.name} is editing this since`)).toBeVisible();
  await page.getByRole('link', { name: 'Cancel' }).click();
  await page.getByRole('link', { name: /^Delete….*Search is slow/ }).click();
  await page.getByRole('button', { name: 'Delete the draft' }).click();
  await expectMessage(page, 'Draft deleted. The audit log keeps its text.');
});
