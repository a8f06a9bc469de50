import { type Page } from '@playwright/test';
import { expectMessage, logIn, openFresh, openIncident, postUpdate } from '../steps';
import { expect, test } from '../test';

const TITLE = 'Maps stay empty';
const NOTICE = 'Someone changed this while you were writing';

async function logInTwoManagers(page: Page, other: Page): Promise<string> {
  await logIn(page);
  await logIn(other);
  return openIncident(page, TITLE, { message: 'We are looking.' });
}

test('a conflict in details shows both texts and can be overridden', async ({
  page,
  anotherBrowser,
  visitor,
  watch,
}) => {
  const other = await anotherBrowser();
  const id = await logInTwoManagers(page, other);
  for (const each of [page, other]) await each.goto(`/admin/incidents/${id}/edit`);
  await page.getByLabel('Title', { exact: true }).fill('Maps stay grey');
  await page.getByLabel('Detected by').fill('Monitoring');
  await other.getByLabel('Title', { exact: true }).fill('Maps stay blue');
  await other.getByLabel('Internal note').fill('A line\nand another');
  await page.getByRole('button', { name: 'Publish changes' }).click();
  await expectMessage(page, 'Incident saved.');

  await watch.expects(409, other, () => other.getByRole('button', { name: 'Publish changes' }).click());
  await expect(other.getByRole('alert')).toContainText(NOTICE);
  await expect(other.getByRole('alert')).toContainText('Maps stay grey');
  await expect(other.getByRole('alert')).toContainText('Monitoring');
  await expect(other.getByLabel('Title', { exact: true })).toHaveValue('Maps stay blue');
  await expect(other.getByLabel('Internal note')).toHaveValue('A line\nand another');

  await other.getByRole('button', { name: 'Publish changes' }).click();
  await expectMessage(other, 'Incident saved.');
  await openFresh(visitor, '/');
  await expect(visitor.getByRole('heading', { level: 1 })).toHaveText('Maps stay blue');
});

test('a conflicting update is posted after the newer one is shown', async ({
  page,
  anotherBrowser,
  visitor,
  watch,
}) => {
  const other = await anotherBrowser();
  const id = await logInTwoManagers(page, other);
  await other.goto(`/admin/incidents/${id}`);
  await other.getByRole('radio', { name: 'Monitoring' }).check();
  await other.getByLabel('Message', { exact: true }).fill('A restart helped.');
  await postUpdate(page, id, { phase: 'Identified', message: 'The disk is full.' });

  await watch.expects(409, other, () => other.getByRole('button', { name: 'Publish update' }).click());
  await expect(other.getByRole('alert')).toContainText(NOTICE);
  await expect(other.getByRole('alert')).toContainText('The disk is full.');
  await expect(other.getByLabel('Message', { exact: true })).toHaveValue('A restart helped.');
  await expect(other.getByRole('radio', { name: 'Monitoring' })).toBeChecked();

  await other.getByRole('button', { name: 'Publish update' }).click();
  await expectMessage(other, 'Update published.');
  await openFresh(visitor, `/incidents/${id}`);
  await expect(visitor.locator('.timeline > li .said strong')).toHaveText(['Monitoring', 'Identified', 'Investigating']);
});

test('a conflict in an update keeps the text in the form', async ({ page, anotherBrowser, watch }) => {
  const other = await anotherBrowser();
  const id = await logInTwoManagers(page, other);
  for (const each of [page, other]) {
    await each.goto(`/admin/incidents/${id}`);
    await each.getByRole('link', { name: /^Edit the update of/ }).click();
  }
  await page.getByLabel('Message', { exact: true }).fill('We are looking into it.');
  await page.getByRole('button', { name: 'Save changes' }).click();
  await expectMessage(page, 'Update saved and marked as edited.');
  await other.getByLabel('Message', { exact: true }).fill('We are looking at it.');
  await watch.expects(409, other, () => other.getByRole('button', { name: 'Save changes' }).click());
  await expect(other.getByRole('alert')).toContainText('We are looking into it.');
  await expect(other.getByLabel('Message', { exact: true })).toHaveValue('We are looking at it.');
  await other.getByRole('button', { name: 'Save changes' }).click();
  await expectMessage(other, 'Update saved and marked as edited.');
});

test('settings and components detect conflicts', async ({ page, anotherBrowser, watch }) => {
  const other = await anotherBrowser();
  await logIn(page);
  await logIn(other);
  for (const each of [page, other]) await each.goto('/admin/settings');
  await page.getByLabel('Page name').fill('Tidewater');
  await page.getByRole('button', { name: 'Save settings' }).click();
  await expectMessage(page, 'Settings saved.');
  await other.getByLabel('Page name').fill('Highwater');
  await watch.expects(409, other, () => other.getByRole('button', { name: 'Save settings' }).click());
  await expect(other.getByRole('alert')).toContainText('Tidewater');
  await expect(other.getByLabel('Page name')).toHaveValue('Highwater');
  await other.getByRole('button', { name: 'Save settings' }).click();
  await expectMessage(other, 'Settings saved.');
  await expect(other.getByRole('link', { name: /^Highwater/ })).toBeVisible();
});
