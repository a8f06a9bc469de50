/**
 * Every route of a page in the admin, with the name of a place that shows it. A test in tests/it/web_routes.rs compares
 * the routes with the router's table, and the accessibility tests check that the place is at the route.
 */
export const ROUTES: Record<string, string> = {
  '/login': 'login',
  '/login/factor': 'second-step',
  '/forgotten': 'forgotten',
  '/setup/{token}': 'setup',
  '/admin': 'desk',
  '/admin/shortcuts': 'desk-shortcuts',
  '/admin/incidents': 'incidents',
  '/admin/incidents/new': 'incident-new',
  '/admin/incidents/{id}': 'composer',
  '/admin/incidents/{id}/edit': 'incident-edit',
  '/admin/incidents/{id}/deletion': 'incident-deletion',
  '/admin/incidents/{id}/postmortem': 'postmortem',
  '/admin/incidents/{id}/updates/{update}/edit': 'update-edit',
  '/admin/incidents/{id}/updates/{update}/deletion': 'update-deletion',
  '/admin/maintenances': 'maintenances',
  '/admin/maintenances/new': 'maintenance-new',
  '/admin/maintenances/{id}': 'maintenance-composer',
  '/admin/maintenances/{id}/edit': 'maintenance-edit',
  '/admin/maintenances/{id}/schedule': 'maintenance-move',
  '/admin/maintenances/{id}/extension': 'maintenance-extension',
  '/admin/maintenances/{id}/cancellation': 'maintenance-cancellation',
  '/admin/maintenances/{id}/updates/{update}/edit': 'maintenance-update-edit',
  '/admin/series/{id}/edit': 'series-edit',
  '/admin/drafts/{id}': 'draft',
  '/admin/templates': 'templates',
  '/admin/templates/new': 'template-new',
  '/admin/templates/{id}/edit': 'template-edit',
  '/admin/templates/{id}/deletion': 'template-deletion',
  '/admin/components': 'components',
  '/admin/components/new': 'component-new',
  '/admin/components/{id}/edit': 'component-edit',
  '/admin/components/{id}/corrections': 'corrections',
  '/admin/components/{id}/deletion': 'component-deletion',
  '/admin/groups/new': 'group-new',
  '/admin/groups/{id}/edit': 'group-edit',
  '/admin/groups/{id}/deletion': 'group-deletion',
  '/admin/managers': 'managers',
  '/admin/managers/{id}': 'manager',
  '/admin/sessions': 'sessions',
  '/admin/proof': 'proved-already',
  '/admin/account': 'account',
  '/admin/account/factors': 'factors',
  '/admin/account/totp': 'totp',
  '/admin/account/passkeys/new': 'passkey-new',
  '/admin/tokens': 'tokens',
  '/admin/audit': 'audit',
  '/admin/settings': 'settings',
};

/** Whether `path` matches the pattern `route`. */
export function isAt(route: string, path: string): boolean {
  return new RegExp(`^${route.replace(/\{[^}]*\}/g, '[^/]+')}$`).test(path);
}
