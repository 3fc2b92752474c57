// SPDX-License-Identifier: Apache-2.0
// The tokens kept in this browser for a sale: the present resume token, and beside it every token that may open tickets: ticket links and earlier resume
// tokens. These are never dropped, since the browser cannot know that no ticket depends on one.
const PLACES_MAX = 10; // earlier resume tokens; every visitor of the line gets one. Links are not limited.

const memory = new Map(), unwritten = new Set(); // what localStorage has not taken is as memory has it, whatever lies there from before
/** localStorage where there is one that works; else this page's memory. */
export const storage = {
  get(name) {
    const here = memory.get(name) ?? null;
    try { // what another tab has removed is gone here, too
      return globalThis.localStorage && !unwritten.has(name) ? globalThis.localStorage.getItem(name) : here;
    } catch { return here; }
  },
  set(name, value) {
    memory.set(name, String(value));
    try {
      globalThis.localStorage?.setItem(name, value);
      unwritten.delete(name);
    } catch { // full, or forbidden
      unwritten.add(name);
    }
  },
  remove(name) {
    memory.delete(name);
    try {
      globalThis.localStorage?.removeItem(name);
      unwritten.delete(name);
    } catch { // forbidden
      unwritten.add(name);
    }
  },
};

/** What a token of the server claims, unchecked; {} where it is none. */
export function claimsOf(token) {
  try {
    const bytes = Uint8Array.from(atob(token.split('.')[1].replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));
    return Object(JSON.parse(new TextDecoder().decode(bytes)));
  } catch {
    return {};
  }
}

/** The token of a ticket link; null where the address is none. */
export const tokenOf = (link) => /#link=([\w.-]+)$/.exec(link ?? '')?.[1] ?? null;

const nameOf = (sale, what) => `boxoffice.${sale}.${what}`;
const isKey = ({ typ, sub }) => Boolean(sub) && (typ === 'place' || typ === 'link');
const isSame = (a, b) => a.typ === b.typ && a.sub === b.sub && a.order === b.order;

function kept(store, sale) {
  try {
    return JSON.parse(store.get(nameOf(sale, 'keys')) ?? '[]').filter((key) => isKey(claimsOf(key)));
  } catch {
    return [];
  }
}

/** Keeps a token; it replaces an older one with the same claims. */
export function keepKey(store, sale, token) {
  const claims = claimsOf(token);
  if (!isKey(claims)) return;
  let places = 0;
  const keys = [token, ...kept(store, sale).filter((key) => !isSame(claimsOf(key), claims))].filter((key) => claimsOf(key).typ !== 'place' || ++places <= PLACES_MAX);
  store.set(nameOf(sale, 'keys'), JSON.stringify(keys));
}

/** Replaces the resume token, or removes it (null). The one before is kept if it is another person's: there may be tickets behind it. */
export function replaceResume(store, sale, token) {
  const before = store.get(nameOf(sale, 'resume'));
  if (before && !(token && isSame(claimsOf(before), claimsOf(token)))) keepKey(store, sale, before);
  if (token) store.set(nameOf(sale, 'resume'), token);
  else store.remove(nameOf(sale, 'resume'));
}

/** Every token that may open tickets, the present resume token first. */
export function keysOf(store, sale) {
  const resume = store.get(nameOf(sale, 'resume'));
  return [...(isKey(claimsOf(resume)) ? [resume] : []), ...kept(store, sale)];
}

/** To be called only when the visitor asks for it. */
export function forgetKeys(store, sale) {
  for (const what of ['resume', 'keys']) store.remove(nameOf(sale, what));
}

const nameOfLink = ({ order, link }) => `${order} ${claimsOf(tokenOf(link)).sub ?? link}`;
const seatOf = ({ order, seat }) => `${order} ${seat}`;

/** Merges several answers of the tickets API: each ticket once, with the token that opens it. A ticket that is gone in one answer and valid in another is valid. */
export function mergeTickets(answers) {
  const tickets = new Map(), gone = new Map(), links = new Map();
  for (const { key, ...answer } of answers) {
    for (const ticket of answer.tickets) if (!tickets.has(seatOf(ticket))) tickets.set(seatOf(ticket), { ...ticket, key });
    for (const one of answer.gone ?? []) gone.set(`${seatOf(one)} ${one.state}`, one);
    for (const one of answer.links ?? []) links.set(nameOfLink(one), one);
  }
  return { tickets: [...tickets.values()], gone: [...gone.values()].filter((one) => !tickets.has(seatOf(one))), links: [...links.values()] };
}
