import { addComponent, component, expectMessage, logIn, openFresh, openIncident, postUpdate } from '../steps';
import { expect, test } from '../test';

const TITLE = 'Search is slow';

test('published updates can be edited and deleted, and are audited', { tag: '@dates' }, async ({
  page,
  visitor,
  anotherBrowser,
  watch,
}) => {
  await logIn(page);
  await addComponent(page, 'Search');
  await addComponent(page, 'Upload');
  const first = { message: 'Answers take ten seconds.', components: { Search: 'Degraded performance' } };
  const id = await openIncident(page, TITLE, first);
  await postUpdate(page, id, { phase: 'Resolved', message: 'It is fast agian.' });

  await test.step('a changed text says that it was edited', async () => {
    await page.getByRole('link', { name: /^Edit the update of/ }).first().click();
    await expect(page.getByLabel('Message', { exact: true })).toHaveValue('It is fast agian.');
    await page.getByLabel('Message', { exact: true }).fill('It is fast again.');
    await page.getByRole('button', { name: 'Save changes' }).click();
    await expectMessage(page, 'Update saved and marked as edited.');
    await openFresh(visitor, `/incidents/${id}`);
    await expect(visitor.getByText('agian')).toHaveCount(0);
    const update = visitor.getByRole('listitem').filter({ hasText: 'It is fast again.' });
    await expect(update.locator('.edited')).toHaveText(/^edited (\d+ \w{3}( 20\d\d)?, )?\d\d:\d\d$/);
    await expect(update.locator('.edited time')).toHaveAttribute('datetime', /^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    await expect(visitor.locator('footer .zone')).toContainText('All times in UTC');
    await expect(visitor.getByText('edited')).toHaveCount(1);
  });

  await test.step('without the newest update the incident is back in the phase before it', async () => {
    await expect(page.getByRole('link', { name: /^Delete the update of/ }), 'only the newest can go').toHaveCount(1);
    await page.getByRole('link', { name: /^Delete the update of/ }).click();
    await expect(page.getByText('It is fast again.')).toBeVisible();
    await page.getByRole('button', { name: 'Delete the update' }).click();
    await expectMessage(page, 'Update deleted. The incident is back to its previous status.');
    await expect(page.getByRole('link', { name: /^Delete the update of/ }), 'the only one stays').toHaveCount(0);
    await openFresh(visitor, '/');
    await expect(visitor.getByRole('heading', { level: 1 })).toHaveText(/^Search: degraded performance since (\d+ \w{3}, )?\d\d:\d\d$/);
    await expect(component(visitor, 'Search')).toContainText('Degraded performance');
    await expect(visitor.getByRole('article')).toContainText('Investigating');
    await expect(visitor.getByText('It is fast again.')).toHaveCount(0);
  });

  await test.step('details can be changed', async () => {
    await page.getByRole('link', { name: 'Edit incident' }).click();
    await page.getByLabel('Title', { exact: true }).fill(`${TITLE}er`);
    await page.getByLabel('Impact', { exact: true }).selectOption('Major outage');
    await page.getByRole('button', { name: 'Publish changes' }).click();
    await expectMessage(page, 'Incident saved.');
    await openFresh(visitor, '/');
    await expect(visitor.getByRole('article')).toContainText(`${TITLE}er`);
    await expect(visitor.getByRole('article')).toContainText('Investigating · just now');
  });

  await test.step('an incident goes only with its title', async () => {
    await page.getByRole('link', { name: 'Delete the incident' }).click();
    const field = page.getByLabel('Type the title to confirm');
    await field.fill(TITLE);
    const press = () => page.getByRole('button', { name: 'Delete the incident' }).click();
    await watch.expects(422, page, press);
    await expect(field).toHaveAccessibleDescription('The title does not match.');
    await expect(field).toHaveValue(TITLE);
    await expect(field).toBeFocused();
    await field.fill(`${TITLE}er`);
    await press();
    await expectMessage(page, 'Incident deleted. The audit log keeps its text.');
    // The visitor's browser may serve its cached copy for some seconds.
    const another = await anotherBrowser();
    await watch.expects(404, another, () => another.goto(`/incidents/${id}`));
    await expect(another.getByRole('heading', { level: 1 })).toHaveText('Page not found');
    await openFresh(visitor, '/history');
    await expect(visitor.locator('main .panel')).toHaveText('No incidents reported.');
    await expect(visitor.locator('.entries')).toHaveCount(0);
    await openFresh(visitor, '/');
    await expect(visitor.getByRole('heading', { level: 1 })).toHaveText('All systems operational');
  });

  await test.step('the audit lists who did what', async () => {
    await page.goto('/admin/audit');
    const rows = page.getByRole('table').getByRole('row');
    for (const [index, words] of [
      `deleted incident ${TITLE}er`,
      `edited incident ${TITLE}er`,
      `deleted an update of incident ${TITLE}`,
      `edited an update of incident ${TITLE}`,
      `posted an update to incident ${TITLE}`,
      `opened incident ${TITLE}`,
      'added component Upload',
      'added component Search',
      'logged in',
    ].entries()) {
      await expect(rows.nth(index + 1)).toContainText(words);
      await expect(rows.nth(index + 1)).toContainText('Ines Duarte');
      await expect(rows.nth(index + 1)).toContainText('127.0.0.1');
    }
    const edit = rows.filter({ hasText: 'edited an update of' });
    await edit.getByText('Before and after').click();
    await expect(edit.locator('pre').first()).toContainText('It is fast agian.');
  });
});

test('incidents keep the name of a deleted component', async ({
  page,
  visitor,
}) => {
  await logIn(page);
  await addComponent(page, 'Fax');
  const id = await openIncident(page, 'No paper', { message: 'We look.', components: { Fax: 'Major outage' } });
  await postUpdate(page, id, { phase: 'Resolved', message: 'There is paper.' });
  await page.goto('/admin/components');
  await page.getByRole('link', { name: 'Edit Fax' }).click();
  await page.getByLabel('Name', { exact: true }).fill('Telefax');
  await page.getByLabel('Status').selectOption('Under maintenance');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await expectMessage(page, 'Component saved.');
  await openFresh(visitor, '/');
  await expect(visitor.getByRole('heading', { level: 1 })).toHaveText(/^Telefax: under maintenance since (\d+ \w{3}, )?\d\d:\d\d$/);
  await expect(component(visitor, 'Telefax')).toContainText('Under maintenance');

  await page.getByRole('link', { name: 'Edit Telefax' }).click();
  await page.getByRole('link', { name: 'Delete the component …' }).click();
  await page.getByRole('button', { name: 'Delete the component' }).click();
  await expectMessage(page, 'Component deleted.');
  await openFresh(visitor, '/');
  await expect(visitor.getByRole('heading', { level: 1 })).toHaveText('This status page is being set up');
  await expect(component(visitor, 'Telefax')).toHaveCount(0);
  await openFresh(visitor, `/incidents/${id}`);
  await expect(visitor.getByRole('definition').filter({ hasText: 'Fax' })).toBeVisible();
});
