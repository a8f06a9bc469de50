import { type Page } from '@playwright/test';
import { type Means, type Place, at, linked } from './page';

/** Pages that only look different for viewers. */
export function viewerPlaces({ watch }: Means): Place[] {
  return [
    at('desk-viewer', '/admin'),
    linked('incident-viewer', '/admin', '.card h3 a'),
    linked('maintenance-viewer', '/admin/maintenances', 'table a'),
    at('components-viewer', '/admin/components'),
    at('templates-viewer', '/admin/templates'),
    at('settings-viewer', '/admin/settings'),
    { name: 'not-allowed-admin', go: (page: Page) => watch.expects(403, page, () => page.goto('/admin/managers')) },
  ];
}
