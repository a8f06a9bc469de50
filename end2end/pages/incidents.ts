import { type Page } from '@playwright/test';
import { type Means, type Place, answered, at, filled, follow, linked, outrun, refused } from './page';

const COMPOSER = linked('composer', '/admin', '.card h3 a');
const RECENT = '.plain-list a[href^="/admin/incidents/"]';
const NEW = at('incident-new', '/admin/incidents/new');

/** What a link on the page of the open incident leads to. */
function of(name: string, link: string | RegExp): Place {
  return {
    name,
    go: async (page) => {
      await COMPOSER.go(page);
      await page.getByRole('link', { name: link }).first().click();
    },
  };
}

/** A composer of a new incident, once `button` was pressed. */
function written(name: string, button: string): Place {
  return {
    name,
    go: async (page) => {
      await page.goto('/admin/incidents/new');
      await page.getByLabel('Title', { exact: true }).fill('Tiles are grey');
      await page.getByLabel('Message', { exact: true }).fill('We look into it.');
      await page.getByRole('button', { name: button }).click();
    },
  };
}

const say = (text: string) => (page: Page) => page.getByLabel('Message', { exact: true }).fill(text);

/** The desk, incidents, and what is prepared for them. */
export function incidentPlaces(means: Means): Place[] {
  const edit = of('incident-edit', 'Edit incident');
  const updateEdit = of('update-edit', /^Edit the update of/);
  const postmortem: Place = {
    name: 'postmortem',
    go: async (page) => {
      await follow(page, '/admin', RECENT);
      await page.getByRole('link', { name: 'Write a postmortem' }).click();
    },
  };
  const draft = written('draft', 'Save as draft');
  return [
    at('desk', '/admin'),
    at('desk-shortcuts', '/admin/shortcuts'),
    at('incidents', '/admin/incidents'),
    NEW,
    refused(means, NEW, 'Publish'),
    COMPOSER,
    linked('composer-resolved', '/admin', RECENT),
    refused(means, COMPOSER, 'Publish update'),
    outrun(means, COMPOSER, 'Publish update', say('We look into it.')),
    edit,
    answered(means, 422, 'incident-edit-refused', filled(edit, 'Title', ''), 'Publish changes'),
    outrun(means, edit, 'Publish changes', (page) => page.getByLabel('Detected by').fill('Somebody else')),
    of('incident-deletion', 'Delete the incident'),
    refused(means, of('incident-deletion', 'Delete the incident'), 'Delete the incident'),
    updateEdit,
    outrun(means, updateEdit, 'Save changes', say('We look at it.')),
    of('update-deletion', /^Delete the update of/),
    written('preview', 'Preview page'),
    draft,
    outrun(means, draft, 'Publish'),
    linked('draft-deletion', '/admin', '.draft a.destructive'),
    postmortem,
    refused(means, postmortem, 'Publish postmortem'),
    { name: 'incident-postmortem', go: (page) => postmortem.go(page).then(() => publishPostmortem(page)) },
    ...templatePlaces(means),
  ];
}

/** Publishes the postmortem that is being written, and goes where visitors read it. */
async function publishPostmortem(page: Page): Promise<void> {
  const id = /incidents\/(\w+)/.exec(page.url())![1];
  await say('The disk had **no alarm**.\n\n1. It has one now.\n2. A second disk is on its way.')(page);
  await page.getByRole('button', { name: 'Publish postmortem' }).click();
  await page.getByRole('status').waitFor();
  await page.goto(`/incidents/${id}`);
}

function templatePlaces(means: Means): Place[] {
  const edit = linked('template-edit', '/admin/templates', 'a[href^="/admin/templates/"][href$="/edit"]');
  const added = at('template-new', '/admin/templates/new');
  const told: Place = {
    name: 'templates-told',
    go: async (page) => {
      await page.goto('/admin/templates/new');
      await page.getByLabel('Name', { exact: true }).fill(`Slow ${Date.now()}`);
      await page.getByLabel('Message', { exact: true }).fill('Since {{time}} answers take long.');
      await page.getByRole('button', { name: 'Add the template' }).click();
    },
  };
  return [
    at('templates', '/admin/templates'),
    added,
    refused(means, added, 'Add the template'),
    told,
    edit,
    outrun(means, edit, 'Save the template', (page) => page.getByLabel('Title (optional)').fill('Slow')),
    linked('template-deletion', '/admin/templates', 'a[href^="/admin/templates/"][href$="/deletion"]'),
  ];
}
