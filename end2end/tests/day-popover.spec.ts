import AxeBuilder from '@axe-core/playwright';
import { type Locator, type Page } from '@playwright/test';
import { component, expectNoOverflow } from '../steps';
import { expect, test } from '../test';

test.use({ initialData: 'sample to read' });

/** The popover of today, which the sample's open incident has. */
async function today(page: Page): Promise<{ target: Locator; popover: Locator }> {
  await page.goto('/');
  const row = component(page, 'Satellite imagery');
  const target = row.locator('button.d').last();
  await target.scrollIntoViewIfNeeded();
  return { target, popover: row.locator('.pop:not(#p-quiet)').last() };
}

async function expectDay(popover: Locator): Promise<void> {
  await expect(popover).toBeVisible();
  await expect(popover.locator('p b').first()).toHaveText(/^\w{3} \d+ \w{3} 20\d\d$/);
  await expect(popover.getByText('Counted as downtime').first()).toBeVisible();
  await expect(popover.getByRole('link', { name: /Satellite tiles are missing/ }).first()).toBeVisible();
  // Nothing is cut off.
  const beyond = await popover.evaluate((it) => [...it.querySelectorAll('*')].filter((part) => {
    const [inner, outer] = [part.getBoundingClientRect(), it.getBoundingClientRect()];
    return inner.right > outer.right + 1 || inner.left < outer.left - 1;
  }).length);
  expect(beyond, 'parts beyond the edge').toBe(0);
}

async function expectAccessible(page: Page, javaScriptEnabled: boolean | undefined): Promise<void> {
  if (javaScriptEnabled === false) return;
  const { violations } = await new AxeBuilder({ page }).withRules(['target-size', 'duplicate-id-aria', 'color-contrast']).analyze();
  expect(violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.target}`))).toEqual([]);
}

test('a click on a day opens its popover, which leads to the incident', async ({ page, javaScriptEnabled }) => {
  const { target, popover } = await today(page);
  await expect(popover).toBeHidden();
  await target.click();
  await expectDay(popover);
  await expectAccessible(page, javaScriptEnabled);
  await popover.getByRole('button', { name: 'Close' }).click();
  await expect(popover).toBeHidden();
  await target.click();
  await popover.getByRole('link', { name: /Satellite tiles are missing/ }).first().click();
  await expect(page).toHaveURL(/\/incidents\/\w+$/);
});

test('the keyboard opens a day, reaches its links and closes it', async ({ page }) => {
  const { target, popover } = await today(page);
  await target.focus();
  await page.keyboard.press('Enter');
  await expectDay(popover);
  await page.keyboard.press('Tab');
  await expect(popover.locator(':focus')).toHaveCount(1);
  await page.keyboard.press('Escape');
  await expect(popover).toBeHidden();
  await expect(target).toBeFocused();
});

test.describe('on a touch screen of 360 px', () => {
  test.use({ viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true });

  test('a tap on a day opens its popover within the window', async ({ page, javaScriptEnabled }) => {
    const { target, popover } = await today(page);
    await target.tap();
    await expectDay(popover);
    const box = (await popover.boundingBox())!;
    expect(box.x).toBeGreaterThanOrEqual(0);
    expect(box.x + box.width).toBeLessThanOrEqual(360);
    expect(box.y + box.height).toBeLessThanOrEqual(740);
    await expectNoOverflow(page);
    await expectAccessible(page, javaScriptEnabled);
  });

  test('every target over the bars is at least 24 px wide, and none overlap', async ({ page }) => {
    await page.goto('/');
    await page.locator('details.panel').evaluateAll((all: HTMLDetailsElement[]) => all.forEach((it) => (it.open = true)));
    for (const row of await page.locator('li.row').all()) {
      const targets = row.locator('.d');
      const boxes = (await Promise.all((await targets.all()).map((it) => it.boundingBox()))).filter((box) => box !== null);
      boxes.sort((a, b) => a.x - b.x);
      for (const [at, box] of boxes.entries()) {
        expect(box.width, await row.innerText()).toBeGreaterThanOrEqual(24);
        expect(box.height, await row.innerText()).toBeGreaterThanOrEqual(24);
        if (at > 0) expect(box.x).toBeGreaterThanOrEqual(boxes[at - 1].x + boxes[at - 1].width - 1);
      }
    }
  });
});

test.describe('with a script', () => {
  test.skip(({ javaScriptEnabled }) => javaScriptEnabled === false, 'quiet days have no button without a script');

  test('a quiet day answers too', async ({ page }) => {
    await page.goto('/');
    const bars = component(page, 'Geocoding').locator('.bars');
    await bars.scrollIntoViewIfNeeded();
    const { width, height } = (await bars.boundingBox())!;
    await bars.click({ position: { x: width / 3, y: height / 2 } });
    const quiet = page.locator('#p-quiet');
    await expect(quiet).toBeVisible();
    await expect(quiet).toHaveText(/^\w{3} \d+ \w{3} 20\d\dNo incidents$/);
    await page.keyboard.press('Escape');
    await expect(quiet).toBeHidden();
  });

  test('arrow keys go from day to day and from row to row', async ({ page }) => {
    const { target, popover } = await today(page);
    await target.focus();
    await page.keyboard.press('ArrowLeft');
    const focused = page.locator(':focus');
    await expect(focused).toHaveAccessibleName(/^Satellite imagery, .*: No incidents$/);
    await expect(page.locator('#p-quiet')).toBeVisible();
    const label = await focused.getAttribute('aria-label');
    await page.keyboard.press('ArrowLeft');
    await expect(focused).not.toHaveAttribute('aria-label', label!);
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    await expect(target).toBeFocused();
    await expectDay(popover);
    await page.keyboard.press('ArrowDown');
    await expect(component(page, 'Geocoding').locator(':focus')).toHaveCount(1);
    await expect(popover).toBeHidden();
  });

  test('the status page has at most 25 tab stops', async ({ page }) => {
    await page.goto('/');
    const stops = await page.evaluate(() => {
      const all = document.querySelectorAll<HTMLElement>('a[href], button, summary, input, select, textarea, [tabindex]');
      return [...all].filter((it) => it.tabIndex >= 0 && it.checkVisibility()).map((it) => it.ariaLabel ?? it.textContent);
    });
    expect(stops.length, stops.join('\n')).toBeLessThanOrEqual(25);
  });
});
