import { type Page, test as base, expect } from '@playwright/test';
import { Candor } from './candor';
import { IdentityProvider } from './identity-provider';
import { takeThePointerAway } from './keyboard';
import { Watch } from './console-errors';

export { expect };

/** The owner of databases that begin with one. */
export const OWNER = { name: 'Ines Duarte', email: 'ines@example.org', password: 'harbour crane whistles' };
/** A publisher, once a test adds them. */
export const PUBLISHER = { name: 'Rui Pinto', email: 'rui@example.org', password: 'lantern over the quay' };
/** A viewer, once a test adds them. */
export const VIEWER = { name: 'Vera Sousa', email: 'vera@example.org', password: 'lantern under the pier' };

type Beginning = 'empty' | 'owned' | 'sample' | 'sample to read';

/** Options of projects and tests. */
export type Options = {
  /**
   * The initial database: empty, with one owner, or with an owner and the sample. With 'sample to read', the tests of a
   * worker share one server and must not change it.
   */
  begins: Beginning;
  /** How the tests operate controls. */
  hand: 'pointer' | 'keyboard';
  /** Whether visitors reach the server as `localhost` instead of an IP address. */
  named: boolean;
  /** Whether the server has an identity provider; implies `named`. */
  elsewhere: boolean;
};

type Fixtures = {
  candor: Candor;
  watch: Watch;
  /** Opens a page in a new browser without a session. */
  anotherBrowser: () => Promise<Page>;
  /** A page in a browser without a session. */
  visitor: Page;
};

type Shared = {
  /** The server of 'sample to read', started on first use. */
  shelf: () => Promise<Candor>;
};

/** Starts a server and waits until its page is published. */
async function start(begins: Beginning, named = false, provider?: IdentityProvider): Promise<Candor> {
  const candor = await Candor.inFreshFolder();
  try {
    if (begins.startsWith('sample')) await candor.shell(['sample']);
    if (begins !== 'empty') await candor.letIn(OWNER, 'owner');
    await candor.serve(named, provider && ((url) => provider.flags(url)));
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
  expect(candor.log, 'what the server warned of').toBe('');
}

export const test = base.extend<Options & Fixtures, Shared>({
  begins: ['owned', { option: true }],
  hand: ['pointer', { option: true }],
  named: [false, { option: true }],
  elsewhere: [false, { option: true }],

  shelf: [
    async ({}, use) => {
      let shared: Candor | undefined;
      await use(async () => (shared ??= await start('sample')));
      if (shared) await end(shared);
    },
    { scope: 'worker' },
  ],

  candor: async ({ begins, named, elsewhere, shelf }, use, testInfo) => {
    const folder = testInfo.outputPath('server');
    const keepIfFailed = async (candor: Candor) => {
      if (testInfo.status !== testInfo.expectedStatus) await candor.keep(folder);
    };
    if (begins === 'sample to read') {
      const candor = await shelf();
      await use(candor);
      return keepIfFailed(candor);
    }
    const provider = elsewhere ? new IdentityProvider() : undefined;
    const candor = await start(begins, named || elsewhere, provider);
    await use(candor);
    await keepIfFailed(candor);
    await end(candor, folder);
    await provider?.stop();
  },

  baseURL: async ({ candor }, use) => use(candor.url),

  watch: async ({}, use) => {
    const watch = new Watch();
    await use(watch);
    expect(watch.found(), 'what the pages complained of').toEqual([]);
  },

  context: async ({ context, hand, watch }, use) => {
    if (hand === 'keyboard') context.on('page', takeThePointerAway);
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
