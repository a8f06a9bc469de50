import { type Page } from '@playwright/test';
import { logIn, look, openIncident, postUpdate, told } from '../steps';
import { expect, test } from '../test';

const TITLE = 'Maps stay empty';
const NOTICE = 'Someone changed this while you were writing';

async function twoManagers(page: Page, other: Page): Promise<string> {
  await logIn(page);
  await logIn(other);
  return openIncident(page, TITLE, { message: 'We are looking.' });
}

test('who edits details second sees both texts, loses nothing, and wins knowingly', async ({
  page,
  anotherBrowser,
  visitor,
  watch,
}) => {
  const other = await anotherBrowser();
  const id = await twoManagers(page, other);
  for (const each of [page, other]) await each.goto(`/admin/incidents/${id}/edit`);
  await page.getByLabel('Title', { exact: true }).fill('Maps stay grey');
  await page.getByLabel('Detected by').fill('Monitoring');
  await other.getByLabel('Title', { exact: true }).fill('Maps stay blue');
  await other.getByLabel('Internal note').fill('A line\nand another');
  await page.getByRole('button', { name: 'Publish changes' }).click();
  await told(page, 'Incident saved.');

  await watch.expects(409, other, () => other.getByRole('button', { name: 'Publish changes' }).click());
  await expect(other.getByRole('alert')).toContainText(NOTICE);
  await expect(other.getByRole('alert')).toContainText('Maps stay grey');
  await expect(other.getByRole('alert')).toContainText('Monitoring');
  await expect(other.getByLabel('Title', { exact: true })).toHaveValue('Maps stay blue');
  await expect(other.getByLabel('Internal note')).toHaveValue('A line\nand another');

  await other.getByRole('button', { name: 'Publish changes' }).click();
  await told(other, 'Incident saved.');
  await look(visitor, '/');
  await expect(visitor.getByRole('heading', { level: 1 })).toHaveText('Notice: Maps stay blue');
});

test('who posts second reads what was posted before, and posts after it', async ({
  page,
  anotherBrowser,
  visitor,
  watch,
}) => {
  const other = await anotherBrowser();
  const id = await twoManagers(page, other);
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
  await told(other, 'Update published.');
  await look(visitor, `/incidents/${id}`);
  await expect(visitor.locator('.timeline > li .said strong')).toHaveText(['Monitoring', 'Identified', 'Investigating']);
});

test('who edits the text of an update second keeps theirs in the form', async ({ page, anotherBrowser, watch }) => {
  const other = await anotherBrowser();
  const id = await twoManagers(page, other);
  for (const each of [page, other]) {
    await each.goto(`/admin/incidents/${id}`);
    await each.getByRole('link', { name: /^Edit the update of/ }).click();
  }
  await page.getByLabel('Message', { exact: true }).fill('We are looking into it.');
  await page.getByRole('button', { name: 'Save changes' }).click();
  await told(page, 'Update saved and marked as edited.');
  await other.getByLabel('Message', { exact: true }).fill('We are looking at it.');
  await watch.expects(409, other, () => other.getByRole('button', { name: 'Save changes' }).click());
  await expect(other.getByRole('alert')).toContainText('We are looking into it.');
  await expect(other.getByLabel('Message', { exact: true })).toHaveValue('We are looking at it.');
  await other.getByRole('button', { name: 'Save changes' }).click();
  await told(other, 'Update saved and marked as edited.');
});

test('settings and components meet conflicts too', async ({ page, anotherBrowser, watch }) => {
  const other = await anotherBrowser();
  await logIn(page);
  await logIn(other);
  for (const each of [page, other]) await each.goto('/admin/settings');
  await page.getByLabel('Page name').fill('Tidewater');
  await page.getByRole('button', { name: 'Save settings' }).click();
  await told(page, 'Settings saved.');
  await other.getByLabel('Page name').fill('Highwater');
  await watch.expects(409, other, () => other.getByRole('button', { name: 'Save settings' }).click());
  await expect(other.getByRole('alert')).toContainText('Tidewater');
  await expect(other.getByLabel('Page name')).toHaveValue('Highwater');
  await other.getByRole('button', { name: 'Save settings' }).click();
  await told(other, 'Settings saved.');
  await expect(other.getByRole('link', { name: /^Highwater/ })).toBeVisible();
});
