import { type Page, test as base, expect } from '@playwright/test';
import { Candor } from './candor';
import { IdentityProvider } from './identity-provider';
import { MailServer } from './mail-server';
import { OldPage } from './old-page';
import { useKeyboardOnly } from './keyboard';
import { Watch } from './console-errors';

export { expect };

/** The owner of databases that begin with one. */
export const OWNER = { name: 'Ines Duarte', email: 'ines@example.org', password: 'harbour crane whistles' };
/** A publisher, once a test adds them. */
export const PUBLISHER = { name: 'Rui Pinto', email: 'rui@example.org', password: 'lantern over the quay' };
/** A viewer, once a test adds them. */
export const VIEWER = { name: 'Vera Sousa', email: 'vera@example.org', password: 'lantern under the pier' };

type InitialData = 'empty' | 'owned' | 'sample' | 'sample to read';

/** Options of projects and tests. */
export type Options = {
  /**
   * The initial database: empty, with one owner, or with an owner and the sample. With 'sample to read', the tests of a
   * worker share one server and must not change it.
   */
  initialData: InitialData;
  /** How the tests operate controls. */
  inputDevice: 'pointer' | 'keyboard';
  /** Whether visitors reach the server as `localhost` instead of an IP address. */
  onLocalhost: boolean;
  /** Whether the server has an identity provider; implies `named`. */
  hasProvider: boolean;
  /** Whether the server has a mail server; implies `onLocalhost`. */
  hasMail: boolean;
  /** Whether there is a status page of another program, which the server may request; implies `onLocalhost`. */
  hasOldPage: boolean;
};

type Fixtures = {
  candor: Candor;
  /** The mail server of `hasMail`. */
  mailServer: MailServer;
  /** The other page of `hasOldPage`. */
  oldPage: OldPage;
  watch: Watch;
  /** Opens a page in a new browser without a session. */
  anotherBrowser: () => Promise<Page>;
  /** A page in a browser without a session. */
  visitor: Page;
};

type Shared = {
  /** The server of 'sample to read', started on first use. */
  sharedServer: () => Promise<Candor>;
};

/** A server that Candor talks to. */
type Peer = { flags(url: string): Promise<string[]> };

/** Starts a server and waits until its page is published. */
async function start(initialData: InitialData, onLocalhost = false, peers: Peer[] = []): Promise<Candor> {
  const candor = await Candor.inFreshFolder();
  try {
    if (initialData.startsWith('sample')) await candor.shell(['sample']);
    if (initialData !== 'empty') await candor.addManager(OWNER, 'owner');
    const flags = async (url: string) => (await Promise.all(peers.map((peer) => peer.flags(url)))).flat();
    await candor.serve(onLocalhost, flags);
    const status = async () => (await fetch(candor.url)).status;
    await expect.poll(status, { message: 'the page is published', timeout: 30_000 }).toBe(200);
    // The polling above may log that the page is not published yet.
    candor.log = '';
    return candor;
  } catch (error) {
    await candor.stop();
    throw error;
  }
}

/** Stops the server, which must exit with 0 and without warnings; otherwise its state is copied to `folder`. */
async function end(candor: Candor, folder?: string): Promise<void> {
  expect(await candor.stop(folder), 'the exit code of the server').toBe(0);
  expect(candor.unexpectedLog(), 'what the server warned of').toBe('');
}

export const test = base.extend<Options & Fixtures, Shared>({
  initialData: ['owned', { option: true }],
  inputDevice: ['pointer', { option: true }],
  onLocalhost: [false, { option: true }],
  hasProvider: [false, { option: true }],
  hasMail: [false, { option: true }],
  hasOldPage: [false, { option: true }],

  sharedServer: [
    async ({}, use) => {
      let shared: Candor | undefined;
      await use(async () => (shared ??= await start('sample')));
      if (shared) await end(shared);
    },
    { scope: 'worker' },
  ],

  candor: async ({ initialData, onLocalhost, hasProvider, hasMail, mailServer, hasOldPage, oldPage, sharedServer }, use, testInfo) => {
    const folder = testInfo.outputPath('server');
    const keepIfFailed = async (candor: Candor) => {
      if (testInfo.status !== testInfo.expectedStatus) await candor.saveState(folder);
    };
    if (initialData === 'sample to read') {
      const candor = await sharedServer();
      await use(candor);
      return keepIfFailed(candor);
    }
    const provider = hasProvider ? new IdentityProvider() : undefined;
    const peers = [provider, hasMail ? mailServer : undefined, hasOldPage ? oldPage : undefined].filter((peer) => peer !== undefined);
    const candor = await start(initialData, onLocalhost || peers.length > 0, peers);
    await use(candor);
    await keepIfFailed(candor);
    await end(candor, folder);
    await provider?.stop();
  },

  mailServer: async ({}, use) => {
    const server = new MailServer();
    await use(server);
    await server.stop();
  },

  oldPage: async ({}, use) => {
    const page = new OldPage();
    await use(page);
    await page.stop();
  },

  baseURL: async ({ candor }, use) => use(candor.url),

  watch: async ({}, use) => {
    const watch = new Watch();
    await use(watch);
    expect(watch.found(), 'what the pages complained of').toEqual([]);
  },

  context: async ({ context, inputDevice, watch }, use) => {
    if (inputDevice === 'keyboard') context.on('page', useKeyboardOnly);
    await watch.begin(context);
    await use(context);
    watch.end();
  },

  // Depends on `context`, so that the watch ends before either context is closed.
  anotherBrowser: async ({ browser, context: _, watch }, use) => {
    const contexts: { close(): Promise<void> }[] = [];
    await use(async () => {
      const context = await browser.newContext();
      contexts.push(context);
      await watch.begin(context);
      return context.newPage();
    });
    watch.end();
    for (const context of contexts) await context.close();
  },

  visitor: async ({ anotherBrowser }, use) => use(await anotherBrowser()),
});
