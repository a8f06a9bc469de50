import { type Page, type Route } from '@playwright/test';
import { logOut } from '../steps';
import { type Means, type Place, placeAt } from './page';

/** An owner's pages that exist only with an identity provider. */
export function providerPlaces({ candor, watch }: Means): Place[] {
  return [
    placeAt('account-elsewhere', '/admin/account'),
    {
      name: 'going-elsewhere',
      go: async (page) => {
        await page.goto('/admin/account');
        await blockRedirect(page);
        await page.getByRole('button', { name: /^Connect/ }).click();
      },
    },
    {
      name: 'account-connected',
      go: async (page) => {
        await page.goto('/admin/account');
        await page.getByRole('button', { name: /^Connect/ }).click();
        await logInAtProvider(page, 'ines');
      },
    },
    {
      name: 'proof-elsewhere',
      go: async (page) => {
        await candor.ageSessions(15);
        await page.goto('/admin/account');
        await page.getByLabel('Email').fill('duarte@example.org');
        await watch.expects(403, page, () => page.getByRole('button', { name: 'Change e-mail address' }).click());
      },
    },
    {
      name: 'proved',
      go: async (page) => {
        await page.getByRole('button', { name: 'Confirm with Harbour ID' }).click();
        await logInAtProvider(page, 'ines');
      },
    },
    {
      name: 'proved-already',
      go: async (page) => {
        await page.getByRole('button', { name: 'Continue' }).click();
        await page.getByRole('status').waitFor();
        await page.goto('/admin/proof');
      },
    },
    placeAt('settings-elsewhere', '/admin/settings'),
    {
      name: 'login-elsewhere',
      go: async (page) => {
        await logOut(page);
      },
    },
  ];
}

/** Answers the next submit like the server, without the header that redirects to the provider. */
async function blockRedirect(page: Page): Promise<void> {
  const answer = async (route: Route) => {
    const response = await route.fetch();
    const { refresh: _, ...headers } = response.headers();
    await route.fulfill({ response, headers });
  };
  await page.route('**/admin/account/identity', answer, { times: 1 });
}

/** Logs in at the provider. */
async function logInAtProvider(page: Page, name: string): Promise<void> {
  await page.getByLabel('Name').fill(name);
  await page.getByRole('button', { name: 'Log in' }).click();
}
