// SPDX-License-Identifier: Apache-2.0
// Looking: the plan with who holds what, people and orders, the audit.
import { now } from '../clock.js';
import { $, make } from '../dom.js';
import { SeatMap, drawShape } from '../map.js';
import { duration, moment as momentIn, money, number, ownZone } from '../words.js';
import { get, post, saleAt } from './api.js';
import { sure } from './controls.js';
import { Order } from './orders.js';

const moment = (ms) => momentIn(ms, ownZone, 'medium'); // operators of one sale may sit anywhere; the zone is said
const term = (name, ...value) => make('p', {}, make('span', { class: 'soft' }, `${name}: `), ...value);
const button = (text, click, quiet = true) => make('button', { type: 'button', class: quiet ? 'quiet' : '', click }, text);
const code = (text) => make('code', {}, text);

export class Seats {
  constructor({ role, showPerson }) {
    Object.assign(this, { mayBlock: role !== 'viewer', showPerson });
  }

  async open(sale) {
    Object.assign(this, { sale, map: null });
    $('seat').hidden = true;
  }

  async update() {
    if ($('seats').hidden) return;
    if (!this.map) await this.#draw();
    const { version, states } = await get(saleAt(this.sale, '/map'));
    if (version !== this.version) this.map.setStates(states);
    this.version = version;
  }

  async #draw() {
    const plan = this.plan = await get(saleAt(this.sale, '/plan'));
    const where = (i) => [plan.seats[i][1], plan.seats[i][2] && `row ${plan.seats[i][2]}`, `seat ${plan.seats[i][3]}`].filter(Boolean).join(', ');
    this.map = new SeatMap($('hall'), plan, { label: `Seating plan of ${number(plan.seats.length)} seats; arrow keys move, Enter says who has it`,
      describe: (i) => `${where(i)} · ${plan.categories[plan.seats[i][4]].name} · ${['free', 'held', 'sold', 'kept back'][this.map.states[i]]}`, words: { closer: 'Closer', farther: 'Farther', whole: 'Show all' } });
    this.map.pickBlocked = this.map.showBlocked = true;
    this.map.addEventListener('pick', ({ seat }) => this.#who(seat, where(seat)));
    this.version = undefined;
    $('legend').replaceChildren(...plan.categories.map((category, i) => {
      const canvas = make('canvas', { width: 40, height: 40, 'aria-hidden': 'true' }), c = canvas.getContext('2d');
      c.fillStyle = this.map.colors[i];
      drawShape(c, i, 20, 20, 15);
      c.fill();
      return make('li', {}, canvas, ` ${category.name} ${money(category.price, plan)}`);
    }), make('li', { class: 'soft' }, 'Hollow: held. Small: sold. Crossed: kept back.'));
  }

  async #who(i, where) {
    const guid = this.plan.seats[i][0], found = await get(saleAt(this.sale, `/seats/${encodeURIComponent(guid)}`)), box = $('seat');
    this.map.setMine([i]);
    const change = (what) => async () => {
      if (!(await sure(`${what === 'block' ? 'Keep back' : 'Put back into the sale'}: ${where}?`))) return;
      await post(saleAt(this.sale, `/${what}`), { seats: [guid], why: 'panel' });
      await this.#who(i, where);
      await this.update();
    };
    box.replaceChildren(...[make('h2', {}, where), term('Seat', code(guid)), term('State', found.state), found.person && term('Person', button(found.person, () => this.showPerson(found.person))), found.stage && term('Stage', found.stage),
      found.deadline_ms > 0 && term('Until', moment(found.deadline_ms)), found.order && term('Order', code(found.order)),
      this.mayBlock && found.state === 'free' && button('Keep back', change('block')), this.mayBlock && found.state === 'blocked' && button('Put back into the sale', change('unblock'))].filter(Boolean));
    box.hidden = false;
  }
}

export class Find {
  constructor({ role }) {
    this.order = new Order({ role });
    $('search').addEventListener('submit', async (event) => {
      event.preventDefault();
      await this.#search($('query').value.trim());
    });
  }

  open(sale) {
    this.sale = sale;
    $('person').hidden = true;
    this.order.close();
    $('found').replaceChildren();
  }

  async #search(query) {
    const { orders, people } = await get(`/api/search?q=${encodeURIComponent(query)}&sale=${encodeURIComponent(this.sale)}`);
    const cells = (...list) => make('tr', {}, ...list.map((cell) => make('td', {}, cell)));
    $('found').replaceChildren(
      ...(people.length ? [make('h2', {}, 'People'), make('table', {}, ...people.map(({ person, email, subject }) => cells(button(person, () => this.show(person)), email ?? subject)))] : []),
      ...(orders.length ? [make('h2', {}, 'Orders'), make('table', {}, ...orders.map((o) => cells(button(o.order, () => this.order.show(o)), o.sale, button(o.person, () => this.show(o.person)), o.status, money(o.amount, o), moment(o.at_ms))))] : []),
      ...(!orders.length && !people.length ? [make('p', {}, 'No order and no account fits. As a person in the line of this sale:')] : []));
    if (!orders.length && !people.length && /^[\w.:@-]{1,64}$/.test(query)) await this.show(query);
  }

  async show(person) {
    const p = await get(saleAt(this.sale, `/people/${encodeURIComponent(person)}`)), box = $('person');
    const rows = (list, ...columns) => make('table', {}, ...list.map((one) => make('tr', {}, ...columns.map((column) => make('td', {}, column(one))))));
    box.replaceChildren(...[make('h2', {}, p.person), p.email && term('Account', p.email), p.subject && term('Site', p.subject), term('In this sale', { nowhere: 'not known', wait: 'in line', out: 'out', claim: 'let in', choose: 'choosing', pay: 'paying', away: 'away when his turn came' }[p.stage] ?? p.stage),
      p.number && term('Number', String(p.number)), p.deadline_ms > now() && term('Time left', duration((p.deadline_ms - now()) / 1000)), p.holds.length && term('Holds', p.holds.join(', ')), p.order && term('Order', code(p.order)),
      p.orders.length && make('h3', {}, 'Orders'), p.orders.length && rows(p.orders, (o) => button(o.order, () => this.order.show(o)), (o) => o.sale, (o) => o.status, (o) => money(o.amount, o), (o) => (o.refunded ? `${money(o.refunded, o)} given back` : ''), (o) => moment(o.at_ms)),
      p.tickets.length && make('h3', {}, 'Tickets'), p.tickets.length && rows(p.tickets, (o) => o.sale, (o) => o.seat, (o) => o.tariff ?? '', (o) => (o.checked_in_at ? `used ${moment(Date.parse(o.checked_in_at))}` : '')),
      make('p', { class: 'hint' }, 'The whole story, from the ledger: boxoffice story ', code(p.person))].filter(Boolean));
    box.hidden = false;
    box.scrollIntoView({ block: 'nearest' });
  }
}

export async function showAudit() {
  const { audit } = await get('/api/audit');
  $('audit-list').replaceChildren(make('thead', {}, make('tr', {}, ...['When', 'Who', 'What', 'Sale', 'How'].map((name) => make('th', {}, name)))),
    make('tbody', {}, ...audit.map(({ at, actor, action, sale, detail }) => make('tr', {}, ...[moment(Date.parse(at)), actor, action, sale ?? ''].map((cell) => make('td', {}, cell)), make('td', {}, code(JSON.stringify(detail)))))));
}
