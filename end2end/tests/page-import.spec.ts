import { expectMessage, logIn, openFresh } from '../steps';
import { expect, test } from '../test';

test.use({ hasOldPage: true });

test.describe('an owner who moves from another program', () => {
  test('imports the page in the guided setup', async ({ page, oldPage, visitor }) => {
    await logIn(page);
    await page.goto('/admin/setup/components');
    await page.getByLabel('Where the page is now').selectOption('Statuspage');
    await page.getByLabel('Address of the page').fill(oldPage.url);
    await page.getByRole('button', { name: 'Fetch and preview' }).click();
    const heading = page.getByRole('heading', { level: 1 });
    await expectMessage(page, 'Import started.');
    await expect(heading).toHaveText('Fetching the page');
    await expect(page.getByRole('progressbar', { name: 'Progress' })).toBeVisible();
    await expect(page.locator('[data-reload]'), 'the progress appears by itself').toContainText('/history.json?page=1');
    oldPage.finish();
    await expect(heading, 'so does the preview').toHaveText('Check the import', { timeout: 20_000 });
    await expect(page.getByRole('region', { name: 'New components' }).getByRole('listitem')).toHaveText(['Website', 'Tile API']);
    await expect(page.getByRole('region', { name: 'New incidents' })).toContainText('Tiles load slowly');
    await openFresh(visitor, '/');
    await expect(visitor.getByText('Tile API'), 'nothing is saved yet').toHaveCount(0);
    await page.getByRole('button', { name: 'Import 1 incident and 2 components' }).click();
    await expect(heading).toHaveText('Import finished', { timeout: 20_000 });
    await page.getByRole('link', { name: 'Continue setup' }).click();
    await expect(heading).toHaveText('Invite managers');
    await openFresh(visitor, '/');
    await expect(visitor.getByText('Tile API').first()).toBeVisible();
    await openFresh(visitor, '/incidents/q9s3e7u1a5lh');
    await expect(visitor.getByText('Tiles are fast again.')).toBeVisible();
  });

  test('stops an import and corrects an address', async ({ page, oldPage, watch }) => {
    await logIn(page);
    await page.goto('/admin/settings');
    await page.getByRole('navigation', { name: 'Settings' }).getByRole('link', { name: 'Import' }).click();
    const address = page.getByLabel('Address of the page');
    await address.fill('https://10.0.0.7');
    await watch.expects(422, page, () => page.getByRole('button', { name: 'Fetch and preview' }).click());
    await expect(address).toHaveAccessibleDescription(/it is not on the public internet/);
    await expect(address).toBeFocused();
    await address.fill(oldPage.url);
    await page.getByRole('button', { name: 'Fetch and preview' }).click();
    await page.getByRole('button', { name: 'Stop' }).click();
    const heading = page.getByRole('heading', { level: 1 });
    await expect(heading).toHaveText('Import discarded');
    await page.getByRole('link', { name: 'Import another page' }).click();
    await expect(page.getByRole('region', { name: 'Recent imports' })).toContainText('Discarded');
  });
});
