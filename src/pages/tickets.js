// SPDX-License-Identifier: Apache-2.0
// The tickets of one sale, each on a sheet of its own when printed: /tickets.html?sale=demo, for who bought in this browser or is logged in.
import { storage } from './client/boxoffice.js';
import { $, make } from './dom.js';
import { wear } from './theme.js';
import { moment, money, t } from './words.js';

const sale = new URLSearchParams(location.search).get('sale') ?? '';

// His place in the line of this sale, or his account.
async function token() {
  const resume = storage.get(`boxoffice.${sale}.resume`);
  if (resume || !storage.get('boxoffice.account')) return resume;
  const me = await fetch('/api/accounts/me');
  return me.ok ? (await me.json()).account : null;
}

const ask = (bearer, what, body) => fetch(`/api/sales/${encodeURIComponent(sale)}${what}`, { method: body ? 'POST' : 'GET', body: body && JSON.stringify(body), headers: { authorization: `Bearer ${bearer}` } });

async function card(bearer, about, ticket) {
  const where = t(ticket.row ? 'seat.where' : 'seat.where.norow', { zone: ticket.zone, row: ticket.row, seat: ticket.number });
  const qr = await ask(bearer, '/tickets/qr', { seat: ticket.seat });
  return make('li', {}, qr.ok ? make('img', { src: `data:image/svg+xml,${encodeURIComponent(await qr.text())}`, alt: t('tickets.qr', { seat: where }) }) : null,
    make('h2', {}, about.title || about.name), about.starts_at_ms ? make('p', {}, moment(about.starts_at_ms, about.time_zone)) : null, make('p', {}, [about.venue, about.city].filter(Boolean).join(', ')),
    make('p', { class: 'big' }, where), make('p', {}, `${ticket.category}${ticket.tariff ? ` (${ticket.tariff})` : ''}, ${money(ticket.price, about.currency)}`),
    ticket.checked_in_ms ? make('p', {}, t('tickets.used', { when: moment(ticket.checked_in_ms, about.time_zone) })) : null);
}

async function show() {
  document.title = t('tickets.title');
  const bearer = sale && await token();
  const [answer, described] = bearer ? await Promise.all([ask(bearer, '/tickets'), ask(bearer, '')]) : [];
  if (!answer?.ok || !described.ok) {
    $('word').textContent = t(sale ? 'tickets.where' : 'tickets.from');
    return;
  }
  const about = await described.json(), { tickets } = await answer.json();
  wear(about);
  document.title = `${t('tickets.title')} – ${about.title || about.name}`;
  $('word').textContent = tickets.length ? '' : t('tickets.none');
  $('cards').replaceChildren(...await Promise.all(tickets.map((ticket) => card(bearer, about, ticket))));
  $('print').hidden = !tickets.length;
}

$('print').addEventListener('click', () => print());
show().catch(() => { $('word').textContent = t('tickets.offline'); });
