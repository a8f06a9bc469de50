import { type Page } from '@playwright/test';
import { type Candor } from './candor';
import { type Watch } from './watch';

/** A page of the product, with how to get there. */
export type Place = {
  name: string;
  go: (page: Page) => Promise<unknown>;
};

type Means = { candor: Candor; watch: Watch };

/** What everybody can see while the sample's incident is open. */
export function publicPlaces({ watch }: Means): Place[] {
  const at = (name: string, path: string): Place => ({ name, go: (page) => page.goto(path) });
  return [
    at('status-open', '/'),
    at('history', '/history'),
    at('history-filtered', '/history?impact=major&range=2y&q=tiles'),
    at('history-dates', '/history?from=2020-01-01&to=2020-12-31'),
    at('uptime', '/uptime'),
    at('api', '/api'),
    { name: 'maintenance', go: (page) => follow(page, '/', 'article h3 a[href^="/incidents/"] >> nth=1') },
    { name: 'history-month', go: (page) => follow(page, '/history', 'main h2 a') },
    { name: 'incident-open', go: (page) => follow(page, '/', 'article h3 a') },
    { name: 'incident', go: (page) => follow(page, '/', '.past a') },
    { name: 'not-found', go: (page) => watch.expects(404, page, () => page.goto('/nowhere')) },
    { name: 'not-allowed', go: (page) => watch.expects(404, page, () => page.goto('/setup/used')) },
    at('login', '/login'),
    at('forgotten', '/forgotten'),
    {
      name: 'login-refused',
      go: async (page) => {
        await page.goto('/login');
        await watch.expects(422, page, () => page.getByRole('button', { name: 'Log in' }).click());
      },
    },
  ];
}

/** What an owner sees; `open` is the id of an open incident. */
export function adminPlaces({ watch }: Means): Place[] {
  const at = (name: string, path: string): Place => ({ name, go: (page) => page.goto(path) });
  const incident = (name: string, link: string | RegExp): Place => ({
    name,
    go: async (page) => {
      await follow(page, '/admin', '.card h3 a');
      await page.getByRole('link', { name: link }).first().click();
    },
  });
  const refused = (name: string, path: string, button: string): Place => ({
    name,
    go: async (page) => {
      await page.goto(path);
      await watch.expects(422, page, () => page.getByRole('button', { name: button }).click());
    },
  });
  return [
    at('desk', '/admin'),
    at('desk-told', '/admin/components?done=component-added'),
    at('incidents', '/admin/incidents'),
    at('incident-new', '/admin/incidents/new'),
    refused('incident-new-refused', '/admin/incidents/new', 'Publish incident'),
    { name: 'composer', go: (page) => follow(page, '/admin', '.card h3 a') },
    { name: 'composer-resolved', go: (page) => follow(page, '/admin', '.plain-list a[href^="/admin/incidents/"]') },
    incident('incident-edit', 'Edit the details'),
    incident('incident-deletion', 'Delete the incident'),
    incident('update-edit', /^Edit the update of/),
    incident('update-deletion', /^Delete the update of/),
    {
      name: 'conflict',
      go: async (page) => {
        await follow(page, '/admin', '.card h3 a');
        await page.getByRole('link', { name: 'Edit the details' }).click();
        await page.getByLabel('Detected by').fill('Somebody else');
        // As if somebody had changed it since: the form comes from a version before this one.
        await page.locator('input[name=version]').evaluate((input: HTMLInputElement) => (input.value = '0'));
        await watch.expects(409, page, () => page.getByRole('button', { name: 'Publish changes' }).click());
      },
    },
    at('maintenances', '/admin/maintenances'),
    at('maintenance-new', '/admin/maintenances/new'),
    { name: 'maintenance-composer', go: (page) => follow(page, '/admin/maintenances', 'table a') },
    { name: 'maintenance-edit', go: (page) => planned(page, /^Edit this one/) },
    { name: 'maintenance-move', go: (page) => planned(page, 'Move to another time') },
    { name: 'series-edit', go: (page) => follow(page, '/admin/maintenances', 'a[href^="/admin/series/"]') },
    at('desk-shortcuts', '/admin/shortcuts'),
    at('templates', '/admin/templates'),
    refused('template-new-refused', '/admin/templates/new', 'Add the template'),
    {
      name: 'template-edit',
      go: async (page) => {
        await page.goto('/admin/templates/new');
        await page.getByLabel('Name', { exact: true }).fill(`Slow ${Date.now()}`);
        await page.getByLabel('Message', { exact: true }).fill('Since {{time}} answers take long.');
        await page.getByRole('button', { name: 'Add the template' }).click();
        await page.getByRole('link', { name: /^Edit.*Slow/ }).first().click();
      },
    },
    {
      name: 'rehearsal',
      go: async (page) => {
        await page.goto('/admin/incidents/new');
        await page.getByLabel('Title', { exact: true }).fill('Tiles are grey');
        await page.getByLabel('Message', { exact: true }).fill('We look into it.');
        await page.getByRole('button', { name: 'See it first' }).click();
      },
    },
    {
      name: 'draft',
      go: async (page) => {
        await page.goto('/admin/incidents/new');
        await page.getByLabel('Title', { exact: true }).fill('Tiles are grey');
        await page.getByRole('button', { name: 'Save as draft' }).click();
      },
    },
    { name: 'review', go: (page) => follow(page, '/admin', '.plain-list a[href^="/admin/incidents/"]').then(() => page.getByRole('link', { name: 'Write a review' }).click()) },
    { name: 'corrections', go: (page) => follow(page, '/admin/components', 'li a[href$="/corrections"]') },
    at('components', '/admin/components'),
    at('component-new', '/admin/components/new'),
    refused('component-new-refused', '/admin/components/new', 'Add the component'),
    { name: 'component-edit', go: (page) => follow(page, '/admin/components', 'li a[href$="/edit"]') },
    {
      name: 'component-deletion',
      go: async (page) => {
        await follow(page, '/admin/components', 'li a[href$="/edit"]');
        await page.getByRole('link', { name: 'Delete the component …' }).click();
      },
    },
    at('group-new', '/admin/groups/new'),
    { name: 'group-edit', go: (page) => follow(page, '/admin/components', 'a[href^="/admin/groups/"][href$="/edit"]') },
    at('managers', '/admin/managers'),
    { name: 'manager', go: (page) => follow(page, '/admin/managers', 'table a') },
    {
      name: 'manager-invited',
      go: async (page) => {
        await page.goto('/admin/managers');
        await page.getByLabel('Name').fill('Paula Reis');
        await page.getByLabel('Email').fill(`paula-${Date.now()}@example.org`);
        await page.getByRole('button', { name: 'Make an invitation link' }).click();
      },
    },
    {
      name: 'setup',
      go: async (page) => {
        await page.goto('/admin/managers');
        await page.getByRole('table').getByRole('link', { name: 'Paula Reis' }).first().click();
        await page.getByRole('button', { name: 'Make a new invitation link' }).click();
        await page.goto(await page.getByLabel('The link').inputValue());
      },
    },
    at('account', '/admin/account'),
    at('factors', '/admin/account/factors'),
    {
      name: 'totp',
      go: async (page) => {
        await page.goto('/admin/account/factors');
        await page.getByRole('button', { name: 'Add an authenticator app' }).click();
      },
    },
    at('passkey-new', '/admin/account/passkeys/new'),
    at('sessions', '/admin/sessions'),
    refused('tokens-refused', '/admin/tokens', 'Make a token'),
    {
      name: 'token-made',
      go: async (page) => {
        await page.goto('/admin/tokens');
        await page.getByLabel('Name').fill(`Deploy ${Date.now()}`);
        await page.getByRole('button', { name: 'Make a token' }).click();
      },
    },
    at('tokens', '/admin/tokens'),
    at('audit', '/admin/audit'),
    at('settings', '/admin/settings'),
  ];
}

/** What is seen only once nothing is open any more. */
export function quietPlaces({ candor }: Means): Place[] {
  return [
    {
      name: 'status',
      go: async (page) => {
        await follow(page, '/', 'article h3 a');
        const id = new URL(page.url()).pathname.split('/').pop()!;
        await candor.shell(['incident', 'resolve', id, '--body', 'All tiles are back.']);
        await page.getByText('All tiles are back.').or(page.getByText('still open')).first().waitFor();
        await page.goto('/');
      },
    },
  ];
}

/** Follows a link on the page of the first maintenance. */
async function planned(page: Page, link: string | RegExp): Promise<void> {
  await follow(page, '/admin/maintenances', 'table a');
  await page.getByRole('link', { name: link }).first().click();
}

async function follow(page: Page, path: string, link: string): Promise<void> {
  await page.goto(path);
  await page.locator(link).first().click();
}
