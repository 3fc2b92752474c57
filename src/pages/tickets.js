// SPDX-License-Identifier: Apache-2.0
// The tickets of one sale, each on a sheet of its own when printed: /tickets.html?sale=demo, for who bought in this browser or is logged in.
const $ = (id) => document.getElementById(id);
const sale = new URLSearchParams(location.search).get('sale') ?? '';

// His place in the line of this sale, or his account.
async function token() {
  const resume = localStorage.getItem(`boxoffice.${sale}.resume`);
  if (resume) return resume;
  const me = await fetch('/api/accounts/me');
  return me.ok ? (await me.json()).account : null;
}

const ask = (bearer, what, body) => fetch(`/api/sales/${encodeURIComponent(sale)}${what}`, { method: body ? 'POST' : 'GET', body: body && JSON.stringify(body), headers: { authorization: `Bearer ${bearer}` } });

function line(tag, text) {
  const element = document.createElement(tag);
  element.textContent = text;
  return element;
}

async function card(bearer, described, ticket) {
  const item = document.createElement('li'), picture = document.createElement('img');
  const qr = await ask(bearer, '/tickets/qr', { seat: ticket.seat });
  if (qr.ok) picture.src = `data:image/svg+xml,${encodeURIComponent(await qr.text())}`;
  picture.alt = 'The ticket as a QR code';
  const price = new Intl.NumberFormat(undefined, { style: 'currency', currency: described.currency });
  const where = [ticket.zone, ticket.row && `row ${ticket.row}`, `seat ${ticket.number}`].filter(Boolean).join(', ');
  item.append(picture, line('h2', described.name), line('p', where),
    line('p', `${ticket.category}${ticket.tariff ? ` (${ticket.tariff})` : ''}, ${price.format(ticket.price / 10 ** price.resolvedOptions().maximumFractionDigits)}`));
  if (ticket.checked_in_ms) item.append(line('p', `Used ${new Date(ticket.checked_in_ms).toLocaleString()}`));
  return item;
}

async function show() {
  const bearer = sale && await token();
  const [answer, about] = bearer ? await Promise.all([ask(bearer, '/tickets'), ask(bearer, '')]) : [];
  if (!answer?.ok || !about.ok) {
    $('word').textContent = sale ? 'Open this page in the browser you bought with, or log in.' : 'Open this page from the sale where you bought.';
    return;
  }
  const described = await about.json(), { tickets } = await answer.json();
  $('word').textContent = tickets.length ? '' : 'You have no tickets of this sale.';
  $('cards').replaceChildren(...await Promise.all(tickets.map((ticket) => card(bearer, described, ticket))));
  $('print').hidden = !tickets.length;
}

$('print').addEventListener('click', () => print());
show().catch(() => { $('word').textContent = 'The tickets could not be loaded. Check your connection and reload this page.'; });
