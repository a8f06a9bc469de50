import { type Means, type Place, conflictPlace, errorPlace, filledForm, invalidForm, linkedPlace, placeAt } from './page';

/** Components, groups and uptime. */
export function componentPlaces(means: Means): Place[] {
  const added = placeAt('component-new', '/admin/components/new');
  const edit = linkedPlace('component-edit', '/admin/components', 'li a[href$="/edit"]');
  const group = linkedPlace('group-edit', '/admin/components', 'a[href^="/admin/groups/"][href$="/edit"]');
  const corrections = linkedPlace('corrections', '/admin/components', 'li a[href$="/corrections"]');
  const doomed = (name: string, place: Place, link: string): Place => ({
    name,
    go: async (page) => {
      await place.go(page);
      await page.getByRole('link', { name: link }).click();
    },
  });
  return [
    placeAt('components', '/admin/components'),
    placeAt('components-added', '/admin/components?done=component-added'),
    added,
    invalidForm(means, added, 'Add component'),
    edit,
    conflictPlace(means, edit, 'Save', (page) => page.getByLabel('Description (optional)').fill('Tiles.')),
    doomed('component-deletion', edit, 'Delete the component …'),
    placeAt('group-new', '/admin/groups/new'),
    group,
    errorPlace(means, 422, 'group-edit-refused', filledForm(group, 'Name', ''), 'Save'),
    conflictPlace(means, group, 'Save', (page) => page.getByLabel('Description (optional)').fill('Maps.')),
    doomed('group-deletion', group, 'Delete the group …'),
    corrections,
    invalidForm(means, corrections, 'Publish correction'),
    { name: 'not-found-admin', go: (page) => means.watch.expects(404, page, () => page.goto('/admin/components/nowhere/edit')) },
  ];
}
