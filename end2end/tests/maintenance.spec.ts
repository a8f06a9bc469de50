import { minutesAhead } from '../clock';
import { addComponent, card, component, fits, logIn, look, told } from '../steps';
import { expect, PUBLISHER, test } from '../test';

const TITLE = 'Storage upgrade';

test('a publisher plans a maintenance, begins, extends and completes it', { tag: '@dates' }, async ({
  page,
  candor,
  anotherBrowser,
  visitor,
  watch,
}) => {
  const owner = await anotherBrowser();
  await logIn(owner);
  await addComponent(owner, 'Archive');
  await candor.letIn(PUBLISHER, 'publisher');
  await logIn(page, PUBLISHER);

  await test.step('it is planned, and visitors see when', async () => {
    await page.goto('/admin/maintenances');
    await page.getByRole('link', { name: 'Schedule maintenance' }).click();
    await page.getByLabel('Title').fill(TITLE);
    await page.getByLabel('Message', { exact: true }).fill('The archive is **read-only**.');
    await page.getByLabel('Start', { exact: true }).fill(minutesAhead(48 * 60));
    await page.getByLabel('End', { exact: true }).fill(minutesAhead(50 * 60));
    await page.getByLabel('Archive').check();
    await fits(page);
    await page.getByRole('button', { name: 'Schedule maintenance' }).click();
    await told(page, 'Maintenance scheduled.');
    await look(visitor, '/');
    await expect(visitor.getByRole('heading', { level: 1 })).toHaveText('All Systems Operational');
    await expect(card(visitor, TITLE)).toContainText(/Scheduled · \w{3} \d+ \w{3}( \d{4})?, \d\d:\d\d to /);
    await fits(visitor);
  });

  await test.step('it begins before its time only after a question, and that can be undone', async () => {
    const startEarly = async () => {
      await page.getByRole('link', { name: 'Start early…' }).click();
      await expect(page.locator('.quoted')).toHaveText(TITLE);
      await expect(page.getByText('Nobody is notified by e-mail.')).toBeVisible();
      await fits(page);
      await page.getByRole('button', { name: 'Start now' }).click();
      await told(page, 'Maintenance started.');
    };
    await startEarly();
    await page.getByRole('button', { name: 'Undo the start' }).click();
    await told(page, 'Start undone. The maintenance is scheduled again.');
    await look(visitor, '/');
    await expect(visitor.getByRole('heading', { level: 1 })).toHaveText('All Systems Operational');
    await startEarly();
    await look(visitor, '/');
    await expect(visitor.getByRole('heading', { level: 1 })).toHaveText('Service Under Maintenance');
    await expect(component(visitor, 'Archive')).toContainText('Under maintenance');
    await expect(card(visitor, TITLE)).toContainText('Maintenance in progress');
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
    await told(page, 'Maintenance window extended.');
    await look(visitor, '/');
    await expect(card(visitor, TITLE)).toContainText('The copy is slower than we thought.');
  });

  await test.step('it is completed', async () => {
    await page.getByRole('button', { name: 'Complete' }).click();
    await told(page, 'Maintenance completed.');
    await look(visitor, '/');
    await expect(visitor.getByRole('heading', { level: 1 })).toHaveText('All Systems Operational');
    await expect(component(visitor, 'Archive')).toContainText('Operational');
    await expect(visitor.locator('.past.resolved')).toContainText('Maintenance completed');
    await visitor.locator('.past.resolved').getByRole('link', { name: TITLE }).click();
    await expect(visitor.locator('.timeline > li .said strong')).toHaveText([
      'Completed',
      'In progress',
      'In progress',
      'Scheduled',
    ]);
    await expect(visitor.getByRole('link', { name: 'Add to calendar' })).toHaveAttribute('href', /\.ics$/);
    await fits(visitor);
  });
});
