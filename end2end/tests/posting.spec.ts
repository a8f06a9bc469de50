import { minutesAhead } from '../clock';
import { addComponent, compose, expectMessage, expectNoOverflow, logIn, openFresh, openIncident, openSection, previewPage } from '../steps';
import { expect, PUBLISHER, test } from '../test';

const TITLE = 'Uploads fail';

test('a hidden incident is previewed and published by hand', { tag: '@dates' }, async ({
  page,
  candor,
  anotherBrowser,
  visitor,
  watch,
}) => {
  const owner = await anotherBrowser();
  await logIn(owner);
  await addComponent(owner, 'Upload');
  await owner.getByRole('link', { name: 'Edit Upload', exact: true }).click();
  await owner.getByLabel('Uptime start date').fill(minutesAhead(-60 * 24 * 60).slice(0, 10));
  await owner.getByRole('button', { name: 'Save', exact: true }).click();
  await expectMessage(owner, 'Component saved.');
  await candor.addManager(PUBLISHER, 'publisher');
  await logIn(page, PUBLISHER);

  const hide = async () => {
    await page.locator('summary', { hasText: 'Visibility' }).click();
    await page.getByLabel('Visibility', { exact: true }).selectOption('Internal');
  };

  await test.step('it can be seen first, exactly as visitors would read it', async () => {
    await page.goto('/admin/incidents/new');
    await page.getByLabel('Title', { exact: true }).fill(TITLE);
    await compose(page, { phase: 'Identified', message: 'A disk is **full**.', components: { Upload: 'Major outage' } });
    await previewPage(page);
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('Preview of the page');
    const status = page.frameLocator('iframe[title^="/ as"]');
    await expect(status.getByRole('heading', { level: 1 })).toContainText('Upload: major outage');
    await expect(status.locator('.text strong')).toHaveText('full');
    // The frame has the public stylesheet.
    const display = () => status.locator('.banner').evaluate((it) => getComputedStyle(it).display);
    await expect.poll(display).toBe('flex');
    const documents = page.locator('#machine-documents');
    await documents.locator('summary').click();
    await expect(documents.getByText('/api/v2/summary.json', { exact: true })).toBeVisible();
    await expectNoOverflow(page);
    await openFresh(visitor, '/');
    await expect(visitor.getByRole('heading', { level: 1 })).toHaveText('All systems operational');
    await page.getByRole('button', { name: 'Back to editing' }).click();
    await expect(page.getByLabel('Title', { exact: true })).toHaveValue(TITLE);
    await expect(page.getByLabel('Upload', { exact: true })).toHaveValue('major_outage');
  });

  await test.step('it is kept for managers', async () => {
    await hide();
    await page.getByRole('button', { name: /^(Publish incident|Save internally)/ }).click();
    await expectMessage(page, "Incident saved. Not public yet.");
    await expectNoOverflow(page);
    const id = new URL(page.url()).pathname.split('/').pop()!;
    await watch.expects(404, visitor, () => visitor.goto(`/incidents/${id}`));
    await page.goto('/admin');
    await expect(page.locator('.card')).toContainText('Internal');
    await expect(page.locator('.board summary')).toHaveText(/Operational$/);
  });

  await test.step('it is published by hand', async () => {
    await page.getByRole('link', { name: TITLE, exact: true }).click();
    await page.getByRole('button', { name: 'Publish now' }).click();
    await expectMessage(page, 'Incident published.');
    await openFresh(visitor, '/');
    await expect(visitor.getByRole('heading', { level: 1 })).toContainText('Upload: major outage');
  });

  await test.step('it is resolved from the desk, reviewed, and its uptime corrected', async () => {
    await page.goto('/admin');
    await page.getByRole('link', { name: /^Resolve/ }).click();
    await expect(page.getByRole('radio', { name: 'Resolved' })).toBeChecked();
    await page.getByLabel('Message', { exact: true }).fill('There is room again.');
    await page.getByRole('button', { name: 'Resolve incident' }).click();
    await expectMessage(page, 'Update published.');
    await page.getByRole('link', { name: 'Write a postmortem' }).click();
    await page.getByLabel('Message', { exact: true }).fill('The disk had **no alarm**. It has one now.');
    await page.getByRole('button', { name: 'Preview', exact: true }).click();
    await expect(page.getByRole('region', { name: 'Preview as visitors see it' }).getByRole('strong')).toHaveText('no alarm');
    await previewPage(page);
    const incident = page.frameLocator('iframe[title^="/incidents/"]');
    await expect(incident.locator('#postmortem .text strong')).toHaveText('no alarm');
    await expectNoOverflow(page);
    await page.getByRole('button', { name: 'Back to editing' }).click();
    await expect(page.getByLabel('Message', { exact: true })).toHaveValue('The disk had **no alarm**. It has one now.');
    await page.getByRole('button', { name: 'Publish postmortem' }).click();
    await expectMessage(page, 'Postmortem published.');
    await expectNoOverflow(page);
    await openFresh(visitor, '/history');
    await visitor.getByRole('link', { name: 'postmortem' }).click();
    await expect(visitor.locator('#postmortem .text strong')).toHaveText('no alarm');
    await expectNoOverflow(visitor);

    await page.goto('/admin/components');
    await page.getByRole('link', { name: 'Uptime of Upload' }).click();
    const day = minutesAhead(-20 * 24 * 60).slice(0, 10);
    await page.getByLabel('From', { exact: true }).fill(`${day}T10:00`);
    await page.getByLabel('To', { exact: true }).fill(`${day}T10:30`);
    await page.getByLabel('Actual status').selectOption('Partial outage');
    await page.getByLabel('Reason').fill('Nobody told us in time.');
    await previewPage(page);
    const uptime = page.frameLocator('iframe[title^="/uptime?month="]');
    await expect(uptime.locator('.corrections')).toContainText('10:00 to 10:30 UTC counts as partial outage');
    await page.getByRole('button', { name: 'Publish' }).click();
    await expectMessage(page, 'Correction published.');
    await expectNoOverflow(page);
    await openFresh(visitor, '/uptime');
    const month = visitor.getByRole('link', { name: /^Upload, \w+ 20\d\d: .*30 min partial outage, corrected$/ });
    // On a phone, the months of a component are folded away.
    if (!(await month.isVisible())) await visitor.locator('summary').filter({ hasText: 'Upload' }).click();
    await month.click();
    await expect(visitor.locator('.corrections')).toContainText('10:00 to 10:30 UTC counts as partial outage: Nobody told us in time.');
    await expectNoOverflow(visitor);
  });
});

test('two managers share a template and a draft', async ({ page, candor, anotherBrowser, watch }) => {
  await candor.addManager(PUBLISHER, 'publisher');
  await logIn(page);
  await addComponent(page, 'Search');
  const colleague = await anotherBrowser();
  await logIn(colleague, PUBLISHER);

  await test.step('a placeholder that does not exist is refused beside its field', async () => {
    await openSection(page, 'Templates');
    await page.getByRole('link', { name: 'Add a template' }).click();
    await page.getByLabel('Name', { exact: true }).fill('Slow');
    await page.getByLabel('Title (optional)').fill('{{component}} is slow');
    await compose(page, { message: '{{cause}}', components: { Search: 'Degraded performance' } });
    const press = () => page.getByRole('button', { name: 'Add the template' }).click();
    await watch.expects(422, page, press);
    await expect(page.getByLabel('Message', { exact: true })).toHaveAccessibleDescription(/Unknown placeholder \{\{cause\}\}/);
    await page.getByLabel('Message', { exact: true }).fill('Since {{time}} answers take long.');
    await press();
    await expectMessage(page, 'Template saved.');
    await expectNoOverflow(page);
  });

  await test.step('the template fills the composer, which is left as a draft', async () => {
    await page.getByRole('link', { name: 'Use template' }).click();
    await expect(page.getByLabel('Title', { exact: true })).toHaveValue('Search is slow');
    await expect(page.getByLabel('Message', { exact: true })).toHaveValue(/^Since \d\d:\d\d UTC answers take long\.$/);
    await page.getByRole('button', { name: 'Save as draft' }).click();
    await expectMessage(page, "Draft saved. Everyone who publishes can see it; visitors can't.");
    await expectNoOverflow(page);
  });

  await test.step('a colleague goes on with it, and the first sees both texts', async () => {
    await colleague.goto('/admin');
    await colleague.locator('.draft').getByRole('link', { name: /^Open.*Search is slow/ }).click();
    await expect(colleague.getByText('Ines Duarte edited this just now')).toBeVisible();
    await expect(colleague.getByText(/^Ines Duarte is editing this since \d\d:\d\d\.$/)).toBeVisible();
    await expectNoOverflow(colleague);
    await colleague.getByLabel('Message', { exact: true }).fill('An index is rebuilt.');
    await colleague.getByRole('button', { name: 'Save as draft' }).click();
    await page.getByLabel('Message', { exact: true }).fill('We look into it.');
    await watch.expects(409, page, () => page.getByRole('button', { name: 'Publish incident' }).click());
    await expect(page.getByRole('alert')).toContainText('An index is rebuilt.');
    await expect(page.getByLabel('Message', { exact: true })).toHaveValue('We look into it.');
    await page.getByRole('button', { name: 'Publish incident' }).click();
    await expectMessage(page, 'Incident published.');
    await colleague.goto('/admin');
    await expect(colleague.locator('.draft')).toHaveCount(0);
  });

  await test.step('lists are searched', async () => {
    await page.goto('/admin/incidents');
    await page.getByLabel('Search incidents').fill('LOOK INTO');
    await page.getByRole('button', { name: 'Search' }).click();
    await expect(page.getByRole('rowheader')).toHaveText(['Search is slow']);
    await page.goto('/admin/audit');
    await page.getByLabel('Event', { exact: true }).selectOption('Drafts');
    await page.getByLabel('Actor', { exact: true }).fill('rui');
    await page.getByRole('button', { name: 'Search' }).click();
    await expect(page.getByRole('row')).toHaveCount(2);
    await expect(page.getByRole('row').nth(1)).toContainText('edited draft Search is slow');
  });
});

test('keyboard shortcuts navigate and can be turned off', async ({ page, javaScriptEnabled }) => {
  test.skip(javaScriptEnabled === false, 'keys need JavaScript');
  await logIn(page);
  await addComponent(page, 'Search');
  const heading = page.getByRole('heading', { level: 1 });
  // The keys work once the page is loaded.
  await page.waitForLoadState();
  await page.keyboard.type('gi');
  await expect(heading).toHaveText('Incidents');
  await page.waitForLoadState();
  await page.keyboard.type('/');
  await expect(page.getByLabel('Search incidents')).toBeFocused();
  await page.keyboard.type('gd');
  await expect(page.getByLabel('Search incidents'), 'what is typed stays text').toHaveValue('gd');
  await page.goto('/admin');
  await page.keyboard.press('n');
  await expect(heading).toHaveText('Create incident');
  await page.waitForLoadState();
  await page.getByLabel('Title', { exact: true }).fill(TITLE);
  await page.getByLabel('Message', { exact: true }).fill('We look.');
  await page.keyboard.press('Control+Enter');
  await expectMessage(page, 'Incident published.');
  await page.goto('/admin');
  await page.keyboard.press('r');
  await expect(page.getByRole('radio', { name: 'Resolved' })).toBeChecked();
  await expect(page.getByLabel('Message', { exact: true })).toBeFocused();
  await page.goto('/admin');
  await page.keyboard.press('?');
  await expect(heading).toHaveText('Keyboard shortcuts');
  await page.getByRole('button', { name: 'Disable shortcuts in this browser' }).click();
  await page.goto('/admin');
  await page.keyboard.press('n');
  await page.keyboard.press('?');
  await expect(heading).toHaveText('Dashboard');
});
