// SPDX-License-Identifier: Apache-2.0
// The rules of counted stock and lots (S5-S7), for reference.mjs.
import { createHash } from 'node:crypto';
import { PLACES } from './reference.mjs';

const itemOfSeat = (seat) => Math.floor(seat / PLACES);

export const stockRules = {
  isPlace(seat) { return seat >= PLACES; },
  item(name) { return this.s.items.find((item) => item.name === name); },
  indexOf(item) { return this.s.items.findIndex(({ name }) => name === item.name) + 1; },

  given(item) {
    const index = this.indexOf(item);
    if (item.kind === 'lot') return this.bidsOf(item).order || this.bidsOf(item).over === 'sold' ? 1 : 0;
    if (item.kind === 'area') return [...this.held(), ...this.soldOrders().flatMap((o) => o.seats)].filter(([seat]) => itemOfSeat(seat) === index).length;
    return Object.values(this.s.grants).filter((g) => g.item === item.name && !g.back).reduce((sum, g) => sum + g.count, 0);
  },

  // How many of it somebody has; what was bought counts for who bought it.
  mine(item, name) {
    const index = this.indexOf(item), places = (seats) => seats.filter(([seat]) => itemOfSeat(seat) === index).length;
    const held = places(this.person(name)?.h ?? []) + this.soldOrders().filter((o) => o.person === name).reduce((sum, o) => sum + places(o.seats), 0);
    return held + Object.values(this.s.grants).filter((g) => g.item === item.name && g.person === name && !g.back).reduce((sum, g) => sum + g.count, 0);
  },

  setItem(item) {
    const before = this.item(item.name);
    if (before && before.kind !== item.kind) return { code: 'stock_exists' };
    if (before && item.total < this.given(before)) return { code: 'stock_below_given', left: this.given(before) };
    if (before) Object.assign(before, item);
    else this.s.items.push({ ...item });
    this.admit();
    return { code: 'ok', left: item.total - this.given(item) };
  },

  itemProblem(item, name, wanted) {
    const mine = this.mine(item, name), left = item.total - this.given(item);
    if (item.limit > 0 && mine + wanted > item.limit) return { code: 'limit_reached', left: Math.max(0, item.limit - mine) };
    if (wanted > left) return { code: 'stock_gone', left };
    if (item.rate_count > 0 && wanted > this.rateLeft(item.rate_count, item.rate_ms, this.s.windows[item.name] ?? [])) return { code: 'try_later' };
    return undefined;
  },

  spendRate(item, wanted) {
    if (item.rate_count > 0) (this.s.windows[item.name] ??= []).push([this.now, wanted]);
  },

  // places: those that the real side gave; which ones is its own business, as long as nobody has them and they are of this item.
  takePlaces(name, number, key, itemName, wanted, places) {
    const request = JSON.stringify(['take', itemName, wanted]);
    const item = this.item(itemName);
    let problem = this.choosingProblem(name, number, key, request);
    if (!problem && item?.kind !== 'area') problem = { code: 'unknown_item' };
    problem ??= this.holdProblem(name, number, key, request, wanted) ?? this.quotaProblem(this.person(name), wanted) ?? this.itemProblem(item, name, wanted);
    if (problem) return problem;
    const wrong = places.filter((seat) => itemOfSeat(seat) !== this.indexOf(item) || seat % PLACES === 0 || this.s.owners[seat]);
    if (places.length !== wanted || wrong.length || new Set(places).size !== wanted) return { code: `ok, but not with these places: ${places}` };
    this.spendRate(item, wanted);
    return this.take(name, key, request, places.map((seat) => [seat, item.price]), []);
  },

  // number: of a visitor who asks for it, who has to be inside.
  grant(id, name, itemName, wanted, number) {
    const before = this.s.grants[id], item = this.item(itemName);
    if (before) return before.person === name && before.item === itemName && before.count === wanted ? { code: 'ok', ...before } : { code: 'key_reused' };
    const outside = number !== undefined && this.insideProblem(name, number);
    if (outside) return outside;
    if (!item || item.kind === 'area' || item.kind === 'lot') return { code: 'unknown_item' };
    const problem = this.itemProblem(item, name, wanted);
    if (problem) return problem;
    this.spendRate(item, wanted);
    const first = (this.s.placeNumbers[itemName] ?? 0) + 1;
    this.s.placeNumbers[itemName] = first + wanted - 1;
    this.s.grants[id] = { person: name, item: itemName, count: wanted, number: first, back: false };
    return { code: 'ok', ...this.s.grants[id] };
  },

  takeBack(id) {
    const grant = this.s.grants[id];
    if (!grant) return { code: 'unknown_grant' };
    const was = grant.back;
    grant.back = true;
    if (!was) this.admit();
    return { code: 'ok', ...grant };
  },

  // ---- lots ----

  bidsOf(item) { return this.s.bids[item.name] ?? { closes: item.closes, bids: [] }; },
  lotIsOver(item) { return Boolean(this.bidsOf(item).over); },
  lotsSold() { return this.s.items.filter((item) => item.kind === 'lot' && this.bidsOf(item).over === 'sold').length; },

  // What was not sold, or was given back, can be offered again under its name.
  setLot(item) {
    const before = this.item(item.name), b = before && this.s.bids[item.name];
    if (before && before.kind !== 'lot') return { code: 'stock_exists' };
    if (b && (b.over ? b.over === 'sold' : b.bids.length > 0 || b.order)) return { code: 'lot_running' };
    if (before) Object.assign(before, item);
    else this.s.items.push({ ...item });
    if (b) this.s.bids[item.name] = { closes: item.closes, bids: [], awarded: b.awarded };
    this.admit();
    return { code: 'ok' };
  },

  bid(name, number, key, lot, amount, currency) {
    const problem = this.choosingProblem(name, number, key, `bid ${lot} ${amount} ${currency}`);
    if (problem) return problem;
    const item = this.item(lot);
    if (item?.kind !== 'lot') return { code: 'unknown_item' };
    const b = this.bidsOf(item), highest = b.bids.at(-1);
    if (currency !== this.s.settings.currency) return { code: 'wrong_currency' };
    if (this.wall < item.opens) return { code: 'lot_not_open' };
    if (b.over || b.order || this.wall >= b.closes) return { code: 'lot_closed' };
    if (amount > item.most) return { code: 'bid_too_high' };
    if (amount < (highest ? highest[1] + item.step : item.price)) return { code: 'bid_too_low' };
    b.bids = [...b.bids.filter(([other]) => other !== name), [name, amount]].slice(-20);
    if (b.closes - this.wall < item.extend_ms) b.closes = this.wall + item.extend_ms;
    this.s.bids[lot] = b;
    return this.remember(name, key, `bid ${lot} ${amount} ${currency}`, { code: 'ok', list: [amount, b.closes] });
  },

  // The highest bidder who has not failed to pay gets an order with a deadline of its own.
  award(item, b) {
    const won = b.bids.pop(), index = this.indexOf(item);
    if (!won) {
      Object.assign(b, { order: undefined, over: 'unsold' });
      return;
    }
    b.awarded = (b.awarded ?? 0) + 1;
    b.order = `o:${createHash('sha1').update(`${this.s.seed}lot ${index} ${b.awarded} ${this.s.epoch}`).digest('hex').slice(0, 20)}`;
    b.till = this.wall + item.pay_ms;
    this.s.orders[b.order] = { st: 'paying', person: won[0], seats: [[PLACES * index + 1, won[1]]], amount: won[1], refunded: 0, refunds: {}, r: {}, s: {}, i: {}, lot: item.name,
      currency: this.s.settings.currency, d: b.till };
  },

  settleLots() {
    for (const item of this.s.items.filter(({ kind }) => kind === 'lot')) {
      const b = this.bidsOf(item);
      if (b.over || this.wall < (b.till ?? b.closes)) continue;
      this.s.bids[item.name] = b;
      if (b.order && this.s.orders[b.order].st === 'paying') this.s.orders[b.order].st = 'expired';
      this.award(item, b);
    }
  },

  sellLot(o) {
    this.s.owners[o.seats[0][0]] = o.person;
    this.s.bids[o.lot].over = 'sold';
  },

  lotGivenBack(lot) {
    Object.assign(this.s.bids[lot], { over: 'unsold', order: undefined });
  },
};
