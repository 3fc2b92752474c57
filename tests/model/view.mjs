// SPDX-License-Identifier: Apache-2.0
// What both sides say about a sale, in the same words, so that they can be compared as a whole.
const list = (value) => (Array.isArray(value) ? value.map(Number) : []);
const object = (value) => (Array.isArray(value) || !value ? {} : value);
const number = (value) => Number(value ?? 0);
const sorted = (entries) => Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
const counts = (entries) => sorted(entries.filter(([, n]) => n !== 0));
const INSIDE = ['claim', 'choose', 'pay'];

// seats: flat {seat, price, …}, in the order of the seats.
const pairs = (flat) => flat.flatMap((seat, i) => (i % 2 === 0 ? [[seat, flat[i + 1]]] : [])).sort(([a], [b]) => a - b);

const refunds = (entries) => entries.map(([id, amount]) => `${id} ${amount}`).sort();

function personOf(name, waiting, p, active) {
  if (waiting !== undefined) return { stage: 'wait', number: waiting };
  if (!p) return { stage: 'out' };
  if (!INSIDE.includes(p.st)) return p.st === 'away' ? { stage: 'away', number: p.n } : { stage: 'out', last: p.last };
  return { stage: p.st, number: p.n, deadline: p.d, active, held: pairs(p.h), reduced: p.r, extended: p.e, order: p.o };
}

const orderOf = (o) => ({ state: o.st, person: o.person, seats: o.seats, amount: o.amount, payment: o.payment, refunded: o.refunded, refunds: o.refunds,
  channel: o.channel, used: o.used, currency: o.currency ?? '', isLot: Boolean(o.lot), handedOn: Object.keys(object(o.s)).sort() });

export function viewOfReference(ref) {
  const { s } = ref, names = [...new Set([...Object.keys(s.people), ...Object.keys(s.line)])];
  const channels = ['fan', 'press'], tariffs = ['child', 'baby'];
  return {
    status: s.status, soldOut: ref.isSoldOut(),
    people: sorted(names.map((name) => {
      const p = s.people[name];
      return [name, { ...personOf(name, s.line[name], p && { ...p, h: p.h.flat(), r: sorted(Object.entries(p.r ?? {})), e: p.e ?? 0, o: p.o ?? '', last: p.last ?? '' }, p?.d),
        bought: ref.bought(name), channel: p?.c ?? '' }];
    }).filter(([, p]) => p.stage !== 'out' || p.last || p.bought)),
    absent: sorted(Object.entries(s.absent)),
    orders: sorted(Object.entries(s.orders).map(([id, o]) => [id, orderOf({ ...o, seats: pairs(o.seats.flat()), payment: o.payment ?? '',
      refunds: refunds(Object.entries(o.refunds).map(([refund, r]) => [refund, r.amount])), channel: o.c ?? '', used: sorted(Object.entries(o.i).map(([seat]) => [seat, true])) })])),
    owners: sorted(Object.entries(s.owners)),
    map: Array.from({ length: s.seats }, (_, seat) => mapOf(ref, seat)).join(''),
    counted: { free: ref.free(), total: ref.total(), sold: ref.soldSeats().length, blocked: ref.blocked(), seeking: ref.seeking(), lots: ref.lots() },
    used: counts(channels.map((name) => [name, ref.usedOfChannel(name)])),
    tariffs: counts(tariffs.map((name) => [name, ref.usedOfTariff(name)])),
    given: counts(s.items.map((item, i) => [String(i + 1), ref.given(item)])),
  };
}

function mapOf(ref, seat) {
  const owner = ref.s.owners[seat];
  if (!owner) return '0';
  if (owner === '-') return '3';
  return ref.soldSeats().some(([one]) => one === seat) ? '2' : '1';
}

const named = (fields, prefix) => Object.entries(fields).filter(([field]) => field.startsWith(prefix)).map(([field, value]) => [field.slice(prefix.length), number(value)]);

export function viewOfDump(dump) {
  const { state } = dump, line = object(dump.line), people = object(dump.people), names = [...new Set([...Object.keys(line), ...Object.keys(people)])];
  return {
    status: state.status, soldOut: state.sold_out === '1',
    people: sorted(names.map((name) => {
      const p = people[name], active = object(dump.active)[name];
      return [name, { ...personOf(name, line[name], p && { ...p, h: list(p.h), r: sorted(Object.entries(object(p.r))), e: number(p.e), o: p.o ?? '', last: p.last ?? '' }, active),
        bought: number(p?.b), channel: p?.c ?? '' }];
    }).filter(([, p]) => p.stage !== 'out' || p.last || p.bought)),
    absent: sorted(Object.entries(object(dump.absent))),
    orders: sorted(Object.entries(object(dump.orders)).map(([id, o]) => [id, orderOf({ ...o, seats: pairs(list(o.seats)), payment: o.payment ?? '', currency: o.cur, refunded: number(o.refunded),
      refunds: refunds(Object.entries(object(o.refunds)).map(([refund, r]) => [refund, r.amount])), channel: o.c ?? '', used: sorted(Object.entries(object(o.i)).map(([seat]) => [seat, true])) })])),
    owners: sorted(Object.entries(object(dump.seats))),
    map: dump.map,
    counted: { free: number(state.free), total: number(state.total), sold: number(state.sold), blocked: number(state.blocked), seeking: number(state.seeking), lots: number(state.lots) },
    used: counts(named(state, 'used:')),
    tariffs: counts(named(state, 'tariff:')),
    given: counts(named(object(dump.items), 'given:')),
  };
}

// The paths at which two views differ, with both values; '' when they do not.
export function difference(real, wanted, at = '') {
  if (Object.is(real, wanted)) return '';
  const both = [real, wanted].every((one) => one !== null && typeof one === 'object' && Array.isArray(one) === Array.isArray(real));
  if (!both) return `${at}: is ${JSON.stringify(real)}, has to be ${JSON.stringify(wanted)}\n`;
  const fields = [...new Set([...Object.keys(real), ...Object.keys(wanted)])];
  return fields.map((field) => difference(real[field], wanted[field], at ? `${at}.${field}` : field)).join('');
}
