import { type Means, type Place, conflictPlace, errorPlace, filledForm, invalidForm, linkedPlace, placeAt } from './page';

/** Managers, invitations and the login policy. */
export function managerPlaces(means: Means): Place[] {
  const setup: Place = {
    name: 'setup',
    go: async (page) => {
      await page.goto('/admin/managers');
      await page.getByRole('table').getByRole('link', { name: 'Paula Reis' }).first().click();
      await page.getByRole('button', { name: 'Create new invite link' }).click();
      await page.goto(await page.getByLabel('The link').inputValue());
    },
  };
  const manager = linkedPlace('manager', '/admin/managers', 'table a');
  const settings = placeAt('settings', '/admin/settings');
  const retire: Place = {
    name: 'manager',
    go: async (page) => {
      await manager.go(page);
      await page.getByLabel('Role').selectOption('Publisher: posts incidents and maintenance');
    },
  };
  return [
    placeAt('managers', '/admin/managers'),
    invalidForm(means, placeAt('managers', '/admin/managers'), 'Create invite link'),
    manager,
    invalidForm(means, retire, 'Change the role'),
    {
      name: 'manager-invited',
      go: async (page) => {
        await page.goto('/admin/managers');
        await page.getByLabel('Name').fill('Paula Reis');
        await page.getByLabel('Email').fill(`paula-${Date.now()}@example.org`);
        await page.getByRole('button', { name: 'Create invite link' }).click();
      },
    },
    setup,
    invalidForm(means, setup, 'Set the password and log in'),
    placeAt('sessions', '/admin/sessions'),
    placeAt('audit', '/admin/audit'),
    placeAt('audit-searched', '/admin/audit?q=nothing+of+this'),
    placeAt('setup-page', '/admin/setup/page'),
    placeAt('setup-brand', '/admin/setup/brand'),
    placeAt('setup-components', '/admin/setup/components'),
    placeAt('setup-managers', '/admin/setup/managers'),
    ...brandPlaces(means),
    settings,
    errorPlace(means, 422, 'settings-refused', filledForm(settings, 'Page name', ''), 'Save settings'),
    conflictPlace(means, settings, 'Save settings', (page) => page.getByLabel('Page name').fill('Tides')),
  ];
}

/** The brand, the announcements and the import. */
function brandPlaces(means: Means): Place[] {
  const brand = placeAt('brand', '/admin/brand');
  const added = placeAt('announcement-new', '/admin/announcements/new');
  const addedAnnouncement: Place = {
    name: 'announcements-saved',
    go: async (page) => {
      await added.go(page);
      await page.getByLabel('Title').fill(`Office closed ${Date.now()}`);
      await page.getByRole('button', { name: 'Publish announcement' }).click();
    },
  };
  const failedImport: Place = {
    name: 'import-failed',
    go: async (page) => {
      await page.goto('/admin/import');
      await page.getByLabel('Address of the page').fill('https://localhost');
      await page.getByRole('button', { name: 'Fetch and preview' }).click();
      await page.getByRole('heading', { level: 1, name: 'The page could not be imported' }).waitFor();
    },
  };
  return [
    brand,
    errorPlace(means, 422, 'brand-refused', filledForm(brand, 'Support (optional)', 'nonsense'), 'Save brand'),
    placeAt('announcements', '/admin/announcements'),
    added,
    invalidForm(means, added, 'Publish announcement'),
    addedAnnouncement,
    linkedPlace('announcement-edit', '/admin/announcements', 'a[href$="/edit"]'),
    placeAt('import', '/admin/import'),
    invalidForm(means, placeAt('import', '/admin/import'), 'Fetch and preview'),
    failedImport,
    linkedPlace('announcement-deletion', '/admin/announcements', 'a[href$="/deletion"]'),
  ];
}
