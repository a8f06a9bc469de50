import { type APIRequestContext, type APIResponse, type Page, type Request } from '@playwright/test';
import { type Candor } from '../candor';
import { HostileSite } from '../hostile-site';
import { addAuthenticator, addPasskey, type Device } from '../second-factor';
import { logIn } from '../steps';
import { expect, test as base } from '../test';

const UNKNOWN = 'Unknown passkey, or it took too long. Try again, or log in with your password.';
const UNCONFIRMED = 'No passkey was confirmed. Try again or use another method.';
/** Hosts of the hostile site: another site, a subdomain of ours, and our own host at another port. */
const HOSTILE_HOSTS = ['127.0.0.1', 'evil.localhost', 'localhost'] as const;

type Fixtures = {
  /** A hostile page that contains `html`. */
  hostile: (html?: string) => Promise<HostileSite>;
  /** A page in a context without the watch: hostile pages cause errors. */
  victim: Page;
  /** An HTTP client with cookies that sends Candor's own `Origin`, which a browser would not let a page do. */
  forger: () => Promise<APIRequestContext>;
};

const test = base.extend<Fixtures>({
  hostile: async ({}, use) => {
    const sites: HostileSite[] = [];
    await use(async (html = '') => {
      const site = await HostileSite.showing(html);
      sites.push(site);
      return site;
    });
    for (const site of sites) await site.stop();
  },

  victim: async ({ browser }, use) => {
    const context = await browser.newContext();
    await use(await context.newPage());
    await context.close();
  },

  forger: async ({ candor, playwright }, use) => {
    const forgers: APIRequestContext[] = [];
    await use(async () => {
      const forger = await playwright.request.newContext({
        baseURL: candor.url,
        extraHTTPHeaders: { Origin: candor.url },
        maxRedirects: 0,
      });
      forgers.push(forger);
      return forger;
    });
    for (const forger of forgers) await forger.dispose();
  },
});

test.use({ onLocalhost: true });

test('a relayed challenge gets no answer that Candor accepts', async ({ victim, candor, hostile, forger }) => {
  await addOwnPasskey(victim);
  const site = await hostile();
  expect((await victim.request.get('/.well-known/webauthn')).status(), 'no other origin is named as related').toBe(404);

  for (const host of ['127.0.0.1', 'evil.localhost']) {
    await victim.goto(site.at(host));
    const options = await challengeFor(await forger());
    expect(await assertion(victim, options), `${host} in the name of localhost`).toBe('SecurityError');
  }
  await victim.goto(site.at('evil.localhost'));
  const renamed = { ...(await challengeFor(await forger())), rpId: 'evil.localhost' };
  expect(await assertion(victim, renamed), 'under its own name there is no passkey').toBe('NotAllowedError');

  // A passkey's RP ID has no port, so the browser lets the device answer; the signed data names the page's origin.
  await victim.goto(site.at('localhost'));
  const relay = await forger();
  const stolen = await assertion(victim, await challengeFor(relay));
  expect(originIn(stolen), 'the device has answered').toBe(site.at('localhost'));
  await expectRejected(relay, await logInWith(relay, stolen), 'an answer from another port');

  await passkeyLogIn(victim, candor);
  await expect(victim.getByRole('heading', { level: 1 }), 'the same passkey opens the page it is of').toHaveText('Dashboard');
});

test('the login cannot be framed', async ({ victim, candor, hostile }) => {
  await victim.goto('/login');
  const allowed = await victim.evaluate((feature) => {
    const { featurePolicy } = document as unknown as { featurePolicy: { getAllowlistForFeature(name: string): string[] } };
    return featurePolicy.getAllowlistForFeature(feature);
  }, 'publickey-credentials-get');
  expect(allowed, 'who may ask a device on the login page').toEqual([candor.url]);

  const allow = 'publickey-credentials-get *; publickey-credentials-create *';
  const frames = ['/login', '/login/factor', '/admin/account/factors']
    .map((path) => `<iframe src="${candor.url}${path}" allow="${allow}"></iframe>`)
    .join('');
  const site = await hostile(frames);
  for (const host of HOSTILE_HOSTS) {
    const answers: string[] = [];
    victim.on('response', (response) => answers.push(new URL(response.url()).origin));
    await victim.goto(site.at(host));
    expect(answers, 'the frames were asked for').toContain(candor.url);
    const framed = victim.frames().slice(1);
    expect(framed.length).toBe(3);
    for (const frame of framed) {
      await expect.poll(() => frame.url(), `what the frame shows at ${host}`).toBe('chrome-error://chromewebdata/');
      await expect(frame.locator('form[data-passkey], input')).toHaveCount(0);
    }
    victim.removeAllListeners('response');
  }
});

test('cross-site posts to passkey routes are denied without a session', async ({
  victim,
  candor,
  hostile,
}) => {
  await addOwnPasskey(victim);
  const removal = await victim.locator('form[action$="/removal"]').getAttribute('action');
  const before = await victim.context().cookies();
  const paths = [
    '/login/passkey/challenge',
    '/login/passkey',
    '/admin/account/passkeys/challenge',
    '/admin/account/passkeys',
    removal!,
  ];
  for (const host of HOSTILE_HOSTS) {
    for (const path of paths) {
      const fields = '<input name="credential" value="{}"><input name="name" value="Mine">';
      const site = await hostile(`<form method="post" action="${candor.url}${path}">${fields}</form>`);
      await victim.goto(site.at(host));
      const answered = victim.waitForResponse((response) => response.request().method() === 'POST');
      await victim.evaluate(() => document.forms[0].submit());
      const answer = await answered;
      const what = `${path} from ${host}`;
      expect(answer.status(), what).toBe(403);
      expect(await answer.headerValue('set-cookie'), what).toBeNull();
      await expect(victim.getByRole('heading', { level: 1 }), what).not.toHaveText('Free tickets');
    }
  }
  expect(await victim.context().cookies(), 'the session is the one from before').toEqual(before);
  await victim.goto('/admin/account/factors');
  await expect(victim.getByText('never used'), 'the passkey is still there, and alone').toHaveCount(1);
});

test('a passkey answer works once and in its session only', async ({ victim, candor, forger }) => {
  await addOwnPasskey(victim);
  const { credential, cookie } = await interceptAnswer(victim, candor);

  const other = await forger();
  await expectRejected(other, await logInWith(other, credential), 'without a challenge');
  await challengeFor(other);
  await expectRejected(other, await logInWith(other, credential), 'to the challenge of another session');

  const [first, second] = [await forger(), await forger()];
  const sent = (program: APIRequestContext) => logInWith(program, credential, cookie);
  expect((await sent(first)).status(), 'in its own session').toBe(303);
  expect((await first.get('/admin')).status(), 'they are in').toBe(200);
  await expectRejected(second, await sent(second), 'a second time');
  expect((await logInWith(first, credential)).status(), 'in the session that it opened').toBe(422);
  const desk = await victim.request.get('/admin', { maxRedirects: 0 });
  expect(desk.status(), 'the session of the challenge is nobody').toBe(303);
});

test('a login without user verification fails', async ({ victim, candor }) => {
  const device = await addOwnPasskey(victim);
  await device.failVerification();
  await passkeyLogIn(victim, candor);
  await expect(victim.getByRole('alert'), 'the browser asks for a verified user').toHaveText(UNCONFIRMED);

  await skipUserVerification(victim);
  const posted = victim.waitForRequest(`${candor.url}/login/passkey`);
  await victim.getByRole('button', { name: 'Log in with a passkey' }).click();
  expect(isVerifiedIn(credentialIn(await posted)), 'the device says that it has not verified anybody').toBe(false);
  await expect(victim.getByText(UNKNOWN)).toBeVisible();
  await victim.goto('/admin');
  await expect(victim, 'nobody is in').toHaveURL(`${candor.url}/login?next=%2Fadmin`);
});

test('a passkey without user verification is not created', async ({ victim }) => {
  await logIn(victim);
  await addAuthenticator(victim, { verifies: false });
  await addPasskey(victim, 'Laptop');
  await expect(victim.getByRole('alert'), 'the browser asks for a verified user').toHaveText(UNCONFIRMED);

  await skipUserVerification(victim);
  await addPasskey(victim, 'Laptop');
  await expect(victim.locator('#name-error'), 'the server asks for one too').toContainText('was not accepted');
  await victim.goto('/admin/account/factors');
  await expect(victim.getByText('never used')).toHaveCount(0);
});

/** Logs in and adds a passkey; its virtual authenticator stays in the browser, on the list of factors. */
async function addOwnPasskey(page: Page): Promise<Device> {
  await logIn(page);
  const device = await addAuthenticator(page);
  await addPasskey(page, 'Laptop');
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Recovery codes');
  await page.getByRole('link', { name: "I've saved them" }).click();
  await expect(page.getByText('never used')).toBeVisible();
  return device;
}

/** Makes the page's scripts request passkeys without user verification. */
async function skipUserVerification(page: Page): Promise<void> {
  await page.route(/passkeys?\/challenge$/, async (route) => {
    const answer = await route.fetch();
    const json = await answer.json();
    json.publicKey.userVerification = 'discouraged';
    // With the credProtect extension, a passkey would still require user verification.
    delete json.publicKey.extensions;
    if (json.publicKey.authenticatorSelection) json.publicKey.authenticatorSelection.userVerification = 'discouraged';
    await route.fulfill({ response: answer, json });
  });
}

/** Starts a passkey login without a session. */
async function passkeyLogIn(page: Page, candor: Candor): Promise<void> {
  await page.context().clearCookies();
  await page.goto(`${candor.url}/login`);
  await page.getByRole('button', { name: 'Log in with a passkey' }).click();
}

type Options = { challenge: string; rpId: string; userVerification: string };

/** Requests a login challenge; the session of `program` waits for its answer. */
async function challengeFor(program: APIRequestContext): Promise<Options> {
  const answer = await program.post('/login/passkey/challenge');
  expect(answer.status()).toBe(200);
  return (await answer.json()).publicKey;
}

/** Signs these options with the device in the form that Candor's page sends, or returns the name of the error. */
async function assertion(page: Page, options: Options): Promise<string> {
  return page.evaluate(async ({ challenge, rpId, userVerification }) => {
    const text = (buffer: ArrayBuffer) =>
      btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
    const bytes = Uint8Array.from(atob(challenge.replace(/-/g, '+').replace(/_/g, '/')), (sign) => sign.charCodeAt(0));
    const publicKey = { challenge: bytes, rpId, userVerification: userVerification as UserVerificationRequirement };
    try {
      const found = (await navigator.credentials.get({ publicKey })) as PublicKeyCredential;
      const { authenticatorData, clientDataJSON, signature, userHandle } = found.response as AuthenticatorAssertionResponse;
      const response = {
        authenticatorData: text(authenticatorData),
        clientDataJSON: text(clientDataJSON),
        signature: text(signature),
        userHandle: userHandle && text(userHandle),
      };
      return JSON.stringify({ id: found.id, rawId: text(found.rawId), type: found.type, response });
    } catch (error) {
      return (error as Error).name;
    }
  }, options);
}

/** The field `credential` of the login form. */
function credentialIn(posted: Request): string {
  return new URLSearchParams(posted.postData()!).get('credential')!;
}

/** The origin in the signed client data. */
function originIn(credential: string): string {
  const signed = Buffer.from(JSON.parse(credential).response.clientDataJSON, 'base64url');
  return JSON.parse(signed.toString()).origin;
}

/** Whether the user-verified flag is set: bit 2 of the flags, which follow the 32-byte hash of the RP ID. */
function isVerifiedIn(credential: string): boolean {
  const flags = Buffer.from(JSON.parse(credential).response.authenticatorData, 'base64url')[32];
  return (flags & 0x04) !== 0;
}

/** Signs a login challenge without sending the answer; returns it with the session's cookie. */
async function interceptAnswer(page: Page, candor: Candor): Promise<{ credential: string; cookie: string }> {
  await page.route('**/login/passkey', (route) => route.fulfill({ status: 204 }));
  const posted = page.waitForRequest('**/login/passkey');
  await passkeyLogIn(page, candor);
  const credential = credentialIn(await posted);
  const cookies = await page.context().cookies();
  return { credential, cookie: cookies.map(({ name, value }) => `${name}=${value}`).join('; ') };
}

async function logInWith(program: APIRequestContext, credential: string, cookie?: string): Promise<APIResponse> {
  return program.post('/login/passkey', { form: { credential }, headers: cookie ? { Cookie: cookie } : {} });
}

/** The login failed with the text that is the same for every reason, and there is no session. */
async function expectRejected(program: APIRequestContext, answer: APIResponse, why: string): Promise<void> {
  expect(answer.status(), why).toBe(422);
  expect(await answer.text(), why).toContain(UNKNOWN);
  const desk = await program.get('/admin');
  expect([desk.status(), desk.headers().location], why).toEqual([303, '/login?next=%2Fadmin']);
}
