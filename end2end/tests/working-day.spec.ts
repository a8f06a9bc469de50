import { addComponent, addGroup, card, component, compose, fits, logIn, look, postUpdate, told } from '../steps';
import { expect, test } from '../test';

const TITLE = 'Mail arrives late';
const MINUTES = 125;

test('a manager tells of an incident from its begin to its end, and a visitor follows it', async ({ page, visitor }) => {
  await test.step('before it, the page has components and nothing is wrong', async () => {
    await logIn(page);
    await addGroup(page, 'Mail');
    await addComponent(page, 'Sending', 'Mail');
    await addComponent(page, 'Receiving', 'Mail');
    await addComponent(page, 'Website');
    await look(visitor, '/');
    await expect(visitor.getByRole('heading', { level: 1 })).toHaveText('All Systems Operational');
    await expect(visitor.getByText('All 3 components are operational.')).toBeVisible();
    await expect(visitor.getByRole('heading', { level: 3, name: 'Mail', exact: true })).toBeVisible();
    await expect(component(visitor, 'Receiving')).toContainText('Operational');
    await fits(visitor);
  });

  await test.step('a preview shows the message as visitors will read it, and publishes nothing', async () => {
    await page.goto('/admin');
    await page.getByRole('link', { name: 'Open an incident' }).click();
    await page.getByLabel('Title').fill(TITLE);
    await compose(page, {
      phase: 'Investigating',
      message: 'Mails wait for **up to an hour**.\n\nNothing is lost.',
      components: { Sending: 'Partial outage', Receiving: 'Degraded performance' },
    });
    await page.getByText('Details: times, impact, internal note').click();
    await page.getByLabel('Started').fill(minutesAgo(MINUTES));
    await page.getByLabel('Detected by').fill('Monitoring');
    await page.getByLabel('Internal note').fill('The queue on mx2, see runbook 12.');
    await page.getByRole('button', { name: 'Preview' }).click();
    const preview = page.getByRole('region', { name: 'As visitors will read it' });
    await expect(preview.getByRole('strong').filter({ hasText: 'up to an hour' })).toBeVisible();
    await expect(preview).toContainText('Investigating');
    await expect(page.getByLabel('Title')).toHaveValue(TITLE);
    await expect(page.getByLabel('Sending')).toHaveValue('partial_outage');
    await expect(page.getByLabel('Detected by')).toHaveValue('Monitoring');
    await fits(page);
    await look(visitor, '/');
    await expect(visitor.getByRole('heading', { level: 1 })).toHaveText('All Systems Operational');
  });

  const id = await test.step('it is published as it was previewed', async () => {
    await page.getByRole('button', { name: 'Publish incident' }).click();
    await told(page, 'The incident is published.');
    await fits(page);
    return new URL(page.url()).pathname.split('/').pop()!;
  });

  await test.step('the visitor reads it on the status page', async () => {
    await visitor.reload();
    await expect(visitor.getByRole('heading', { level: 1 })).toHaveText('Minor Service Outage');
    await expect(visitor.getByText(/^2 of 3 components are not operational: 1 in partial outage, 1 degraded/)).toBeVisible();
    await visitor.getByRole('link', { name: 'Why: 1 open incident' }).click();
    await expect(visitor).toHaveURL(/#open-incidents$/);
    await expect(card(visitor, TITLE)).toContainText(/Minor · open for 2h [56]m/);
    for (const name of ['Sending', 'Receiving']) await expect(card(visitor, TITLE)).toContainText(name);
    await expect(card(visitor, TITLE)).toContainText('detected by Monitoring');
    await expect(card(visitor, TITLE).getByRole('strong').filter({ hasText: 'up to an hour' })).toBeVisible();
    await expect(component(visitor, 'Sending')).toContainText('Partial outage');
    await expect(component(visitor, 'Receiving')).toContainText('Degraded performance');
    await expect(component(visitor, 'Website')).toContainText('Operational');
    await expect(visitor.getByText('runbook')).toHaveCount(0);
    await fits(visitor);
  });

  await test.step('and in the history', async () => {
    await visitor.getByRole('link', { name: 'History', exact: true }).click();
    await expect(visitor.getByRole('heading', { level: 1 })).toHaveText('Incident history');
    await expect(card(visitor, TITLE)).toContainText('Timeline, 1 update');
    await expect(visitor.getByText(/^1 incident since /)).toBeVisible();
    await fits(visitor);
  });

  const updates = [
    { phase: 'Identified', message: 'One of two queues stands still.', components: { Receiving: 'Operational' } },
    { phase: 'Monitoring', message: 'The queue moves again.', components: { Sending: 'Degraded performance' } },
  ];
  for (const [index, update] of updates.entries()) {
    await test.step(`${update.phase.toLowerCase()} is read everywhere`, async () => {
      await postUpdate(page, id, update);
      for (const path of ['/', '/history', `/incidents/${id}`]) {
        await look(visitor, path);
        const newest = visitor.getByRole('article').getByRole('listitem').filter({ hasText: update.message });
        await expect(newest).toContainText(update.phase);
        await expect(newest).toBeVisible();
      }
      await expect(visitor.getByRole('heading', { level: 2, name: `${index + 2} updates` })).toBeVisible();
      await expect(visitor.getByRole('definition').filter({ hasText: 'still open' })).toBeVisible();
    });
  }

  await test.step('components follow the updates', async () => {
    await look(visitor, '/');
    await expect(visitor.getByRole('heading', { level: 1 })).toHaveText('Partially Degraded Service');
    await expect(component(visitor, 'Sending')).toContainText('Degraded performance');
    await expect(component(visitor, 'Receiving')).toContainText('Operational');
  });

  await test.step('resolved, everything is operational and the page says how long it took', async () => {
    await postUpdate(page, id, { phase: 'Resolved', message: 'All mail has arrived.' });
    await look(visitor, '/');
    await expect(visitor.getByRole('heading', { level: 1 })).toHaveText('All Systems Operational');
    await expect(component(visitor, 'Sending')).toContainText('Operational');
    await expect(visitor.getByRole('article')).toHaveCount(0);
    await expect(visitor.locator('.past').filter({ hasText: TITLE })).toContainText(/2h [56]m/);
    await fits(visitor);

    await look(visitor, '/history');
    await expect(card(visitor, TITLE)).toContainText(/2h [56]m/);
    await expect(card(visitor, TITLE)).toContainText('All mail has arrived.');
    await expect(visitor.getByText(/^1 incident since .*, 2h [56]m in all, 1\.0 per month, all time\.$/)).toBeVisible();

    await card(visitor, TITLE).getByRole('link', { name: TITLE }).click();
    await expect(visitor).toHaveURL(`/incidents/${id}`);
    await visitor.reload();
    await expect(visitor.getByRole('heading', { level: 1 })).toHaveText(TITLE);
    await expect(visitor.getByRole('definition').filter({ hasText: /^2h [56]m$/ })).toBeVisible();
    await expect(visitor.getByRole('definition').filter({ hasText: 'Monitoring' })).toBeVisible();
    await expect(visitor.getByRole('heading', { level: 2, name: '4 updates' })).toBeVisible();
    await expect(visitor.locator('.timeline > li .said strong')).toHaveText([
      'Resolved',
      'Monitoring',
      'Identified',
      'Investigating',
    ]);
    await expect(visitor.getByText('runbook')).toHaveCount(0);
    await fits(visitor);
  });
});

/** As a `datetime-local` in UTC, the zone of a fresh page. */
function minutesAgo(minutes: number): string {
  return new Date(Date.now() - minutes * 60_000).toISOString().slice(0, 16);
}
