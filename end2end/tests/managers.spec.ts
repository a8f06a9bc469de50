import { type Page } from '@playwright/test';
import { addComponent, expectMessage, logIn, openFresh, openIncident, postUpdate } from '../steps';
import { expect, OWNER, test, VIEWER as VERA } from '../test';

const PAULA = { name: 'Paula Reis', email: 'paula@example.org', password: 'seven grey lighthouses' };

type Person = typeof PAULA;

/** Invites a manager; returns the link. */
async function invite(page: Page, who: Person, role: string): Promise<string> {
  await page.goto('/admin/managers');
  await page.getByLabel('Name').fill(who.name);
  await page.getByLabel('Email').fill(who.email);
  await page.getByLabel('Role').selectOption(role);
  await page.getByRole('button', { name: 'Create invite link' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Invitation link');
  return page.getByLabel('The link').inputValue();
}

async function accept(page: Page, link: string, who: Person): Promise<void> {
  await page.goto(link);
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Choose a password');
  await expect(page.getByText(who.email)).toBeVisible();
  await page.getByLabel('Password').fill(who.password);
  await page.getByRole('button', { name: 'Set the password and log in' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Dashboard');
}

async function openManager(page: Page, who: { name: string }): Promise<void> {
  await page.goto('/admin/managers');
  await page.getByRole('table').getByRole('link', { name: who.name }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(who.name);
}

test('an invited publisher publishes until the account is deactivated', async ({
  page,
  anotherBrowser,
  visitor,
  watch,
}) => {
  await logIn(page);
  await addComponent(page, 'Ferries');
  const paula = await anotherBrowser();
  const link = await invite(page, PAULA, 'Publisher: posts incidents and maintenance');
  await accept(paula, link, PAULA);
  await watch.expects(404, paula, () => paula.goto(link));

  const id = await openIncident(paula, 'Ferries wait', { message: 'Fog.', components: { Ferries: 'Major outage' } });
  await openFresh(visitor, '/');
  await expect(visitor.getByRole('heading', { level: 1 })).toHaveText(/^Ferries: major outage since \d\d:\d\d/);
  await paula.goto('/admin');
  await expect(paula.locator('a[href="/admin/managers"]')).toHaveCount(0);
  await watch.expects(403, paula, () => paula.goto('/admin/managers'));
  await expect(paula.getByRole('heading', { level: 1 })).toHaveText("You don't have permission");

  await openManager(page, PAULA);
  await paula.goto(`/admin/incidents/${id}`);
  await page.getByRole('button', { name: 'Deactivate account' }).click();
  await expectMessage(page, 'Account deactivated.');
  await paula.getByLabel('Message').fill('Still foggy.');
  await watch.expects(401, paula, () => paula.getByRole('button', { name: 'Publish update' }).click());
  await expect(paula.getByRole('heading', { level: 1 })).toHaveText('Your session has ended');
  await expect(paula.getByLabel('Message')).toHaveValue('Still foggy.');
  await expect(paula.getByRole('link', { name: 'Log in (in a new tab)' })).toBeVisible();
  await paula.goto('/login');
  await paula.getByLabel('Email').fill(PAULA.email);
  await paula.getByLabel('Password').fill(PAULA.password);
  await watch.expects(422, paula, () => paula.getByRole('button', { name: 'Log in' }).click());
  await openFresh(visitor, `/incidents/${id}`);
  await expect(visitor.locator('.timeline > li')).toHaveCount(1);

  await page.getByRole('button', { name: 'Reactivate' }).click();
  await expectMessage(page, 'Account reactivated.');
  await logIn(paula, PAULA);
});

test('a viewer reads everything and has no buttons', async ({ page, anotherBrowser, watch }) => {
  await logIn(page);
  await addComponent(page, 'Ferries');
  const id = await openIncident(page, 'Ferries wait', { message: 'Fog.', components: { Ferries: 'Major outage' } });
  await postUpdate(page, id, { phase: 'Identified', message: 'More fog.' });
  const vera = await anotherBrowser();
  await accept(vera, await invite(page, VERA, 'Viewer: read-only'), VERA);
  const places = ['', '/incidents', `/incidents/${id}`, '/components', '/audit', '/settings'];
  for (const place of places) {
    await vera.goto(`/admin${place}`);
    await expect(vera.getByRole('heading', { level: 1 })).toBeVisible();
    const outsideSearch = vera.locator(':not([role=search] *)');
    const buttons = outsideSearch.and(vera.getByRole('button'));
    // On a phone, a button opens the menu with the other one.
    const menu = vera.getByRole('button', { name: 'Menu', exact: true });
    const folds = await menu.isVisible();
    if (folds) await menu.click();
    await expect(buttons, `the only buttons of /admin${place} but for a search`).toHaveText(folds ? ['Menu', 'Log out'] : ['Log out']);
    await expect(vera.locator('main').locator('input, select, textarea').and(outsideSearch)).toHaveCount(0);
  }
  for (const place of ['/incidents/new', `/incidents/${id}/edit`, '/components/new', '/managers']) {
    await watch.expects(403, vera, () => vera.goto(`/admin${place}`));
  }
});

test('the last owner cannot be demoted or deactivated', async ({ page, anotherBrowser, watch }) => {
  await logIn(page);
  await openManager(page, OWNER);
  await page.getByLabel('Role').selectOption('Publisher: posts incidents and maintenance');
  await watch.expects(422, page, () => page.getByRole('button', { name: 'Change the role' }).click());
  const LAST = 'This is the only active owner. Make someone else an owner first.';
  await expect(page.getByLabel('Role')).toHaveAccessibleDescription(LAST);
  await watch.expects(422, page, () => page.getByRole('button', { name: 'Deactivate account' }).click());
  await expect(page.getByLabel('Role')).toHaveAccessibleDescription(LAST);

  const paula = await anotherBrowser();
  await accept(paula, await invite(page, PAULA, 'Owner: full access'), PAULA);
  await openManager(page, OWNER);
  await page.getByLabel('Role').selectOption('Publisher: posts incidents and maintenance');
  await watch.expects(403, page, () => page.getByRole('button', { name: 'Change the role' }).click());
  await page.goto('/admin');
  await expect(page.locator('a[href="/admin/managers"]')).toHaveCount(0);
});

test('a password is reset by link, and a change ends sessions', async ({
  page,
  anotherBrowser,
}) => {
  await logIn(page);
  const paula = await anotherBrowser();
  await accept(paula, await invite(page, PAULA, 'Viewer: read-only'), PAULA);
  await openManager(page, PAULA);
  await page.getByRole('button', { name: 'Create reset link' }).click();
  const otherPage = await anotherBrowser();
  await otherPage.goto(await page.getByLabel('The link').inputValue());
  await otherPage.getByLabel('Password').fill('another grey lighthouse');
  await otherPage.getByRole('button', { name: 'Set the new password' }).click();
  await paula.reload();
  await expect(paula.getByRole('heading', { level: 1 })).toHaveText('Log in');

  await logIn(paula, { ...PAULA, password: 'another grey lighthouse' });
  await logIn(otherPage, { ...PAULA, password: 'another grey lighthouse' });
  await paula.goto('/admin/account');
  await paula.getByLabel('Current password').fill('another grey lighthouse');
  await paula.getByLabel('New password').fill(PAULA.password);
  await paula.getByRole('button', { name: 'Change the password' }).click();
  await expectMessage(paula, 'Password changed. Other sessions were logged out.');
  await otherPage.reload();
  await expect(otherPage.getByRole('heading', { level: 1 })).toHaveText('Log in');
});

test('an invalid invitation shows errors beside its fields', async ({ page, watch }) => {
  await logIn(page);
  await page.goto('/admin/managers');
  await page.getByLabel('Email').fill(OWNER.email);
  await page.getByLabel('Name').fill('Somebody');
  await watch.expects(422, page, () => page.getByRole('button', { name: 'Create invite link' }).click());
  await expect(page.getByLabel('Email')).toHaveAccessibleDescription('A manager with this e-mail address already exists.');
  await expect(page.getByLabel('Name')).toHaveValue('Somebody');
});
