// SPDX-License-Identifier: Apache-2.0
// Lets only admitted people through to a Node server (node:http, Express, Connect), without asking boxoffice: an admission is a JWT
// signed with ES256, and the keys to check it are published.
//
//   import { admitted } from './boxoffice.mjs';
//   app.use(admitted({ boxoffice: 'https://queue.example', sale: 'demo', waitingRoom: 'https://queue.example/?sale=demo' }));
//
// The token is taken from "Authorization: Bearer …" or from the cookie boxoffice_access; req.admission holds its claims.
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

function tokenOf({ headers }) {
  const bearer = headers.authorization?.match(/^Bearer (.+)$/)?.[1];
  return bearer ?? headers.cookie?.match(/(?:^|; )boxoffice_access=([^;]+)/)?.[1] ?? '';
}

export function admitted({ boxoffice, sale, waitingRoom = `${boxoffice}/?sale=${encodeURIComponent(sale)}` }) {
  const keys = keySet(boxoffice);
  return async (req, res, next) => {
    req.admission = await admissionOf(tokenOf(req), { sale, keys });
    if (req.admission) return next();
    res.writeHead(302, { location: waitingRoom, 'cache-control': 'no-store' }).end();
  };
}
