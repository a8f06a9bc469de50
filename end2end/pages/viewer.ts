import { type Page } from '@playwright/test';
import { type Means, type Place, linkedPlace, placeAt } from './page';

/** Pages that only look different for viewers. */
export function viewerPlaces({ watch }: Means): Place[] {
  return [
    placeAt('dashboard-viewer', '/admin'),
    linkedPlace('incident-viewer', '/admin', '.card h3 a'),
    linkedPlace('maintenance-viewer', '/admin/maintenances', 'table a'),
    placeAt('components-viewer', '/admin/components'),
    placeAt('subscribers-viewer', '/admin/subscribers'),
    placeAt('templates-viewer', '/admin/templates'),
    placeAt('settings-viewer', '/admin/settings'),
    { name: 'not-allowed-admin', go: (page: Page) => watch.expects(403, page, () => page.goto('/admin/managers')) },
  ];
}
