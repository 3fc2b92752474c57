// SPDX-License-Identifier: Apache-2.0
// The admin API with the token of who is logged in; the token lives as long as this tab.
const KEY = 'boxoffice.admin';

export const session = {
  get token() { return sessionStorage.getItem(KEY); },
  set token(value) { value ? sessionStorage.setItem(KEY, value) : sessionStorage.removeItem(KEY); },
};

export class Refused extends Error {
  constructor(status, { code, message, detail }) {
    super(detail ? `${message} (${detail})` : message);
    Object.assign(this, { status, code });
  }
}

async function ask(method, where, body) {
  let answer;
  try {
    answer = await fetch(where, { method, body: body === undefined ? undefined : JSON.stringify(body), headers: { authorization: `Bearer ${session.token}` } });
  } catch {
    throw new Refused(0, { code: 'offline', message: 'The server cannot be reached.' });
  }
  const text = await answer.text();
  if (!answer.headers.get('content-type')?.startsWith('application/json')) return text;
  const json = JSON.parse(text);
  if (!answer.ok && json.error) throw new Refused(answer.status, json.error);
  return json;
}

export const get = (where) => ask('GET', where);
export const post = (where, body = {}) => ask('POST', where, body);
export const patch = (where, body) => ask('PATCH', where, body);
export const saleAt = (sale, what = '') => `/api/sales/${encodeURIComponent(sale)}${what}`;

/** Prometheus text as {name: sum over its labels}. */
export function metrics(text) {
  const found = {};
  for (const [, name, value] of text.matchAll(/^boxoffice_(\w+)(?:\{[^}]*\})? (-?[\d.e+]+)$/gm)) found[name] = (found[name] ?? 0) + Number(value);
  return found;
}
