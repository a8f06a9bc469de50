import { type Page } from '@playwright/test';
import { card, expectPreview, logIn } from '../steps';
import { expect, OWNER, test } from '../test';

test.use({ initialData: 'sample' });

/** Presses `key` until the control called `name` has the focus, which must be visible at every stop. */
async function tabTo(page: Page, name: RegExp, key = 'Tab'): Promise<void> {
  const focused = page.locator(':focus');
  for (let stop = 0; stop < 200; stop++) {
    await page.keyboard.press(key);
    // In the frame of a preview, whose page has tests of its own. The frame itself does not match `:focus`.
    if (await page.evaluate(() => document.activeElement instanceof HTMLIFrameElement)) continue;
    await expect(focused, 'the focus is somewhere').toHaveCount(1);
    await expect(focused).toBeInViewport();
    expect(await hasFocusRing(page), `the focus is visible on ${await focused.evaluate((it) => it.outerHTML)}`).toBe(true);
    const words = await focused.evaluate((it: HTMLInputElement) => it.ariaLabel ?? it.labels?.[0]?.textContent ?? it.textContent ?? '');
    if (name.test(words.trim())) return;
  }
  throw new Error(`Tab never came to ${name}`);
}

/** Whether the focused element, or the label or the box that represents it, has an outline. */
function hasFocusRing(page: Page): Promise<boolean> {
  return page.evaluate(() => {
    const focused = document.activeElement;
    const wearers = [focused, focused?.closest('label, .message-box')].filter((it): it is Element => Boolean(it));
    return wearers.some((it) => {
      const { outlineStyle, outlineWidth, opacity } = getComputedStyle(it);
      return outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2 && opacity !== '0';
    });
  });
}

test('an update can be published with the keyboard alone', async ({ page, visitor }) => {
  const message = 'Typed without a mouse.';
  const { keyboard } = page;
  await page.goto('/login');
  await expect(page.getByLabel('Email')).toBeFocused();
  await keyboard.type(OWNER.email);
  await tabTo(page, /^Password$/);
  await keyboard.type(OWNER.password);
  await keyboard.press('Enter');
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Dashboard');

  await tabTo(page, /^Post update/);
  await keyboard.press('Enter');
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Satellite tiles are missing over the Bay of Biscay');
  await expect(page.locator('#body-count')).toHaveText('0 of 25,000');
  await expect(page.getByLabel('Message', { exact: true })).toBeFocused();
  await tabTo(page, /^Monitoring$/, 'Shift+Tab');
  await keyboard.press('ArrowLeft');
  await expect(page.getByRole('radio', { name: 'Identified' })).toBeChecked();
  await keyboard.press('ArrowRight');
  await expect(page.getByRole('radio', { name: 'Monitoring' })).toBeChecked();
  await tabTo(page, /^Message$/);
  await keyboard.type(message);
  await expect(page.locator('.preview')).toContainText(message);
  await tabTo(page, /^Satellite imagery$/);
  await keyboard.type('Degraded');
  await expect(page.getByLabel('Satellite imagery')).toHaveValue('degraded_performance');
  await tabTo(page, /^Add a component$/);
  await keyboard.type('geo');
  await keyboard.press('Enter');
  await expect(page.getByLabel('Geocoding')).toBeFocused();
  await expect(page.getByLabel('Geocoding')).toHaveValue('degraded_performance');
  await tabTo(page, /^Remove Geocoding$/);
  await keyboard.press('Enter');
  await expect(page.getByLabel('Add a component')).toBeFocused();
  await expect(page.getByLabel('Geocoding')).toBeHidden();
  await tabTo(page, /^None$/);
  await keyboard.press('ArrowRight');
  await expect(page.getByRole('radio', { name: '15 min' })).toBeChecked();
  // The way to the button leads through the preview.
  await expectPreview(page, 'Next update due by');
  await tabTo(page, /^Publish update/);
  await keyboard.press('Enter');
  await expect(page.getByRole('status')).toHaveText('Update published.');

  await visitor.goto('/');
  await expect(card(visitor, 'Satellite tiles are missing over the Bay of Biscay')).toContainText(message);
});

test('a new preview leaves the focus on its tab', async ({ page }) => {
  await logIn(page);
  await page.goto('/admin/incidents/new');
  const message = page.getByLabel('Message', { exact: true });
  await message.fill('First.');
  await expectPreview(page, 'First.');
  const tab = page.getByRole('tab', { name: 'Status page' });
  await message.fill('Second.');
  await tab.focus();
  await expectPreview(page, 'Second.');
  await expect(tab).toBeFocused();
});

test('the first tab stop skips to the content', async ({ page }) => {
  for (const path of ['/', '/history']) {
    await page.goto(path);
    await page.keyboard.press('Tab');
    const skip = page.getByRole('link', { name: 'Skip to content' });
    await expect(skip).toBeFocused();
    await expect(skip).toBeInViewport({ ratio: 1 });
    await page.keyboard.press('Enter');
    await expect(page).toHaveURL(/#main$/);
    await page.keyboard.press('Tab');
    await expect(page.locator('main :focus')).toHaveCount(1);
  }
});

test('all controls of public pages are reachable with visible focus', async ({ page }) => {
  await page.goto('/');
  await tabTo(page, /^Full history$/);
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('History');
  await tabTo(page, /^Search titles and updates$/);
  await page.keyboard.type('severn');
  await page.keyboard.press('Enter');
  await expect(page.locator('.entries > li')).toHaveCount(1);
  await tabTo(page, /^Tide predictions unavailable/);
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Tide predictions unavailable for the Severn Estuary');
});
