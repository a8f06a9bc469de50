import { expectMessage, logIn, openFresh } from '../steps';
import { expect, test } from '../test';

const LOGO = {
  name: 'logo.svg',
  mimeType: 'image/svg+xml',
  buffer: Buffer.from(
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><path fill="#6a3fc8" d="M2 20 12 3l10 17z"/></svg>',
  ),
};
const HOSTILE = {
  name: 'logo.svg',
  mimeType: 'image/svg+xml',
  buffer: Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><script>alert(1)</script></svg>'),
};

test.describe('the brand', () => {
  test('is previewed in its frame and saved', async ({ page, javaScriptEnabled }) => {
    await logIn(page);
    await page.goto('/admin/brand');
    const frame = page.frameLocator('iframe[title="Preview of the status page"]');
    await expect(frame.getByRole('heading', { level: 1 })).toBeVisible();
    await page.getByLabel('Header text (optional)').fill('Nightjar');
    await page.getByLabel('Logo', { exact: true }).setInputFiles(LOGO);
    await page.getByRole('radio', { name: 'Violet' }).check();
    if (!javaScriptEnabled) await page.getByRole('button', { name: 'Preview' }).click();
    await expect(frame.getByRole('banner')).toContainText('Nightjar');
    await expect(frame.getByRole('banner').locator('img')).toBeVisible();
    await expect(page).toHaveURL(/\/admin\/brand$/);
    await page.getByRole('button', { name: 'Save brand' }).click();
    await expectMessage(page, 'Brand saved. The page shows it now.');
    await expect(page.getByText('in every page, no extra request')).toBeVisible();
    await page.goto('/');
    await expect(page.getByRole('banner')).toContainText('Nightjar');
  });

  test('refuses a hostile logo beside its field', async ({ page, watch }) => {
    await logIn(page);
    await page.goto('/admin/brand');
    await page.getByLabel('Logo', { exact: true }).setInputFiles(HOSTILE);
    await watch.expects(422, page, () => page.getByRole('button', { name: 'Save brand' }).click());
    await expect(page.getByLabel('Logo', { exact: true })).toHaveAttribute('aria-invalid', 'true');
    await expect(page.getByLabel('Logo', { exact: true })).toHaveAccessibleDescription(/script/);
  });

  test('can be chosen with the keyboard at the width of a phone', async ({ page }) => {
    await page.setViewportSize({ width: 360, height: 800 });
    await logIn(page);
    await page.goto('/admin/brand');
    await page.getByRole('radio', { name: 'Green' }).focus();
    await page.keyboard.press('ArrowRight');
    await expect(page.getByRole('radio', { name: 'Teal' })).toBeChecked();
    await page.getByLabel('Support (optional)').fill('help@example.org');
    await page.keyboard.press('Enter');
    await expectMessage(page, 'Brand saved. The page shows it now.');
    await expect(page.getByRole('radio', { name: 'Teal' })).toBeChecked();
  });
});

test.describe('an announcement', () => {
  test('is shown above the status until it is ended', async ({ page }) => {
    await logIn(page);
    await page.goto('/admin/announcements');
    await page.getByRole('link', { name: 'New announcement' }).click();
    await page.getByLabel('Title').fill('Office closed on Friday');
    await page.getByRole('button', { name: 'Publish announcement' }).click();
    await expectMessage(page, 'Announcement saved. Visitors see it from its start on.');
    await page.goto('/');
    await expect(page.getByRole('region', { name: 'Announcements' })).toContainText('Office closed on Friday');
    await page.goto('/admin/announcements');
    await page.getByRole('button', { name: /^End now ?: Office closed on Friday$/ }).click();
    await expectMessage(page, 'Announcement ended.');
    await openFresh(page, '/');
    await expect(page.getByText('Office closed on Friday')).toHaveCount(0);
  });
});

test.describe('the guided setup', () => {
  test('names the page, lists components and leaves a checklist', async ({ page }) => {
    await logIn(page);
    await page.goto('/admin/setup/page');
    await page.getByLabel('Page name').fill('Tidewater');
    await page.getByRole('button', { name: 'Continue' }).click();
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('Make the page yours');
    await page.getByRole('link', { name: 'Skip', exact: true }).click();
    await page.getByLabel('Components, one a line').fill('Tide gauges\nBuoys');
    await page.getByRole('button', { name: 'Continue' }).click();
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('Invite managers');
    await page.getByRole('button', { name: 'Finish setup' }).click();
    await expectMessage(page, 'Setup finished. The checklist says what is left to do.');
    await expect(page.getByRole('region', { name: 'Get started' })).toContainText('Done: Set up the page');
    await page.goto('/');
    await expect(page.getByText('Tide gauges')).toBeVisible();
  });
});
