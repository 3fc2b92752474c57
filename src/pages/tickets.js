// SPDX-License-Identifier: Apache-2.0
// The tickets of one sale, each on a sheet of its own when printed: /tickets.html#link=… in any browser, /tickets.html?sale=demo in the browser they
// were bought in, or when logged in. The link stays in the address, so that a reload or a bookmark does not lose it; the page shows what it opens anyway.
import { Boxoffice, storage } from './client/boxoffice.js';
import { claimsOf, tokenOf } from './client/keys.js';
import { $, make, say } from './dom.js';
import { keepBox } from './keep.js';
import { wear } from './theme.js';
import { moment, money, problem, t } from './words.js';

const AGAIN_MS = 3000;
const link = tokenOf(location.hash), linked = claimsOf(link);
const sale = linked.sale ?? new URLSearchParams(location.search).get('sale') ?? '';

async function accountToken() {
  if (!storage.get('boxoffice.account')) return null;
  const me = await fetch('/api/accounts/me').catch(() => null);
  return me?.ok ? (await me.json()).account : null;
}

const where = (ticket) => t(ticket.row ? 'seat.where' : 'seat.where.norow', { zone: ticket.zone, row: ticket.row, seat: ticket.number });

async function draw({ key, seat }) {
  const answer = await fetch(`/api/sales/${encodeURIComponent(sale)}/tickets/qr`, { method: 'POST', body: JSON.stringify({ seat }), headers: { authorization: `Bearer ${key}` } });
  return answer.ok ? `data:image/svg+xml,${encodeURIComponent(await answer.text())}` : null;
}

async function card(about, ticket) {
  const qr = await draw(ticket);
  return make('li', {}, qr && make('img', { src: qr, alt: t('tickets.qr', { seat: where(ticket) }) }),
    make('h2', {}, about.title || about.name), about.starts_at_ms ? make('p', {}, moment(about.starts_at_ms, about.time_zone)) : null, make('p', {}, [about.venue, about.city].filter(Boolean).join(', ')),
    make('p', { class: 'big' }, where(ticket)), make('p', {}, `${ticket.category}${ticket.tariff ? ` (${ticket.tariff})` : ''}, ${money(ticket.price, about)}`),
    ticket.checked_in_ms ? make('p', {}, t('tickets.used', { when: moment(ticket.checked_in_ms, about.time_zone) })) : null);
}

// Nothing can be shown: why, and what to do.
function explain(refused) {
  if (refused.code === 'token_expired' && link) say('word', t('tickets.link.expired'));
  else if (link && /^token_|^unknown_sale$/.test(refused.code)) say('word', t('tickets.link.broken'));
  else if (/^token_/.test(refused.code)) say('word', t('tickets.where'));
  else if (refused.code === 'unknown_sale') say('word', t('over.unknown_sale.text'));
  else say('word', refused.code ? problem(refused) : t('tickets.offline'));
  if (!/^token_|^unknown_sale$/.test(refused.code)) setTimeout(() => show().catch(explain), AGAIN_MS); // the server is away for a moment
}

// A link of a sale without a date lasts for a year from now on.
function renew({ links }) {
  const tokens = links.map((one) => tokenOf(one.link)), same = ({ order, sub }) => order === linked.order && sub === linked.sub;
  const fresh = link && tokens.find((one) => same(claimsOf(one)));
  if (fresh && claimsOf(fresh).exp > linked.exp) history.replaceState(null, '', `${location.pathname}#link=${fresh}`);
}

function tellLink({ tickets, gone, refused }) {
  const no = refused.find(({ key }) => key === link);
  if (no) explain(no);
  else say('word', [...tickets, ...gone].some(({ order }) => order === linked.order) ? '' : t('tickets.link.handed'));
}

async function show() {
  if (!sale) throw { code: 'token_missing' };
  const client = new Boxoffice({ sale }), account = await accountToken();
  const [about, wallet] = await Promise.all([client.describe(), client.wallet([link, account].filter(Boolean))]);
  const { tickets, gone, links } = wallet;
  wear(about);
  document.title = `${t('tickets.title')} – ${about.title || about.name}`;
  say('word', tickets.length || gone.length ? '' : t('tickets.none'));
  if (link) tellLink(wallet);
  renew(wallet);
  $('cards').replaceChildren(...await Promise.all(tickets.map((ticket) => card(about, ticket))));
  const title = tickets.length || !gone.length ? [] : [make('li', {}, make('h2', {}, about.title || about.name))];
  $('gone').replaceChildren(...title, ...gone.map((one) => make('li', {}, t(`tickets.${one.state}`, { seat: where(one) }))));
  $('links').replaceChildren(...links.map((one) => keepBox(one, about)));
  $('print').hidden = !tickets.length;
}

document.title = t('tickets.title');
addEventListener('hashchange', () => location.reload()); // another link was pasted over this one
$('print').addEventListener('click', () => print());
show().catch(explain);
