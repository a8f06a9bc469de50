import { type Page } from '@playwright/test';
import { previewPage } from '../steps';
import { type Means, type Place, conflictPlace, errorPlace, filledForm, follow, invalidForm, linkedPlace, placeAt } from './page';

const COMPOSER = linkedPlace('composer', '/admin', '.card h3 a');
const RECENT = 'tbody tr:nth-child(2) a[href^="/admin/incidents/"]';
const NEW = placeAt('incident-new', '/admin/incidents/new');
const PAST = placeAt('incident-past', '/admin/incidents/new?past=1');

/** The page behind a link on the open incident's page. */
function linkedFromIncident(name: string, link: string | RegExp): Place {
  return {
    name,
    go: async (page) => {
      await COMPOSER.go(page);
      await page.getByRole('link', { name: link }).first().click();
    },
  };
}

/** The composer of a new incident after `button` was clicked. */
function composerAfter(name: string, act: (page: Page) => Promise<void>): Place {
  return {
    name,
    go: async (page) => {
      await page.goto('/admin/incidents/new');
      await page.getByLabel('Title', { exact: true }).fill('Tiles are grey');
      await page.getByLabel('Message', { exact: true }).fill('We look into it.');
      await act(page);
    },
  };
}

const fillMessage = (text: string) => (page: Page) => page.getByLabel('Message', { exact: true }).fill(text);

/** The dashboard, incidents, templates and drafts. */
export function incidentPlaces(means: Means): Place[] {
  const edit = linkedFromIncident('incident-edit', 'Edit incident');
  const updateEdit = linkedFromIncident('update-edit', /^Edit the update of/);
  const postmortem: Place = {
    name: 'postmortem',
    go: async (page) => {
      await follow(page, '/admin/incidents', RECENT);
      await page.getByRole('link', { name: 'Write a postmortem' }).click();
    },
  };
  const draft = composerAfter('draft', (page) => page.getByRole('button', { name: 'Save as draft' }).click());
  return [
    placeAt('dashboard', '/admin'),
    placeAt('shortcuts', '/admin/shortcuts'),
    placeAt('incidents', '/admin/incidents'),
    NEW,
    invalidForm(means, NEW, 'Publish incident'),
    PAST,
    invalidForm(means, PAST, 'Publish incident'),
    COMPOSER,
    linkedPlace('composer-resolved', '/admin/incidents', RECENT),
    invalidForm(means, COMPOSER, 'Publish update'),
    conflictPlace(means, COMPOSER, 'Publish update', fillMessage('We look into it.')),
    edit,
    errorPlace(means, 422, 'incident-edit-refused', filledForm(edit, 'Title', ''), 'Publish changes'),
    conflictPlace(means, edit, 'Publish changes', (page) => page.getByLabel('Detected by').fill('Somebody else')),
    linkedFromIncident('incident-deletion', 'Delete the incident'),
    invalidForm(means, linkedFromIncident('incident-deletion', 'Delete the incident'), 'Delete the incident'),
    updateEdit,
    conflictPlace(means, updateEdit, 'Save changes', fillMessage('We look at it.')),
    linkedFromIncident('update-deletion', /^Delete the update of/),
    composerAfter('preview', previewPage),
    draft,
    conflictPlace(means, draft, 'Publish incident'),
    linkedPlace('draft-deletion', '/admin', '.draft a[href$="/deletion"]'),
    postmortem,
    invalidForm(means, postmortem, 'Publish postmortem'),
    { name: 'incident-postmortem', go: (page) => postmortem.go(page).then(() => publishPostmortem(page)) },
    ...templatePlaces(means),
  ];
}

/** Publishes the open postmortem and goes to its public page. */
async function publishPostmortem(page: Page): Promise<void> {
  const id = /incidents\/(\w+)/.exec(page.url())![1];
  await fillMessage('The disk had **no alarm**.\n\n1. It has one now.\n2. A second disk is on its way.')(page);
  await page.getByRole('button', { name: 'Publish postmortem' }).click();
  await page.getByRole('status').waitFor();
  await page.goto(`/incidents/${id}`);
}

function templatePlaces(means: Means): Place[] {
  const edit = linkedPlace('template-edit', '/admin/templates', 'a[href^="/admin/templates/"][href$="/edit"]');
  const added = placeAt('template-new', '/admin/templates/new');
  const addedTemplate: Place = {
    name: 'templates-saved',
    go: async (page) => {
      await page.goto('/admin/templates/new');
      await page.getByLabel('Name', { exact: true }).fill(`Slow ${Date.now()}`);
      await page.getByLabel('Message', { exact: true }).fill('Since {{time}} answers take long.');
      await page.getByRole('button', { name: 'Add the template' }).click();
    },
  };
  return [
    placeAt('templates', '/admin/templates'),
    added,
    invalidForm(means, added, 'Add the template'),
    addedTemplate,
    edit,
    conflictPlace(means, edit, 'Save the template', (page) => page.getByLabel('Title (optional)').fill('Slow')),
    linkedPlace('template-deletion', '/admin/templates', 'a[href^="/admin/templates/"][href$="/deletion"]'),
  ];
}
