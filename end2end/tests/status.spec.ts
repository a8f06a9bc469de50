import { expectNoOverflow, openFresh } from '../steps';
import { expect, test } from '../test';

test.describe('with the sample', () => {
  test.use({ initialData: 'sample to read' });

  test('a group opens and closes, and keeps its history in sight', async ({ page }) => {
    await page.goto('/');
    const group = page.locator('details.panel').nth(1);
    const [summary, rows] = [group.locator('> summary'), group.locator('li.row')];
    await expect(group).not.toHaveAttribute('open', '');
    await expect(rows.first()).toBeHidden();
    await expect(summary.locator('.own svg')).toBeVisible();
    await summary.click();
    await expect(rows.first()).toBeVisible();
    await expect(summary.locator('.own')).toBeHidden();
    await summary.focus();
    await page.keyboard.press('Enter');
    await expect(rows.first()).toBeHidden();
  });

  test('a group with a problem is open and says how many', async ({ page }) => {
    await page.goto('/');
    const group = page.locator('details.panel').first();
    await expect(group).toHaveAttribute('open', '');
    await expect(group.locator('> summary .state')).toHaveText('1 of 4 in partial outage');
  });

  test('an update has an address of its own', async ({ page }) => {
    await page.goto('/');
    await page.locator('#open-incidents h3 a').click();
    const update = page.locator('.timeline > li').last();
    const link = update.getByRole('link', { name: 'Link to this update' });
    await link.click();
    await expect(page).toHaveURL(/\/incidents\/\w+#update-\w+$/);
    await expect(update).toHaveAttribute('id', new URL(page.url()).hash.slice(1));
    await expect(page.locator('.timeline > li:target')).toHaveCount(1);
    await expect(update).toHaveCSS('outline-style', 'solid');
    await expect(update).toBeInViewport();
  });

  test('the promised next update is in the banner, in the card and on its page', async ({ page }) => {
    await page.goto('/');
    const due = /Next update due by .*\d\d:\d\d/;
    await expect(page.locator('.banner')).toContainText(due);
    await expect(page.locator('#open-incidents .foot')).toContainText(due);
    await page.locator('#open-incidents h3 a').click();
    await expect(page.locator('.banner')).toContainText(due);
  });

  test('nothing scrolls sideways at 320 px', async ({ page }) => {
    await page.setViewportSize({ width: 320, height: 640 });
    for (const path of ['/', '/history', '/uptime', '/subscribe', '/api']) {
      await page.goto(path);
      await expectNoOverflow(page);
    }
  });
});

test.describe('with a promise that is not kept', () => {
  test.use({ initialData: 'sample' });

  test('everybody reads that the update was due', async ({ page, candor }) => {
    await candor.advancePromises(120);
    // Any change publishes.
    await candor.shell(['component', 'set', 'Account - Billing', 'degraded_performance']);
    await expect(async () => {
      await openFresh(page, '/');
      await expect(page.locator('.banner')).toContainText(/Update was due at .*\d\d:\d\d/, { timeout: 1000 });
    }).toPass({ timeout: 20_000 });
    await expect(page.locator('#open-incidents .foot .due')).toHaveText(/^Update was due at .*\d\d:\d\d/);
    await expect(page.getByText('Next update due')).toHaveCount(0);
    await page.locator('#open-incidents h3 a').click();
    await expect(page.locator('.banner')).toContainText('Update was due at');
  });
});
