import { minutesAhead } from '../clock';
import { addComponent, card, component, expectMessage, expectNoOverflow, logIn, openFresh } from '../steps';
import { expect, PUBLISHER, test } from '../test';

const TITLE = 'Storage upgrade';

test('a publisher schedules, starts, extends and completes a maintenance', { tag: '@dates' }, async ({
  page,
  candor,
  anotherBrowser,
  visitor,
  watch,
}) => {
  const owner = await anotherBrowser();
  await logIn(owner);
  await addComponent(owner, 'Archive');
  await candor.addManager(PUBLISHER, 'publisher');
  await logIn(page, PUBLISHER);

  await test.step('it is planned, and visitors see when', async () => {
    await page.goto('/admin/maintenances');
    await page.getByRole('link', { name: 'Schedule maintenance' }).click();
    await page.getByLabel('Title').fill(TITLE);
    await page.getByLabel('Message', { exact: true }).fill('The archive is **read-only**.');
    await page.getByLabel('Start', { exact: true }).fill(minutesAhead(48 * 60));
    await page.getByLabel('End', { exact: true }).fill(minutesAhead(50 * 60));
    await page.getByLabel('Archive').check();
    await expectNoOverflow(page);
    await page.getByRole('button', { name: 'Schedule maintenance' }).click();
    await expectMessage(page, 'Maintenance scheduled.');
    await openFresh(visitor, '/');
    await expect(visitor.getByRole('heading', { level: 1 })).toHaveText('All systems operational');
    await expect(visitor.getByRole('heading', { level: 2, name: 'Scheduled maintenance' })).toBeVisible();
    await expect(card(visitor, TITLE)).toContainText(/\w{3} \d\d:\d\d – (\w{3} )?\d\d:\d\d UTC/);
    await expect(card(visitor, TITLE).locator('.pill')).toHaveText('In 2 days');
    await expectNoOverflow(visitor);
  });

  await test.step('it begins before its time only after a question, and that can be undone', async () => {
    const startEarly = async () => {
      await page.getByRole('link', { name: 'Start early…' }).click();
      await expect(page.locator('.quoted')).toHaveText(TITLE);
      await expect(page.getByLabel('Notify subscribers')).toBeChecked();
      await expectNoOverflow(page);
      await page.getByRole('button', { name: 'Start now' }).click();
      await expectMessage(page, 'Maintenance started.');
    };
    await startEarly();
    await page.getByRole('button', { name: 'Undo the start' }).click();
    await expectMessage(page, 'Start undone. The maintenance is scheduled again.');
    await openFresh(visitor, '/');
    await expect(visitor.getByRole('heading', { level: 1 })).toHaveText('All systems operational');
    await startEarly();
    await openFresh(visitor, '/');
    await expect(visitor.getByRole('heading', { level: 1 })).toHaveText(/^Archive: under maintenance until .*\d\d:\d\d/);
    await expect(component(visitor, 'Archive')).toContainText('Under maintenance');
    await expect(visitor.getByRole('heading', { level: 2, name: 'Maintenance in progress' })).toBeVisible();
    await expect(card(visitor, TITLE).locator('.pill')).toHaveText(/^In progress · until .*\d\d:\d\d/);
  });

  await test.step('a wrong end is refused and a right one published', async () => {
    await page.getByRole('link', { name: 'Extend' }).click();
    const until = page.getByLabel('New end');
    await until.fill(minutesAhead(49 * 60));
    await watch.expects(422, page, () => page.getByRole('button', { name: 'Extend window' }).click());
    await expect(page.getByRole('alert')).toContainText('after the scheduled end');
    await until.fill(minutesAhead(53 * 60));
    await page.getByLabel('Message (optional)').fill('The copy is slower than we thought.');
    await page.getByRole('button', { name: 'Extend window' }).click();
    await expectMessage(page, 'Maintenance window extended.');
    await openFresh(visitor, '/');
    await expect(card(visitor, TITLE)).toContainText('The copy is slower than we thought.');
  });

  await test.step('it is completed', async () => {
    await page.getByRole('button', { name: 'Complete' }).click();
    await expectMessage(page, 'Maintenance completed.');
    await openFresh(visitor, '/');
    await expect(visitor.getByRole('heading', { level: 1 })).toHaveText('All systems operational');
    await expect(component(visitor, 'Archive')).toContainText('Operational');
    await expect(visitor.locator('.past.completed')).toContainText(/Maintenance, completed after (under )?\d+ min · Archive/);
    await visitor.locator('.past.completed').getByRole('link', { name: TITLE }).click();
    await expect(visitor.locator('.timeline > li .said strong')).toHaveText([
      'Completed',
      'In progress',
      'In progress',
      'Scheduled',
    ]);
    await expect(visitor.getByRole('link', { name: 'Add to calendar' })).toHaveAttribute('href', /\.ics$/);
    await expectNoOverflow(visitor);
  });
});
