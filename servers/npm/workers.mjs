// An authorization server made of @cloudflare/workers-oauth-provider, with an
// MCP server behind it. It is written for Cloudflare's runtime: what it wants
// of that, a base class and a key-value store, stands here.

import { registerHooks } from 'node:module';
import { Readable } from 'node:stream';
import { accessSeconds, issuer, listen, resource, scopes, shelf } from './common.mjs';

const base = 'export class WorkerEntrypoint { constructor(ctx, env) { this.ctx = ctx; this.env = env; } }';
registerHooks({
  resolve: (name, context, next) =>
    name === 'cloudflare:workers' ? { url: `data:text/javascript,${encodeURIComponent(base)}`, shortCircuit: true } : next(name, context),
});
const { OAuthProvider } = await import('@cloudflare/workers-oauth-provider');

const env = {
  OAUTH_KV: {
    async get(key, options) {
      const text = shelf.get(key);
      if (text === undefined) return null;
      return (options?.type ?? options) === 'json' ? JSON.parse(text) : text;
    },
    async put(key, text, options) {
      shelf.set(key, text, options?.expirationTtl);
    },
    async delete(key) {
      shelf.delete(key);
    },
    async list({ prefix = '' } = {}) {
      return { keys: shelf.keys(prefix).map((name) => ({ name })), list_complete: true };
    },
  },
};

const provider = new OAuthProvider({
  apiRoute: '/mcp',
  apiHandler: {
    fetch: async () => Response.json({ jsonrpc: '2.0', id: 1, result: {} }),
  },
  defaultHandler: {
    async fetch(request, env) {
      const url = new URL(request.url);
      switch (url.pathname) {
        case '/authorize': {
          const asked = await env.OAUTH_PROVIDER.parseAuthRequest(request);
          const { redirectTo } = await env.OAUTH_PROVIDER.completeAuthorization({
            request: asked, userId: 'user', metadata: {}, scope: asked.scope, props: {},
          });
          return Response.redirect(redirectTo, 302);
        }
        case '/test/forget': // as when its registration expires
          await env.OAUTH_KV.delete(`client:${url.searchParams.get('client')}`);
          return new Response(null, { status: 204 });
      }
      return new Response('not found', { status: 404 });
    },
  },
  authorizeEndpoint: '/authorize',
  tokenEndpoint: '/token',
  clientRegistrationEndpoint: '/register',
  accessTokenTTL: accessSeconds,
  scopesSupported: scopes,
  resourceMetadata: { resource, authorization_servers: [issuer] },
});

listen(async (req, res) => {
  const url = new URL(req.url, issuer);
  const body = ['GET', 'HEAD'].includes(req.method) ? {} : { body: Readable.toWeb(req), duplex: 'half' };
  const request = new Request(url, { method: req.method, headers: req.headers, ...body });
  const waiting = [];
  const context = { waitUntil: (p) => waiting.push(p), passThroughOnException() {}, props: {} };
  const response = await provider.fetch(request, env, context).catch((err) => {
    if (!err.code) throw err;
    return Response.json({ error: err.code, error_description: err.description }, { status: 400 });
  });
  await Promise.all(waiting);
  res.writeHead(response.status, Object.fromEntries(response.headers));
  res.end(Buffer.from(await response.arrayBuffer()));
});
