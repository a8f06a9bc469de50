import { type Page } from '@playwright/test';
import { type Means, type Place, at, filled, linked, outrun, refused } from './page';

const COMPOSER = linked('maintenance-composer', '/admin/maintenances', 'table a');

/** The page behind a link on the first maintenance's page. */
function of(name: string, link: string | RegExp): Place {
  return {
    name,
    go: async (page) => {
      await COMPOSER.go(page);
      await page.getByRole('link', { name: link }).first().click();
    },
  };
}

/** The first maintenance's page after its start. */
const BEGUN: Place = {
  name: 'maintenance-begun',
  go: async (page) => {
    await COMPOSER.go(page);
    await page.getByRole('button', { name: 'Start now' }).click();
    await page.getByRole('status').waitFor();
  },
};

/** Maintenances before and after their start. */
export function maintenancePlaces(means: Means): Place[] {
  const plan = at('maintenance-new', '/admin/maintenances/new');
  const edit = of('maintenance-edit', /^Edit (maintenance|this occurrence)/);
  const move = of('maintenance-move', 'Reschedule');
  const extension = of('maintenance-extension', 'Extend');
  const updateEdit = of('maintenance-update-edit', /^Edit the update of/);
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
