import { compose, expectMessage, logIn, openIncident } from '../steps';
import { expect, test } from '../test';

const COUNT = '#body-count';

test('the composer previews the message and counts its characters', async ({ page }) => {
  await logIn(page);
  await page.goto('/admin/incidents/new');
  const preview = page.getByRole('region', { name: 'Preview as visitors see it' });
  await expect(page.locator(COUNT)).toHaveText('0 of 25,000');
  await page.getByLabel('Message').pressSequentially('It is **late** today');
  await expect(page.locator(COUNT)).toHaveText('20 of 25,000');
  await expect(preview.locator('.prose strong')).toHaveText('late');
  await page.getByRole('radio', { name: 'Identified' }).check();
  await expect(preview.locator('.said')).toContainText('Identified');
  await page.getByLabel('Message').fill('');
  await expect(preview.locator('.prose')).toHaveText('');
});

test('unsaved text survives a reload and is deleted when posted', async ({ page }) => {
  const text = 'Half a sentence, and then the train went into a tunnel.';
  await logIn(page);
  await page.goto('/admin/incidents/new');
  await expect(page.locator(COUNT)).toHaveText('0 of 25,000');
  await page.getByLabel('Message').fill(text);
  await expect(page.getByText('Saved locally as you type.')).toBeVisible();
  await expect(page.locator('.preview')).toContainText(text);

  await page.reload();
  await expect(page.getByLabel('Message')).toHaveValue(text);
  await expect(page.getByText('Your unsaved text was restored.')).toBeVisible();
  await expect(page.locator('.preview')).toContainText(text);

  await page.getByLabel('Title').fill('Trains are late');
  await page.getByRole('button', { name: 'Publish' }).click();
  await expectMessage(page, 'Incident published.');
  await expect(page.locator(COUNT)).toHaveText('0 of 25,000');
  await page.goto('/admin/incidents/new');
  await expect(page.locator(COUNT)).toHaveText('0 of 25,000');
  await expect(page.getByLabel('Message')).toHaveValue('');
});

test('unsaved texts of two incidents are separate', async ({ page }) => {
  await logIn(page);
  const drafts = ['The trams stand.', 'The ferries wait.'];
  const ids: string[] = [];
  for (const title of ['Trams', 'Ferries']) {
    ids.push(await openIncident(page, title, { message: `About ${title}.` }));
  }
  for (const [index, id] of ids.entries()) {
    await page.goto(`/admin/incidents/${id}`);
    await expect(page.locator(COUNT)).toHaveText('0 of 25,000');
    await compose(page, { message: drafts[index] });
    await expect(page.locator('.preview')).toContainText(drafts[index]);
  }
  for (const [index, id] of ids.entries()) {
    await page.goto(`/admin/incidents/${id}`);
    await expect(page.getByLabel('Message')).toHaveValue(drafts[index]);
    await expect(page.locator('.preview')).toContainText(drafts[index]);
  }
});

test('hydration does not shift the layout', async ({ page }) => {
  await logIn(page);
  await page.goto('/admin/incidents/new', { waitUntil: 'commit' });
  const button = page.getByRole('button', { name: 'Publish' });
  const before = await button.boundingBox();
  await expect(page.locator(COUNT)).toHaveText('0 of 25,000');
  expect(await button.boundingBox()).toEqual(before);
});
