import { accountPlaces } from './account';
import { componentPlaces } from './components';
import { incidentPlaces } from './incidents';
import { maintenancePlaces } from './maintenances';
import { managerPlaces } from './managers';
import { type Means, type Place } from './page';
import { subscriberPlaces } from './subscribers';

export { providerPlaces } from './oidc';
export { type Place } from './page';
export { publicPages, publicPlaces, quietPlaces, stalePlaces } from './public';
export { ROUTES, isAt } from './routes';
export { viewerPlaces } from './viewer';

/** An owner's pages by area, while the sample's incident is open. The last ones end in the second step of a login. */
export const adminPlaces: Record<string, (means: Means) => Place[]> = {
  incidents: incidentPlaces,
  maintenances: maintenancePlaces,
  components: componentPlaces,
  subscribers: subscriberPlaces,
  managers: managerPlaces,
  account: accountPlaces,
};
