import { type Means, type Place, answered, at, filled, linked, outrun, refused } from './page';

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
  const manager = linked('manager', '/admin/managers', 'table a');
  const settings = at('settings', '/admin/settings');
  const retire: Place = {
    name: 'manager',
    go: async (page) => {
      await manager.go(page);
      await page.getByLabel('Role').selectOption('Publisher: posts incidents and maintenance');
    },
  };
  return [
    at('managers', '/admin/managers'),
    refused(means, at('managers', '/admin/managers'), 'Create invite link'),
    manager,
    refused(means, retire, 'Change the role'),
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
    refused(means, setup, 'Set the password and log in'),
    at('sessions', '/admin/sessions'),
    at('audit', '/admin/audit'),
    at('audit-searched', '/admin/audit?q=nothing+of+this'),
    settings,
    answered(means, 422, 'settings-refused', filled(settings, 'Page name', ''), 'Save settings'),
    outrun(means, settings, 'Save settings', (page) => page.getByLabel('Header text (optional)').fill('Tides')),
  ];
}
