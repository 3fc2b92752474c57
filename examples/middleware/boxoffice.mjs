// SPDX-License-Identifier: Apache-2.0
// Lets only admitted people through to a Node server (node:http, Express, Connect), without asking boxoffice: an admission is a JWT
// signed with ES256, and the keys to check it are published.
//
//   import { admitted } from './boxoffice.mjs';
//   app.use(admitted({ boxoffice: 'https://queue.example', sale: 'demo', waitingRoom: 'https://queue.example/?sale=demo' }));
//
// An admission arrives once in the address ("/shop?access=…", where the waiting room sent the visitor), is put into a cookie and taken
// out of the address again, so that it stands in no history, log or Referer. From then on it is read from the cookie boxoffice_access,
// or from "Authorization: Bearer …" of a client that is no browser. req.admission holds its claims.
import { createPublicKey, verify } from 'node:crypto';

// The published keys, fetched when one is asked for that is not known, and at most every minRefreshMs.
export function keySet(boxoffice, { minRefreshMs = 10000, fetch: get = fetch } = {}) {
  let keys = new Map(), fetched = 0;
  return async (kid) => {
    if (!keys.has(kid) && Date.now() - fetched >= minRefreshMs) {
      fetched = Date.now();
      const response = await get(`${boxoffice}/.well-known/jwks.json`);
      if (!response.ok) throw new Error(`key set: ${response.status}`);
      keys = new Map((await response.json()).keys.map((jwk) => [jwk.kid, createPublicKey({ key: jwk, format: 'jwk' })]));
    }
    return keys.get(kid);
  };
}

const decode = (part) => JSON.parse(Buffer.from(part, 'base64url'));

// The claims of a token that holds for this sale; null for any other.
export async function admissionOf(token, { sale, keys, now = Date.now() }) {
  if (!/^[\w-]+\.[\w-]+\.[\w-]+$/.test(token)) return null; // it goes into a cookie as it is
  try {
    const [head, body, signature] = token.split('.');
    const { alg, kid } = decode(head);
    const key = alg === 'ES256' && (await keys(kid));
    if (!key || !verify('sha256', Buffer.from(`${head}.${body}`), { key, dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64url'))) return null;
    const claims = decode(body);
    return claims.typ === 'access' && claims.aud === sale && claims.exp * 1000 > now ? claims : null;
  } catch {
    return null;
  }
}

const COOKIE = 'boxoffice_access';

function tokenOf({ headers }) {
  const bearer = headers.authorization?.match(/^Bearer (.+)$/)?.[1];
  return bearer ?? headers.cookie?.match(new RegExp(`(?:^|; )${COOKIE}=([^;]+)`))?.[1] ?? '';
}

// {token, rest}: an address that carries an admission, and what is left of it without; null for any other. The rest of the query stays as
// it was written, and the path begins with one slash: two would be the address of another server.
function carried(address) {
  const [path, query = ''] = address.split(/\?(.*)/s), parts = query.split('&');
  const token = parts.find((part) => part.startsWith('access='));
  if (token === undefined) return null;
  const left = parts.filter((part) => !part.startsWith('access=')).join('&');
  return { token: token.slice('access='.length), rest: path.replace(/^[/\\]+/, '/') + (left && `?${left}`) };
}

const isSafe = ({ method }) => method === 'GET' || method === 'HEAD';
const isHttps = (req) => Boolean(req.socket.encrypted) || req.headers['x-forwarded-proto'] === 'https';

function cookieOf(req, token, admission) {
  const age = Math.max(0, admission.exp - Math.floor(Date.now() / 1000));
  return `${COOKIE}=${token}; Path=/; Max-Age=${age}; HttpOnly; SameSite=Lax${isHttps(req) ? '; Secure' : ''}`;
}

export function admitted({ boxoffice, sale, waitingRoom = `${boxoffice}/?sale=${encodeURIComponent(sale)}` }) {
  const keys = keySet(boxoffice);
  const redirect = (res, status, location, more = {}) => res.writeHead(status, { location, 'cache-control': 'no-store', 'referrer-policy': 'no-referrer', ...more }).end();
  return async (req, res, next) => {
    const arrived = isSafe(req) ? carried(req.originalUrl ?? req.url) : null;
    const fresh = arrived && (await admissionOf(arrived.token, { sale, keys }));
    if (fresh) return redirect(res, 303, arrived.rest, { 'set-cookie': cookieOf(req, arrived.token, fresh) });
    req.admission = await admissionOf(tokenOf(req), { sale, keys });
    if (!req.admission) return redirect(res, 302, waitingRoom);
    return arrived ? redirect(res, 303, arrived.rest) : next();
  };
}
