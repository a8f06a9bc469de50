import { type Page } from '@playwright/test';
import { type Means, type Place, conflictPlace, filledForm, invalidForm, linkedPlace, placeAt } from './page';

const COMPOSER = linkedPlace('maintenance-composer', '/admin/maintenances', 'table a');

/** The page behind a link on the first maintenance's page. */
function linkedFromMaintenance(name: string, link: string | RegExp): Place {
  return {
    name,
    go: async (page) => {
      await COMPOSER.go(page);
      await page.getByRole('link', { name: link }).first().click();
    },
  };
}

/** The first maintenance's page after its start. */
const STARTED: Place = {
  name: 'maintenance-begun',
  go: async (page) => {
    await COMPOSER.go(page);
    await page.getByRole('link', { name: 'Start early…' }).click();
    await page.getByRole('button', { name: 'Start now' }).click();
    await page.getByRole('status').waitFor();
  },
};

/** Maintenances before and after their start. */
export function maintenancePlaces(means: Means): Place[] {
  const plan = placeAt('maintenance-new', '/admin/maintenances/new');
  const edit = linkedFromMaintenance('maintenance-edit', /^Edit (maintenance|this occurrence)/);
  const move = linkedFromMaintenance('maintenance-move', 'Reschedule');
  const extension = linkedFromMaintenance('maintenance-extension', 'Extend');
  const updateEdit = linkedFromMaintenance('maintenance-update-edit', /^Edit the update of/);
  const deletion = linkedFromMaintenance('maintenance-deletion', 'Delete the maintenance');
  const series = linkedPlace('series-edit', '/admin/maintenances', 'a[href^="/admin/series/"]');
  const seriesEnd: Place = {
    name: 'series-end',
    go: async (page) => {
      await series.go(page);
      await page.getByRole('link', { name: 'Stop repeating' }).click();
    },
  };
  const fillMessage = (page: Page) => page.getByLabel('Message', { exact: true }).fill('The copy goes on.');
  return [
    placeAt('maintenances', '/admin/maintenances'),
    plan,
    invalidForm(means, plan, 'Schedule maintenance'),
    COMPOSER,
    edit,
    conflictPlace(means, edit, 'Publish changes', (page) => page.getByLabel('Title').fill('Storage')),
    move,
    conflictPlace(means, move, 'Reschedule'),
    linkedFromMaintenance('maintenance-cancellation', 'Cancel the maintenance'),
    linkedFromMaintenance('maintenance-beginning', 'Start early…'),
    deletion,
    invalidForm(means, deletion, 'Delete the maintenance'),
    series,
    seriesEnd,
    STARTED,
    invalidForm(means, COMPOSER, 'Publish update'),
    extension,
    invalidForm(means, filledForm(extension, 'New end', '2020-01-01T00:00'), 'Extend window'),
    updateEdit,
    invalidForm(means, filledForm(updateEdit, 'Message', ''), 'Save changes'),
    conflictPlace(means, updateEdit, 'Save changes', fillMessage),
  ];
}
