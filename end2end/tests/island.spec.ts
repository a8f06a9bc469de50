import { addComponent, compose, logIn, openIncident, openPreview, expectMessage } from '../steps';
import { expect, test } from '../test';

const COUNT = '#body-count';

test('the composer previews the message and counts its characters', async ({ page }) => {
  await logIn(page);
  await page.goto('/admin/incidents/new');
  const preview = page.getByRole('region', { name: 'Preview as visitors see it' });
  await expect(page.locator(COUNT)).toHaveText('0 of 25,000');
  await page.getByLabel('Message').pressSequentially('It is **late** today');
  await expect(page.locator(COUNT)).toHaveText('20 of 25,000');
  await openPreview(page);
  await expect(preview.locator('.prose strong')).toHaveText('late');
  await page.getByRole('radio', { name: 'Identified' }).check();
  await expect(preview.locator('.said')).toContainText('Identified');
  await page.getByLabel('Message').fill('');
  await expect(preview.locator('.prose')).toHaveText('');
});

const OFFER = 'You have unsaved text from an earlier visit.';

test('unsaved input of every field is offered after a reload and forgotten once it is posted', async ({ page }) => {
  const text = 'Half a sentence, and then the train went into a tunnel.';
  await logIn(page);
  await addComponent(page, 'Trains');
  await page.goto('/admin/incidents/new');
  await page.getByLabel('Title').fill('Trains are late');
  await compose(page, { phase: 'Identified', message: text, components: { Trains: 'Partial outage' } });
  await expect(page.getByText('Saved locally as you type.')).toBeVisible();
  await expect(page.locator('.preview')).toContainText(text);

  await page.reload();
  await expect(page.getByText(OFFER)).toContainText('Trains are late');
  await expect(page.getByLabel('Message')).toHaveValue('');
  await page.getByRole('button', { name: 'Restore' }).click();
  await expect(page.getByLabel('Message')).toHaveValue(text);
  await expect(page.getByLabel('Title')).toHaveValue('Trains are late');
  await expect(page.getByRole('radio', { name: 'Identified' })).toBeChecked();
  await expect(page.getByLabel('Trains', { exact: true })).toHaveValue('partial_outage');
  await expect(page.locator('.preview')).toContainText(text);

  await page.getByRole('button', { name: 'Publish incident' }).click();
  await expectMessage(page, 'Incident published.');
  await page.goto('/admin/incidents/new');
  await expect(page.locator(COUNT)).toHaveText('0 of 25,000');
  await expect(page.getByText(OFFER)).toHaveCount(0);
});

test('unsaved input of one incident never fills the form of another', async ({ page }) => {
  await logIn(page);
  const drafts = ['The trams stand.', 'The ferries wait.'];
  const ids: string[] = [];
  for (const title of ['Trams', 'Ferries']) {
    ids.push(await openIncident(page, title, { message: `About ${title}.` }));
  }
  for (const [index, id] of ids.entries()) {
    await page.goto(`/admin/incidents/${id}`);
    await expect(page.getByText(OFFER)).toHaveCount(0);
    await compose(page, { message: drafts[index] });
    await expect(page.locator('.preview')).toContainText(drafts[index]);
  }
  for (const [index, id] of ids.entries()) {
    await page.goto(`/admin/incidents/${id}`);
    await page.getByRole('button', { name: 'Restore' }).click();
    await expect(page.getByLabel('Message')).toHaveValue(drafts[index]);
  }

  for (const title of ['Buses', 'Boats']) {
    await page.goto('/admin/incidents/new');
    await page.getByLabel('Title').fill(title);
    await page.getByLabel('Message').fill(`Only about ${title}.`);
  }
  await page.goto('/admin/incidents/new');
  await expect(page.getByLabel('Message')).toHaveValue('');
  const buses = page.locator('.conflict').filter({ hasText: 'Buses' });
  await buses.getByRole('button', { name: 'Restore' }).click();
  await expect(page.getByLabel('Message')).toHaveValue('Only about Buses.');
  await page.locator('.conflict').filter({ hasText: 'Boats' }).getByRole('button', { name: 'Discard' }).click();
  await expect(page.getByLabel('Message')).toHaveValue('Only about Buses.');
});

test('hydration does not shift the layout', async ({ page }) => {
  await logIn(page);
  await page.goto('/admin/incidents/new', { waitUntil: 'commit' });
  const button = page.getByRole('button', { name: 'Publish incident' });
  const before = await button.boundingBox();
  await expect(page.locator(COUNT)).toHaveText('0 of 25,000');
  expect(await button.boundingBox()).toEqual(before);
});
