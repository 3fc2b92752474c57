// SPDX-License-Identifier: Apache-2.0
// One order: its tickets, check-in without their codes, and new ticket links.
import { $, make } from '../dom.js';
import { moment as momentIn, money, ownZone } from '../words.js';
import { get, post, saleAt } from './api.js';
import { sure } from './controls.js';

const PAID = ['paid', 'part_refunded', 'refunded'];
const moment = (ms) => momentIn(ms, ownZone, 'medium');
const button = (text, click) => make('button', { type: 'button', class: 'quiet', click }, text);

export class Order {
  constructor({ role }) {
    this.may = role !== 'viewer';
  }

  close() { $('order').hidden = true; }

  #tell(text) { $('order-word').textContent = text; }

  #do(action) {
    return async () => {
      try {
        await action();
      } catch (problem) {
        this.#tell(problem.message);
      }
    };
  }

  async show(one) {
    const order = await get(`/api/orders/${encodeURIComponent(one.order)}?sale=${encodeURIComponent(one.sale)}`);
    const { sale, person, status, amount, refunded, tickets } = order;
    const owners = [...new Set([person, ...tickets.map((ticket) => ticket.person)])].filter(Boolean);
    const back = refunded ? `, ${money(refunded, order)} given back` : '', rows = tickets.map((ticket) => this.#row(order, ticket));
    const links = owners.map((owner) => button(owner === person ? 'Ticket link for the buyer' : `Ticket link for ${owner}`, this.#do(() => this.#makeLink(order, owner))));
    $('order').replaceChildren(make('h2', {}, 'Order ', make('code', {}, order.order)), make('p', {}, `${sale} · ${status} · ${money(amount, order)}${back}`),
      rows.length ? make('table', {}, ...rows) : make('p', {}, 'It has no tickets.'), make('p', { id: 'order-word', role: 'status' }),
      make('div', { class: 'row' }, ...(this.may && PAID.includes(status) ? links : [])), make('div', { id: 'order-link' }));
    $('order').hidden = false;
    $('order').scrollIntoView({ block: 'nearest' });
  }

  #row(order, ticket) {
    const owner = ticket.person === order.person ? 'the buyer\'s' : make('code', {}, ticket.person);
    const cells = [make('code', {}, ticket.seat), ticket.tariff ?? '', owner, this.#used(ticket), this.may ? this.#door(order, ticket) : ''];
    return make('tr', {}, ...cells.map((cell) => make('td', {}, cell)));
  }

  #door(order, { seat, checked_in_at: used }) {
    const ask = used ? `Undo that ${seat} was let in? It can be let in again then.` : `Let in ${seat}, without its code?`;
    return button(used ? 'Undo' : 'Let in', this.#do(async () => {
      if (!(await sure(ask))) return;
      await post('/api/check-in', { sale: order.sale, order: order.order, seat, undo: Boolean(used) });
      await this.show(order);
    }));
  }

  #used({ checked_in_at: at }) { return at ? `used ${moment(Date.parse(at))}` : ''; }

  async #makeLink({ order, sale }, person) {
    const { link, link_expires_ms: expires } = await post(saleAt(sale, `/orders/${encodeURIComponent(order)}/link`), { person });
    const input = make('input', { readonly: true, value: link, 'aria-label': 'Ticket link', click: () => input.select() });
    $('order-link').replaceChildren(make('p', {}, input), make('p', { class: 'hint' }, `Send it only to the owner of the tickets: the link gives access to them. It works until ${moment(expires)}.`));
    input.select();
  }
}
