// An authorization server made of oidc-provider, with an MCP server behind it.
// Whoever comes is signed in and consents.

import { createLocalJWKSet, exportJWK, generateKeyPair, jwtVerify } from 'jose';
import { errors, Provider } from 'oidc-provider';
import { accessSeconds, answer, issuer, listen, resource, scopes, shelf } from './common.mjs';

if (!shelf.get('jwk')) {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  shelf.set('jwk', { ...(await exportJWK(privateKey)), kid: 'one', alg: 'RS256', use: 'sig' });
}
const { kty, n, e, kid, alg, use, ...secret } = shelf.get('jwk');
const verifiers = createLocalJWKSet({ keys: [{ kty, n, e, kid, alg, use }] });

class Adapter {
  constructor(model) {
    this.model = model;
  }

  key(id) {
    return `${this.model} ${id}`;
  }

  async upsert(id, payload, seconds) {
    shelf.set(this.key(id), payload, seconds);
  }

  async find(id) {
    return shelf.get(this.key(id));
  }

  async #findBy(name, value) {
    return shelf.keys(this.key('')).map((key) => shelf.get(key)).find((payload) => payload[name] === value);
  }

  async findByUid(uid) {
    return this.#findBy('uid', uid);
  }

  async findByUserCode(code) {
    return this.#findBy('userCode', code);
  }

  async consume(id) {
    shelf.set(this.key(id), { ...shelf.get(this.key(id)), consumed: Math.floor(Date.now() / 1000) });
  }

  async destroy(id) {
    shelf.delete(this.key(id));
  }

  async revokeByGrantId(grant) {
    shelf.delete(...shelf.keys(this.key('')).filter((key) => shelf.get(key).grantId === grant));
  }
}

const provider = new Provider(issuer, {
  adapter: Adapter,
  jwks: { keys: [{ kty, n, e, kid, alg, use, ...secret }] },
  cookies: { keys: ['a-key-for-EXAMPLE'] },
  scopes: ['openid', ...scopes],
  routes: { authorization: '/authorize', token: '/token', registration: '/register', revocation: '/revoke' },
  interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (ctx, id) => ({ accountId: id, claims: async () => ({ sub: id }) }),
  ttl: { AccessToken: accessSeconds, RefreshToken: 14 * 24 * 3600, Grant: 14 * 24 * 3600, Session: 3600, Interaction: 600, IdToken: 600 },
  features: {
    devInteractions: { enabled: false },
    registration: { enabled: true },
    registrationManagement: { enabled: true },
    revocation: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => resource,
      useGrantedResource: () => true,
      getResourceServerInfo(ctx, indicator) {
        if (indicator !== resource) throw new errors.InvalidTarget();
        return { scope: scopes.join(' '), audience: resource, accessTokenFormat: 'jwt', accessTokenTTL: accessSeconds };
      },
    },
  },
});

const metadata = `${issuer}/.well-known/oauth-protected-resource/mcp`;

async function mcp(req, res) {
  const [, token] = /^Bearer (.+)$/i.exec(req.headers.authorization ?? '') ?? [];
  try {
    await jwtVerify(token ?? '', verifiers, { issuer, audience: resource });
    answer(res, 200, { jsonrpc: '2.0', id: 1, result: {} });
  } catch {
    answer(res, 401, { error: 'invalid_token' }, {
      'www-authenticate': `Bearer resource_metadata="${metadata}"${token ? ', error="invalid_token"' : ''}`,
    });
  }
}

async function consent(req, res) {
  const { params, grantId } = await provider.interactionDetails(req, res);
  const grant = (grantId && (await provider.Grant.find(grantId))) || new provider.Grant({ accountId: 'user', clientId: params.client_id });
  grant.addOIDCScope(params.scope ?? '');
  grant.addResourceScope(resource, params.scope ?? '');
  const result = { login: { accountId: 'user' }, consent: { grantId: await grant.save() } };
  await provider.interactionFinished(req, res, result, { mergeWithLastSubmission: false });
}

const handle = provider.callback();

listen(async (req, res) => {
  const { pathname, searchParams } = new URL(req.url, issuer);
  switch (true) {
    case pathname === '/mcp':
      return mcp(req, res);
    case pathname === new URL(metadata).pathname:
      return answer(res, 200, { resource, authorization_servers: [issuer], scopes_supported: scopes });
    case pathname.startsWith('/interaction/'):
      return consent(req, res);
    case pathname === '/test/forget':
      shelf.delete(`Client ${searchParams.get('client')}`);
      res.writeHead(204);
      return res.end();
  }
  return handle(req, res);
});
