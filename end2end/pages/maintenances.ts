import { type Page } from '@playwright/test';
import { type Means, type Place, at, filled, linked, outrun, refused } from './page';

const COMPOSER = linked('maintenance-composer', '/admin/maintenances', 'table a');

/** What a link on the page of the first maintenance leads to. */
function of(name: string, link: string | RegExp): Place {
  return {
    name,
    go: async (page) => {
      await COMPOSER.go(page);
      await page.getByRole('link', { name: link }).first().click();
    },
  };
}

/** The page of the first maintenance once it has begun. */
const BEGUN: Place = {
  name: 'maintenance-begun',
  go: async (page) => {
    await COMPOSER.go(page);
    await page.getByRole('link', { name: 'Start early…' }).click();
    await page.getByRole('button', { name: 'Start now' }).click();
    await page.getByRole('status').waitFor();
  },
};

/** Maintenances, first to come, then going on. */
export function maintenancePlaces(means: Means): Place[] {
  const plan = at('maintenance-new', '/admin/maintenances/new');
  const edit = of('maintenance-edit', /^Edit (maintenance|this occurrence)/);
  const move = of('maintenance-move', 'Reschedule');
  const extension = of('maintenance-extension', 'Extend');
  const updateEdit = of('maintenance-update-edit', /^Edit the update of/);
  const deletion = of('maintenance-deletion', 'Delete the maintenance');
  const series = linked('series-edit', '/admin/maintenances', 'a[href^="/admin/series/"]');
  const say = (page: Page) => page.getByLabel('Message', { exact: true }).fill('The copy goes on.');
  return [
    at('maintenances', '/admin/maintenances'),
    plan,
    refused(means, plan, 'Schedule maintenance'),
    COMPOSER,
    edit,
    outrun(means, edit, 'Publish changes', (page) => page.getByLabel('Title').fill('Storage')),
    move,
    outrun(means, move, 'Reschedule'),
    of('maintenance-cancellation', 'Cancel the maintenance'),
    of('maintenance-beginning', 'Start early…'),
    deletion,
    refused(means, deletion, 'Delete the maintenance'),
    series,
    BEGUN,
    refused(means, COMPOSER, 'Publish update'),
    extension,
    refused(means, filled(extension, 'New end', '2020-01-01T00:00'), 'Extend window'),
    updateEdit,
    refused(means, filled(updateEdit, 'Message', ''), 'Save changes'),
    outrun(means, updateEdit, 'Save changes', say),
  ];
}
