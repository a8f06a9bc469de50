// A certified identity provider: `node fake-provider.mjs REDIRECT_URI` prints its address.
// Logging in only takes the name of a person that it knows.
import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';

const PEOPLE = {
  paula: { email: 'paula@example.org', name: 'Paula Reis', groups: ['writers'] },
  ines: { email: 'ines@example.org', name: 'Ines Duarte', groups: ['owners'] },
  eve: { email: 'eve@elsewhere.example', name: 'Eve', groups: ['others'] },
};

const server = createServer();
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
const issuer = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: 'candor',
      client_secret: 'a secret between the two',
      redirect_uris: [process.argv[2]],
      response_types: ['code'],
    },
  ],
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'], groups: ['groups'] },
  features: { devInteractions: { enabled: false } },
  pkce: { required: () => true },
  cookies: { keys: ['only for the tests'] },
  interactions: { url: (_, interaction) => `/log-in/${interaction.uid}` },
  findAccount: (_, id) =>
    id in PEOPLE ? { accountId: id, claims: () => ({ sub: id, email_verified: true, ...PEOPLE[id] }) } : undefined,
  // A first-party client: no consent page.
  loadExistingGrant: async (ctx) => {
    const grant = new provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
    grant.addOIDCScope('openid email profile groups');
    await grant.save();
    return grant;
  },
});

const PAGE = `<!doctype html><html lang="en"><title>Harbour ID</title><link rel="icon" href="data:,">
<h1>Harbour ID</h1><form method="post"><label>Name <input name="name"></label>
<button>Log in</button> <button name="no" value="1">Cancel</button></form>`;

async function logIn(request, response) {
  if (request.method === 'GET') {
    response.setHeader('content-type', 'text/html; charset=utf-8');
    return response.end(PAGE);
  }
  let body = '';
  for await (const chunk of request) body += chunk;
  const typed = new URLSearchParams(body);
  const result = typed.has('no') ? { error: 'access_denied' } : { login: { accountId: typed.get('name') } };
  return provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
}

const answer = provider.callback();
server.on('request', (request, response) => {
  if (!request.url.startsWith('/log-in/')) return answer(request, response);
  logIn(request, response).catch((error) => response.writeHead(500).end(String(error)));
});
console.log(issuer);
