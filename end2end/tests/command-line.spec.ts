import { type APIRequestContext } from '@playwright/test';
import { addComponent, card, component, logIn } from '../steps';
import { expect, test } from '../test';

/** The running server shows a change by the command line within a second. */
async function expectSoon(request: APIRequestContext, path: string, words: string): Promise<void> {
  const text = async () => (await request.get(path)).text();
  await expect.poll(text, { timeout: 1000, intervals: [50] }).toContain(words);
}

test('changes by the command line show within a second', async ({ page, request, candor }) => {
  await logIn(page);
  for (const name of ['Billing', 'Dashboard']) await addComponent(page, name);
  const title = 'The office is under water';
  const args = ['incident', 'open', '--title', title, '--phase', 'identified', '--component', 'Billing=major_outage'];
  await page.goto('/');
  const opened = await candor.shell([...args, '--body', '-'], 'We write this from a boat.\n');
  const id = /^Opened (\S+):/.exec(opened)![1];
  await expectSoon(request, '/', title);
  await page.reload();
  await expect(card(page, title)).toContainText('We write this from a boat.');
  await expect(component(page, 'Billing')).toContainText('Major outage');

  await candor.shell(['incident', 'update', id, '--phase', 'monitoring', '--body', 'The pumps *run*.']);
  await expectSoon(request, `/incidents/${id}`, 'The pumps');
  await candor.shell(['incident', 'resolve', id, '--body', 'The water is gone.']);
  await expectSoon(request, `/incidents/${id}`, 'The water is gone.');
  await page.goto(`/incidents/${id}`);
  await expect(page.locator('.timeline > li .said strong')).toHaveText(['Resolved', 'Monitoring', 'Identified']);

  await candor.shell(['component', 'set', 'Billing', 'under_maintenance']);
  await expectSoon(request, '/', 'Under maintenance');
  await page.goto('/');
  await page.reload();
  await expect(component(page, 'Billing')).toContainText('Under maintenance');
  await expect(component(page, 'Dashboard')).toContainText('Operational');
});
