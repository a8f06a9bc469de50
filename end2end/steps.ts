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
  for (const [name, status] of Object.entries(input.components ?? {})) {
    await page.getByLabel(name, { exact: true }).selectOption(status);
  }
}

/** Opens an incident; returns its id. */
export async function openIncident(page: Page, title: string, input: ComposerInput): Promise<string> {
  await page.goto('/admin/incidents/new');
  await page.getByLabel('Title', { exact: true }).fill(title);
  await compose(page, input);
  await page.getByRole('button', { name: 'Publish' }).click();
  await expectMessage(page, 'Incident published.');
  return new URL(page.url()).pathname.split('/').pop()!;
}

export async function postUpdate(page: Page, id: string, input: ComposerInput): Promise<void> {
  await page.goto(`/admin/incidents/${id}`);
  await compose(page, input);
  await page.getByRole('button', { name: 'Publish update' }).click();
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
