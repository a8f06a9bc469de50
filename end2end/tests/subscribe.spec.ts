import AxeBuilder from '@axe-core/playwright';
import { type Page } from '@playwright/test';
import { expectNoOverflow } from '../steps';
import { expect, test } from '../test';

const RULES = ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa', 'best-practice'];
const EMAIL = 'rita@example.org';

test.use({ initialData: 'sample', hasMail: true });

async function subscribe(page: Page, url = '/subscribe'): Promise<void> {
  await page.goto(url);
  await page.getByLabel('E-mail address').fill(EMAIL);
  await page.getByRole('button', { name: 'Subscribe by e-mail' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(`Open the mail we sent to ${EMAIL}`);
}

test('a visitor subscribes, confirms, changes and unsubscribes', async ({ page, mailServer, watch }) => {
  await page.goto('/');
  await page.getByRole('link', { name: 'Subscribe', exact: true }).click();
  await expect(page).toHaveURL(/\/subscribe$/);
  await expect(page.getByRole('link', { name: 'Subscribe', exact: true })).toHaveCount(0);
  await subscribe(page);
  const [confirm] = await mailServer.links(EMAIL);
  await page.goto(confirm);
  await expect(page.getByText(EMAIL)).toBeVisible();
  await page.getByRole('button', { name: 'Confirm' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('You are subscribed');

  await page.getByRole('link', { name: 'Change what you get' }).click();
  await page.getByText('Some components').click();
  await page.locator('.group').first().getByRole('checkbox').first().check();
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByRole('status').getByText('Saved.')).toBeVisible();
  await expect(page.locator('.group').first().getByRole('checkbox').first()).toBeChecked();
  await page.getByRole('button', { name: 'Pause' }).click();
  await expect(page.getByText('Paused since')).toBeVisible();
  await page.getByRole('button', { name: 'Resume' }).click();
  await expect(page.getByText('Paused since')).toHaveCount(0);

  await page.getByRole('link', { name: 'Unsubscribe' }).click();
  await page.getByRole('button', { name: 'Unsubscribe' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('You are unsubscribed');
  await watch.expects(404, page, () => page.goto(confirm));
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('This link is not valid');
});

test('an incident offers updates on itself', async ({ page, mailServer }) => {
  await page.goto('/');
  await page.getByRole('link', { name: 'Get updates on this incident' }).first().click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Get updates on this incident');
  await subscribe(page, page.url());
  expect((await mailServer.links(EMAIL)).length).toBeGreaterThan(0);
});

test('the chosen channel shows its own fields', async ({ page }) => {
  await page.goto('/subscribe');
  const endpoint = page.getByLabel('URL that gets the messages');
  await expect(endpoint).toBeHidden();
  await page.getByText('Slack', { exact: true }).click();
  await expect(endpoint).toBeVisible();
  await expect(page.getByText('It begins with https://hooks.slack.com/.')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Subscribe in Slack' })).toBeVisible();
  await page.getByText('Feed or calendar').click();
  await expect(page.getByRole('link', { name: /history\.atom$/ })).toBeVisible();
  await expect(page.getByRole('button', { name: /Subscribe/ })).toBeHidden();
});

test('a wrong field keeps what was typed', async ({ page, watch }) => {
  await page.goto('/subscribe');
  await page.getByText('Webhook', { exact: true }).click();
  await page.getByLabel('E-mail address').fill(EMAIL);
  await page.getByLabel('URL that gets the messages').fill('https://127.0.0.1/hook');
  await page.getByText('Some components').click();
  await watch.expects(422, page, () => page.getByRole('button', { name: 'Subscribe by webhook' }).click());
  await expect(page.getByRole('alert')).toContainText('fix 2 fields');
  await expect(page.getByLabel('E-mail address')).toHaveValue(EMAIL);
  await expect(page.getByLabel('URL that gets the messages')).toHaveValue('https://127.0.0.1/hook');
  await expect(page.getByText('Choose at least one component')).toBeVisible();
});

for (const width of [320, 360, 1280]) {
  test.describe(`${width} px wide`, () => {
    test.use({ viewport: { width, height: 800 } });

    test('every page of a subscriber is accessible and fits', async ({ page, mailServer, watch, javaScriptEnabled }) => {
      test.setTimeout(120_000);
      const check = async () => {
        await expectNoOverflow(page);
        // axe runs in the page.
        if (javaScriptEnabled === false) return;
        for (const colorScheme of ['light', 'dark'] as const) {
          await page.emulateMedia({ colorScheme });
          const { violations } = await new AxeBuilder({ page }).withTags(RULES).analyze();
          expect(violations, page.url()).toEqual([]);
        }
      };
      await page.goto('/subscribe');
      await check();
      await page.getByText('Webhook', { exact: true }).click();
      await page.getByText('Some components').click();
      for (const summary of await page.locator('.group summary .count').all()) await summary.click();
      await check();
      await watch.expects(422, page, () => page.getByRole('button', { name: 'Subscribe by webhook' }).click());
      await expect(page.getByRole('alert')).toBeVisible();
      await check();
      await subscribe(page);
      await check();
      const [confirm] = await mailServer.links(EMAIL);
      await page.goto(confirm);
      await check();
      await page.getByRole('button', { name: 'Confirm' }).click();
      await check();
      await page.getByRole('link', { name: 'Change what you get' }).click();
      await check();
      await page.getByRole('button', { name: /Delete my data/ }).click();
      await check();
      await page.goto('/subscribe/links');
      await check();
      await watch.expects(404, page, () => page.goto('/subscribe/manage/x.y'));
      await check();
    });
  });
}
