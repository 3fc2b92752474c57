// SPDX-License-Identifier: Apache-2.0
// Choosing: the plan as a map or as a list, the best together by one click, what is held, and stock beside the seats.
import { $, make } from './dom.js';
import { SeatMap, drawShape } from './map.js';
import { moment, money, number, problem, smallest, t } from './words.js';

const FREE = 0;

export class Hall {
  constructor(client, about, plan) {
    Object.assign(this, { client, about, plan, version: -1, held: [], tariff: '', busy: new Set() });
    this.index = new Map(plan.seats.map((seat, i) => [seat[0], i]));
    this.map = new SeatMap($('hall'), plan, { label: t('map.label', { n: plan.seats.length }), describe: (i) => this.describe(i),
      words: { closer: t('map.closer'), farther: t('map.farther'), whole: t('map.whole') } });
    this.map.addEventListener('pick', ({ seat }) => this.toggle(seat));
    this.#drawLegend();
    this.#offerBest();
    $('as-list').addEventListener('click', () => this.#switchView());
    for (const type of ['map', 'seats', 'held', 'released', 'lot']) client.addEventListener(type, ({ detail }) => this[`on_${type}`]?.(detail));
    client.stock().then((items) => this.#offerStock(items), () => {});
  }

  // ---- words ----

  where(i) {
    const [, zone, row, seat] = this.plan.seats[i];
    return t(row ? 'seat.where' : 'seat.where.norow', { zone, row, seat });
  }

  describe(i) {
    const category = this.plan.categories[this.plan.seats[i][4]], state = this.map.mine.has(i) ? 'mine' : this.map.states[i];
    const kind = this.plan.seats[i][7];
    return `${this.where(i)}${kind ? ` · ${t(`seat.${kind}`)}` : ''} · ${category.name} ${money(category.price, this.plan)} · ${t(`seat.state.${state}`)}`;
  }

  nameOf(guid) {
    const i = this.index.get(guid), place = /^(.+)-(\d+)$/.exec(guid);
    return i !== undefined ? this.where(i) : place ? t('seat.place', { zone: place[1], seat: place[2] }) : guid;
  }

  // ---- the server's word ----

  on_map({ version, states }) {
    this.version = version;
    this.map.setStates(states);
    this.#count();
  }

  on_seats(message) {
    if (message.version <= this.version) return;
    this.version = message.version;
    for (const [state, name] of ['free', 'held', 'sold', 'blocked'].entries()) for (const i of message[name] ?? []) this.#changed(i, state);
    this.#count();
  }

  #changed(i, state) {
    this.map.change(i, state);
    this.buttons?.get(i)?.replaceWith(this.#seatButton(i));
  }

  on_entered(message) {
    this.on_held({ ...message, currency: this.plan.currency });
    $('extend').hidden = !this.about.extend_ms;
  }

  on_released(message) { this.on_held(message); }

  on_held({ seats, amount }) {
    const before = this.map.mine;
    this.held = seats;
    this.map.setMine(seats.map((guid) => this.index.get(guid)).filter((i) => i !== undefined));
    for (const i of new Set([...before, ...this.map.mine])) this.buttons?.get(i)?.replaceWith(this.#seatButton(i));
    const sum = amount ?? [...this.map.mine].reduce((all, i) => all + this.plan.categories[this.plan.seats[i][4]].price, 0);
    $('basket').textContent = seats.length ? t('choose.some', { n: seats.length, sum: money(sum, this.plan) }) : t('choose.none');
    $('basket-list').replaceChildren(...seats.map((guid) => make('li', {}, this.nameOf(guid), ' ',
      make('button', { type: 'button', class: 'quiet', 'aria-label': t('choose.remove', { seat: this.nameOf(guid) }), click: () => this.#try(this.client.release([guid])) }, '×'))));
    $('checkout').disabled = !seats.length;
    $('best-count').max = Math.max(1, this.about.limit - seats.length);
  }

  // ---- choosing ----

  #try(command) {
    $('refusal').textContent = '';
    return command.catch((refused) => {
      $('refusal').textContent = refused.code === 'limit_reached' ? t('choose.full', { limit: this.about.limit }) : problem(refused.answer ?? refused);
      if (refused.answer?.map) this.on_map(refused.answer.map);
      for (const guid of refused.answer?.seats ?? []) if (this.index.has(guid)) this.map.say(this.describe(this.index.get(guid)));
    });
  }

  async toggle(i) {
    const [guid] = this.plan.seats[i];
    if (this.busy.has(i)) return;
    if (!this.map.mine.has(i) && this.map.states[i] !== FREE) {
      $('refusal').textContent = this.describe(i);
      return;
    }
    this.busy.add(i);
    await this.#try(this.map.mine.has(i) ? this.client.release([guid]) : this.#hold(i));
    this.busy.delete(i);
    this.map.say(this.describe(i));
  }

  // A companion's seat goes with the accessible one beside it, in one command.
  async #hold(i) {
    const named = (k) => (this.tariff ? { seat: this.plan.seats[k][0], tariff: this.tariff } : this.plan.seats[k][0]), seats = [i];
    if (this.plan.seats[i][7] === 'companion') {
      const beside = [i - 1, i + 1].find((k) => this.plan.seats[k]?.[7] === 'accessible' && this.plan.seats[k][2] === this.plan.seats[i][2] && (this.map.mine.has(k) || this.map.states[k] === FREE));
      if (beside !== undefined) seats.unshift(beside);
      if (this.map.mine.has(beside)) {
        await this.client.release([this.plan.seats[beside][0]]);
        return this.client.hold(seats.map(named)).catch(async (refused) => {
          await this.client.hold([named(beside)]); // he keeps at least what he had
          throw refused;
        });
      }
    }
    return this.client.hold(seats.map(named));
  }

  #offerBest() {
    const select = $('best-category');
    select.replaceChildren(new Option(t('best.any'), ''), ...this.plan.categories.map((c) => new Option(`${c.name} ${money(c.price, this.plan)}`, c.name)));
    $('best-count').max = this.about.limit;
    $('best-accessible-box').hidden = !this.plan.seats.some((seat) => seat[7] === 'accessible');
    $('best').addEventListener('submit', async (event) => {
      event.preventDefault();
      const wish = { count: Number($('best-count').value) };
      if (select.value) wish.category = select.value;
      if ($('best-accessible').checked) wish.accessible = true;
      const held = await this.#try(this.client.best(wish));
      if (held?.seats.length) this.map.show(this.index.get(held.seats.at(-1)));
    });
  }

  #drawLegend() {
    this.counts = this.plan.categories.map(() => make('span', { class: 'soft' }));
    $('legend').replaceChildren(...this.plan.categories.map((category, i) => {
      const canvas = make('canvas', { width: 40, height: 40, 'aria-hidden': 'true' }), c = canvas.getContext('2d');
      c.fillStyle = this.map.colors[i];
      drawShape(c, i, 20, 20, 15);
      c.fill();
      return make('li', {}, canvas, ` ${category.name} ${money(category.price, this.plan)} `, this.counts[i]);
    }));
    if (!this.about.tariffs?.length) return;
    const select = make('select', { change: () => { this.tariff = select.value; } }, new Option(t('tariff.full'), ''),
      ...this.about.tariffs.map((one) => new Option(`${one.name} ${one.percent === undefined ? money(one.price, this.plan) : `${number(one.percent)} %`}`, one.name)));
    select.setAttribute('aria-label', t('tariff.full'));
    $('legend').append(make('li', {}, select));
  }

  #count() {
    const free = this.plan.categories.map(() => 0);
    for (let i = 0; i < this.map.states.length; i++) if (this.map.states[i] === FREE) free[this.map.category[i]]++;
    free.forEach((n, i) => { this.counts[i].textContent = t('map.free', { n }); });
  }

  // ---- as a list ----

  #switchView() {
    const list = $('seat-list').hidden;
    $('as-list').setAttribute('aria-pressed', String(list));
    $('seat-list').hidden = !list;
    $('hall').hidden = list;
    if (list && !this.buttons) this.#buildList();
  }

  #seatButton(i) {
    const mine = this.map.mine.has(i);
    const button = make('button', { type: 'button', 'aria-label': this.describe(i), 'aria-pressed': String(mine), class: mine ? 'mine' : '', disabled: !mine && this.map.states[i] !== FREE,
      click: () => this.toggle(i) }, this.plan.seats[i][3]);
    this.buttons.set(i, button);
    return button;
  }

  // Zones, in them rows, in them seats; made when they are opened.
  #buildList() {
    this.buttons = new Map();
    const zones = new Map();
    this.plan.seats.forEach(([, zone, row], i) => {
      if (!zones.has(zone)) zones.set(zone, new Map());
      if (!zones.get(zone).has(row)) zones.get(zone).set(row, []);
      zones.get(zone).get(row).push(i);
    });
    const open = (details, fill) => details.addEventListener('toggle', () => details.open && details.childElementCount === 1 && details.append(...fill()));
    $('seat-list').replaceChildren(...[...zones].map(([zone, rows]) => {
      const details = make('details', { class: 'card' }, make('summary', {}, zone));
      open(details, () => [...rows].map(([row, seats]) => make('div', {}, make('p', {}, row ? t('row', { row }) : ''), make('div', { class: 'seats' }, ...seats.map((i) => this.#seatButton(i))))));
      return details;
    }));
  }

  // ---- stock beside the seats ----

  #offerStock(items) {
    if (!items.length) return;
    $('stock').hidden = false;
    this.lots = new Map();
    $('stock').replaceChildren(make('li', {}, make('h3', {}, t('stock.title'))), ...items.map((item) => (item.kind === 'lot' ? this.#lot(item) : this.#item(item))));
  }

  #item({ item, kind, left, price }) {
    const count = make('input', { type: 'number', min: 1, max: Math.max(1, left), value: 1, 'aria-label': t('best.count') }), word = make('span', { role: 'status' });
    return make('li', {}, make('strong', {}, item), price ? money(price, this.plan) : '', make('span', { class: 'soft' }, t('stock.left', { n: left })), count,
      make('button', { type: 'button', disabled: left <= 0, click: async () => {
        const answer = await this.#try(this.client.take(item, Number(count.value)));
        if (answer?.type === 'granted') word.textContent = t('stock.taken', { n: answer.number });
      } }, t('stock.take')), word);
  }

  #lot(item) {
    const { plan } = this, amount = make('input', { type: 'number', min: 0, step: 10 ** -plan.digits, 'aria-label': t('lot.bid') });
    const word = make('span', { role: 'status' }), button = make('button', { type: 'button', click: () => this.#bid(item.item, amount.value) }, t('lot.bid'));
    const update = ({ state, least, closes_ms: closes, leading }) => {
      word.textContent = [t(`lot.state.${state}`), state === 'open' && least && t('lot.least', { price: money(least, this.plan) }), state === 'open' && closes && t('lot.closes', { when: moment(closes, this.about.time_zone) }), leading && t('lot.leading')].filter(Boolean).join(' · ');
      button.disabled = state !== 'open';
      if (least && document.activeElement !== amount) amount.value = (least / 10 ** plan.digits).toFixed(plan.digits);
    };
    this.lots.set(item.item, update);
    update({ state: item.state, least: item.highest ? item.highest + item.step : item.price, closes_ms: item.closes_ms });
    return make('li', {}, make('strong', {}, item.item), word, amount, button);
  }

  #bid(lot, text) {
    const amount = smallest(text, this.plan);
    if (amount === null) $('refusal').textContent = t('lot.amount', { example: money(125 * 10 ** this.plan.digits, this.plan) });
    else this.#try(this.client.bid(lot, amount, this.plan.currency));
  }

  on_lot(message) { this.lots?.get(message.lot)?.(message); }
}
