import {
  addComponent,
  affect,
  compose,
  expectMessage,
  expectNoOverflow,
  expectPreview,
  logIn,
  openFresh,
  openIncident,
  openPreview,
  previewPage,
  UPDATE_BUTTON,
} from '../steps';
import { minutesAhead } from '../clock';
import { expect, test } from '../test';

const TITLE = 'Search is slow';

test('the next update is promised, counted down to, and replaced', async ({ page, visitor, javaScriptEnabled }) => {
  await logIn(page);
  await addComponent(page, 'Search');
  await page.goto('/admin/incidents/new');
  await page.getByLabel('Title', { exact: true }).fill(TITLE);
  await compose(page, { message: 'We are looking into it.', components: { Search: 'Partial outage' } });
  await page.getByRole('radio', { name: '30 min' }).check();
  await expectNoOverflow(page);
  await page.getByRole('button', { name: 'Publish incident' }).click();
  await expectMessage(page, 'Incident published.');
  await openFresh(visitor, '/');
  await expect(visitor.getByText(/Next update due by (\d+ \w{3}( \d{4})?, )?\d\d:\d\d/).first()).toBeVisible();

  await page.goto('/admin');
  const strip = page.locator('.card .strip');
  await expect(strip).toContainText(/Next update due in (29|30) min/);
  await expect(strip.locator('.in-time')).toBeVisible();
  if (javaScriptEnabled !== false) {
    await page.evaluate(() => {
      document.querySelector<HTMLElement>('[data-left]')!.dataset.left = '-250';
      document.dispatchEvent(new Event('visibilitychange'));
    });
    await expect(strip).toContainText('Overdue by 4 min');
    await expect(strip.locator('.when-late')).toBeVisible();
  }
  await expectNoOverflow(page);

  await page.getByRole('link', { name: /^Post update/ }).click();
  await expect(page.getByRole('radio', { name: '30 min' }), 'the same interval again').toBeChecked();
  await page.getByRole('radio', { name: 'Other…' }).check();
  await page.getByLabel('Minutes or time').fill('45');
  await page.getByLabel('Message', { exact: true }).fill('A disk is full.');
  await expectPreview(page, 'A disk is full.');
  await expectNoOverflow(page);
  await page.getByRole('button', { name: UPDATE_BUTTON }).click();
  await expectMessage(page, 'Update published.');
  await page.goto('/admin');
  await expect(strip).toContainText(/Next update due in (44|45) min/);
});

test('an unreadable promise is refused beside its field', async ({ page, watch }) => {
  await logIn(page);
  await page.goto('/admin/incidents/new');
  await page.getByLabel('Title', { exact: true }).fill(TITLE);
  await page.getByLabel('Message', { exact: true }).fill('We are looking into it.');
  await page.getByRole('radio', { name: 'Other…' }).check();
  await page.getByLabel('Minutes or time').fill('soon');
  await watch.expects(422, page, () => page.getByRole('button', { name: 'Publish incident' }).click());
  await expect(page.locator('#next_update-error')).toHaveText(/^Write minutes/);
  await expect(page.getByLabel('Minutes or time')).toHaveValue('soon');
  await expectNoOverflow(page);
});

test('a message that contradicts its status is asked about before it is published', async ({
  page,
  watch,
  javaScriptEnabled,
}) => {
  await logIn(page);
  const id = await openIncident(page, TITLE, { phase: 'Identified', message: 'A disk is full.' });
  await page.goto(`/admin/incidents/${id}`);
  await expect(page.getByRole('radio', { name: 'Monitoring' }), 'the likely next status').toBeChecked();
  await page.getByLabel('Message', { exact: true }).fill('The problem has been resolved.');
  const hint = page.getByText('The message says “resolved”, but another status is chosen.');
  if (javaScriptEnabled !== false) await expect(hint).toBeVisible();
  await watch.expects(409, page, () => page.getByRole('button', { name: 'Publish update' }).click());
  await expect(page.getByRole('alert')).toContainText('says “resolved”, but the status is Monitoring');
  await expect(page.getByLabel('Message', { exact: true })).toHaveValue('The problem has been resolved.');
  await expectNoOverflow(page);
  await page.getByRole('button', { name: 'Publish as Resolved' }).click();
  await expectMessage(page, 'Update published.');
  await expect(page.locator('.timeline strong').first()).toHaveText('Resolved');
});

test('the primary button says what will happen', async ({ page }) => {
  await logIn(page);
  const id = await openIncident(page, TITLE, { phase: 'Identified', message: 'A disk is full.' });
  await page.goto(`/admin/incidents/${id}`);
  await expect(page.locator('.bar .primary')).toHaveCount(1);
  await expect(page.getByRole('button', { name: 'Publish update' })).toBeInViewport();
  await page.getByRole('radio', { name: 'Resolved' }).check();
  await expect(page.getByRole('button', { name: 'Resolve incident' })).toBeInViewport();
  await expect(page.getByRole('group', { name: 'Affected components' })).toBeHidden();
  await page.goto('/admin/incidents/new');
  await page.locator('summary', { hasText: 'Visibility' }).click();
  await page.getByLabel('Visibility', { exact: true }).selectOption('Internal');
  await expect(page.getByRole('button', { name: 'Save internally' })).toBeVisible();
});

test('the number of subscribers follows the chosen components', async ({ page, candor, javaScriptEnabled }) => {
  await logIn(page);
  for (const name of ['Search', 'Maps']) await addComponent(page, name);
  await candor.addSubscriber('ana@example.org');
  await candor.addSubscriber('leo@example.org', 'Maps');
  await page.goto('/admin/incidents/new');
  const button = (count: string) => page.getByRole('button', { name: `Publish incident and notify ${count}` });
  // With JavaScript, the first preview replaces the upper bound.
  await expect(button('up to 2 subscribers')).toBeVisible();
  await page.getByLabel('Title', { exact: true }).fill(TITLE);
  await compose(page, { phase: 'Identified', message: 'A disk is full.' });
  await affect(page, 'Search', 'Major outage');
  if (javaScriptEnabled === false) {
    await previewPage(page);
    await expect(page.locator('#messages')).toContainText('Sent to 1 subscriber if the form says to notify');
    return;
  }
  await openPreview(page);
  await expect(button('1 subscriber')).toBeVisible();
  await expect(page.getByLabel('Notify 1 subscriber', { exact: true })).toBeChecked();
  await affect(page, 'Maps', 'Major outage');
  await expect(button('2 subscribers')).toBeVisible();
});

test('a default sentence of the chosen status is inserted', async ({ page, javaScriptEnabled }) => {
  await logIn(page);
  await page.goto('/admin/incidents/new');
  await page.getByRole('radio', { name: 'Identified' }).check();
  await page.locator('summary', { hasText: 'Insert text' }).click();
  const sentence = page.getByText('The issue has been identified and a fix is being implemented.');
  await expect(sentence).toBeVisible();
  await expect(page.getByText('We are currently investigating this issue.')).toBeHidden();
  if (javaScriptEnabled === false) return;
  await sentence.click();
  await expect(page.getByLabel('Message', { exact: true })).toHaveValue(
    'The issue has been identified and a fix is being implemented.',
  );
});

test('several components change at once, and become an incident together', async ({ page, visitor }) => {
  await logIn(page);
  for (const name of ['Search', 'Maps', 'Mail']) await addComponent(page, name);
  await page.goto('/admin');
  for (const name of ['Search', 'Maps']) await page.getByRole('checkbox', { name }).check();
  await page.locator('.selection summary').click();
  await expectNoOverflow(page);
  await page.locator('.selection').getByRole('button', { name: 'Degraded performance' }).click();
  await expectMessage(page, 'Status of the selected components updated.');
  await openFresh(visitor, '/');
  await expect(visitor.getByRole('heading', { level: 1 })).toContainText('Search');
  await expect(visitor.getByRole('heading', { level: 1 })).toContainText('Maps');

  for (const name of ['Search', 'Mail']) await page.getByRole('checkbox', { name }).check();
  await page.locator('.selection').getByRole('button', { name: 'New incident' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Create incident');
  for (const name of ['Search', 'Mail']) {
    await expect(page.getByLabel(name, { exact: true })).toHaveValue('degraded_performance');
  }
  await affect(page, 'Maps', 'Major outage');
  await expectNoOverflow(page);
});

test('a maintenance is left as a draft and scheduled later', async ({ page }) => {
  await logIn(page);
  await page.goto('/admin/maintenances/new');
  await page.getByLabel('Title', { exact: true }).fill('New disks');
  await page.getByLabel('Message', { exact: true }).fill('We move to new disks.');
  await page.getByRole('button', { name: 'Save as draft' }).click();
  await expectMessage(page, "Draft saved. Everyone who publishes can see it; visitors can't.");
  await page.goto('/admin');
  await expect(page.locator('.draft')).toContainText('Maintenance draft by');
  await page.locator('.draft').getByRole('link', { name: /^Open/ }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Schedule maintenance');
  await expect(page.getByLabel('Message', { exact: true })).toHaveValue('We move to new disks.');
  await expectNoOverflow(page);
});

test('a past incident gets several updates with their own times', async ({ page, visitor, watch }) => {
  const unsaved = page.getByText('You have unsaved text from an earlier visit.');
  const update = (number: number) => page.getByRole('group', { name: `Update ${number}`, exact: true });
  const [first, second, early, removed, last] = [-180, -170, -190, -120, -100].map(minutesAhead);
  const fill = async (number: number, status: string, time: string, message: string) => {
    await update(number).getByRole('radio', { name: status }).check();
    await update(number).getByLabel('Time', { exact: true }).fill(time);
    await update(number).getByLabel('Message', { exact: true }).fill(message);
  };
  await logIn(page);
  await addComponent(page, 'Search');
  await page.goto('/admin/incidents');
  await page.getByRole('link', { name: 'Add past incident' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Add past incident');
  await page.getByLabel('Title', { exact: true }).fill(TITLE);
  await affect(page, 'Search', 'Partial outage');
  await fill(1, 'Investigating', first, 'Search answers slowly.');

  await test.step('an update is added with what was typed kept', async () => {
    await page.getByRole('button', { name: 'Add update' }).click();
    await expect(update(2).getByRole('radio', { name: 'Identified' }), 'the likely next status').toBeFocused();
    await expect(update(1).getByLabel('Message', { exact: true })).toHaveValue('Search answers slowly.');
    await expect(page.getByLabel('Search', { exact: true })).toHaveValue('partial_outage');
    await fill(2, 'Identified', early, 'A disk is full.');
    await page.getByRole('button', { name: 'Add update' }).click();
    await fill(3, 'Monitoring', removed, 'This one is removed.');
    await page.getByRole('button', { name: 'Add update' }).click();
    await fill(4, 'Resolved', last, 'The disk was replaced.');
    await expectNoOverflow(page);
  });

  await test.step('the Enter key removes nothing, the button does', async () => {
    await page.getByLabel('Title', { exact: true }).press('Enter');
    await expect(page.locator('#preview')).toContainText('The disk was replaced.');
    await expect(update(4)).toBeVisible();
    await page.getByRole('button', { name: 'Remove update 3' }).click();
    await expect(update(4)).toHaveCount(0);
    await expect(update(3).getByLabel('Message', { exact: true })).toHaveValue('The disk was replaced.');
    await expect(unsaved).toHaveCount(0);
  });

  await test.step('a wrong time is refused beside its row', async () => {
    await watch.expects(422, page, () => page.getByRole('button', { name: 'Publish incident' }).click());
    await expect(update(2)).toContainText('This is earlier than the previous update.');
    await expect(update(2).getByLabel('Time', { exact: true })).toBeFocused();
    await expect(update(3).getByLabel('Message', { exact: true })).toHaveValue('The disk was replaced.');
    await expectNoOverflow(page);
    await update(2).getByLabel('Time', { exact: true }).fill(second);
  });

  await expectPreview(page, 'A disk is full.');
  await page.getByRole('button', { name: 'Publish incident' }).click();
  await expectMessage(page, 'Incident published.');
  const id = new URL(page.url()).pathname.split('/').pop()!;
  await openFresh(visitor, `/incidents/${id}`);
  await expect(visitor.locator('.banner')).toContainText('Added retroactively.');
  for (const words of ['Search answers slowly.', 'A disk is full.', 'The disk was replaced.']) {
    await expect(visitor.getByText(words)).toBeVisible();
  }
  await expect(visitor.getByText('This one is removed.')).toHaveCount(0);
  for (const time of [first, second, last]) {
    await expect(visitor.locator(`time[datetime="${time}:00Z"]`).first()).toBeAttached();
  }
  await page.goto('/admin/incidents/new?past=1');
  await expect(unsaved, 'what was published is not offered again').toHaveCount(0);
});
