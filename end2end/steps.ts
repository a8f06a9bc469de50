import { expect, type Locator, type Page } from '@playwright/test';
import { type Candor } from './candor';
import { OWNER } from './test';

/** Logs in and waits for the dashboard. */
export async function logIn(page: Page, who = OWNER): Promise<void> {
  await page.goto('/login');
  await page.getByLabel('Email').fill(who.email);
  await page.getByLabel('Password').fill(who.password);
  await page.getByRole('button', { name: 'Log in', exact: true }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Dashboard');
}

/** Logs out; on a phone, the button is in the menu. */
export async function logOut(page: Page): Promise<void> {
  const button = page.getByRole('button', { name: 'Log out', exact: true });
  if (!(await button.isVisible())) await page.getByRole('button', { name: 'Menu', exact: true }).click();
  await button.click();
}

/** Follows a link of the admin's navigation; on a phone, it is in the menu. */
export async function openSection(page: Page, name: string): Promise<void> {
  const link = page.getByRole('navigation', { name: 'Admin', exact: true }).getByRole('link', { name, exact: true });
  const menu = page.getByRole('button', { name: 'Menu', exact: true });
  await expect(link.or(menu).first()).toBeVisible();
  if (!(await link.isVisible())) await menu.click();
  await link.click();
}

/** Opens the preview beside a composer, which is folded on a phone. */
export async function openPreview(page: Page): Promise<void> {
  const panel = page.locator('#preview');
  if ((await panel.getAttribute('open')) === null) await panel.locator('summary').click();
}

/** Goes from a composer to the preview of the page; on a phone, the button is folded away. */
export async function previewPage(page: Page): Promise<void> {
  const button = page.getByRole('button', { name: 'Preview page' });
  if (!(await button.isVisible())) await page.locator('#preview > summary').click();
  await button.click();
}

/** Opens a page without the browser's cache. */
export async function openFresh(page: Page, path: string): Promise<void> {
  await page.goto(path);
  await page.reload();
}

/** Checks the message about the last action. */
export async function expectMessage(page: Page, words: string): Promise<void> {
  await expect(page.getByRole('status')).toHaveText(words);
}

export async function addGroup(page: Page, name: string): Promise<void> {
  await page.goto('/admin/components');
  await page.getByRole('link', { name: 'Add a group' }).click();
  await page.getByLabel('Name', { exact: true }).fill(name);
  await page.getByRole('button', { name: 'Add the group' }).click();
  await expectMessage(page, 'Group added.');
}

export async function addComponent(page: Page, name: string, group?: string): Promise<void> {
  await page.goto('/admin/components');
  await page.getByRole('link', { name: 'Add a component' }).click();
  await page.getByLabel('Name', { exact: true }).fill(name);
  if (group) await page.getByLabel('Group', { exact: true }).selectOption(group);
  await page.getByRole('button', { name: 'Add component' }).click();
  await expectMessage(page, 'Component added.');
}

export type ComposerInput = { phase?: string; message: string; components?: Record<string, string> };

export async function compose(page: Page, input: ComposerInput): Promise<void> {
  if (input.phase) {
    const phase = page.getByRole('radio', { name: input.phase });
    await phase.check();
    await expect(phase).toBeChecked();
  }
  await page.getByLabel('Message', { exact: true }).fill(input.message);
  for (const [name, status] of Object.entries(input.components ?? {})) await affect(page, name, status);
}

/** Chooses the status of a component in a composer; adds the component if it is not affected yet. */
export async function affect(page: Page, name: string, status: string): Promise<void> {
  const select = page.getByLabel(name, { exact: true });
  if (!(await select.isVisible())) {
    const search = page.getByLabel('Add a component', { exact: true });
    if (await search.isVisible()) {
      await search.fill(name);
      await search.press('Enter');
    } else await page.locator('summary', { hasText: /^Add components/ }).click();
  }
  await select.selectOption(status);
}

/** Sets the status of a component in its menu on the dashboard. */
export async function setStatus(page: Page, name: string, status: string): Promise<void> {
  const row = page.locator('.board li').filter({ has: page.getByText(name, { exact: true }) });
  await row.locator('summary').click();
  await row.getByRole('button', { name: status, exact: true }).click();
  await expectMessage(page, 'Status updated.');
}

/** Checks that the preview beside a composer shows `words`: on the whole page with JavaScript, else as text. */
export async function expectPreview(page: Page, words: string): Promise<void> {
  const panel = page.locator('.live-preview');
  if ((await panel.getAttribute('open')) === null) await panel.locator('summary').click();
  if (await page.evaluate(() => matchMedia('(scripting: enabled)').matches)) {
    await expect(page.frameLocator('.live-preview iframe').getByText(words).first()).toBeVisible();
    return;
  }
  await page.getByRole('button', { name: 'Preview', exact: true }).click();
  await expect(page.getByRole('region', { name: 'Preview as visitors see it' })).toContainText(words);
}

/** Opens an incident; returns its id. */
export async function openIncident(page: Page, title: string, input: ComposerInput): Promise<string> {
  await page.goto('/admin/incidents/new');
  await page.getByLabel('Title', { exact: true }).fill(title);
  await compose(page, input);
  await page.getByRole('button', { name: 'Publish incident' }).click();
  await expectMessage(page, 'Incident published.');
  return new URL(page.url()).pathname.split('/').pop()!;
}

/** The primary button of an update, which says whether it resolves the incident. */
export const UPDATE_BUTTON = /^(Publish update|Resolve incident)/;

export async function postUpdate(page: Page, id: string, input: ComposerInput): Promise<void> {
  await page.goto(`/admin/incidents/${id}`);
  await compose(page, input);
  await page.getByRole('button', { name: UPDATE_BUTTON }).click();
  await expectMessage(page, 'Update published.');
}

/** Waits until the page says that it is stale, more than a minute after the database was lost. */
export async function waitUntilStale(candor: Candor): Promise<void> {
  const isStale = async () => (await fetch(candor.url)).text().then((html) => html.includes('Last updated at'));
  await expect.poll(isStale, { message: 'the page says how old it is', timeout: 120_000 }).toBe(true);
}

/** A component's row on the public page. */
export function component(page: Page, name: string): Locator {
  return page.locator('li.row').filter({ has: page.getByText(name, { exact: true }) });
}

/** An incident's card. */
export function card(page: Page, title: string): Locator {
  return page.getByRole('article').filter({ has: page.getByRole('heading', { name: title, exact: true }) });
}

/** Checks that the page is not wider than the window. */
export async function expectNoOverflow(page: Page): Promise<void> {
  const beyond = () => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  await expect.soft(beyond(), `what ${page.url()} has beyond the right edge, in px`).resolves.toBe(0);
}
