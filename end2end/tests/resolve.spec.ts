import { logIn, openIncident } from '../steps';
import { expect, test } from '../test';

test('Resolve puts the focus in the message, and typing keeps the status', async ({ page }) => {
  await logIn(page);
  await openIncident(page, 'Login fails', { phase: 'Investigating', message: 'We are looking into it.' });
  await page.goto('/admin');
  await page.getByRole('link', { name: /^Resolve/ }).click();
  const message = page.getByLabel('Message', { exact: true });
  await expect(message).toBeFocused();
  await page.keyboard.press('Space');
  await page.keyboard.type('Fixed at 12:00.');
  await expect(page.getByRole('radio', { name: 'Resolved' })).toBeChecked();
  await expect(page.getByRole('radio', { checked: true })).toHaveCount(1);
  await page.getByRole('button', { name: 'Resolve incident' }).click();
  await expect(page.getByRole('status')).toBeVisible();
  await expect(page.locator('.timeline strong').first()).toHaveText('Resolved');
});

test('Post update puts the focus in the message and presets the likely next status', async ({ page }) => {
  await logIn(page);
  await openIncident(page, 'Login fails', { phase: 'Identified', message: 'A disk is full.' });
  await page.goto('/admin');
  await page.getByRole('link', { name: /^Post update/ }).click();
  await expect(page.getByLabel('Message', { exact: true })).toBeFocused();
  await page.keyboard.press('Space');
  await expect(page.getByRole('radio', { name: 'Monitoring' })).toBeChecked();
});
