import { type Means, type Place, invalidForm, linkedPlace, placeAt } from './page';

/** Subscribers and the messages they got. */
export function subscriberPlaces(means: Means): Place[] {
  const added = placeAt('subscriber-new', '/admin/subscribers/new');
  const imported = placeAt('subscriber-import', '/admin/subscribers/import');
  const channel = placeAt('operator-channel', '/admin/subscribers/channels/new');
  const subscriber = linkedPlace('subscriber', '/admin/subscribers', 'tbody a[href^="/admin/subscribers/"]');
  return [
    added,
    invalidForm(means, added, 'Add the subscriber'),
    {
      name: 'subscribers',
      go: async (page) => {
        await page.goto('/admin/subscribers/new');
        const address = `reader${Date.now()}@tidewater.example`;
        await page.getByLabel('E-mail address').fill(address);
        await page.getByLabel('They have agreed').check();
        await page.getByRole('button', { name: 'Add the subscriber' }).click();
        await page.goto('/admin/subscribers');
      },
    },
    subscriber,
    {
      name: 'subscriber-erasure',
      go: async (page) => {
        await subscriber.go(page);
        await page.locator('a[href$="/erasure"]').click();
      },
    },
    imported,
    invalidForm(means, imported, 'Check the list'),
    {
      name: 'subscriber-import-preview',
      go: async (page) => {
        await imported.go(page);
        await page.getByLabel('Or paste the list').fill('email\nana@tidewater.example\nnonsense\n');
        await page.getByRole('button', { name: 'Check the list' }).click();
      },
    },
    placeAt('subscriber-export', '/admin/subscribers/export'),
    channel,
    placeAt('notices', '/admin/subscribers/notices'),
  ];
}
