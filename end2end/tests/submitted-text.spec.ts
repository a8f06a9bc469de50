import { expectMessage, logIn } from '../steps';
import { expect, test } from '../test';

const TITLE = 'Trains are late';
const MESSAGE = 'A tree fell on the line.\n\nWe clear it & "tell" more at <noon>.';

test('the error page of an outage contains the submitted text', async ({
  page,
  candor,
  watch,
  javaScriptEnabled,
}) => {
  await logIn(page);
  await page.goto('/admin/incidents/new');
  await page.getByLabel('Title', { exact: true }).fill(TITLE);
  await page.getByLabel('Message', { exact: true }).fill(MESSAGE);
  // The live preview also needs the database, so wait for it first.
  if (javaScriptEnabled !== false) await expect(page.locator('#preview')).toContainText('A tree fell on the line.');
  await candor.loseDatabase();
  const publish = page.getByRole('button', { name: 'Publish' });
  await watch.expects(503, page, () => publish.click());
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Not available right now');
  await expect(page.getByLabel('Title', { exact: true })).toHaveValue(TITLE);
  await expect(page.getByLabel('Message', { exact: true })).toHaveValue(MESSAGE);
  await watch.expects(503, page, () => page.getByRole('button', { name: 'Try again' }).click());
  await expect(page.getByLabel('Message', { exact: true })).toHaveValue(MESSAGE);
});

test('text of a lost request is offered in the form again', async ({ page, javaScriptEnabled }) => {
  test.skip(javaScriptEnabled === false, 'the browser itself keeps a form only where somebody goes back');
  await logIn(page);
  await page.goto('/admin/templates/new');
  await page.getByLabel('Name', { exact: true }).fill('Late');
  await page.getByLabel('Title (optional)').fill(TITLE);
  // A proxy whose backend is down.
  await page.route('**/admin/templates', (route) => route.fulfill({ status: 200, body: 'Bad gateway' }));
  await page.locator('main form button[type=submit]').first().click();
  await expect(page.getByText('Bad gateway')).toBeVisible();
  await page.unroute('**/admin/templates');

  await page.goto('/admin/templates/new');
  await expect(page.getByText('You have unsaved text from an earlier visit.')).toBeVisible();
  await page.getByRole('button', { name: 'Restore' }).click();
  await expect(page.getByLabel('Title (optional)')).toHaveValue(TITLE);
  await page.getByLabel('Message', { exact: true }).fill(MESSAGE);
  await page.locator('main form button[type=submit]').first().click();
  await expectMessage(page, 'Template saved.');
  await page.goto('/admin/templates/new');
  await expect(page.getByText('You have unsaved text from an earlier visit.')).toHaveCount(0);
});
