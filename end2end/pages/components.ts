import { type Means, type Place, answered, at, filled, linked, outrun, refused } from './page';

/** Components, groups and uptime. */
export function componentPlaces(means: Means): Place[] {
  const added = at('component-new', '/admin/components/new');
  const edit = linked('component-edit', '/admin/components', 'li a[href$="/edit"]');
  const group = linked('group-edit', '/admin/components', 'a[href^="/admin/groups/"][href$="/edit"]');
  const corrections = linked('corrections', '/admin/components', 'li a[href$="/corrections"]');
  const doomed = (name: string, place: Place, link: string): Place => ({
    name,
    go: async (page) => {
      await place.go(page);
      await page.getByRole('link', { name: link }).click();
    },
  });
  return [
    at('components', '/admin/components'),
    at('desk-told', '/admin/components?done=component-added'),
    added,
    refused(means, added, 'Add component'),
    edit,
    outrun(means, edit, 'Save', (page) => page.getByLabel('Description (optional)').fill('Tiles.')),
    doomed('component-deletion', edit, 'Delete the component …'),
    at('group-new', '/admin/groups/new'),
    group,
    answered(means, 422, 'group-edit-refused', filled(group, 'Name', ''), 'Save'),
    outrun(means, group, 'Save', (page) => page.getByLabel('Description (optional)').fill('Maps.')),
    doomed('group-deletion', group, 'Delete the group …'),
    corrections,
    refused(means, corrections, 'Publish correction'),
    { name: 'not-found-admin', go: (page) => means.watch.expects(404, page, () => page.goto('/admin/components/nowhere/edit')) },
  ];
}
