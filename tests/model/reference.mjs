// SPDX-License-Identifier: Apache-2.0
// A sale as the rules have it: small, slow, and without a counter that could be wrong, because everything that is counted is counted again each
// time. Written from the rules and from what the scripts promise in their headers, not from the scripts.
//
// All state is plain data (this.s), so that it can be copied: a moment that a store goes back to is a copy that was made then.
import { createHash } from 'node:crypto';
import { seatRules } from './rules_seats.mjs';
import { orderRules } from './rules_orders.mjs';
import { stockRules } from './rules_stock.mjs';
import { lineRules } from './rules_line.mjs';

export const LANE = 2 ** 42, DRAW = 2 ** 40, PLACES = 1000000;
export const TOLD_WITHIN_MS = 15000;
const POP_MAX = 1000;

export const laneOf = (number) => Math.floor((LANE / 2 - number) / LANE);

export class Reference {
  // clock: of the machine, shared by all sales ({ms}); settings: fields as the scripts are given them.
  constructor(id, clock, settings, { seats = 12, seed = 'seed', status = 'open', epoch } = {}) {
    this.id = id;
    this.clock = clock;
    this.s = {
      status, settings: { ...settings }, seats, seed, epoch, skew: 0, opened: false,
      owners: {},  // seat -> person, '-' for kept back
      people: {},  // person -> st, n, d, told, h, r, c, e, o, last, keys
      line: {}, absent: {}, next: {}, invitations: {}, inLane: {},
      orders: {}, items: [], grants: {}, bids: {}, window: [], windows: {}, placeNumbers: {},
      brake: { percent: 100, until: 0 }, asked: { percent: 100, until: 0 },
    };
  }

  get wall() { return this.clock.ms; }
  get now() { return this.clock.ms + this.s.skew; }
  setting(name) { return Number(this.s.settings[name] ?? 0); }

  person(name) { return this.s.people[name]; }
  personOrNew(name) { return (this.s.people[name] ??= { st: 'out', h: [], keys: {} }); }

  // ---- counted, each time ----

  isInside(p) { return p.st === 'claim' || p.st === 'choose' || p.st === 'pay'; }
  inside() { return Object.keys(this.s.people).filter((name) => this.isInside(this.s.people[name])); }
  seeking() { return this.inside().filter((name) => this.s.people[name].h.length === 0).length; }
  held() { return Object.values(this.s.people).flatMap((p) => p.h); }
  soldOrders() { return Object.values(this.s.orders).filter((o) => ['paid', 'part_refunded', 'refunded'].includes(o.st)); }
  soldSeats() { return this.soldOrders().filter((o) => !o.lot).flatMap((o) => o.seats); }
  blocked() { return Object.values(this.s.owners).filter((owner) => owner === '-').length; }
  areas() { return this.s.items.filter((item) => item.kind === 'area').reduce((sum, item) => sum + item.total, 0); }
  total() { return this.s.seats + this.areas(); }
  free() { return this.total() - this.held().length - this.soldSeats().length - this.blocked(); }
  lots() { return this.s.items.filter((item) => item.kind === 'lot' && !this.lotIsOver(item)).length; }

  bought(name) { return this.soldOrders().filter((o) => o.person === name && !o.lot).reduce((sum, o) => sum + o.seats.length, 0); }

  boughtAtTariff(name, tariff) {
    return this.soldOrders().filter((o) => o.person === name && !o.lot)
      .reduce((sum, o) => sum + o.seats.filter(([seat]) => o.r[seat] === tariff).length, 0);
  }

  usedOfChannel(channel) {
    const people = Object.values(this.s.people).filter((p) => p.c === channel).reduce((sum, p) => sum + p.h.length, 0);
    return people + this.soldOrders().filter((o) => o.c === channel && !o.lot).reduce((sum, o) => sum + o.seats.length, 0);
  }

  usedOfTariff(tariff) {
    const held = Object.values(this.s.people).flatMap((p) => Object.values(p.r ?? {}));
    const sold = this.soldOrders().flatMap((o) => o.seats.map(([seat]) => o.r[seat]));
    return [...held, ...sold].filter((one) => one === tariff).length;
  }

  channels() { return this.s.settings.channels ? JSON.parse(this.s.settings.channels) : {}; }

  reservedLeft() {
    return Object.entries(this.channels()).filter(([, channel]) => channel.reserved)
      .reduce((sum, [name, channel]) => sum + Math.max(0, channel.quota - this.usedOfChannel(name)), 0);
  }

  // Of coupons, vouchers and points: how many there are, and how many were granted.
  goodsLeft() { return this.goods().reduce((sum, item) => sum + item.total - this.given(item), 0); }
  granted() { return this.goods().reduce((sum, item) => sum + this.given(item), 0) + this.lotsSold(); }
  goods() { return this.s.items.filter((item) => item.kind !== 'area' && item.kind !== 'lot'); }

  // Sold out is a fact, never a status: something was sold, and nothing of the sale can be had any more (rules O8, L8).
  isSoldOut() {
    const sold = this.soldSeats().length;
    return sold + this.granted() > 0 && sold + this.blocked() >= this.total() && this.lots() === 0 && this.goodsLeft() <= 0;
  }

  effectiveStatus() {
    if (this.s.status === 'closed' || this.s.status === 'draft') return this.s.status;
    return this.isSoldOut() ? 'sold_out' : this.s.status;
  }

  draw(person, lane) {
    const hash = createHash('sha1').update(this.s.seed + person).digest('hex');
    return -1 - (parseInt(hash.slice(0, 13), 16) % DRAW) - lane * LANE;
  }

  // ---- admission (rules A1-A4, A8) ----

  slowed() {
    const { brake, asked } = this.s;
    let percent = this.now < (this.s.quietUntil ?? 0) ? 0 : 100; // gateways say first who is here
    if (brake.until > this.now) percent = Math.min(percent, brake.percent);
    if (asked.until > this.now) percent = Math.min(percent, asked.percent);
    return percent;
  }

  stockLeft() {
    if (this.lots() > 0) return POP_MAX;
    const free = Math.max(0, this.free() - this.reservedLeft()) + Math.max(0, this.goodsLeft());
    if (this.s.status === 'through') return free;
    return free * Math.max(1, this.setting('choosers_per_seat')) - this.seeking();
  }

  rateLeft(count, ms, window) {
    const kept = window.filter(([at]) => at + ms > this.now);
    return Math.max(0, count - kept.reduce((sum, [, n]) => sum + n, 0));
  }

  // How many may come in, and whether the rate counts them.
  capacityLeft() {
    const slowed = this.slowed(), policy = this.s.settings.policy;
    if (slowed === 0) return [0, false];
    let left = Math.min(this.stockLeft(), POP_MAX);
    if (this.s.status === 'through') return [left, false];
    if (policy !== 'rate') left = Math.min(left, Math.ceil(this.setting('capacity') * slowed / 100) - this.inside().length);
    if (left <= 0 || policy === 'capacity') return [left, false];
    return [Math.min(left, this.rateLeft(Math.ceil(this.setting('rate_count') * slowed / 100), this.setting('rate_ms'), this.s.window)), true];
  }

  isOpenNow() { return this.s.opened || this.wall >= this.setting('opens_at'); }

  admit() {
    if (!['open', 'draining', 'through'].includes(this.s.status) || this.isSoldOut()) return;
    if (!this.isOpenNow()) return;
    this.s.opened = true;
    const [left, counted] = this.capacityLeft();
    if (left <= 0) return;
    const front = Object.entries(this.s.line).sort(([, a], [, b]) => a - b).slice(0, left);
    let admitted = 0;
    for (const [name, number] of front) {
      delete this.s.line[name];
      const p = this.personOrNew(name);
      p.n = number;
      if (this.s.absent[name] !== undefined) {
        p.st = 'away';
      } else {
        Object.assign(p, { st: 'claim', d: this.now + TOLD_WITHIN_MS, told: false, h: [], o: undefined, e: 0 });
        admitted++;
      }
    }
    if (counted && admitted) this.s.window.push([this.now, admitted]);
  }

  // The clock's part, once for everything that is due.
  tick(percent = 100) {
    if (percent < 100 && (this.s.brake.until <= this.now || percent <= this.s.brake.percent)) this.s.brake = { percent, until: this.now + 3000 };
    const overdue = this.inside().filter((name) => this.person(name).d <= this.now);
    for (const name of overdue) {
      const p = this.person(name);
      if (p.st === 'claim' && !p.told) {
        p.st = 'away';
        this.s.absent[name] = this.now + this.setting('grace_ms');
      } else {
        this.endAdmission(name, 'expired');
      }
    }
    this.settleLots();
    for (const [name, until] of Object.entries(this.s.absent)) if (until <= this.now) this.dropAbsent(name);
    this.admit();
  }

  dropAbsent(name) {
    delete this.s.absent[name];
    delete this.s.line[name];
    const p = this.person(name);
    if (p?.st === 'away') p.st = 'out';
  }

  // Everything held is free again; an order that was not paid has ended (rule A6).
  endAdmission(name, reason) {
    const p = this.person(name);
    this.releaseAll(p);
    const o = p.o && this.s.orders[p.o];
    if (o && p.st === 'pay') o.st = reason;
    Object.assign(p, { st: 'out', last: p.o, o: undefined, d: 0 });
  }

  releaseAll(p) {
    for (const [seat] of p.h) delete this.s.owners[seat];
    p.h = [];
    p.r = {};
  }

  // ---- another epoch ----

  // What no store keeps, or only nearly, is taken over as the real side has it: who is here, times of admissions that nobody has taken up, and
  // from where on numbers are given. remembers: of which answers it is
  // known that they were given (the ledger has those only that were decisions).
  adopt(dump, remembers = () => true) {
    const { state } = dump, s = this.s;
    s.epoch = Number(state.epoch);
    s.skew = Number(state.skew ?? 0);
    s.opened = state.opened === '1';
    s.quietUntil = Number(state.quiet_until ?? 0);
    s.absent = Array.isArray(dump.absent) ? {} : dump.absent;
    for (const [field, value] of Object.entries(state)) if (/^next(:\d+)?$/.test(field)) s.next[Number(field.slice(5) || 0)] = Number(value);
    s.window = Array.isArray(dump.window) ? dump.window : [];
    s.brake = { percent: Number(state.brake ?? 100), until: Number(state.brake_until ?? 0) };
    s.asked = { percent: Number(state.asked ?? 100), until: Number(state.asked_until ?? 0) };
    for (const [name, p] of Object.entries(s.people)) {
      p.keys = Object.fromEntries(Object.entries(p.keys).filter(([, { answer }]) => remembers(answer)));
      if (p.st === 'away' && dump.line[name] === p.n) {
        p.st = 'out';
        s.line[name] = p.n;
      } else if (p.st === 'claim' && dump.people[name]?.st === 'claim') Object.assign(p, { d: dump.people[name].d, told: Boolean(dump.people[name].t) });
    }
  }

  // Was told this number, and is connected.
  comeBack(name, number) {
    const p = this.person(name);
    delete this.s.absent[name];
    if (this.s.line[name] !== undefined) return;
    if (!p || (p.st === 'out' && p.n !== number)) this.s.line[name] = number;
    else if (p.st === 'away') {
      this.s.line[name] = p.n;
      p.st = 'out';
    } else this.tellAdmitted(name);
  }

  // ---- copies ----

  copy() {
    return structuredClone(this.s);
  }

  goBackTo(copy) {
    this.s = structuredClone(copy);
  }
}

Object.assign(Reference.prototype, lineRules, seatRules, orderRules, stockRules);
