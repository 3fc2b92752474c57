// SPDX-License-Identifier: Apache-2.0
// The rules of paid orders, money that goes back, and tickets (O1, O3-O5), for reference.mjs.

const SOLD = ['paid', 'part_refunded'];

export const orderRules = {
  // The order is paid: its seats are sold, who bought them is out.
  sell(id, payment) {
    const o = this.s.orders[id];
    o.st = 'paid';
    o.payment = payment;
    if (o.lot) {
      this.sellLot(o);
      return;
    }
    const p = this.person(o.person);
    Object.assign(p, { st: 'out', h: [], r: {}, last: id, o: undefined, d: 0 });
  },

  // Money that came in vain goes back. Told again, it is the same refund.
  oweRefund(id, payment, amount, currency) {
    const o = this.s.orders[id];
    if (amount <= 0) return o.payment !== undefined && o.amount === 0 ? { code: 'ok', state: o.st } : { code: 'bad_message' };
    o.refunds[`vain:${payment}`] ??= { amount, payment, currency };
    return { code: 'ok', state: 'refund_due' };
  },

  // known: it may be another boxoffice's order, whose money nobody gives back here.
  pay(id, payment, amount, currency, known) {
    if (!this.s.orders[id] && known) return { code: 'unknown_order' };
    if (!this.s.orders[id] && amount <= 0) return { code: 'bad_message' };
    // Money for an order that nobody knows is money without an order (rule O5).
    this.s.orders[id] ??= { st: 'expired', person: '', seats: [], amount, refunded: 0, refunds: {}, r: {}, s: {}, i: {}, currency };
    const o = this.s.orders[id];
    if (o.payment !== undefined && o.payment === payment) return { code: 'ok', state: o.st };
    if (o.payment !== undefined || o.st !== 'paying' || amount !== o.amount || currency !== o.currency) return this.oweRefund(id, payment, amount, currency);
    if (o.d <= (o.lot ? this.wall : this.now)) {
      if (!o.lot) this.endAdmission(o.person, 'expired');
      const answer = this.oweRefund(id, payment, amount, currency);
      this.admit();
      return answer;
    }
    this.sell(id, payment);
    this.admit();
    return { code: 'ok', state: 'paid' };
  },

  decline(id) {
    const o = this.s.orders[id];
    if (!o) return { code: 'ok' };
    if (o.st !== 'paying' || o.lot) return { code: 'ok', state: o.st };
    this.endAdmission(o.person, 'declined');
    this.admit();
    return { code: 'ok', state: 'declined' };
  },

  // amount undefined: the prices of these seats. become: "free" or "block". Money and seats are judged apart: an order is refunded when no seat
  // is left. The same id may come again for the same, and for nothing else.
  refund(id, refund, amount, become, seats, force) {
    const o = this.s.orders[id], asked = [...new Set(seats)].sort((a, b) => a - b), of = asked.length ? `${become} ${asked}` : '-';
    if (!o) return { code: 'unknown_order' };
    const done = o.refunds[refund];
    if (done) return done.of === of && (amount === undefined || amount === done.amount) ? { code: 'ok', state: o.st, amount: done.amount } : { code: 'key_reused' };
    if (![...SOLD, 'refunded'].includes(o.st)) return { code: 'not_paid' };
    const back = o.seats.filter(([seat]) => asked.includes(seat));
    if (back.length !== asked.length) return { code: 'unknown_ticket' };
    const given = amount ?? back.reduce((sum, [, price]) => sum + price, 0), left = o.amount - o.refunded;
    if (given > left) return { code: 'refund_too_much', left };
    if (given === 0 && back.length === 0) return { code: 'bad_message' };
    if (!force && back.some(([seat]) => o.i[seat])) return { code: 'already_checked_in' };
    for (const [seat] of back) this.voidTicket(o, seat, become);
    o.seats = o.seats.filter(([seat]) => !asked.includes(seat));
    o.refunded += given;
    o.st = o.seats.length === 0 ? 'refunded' : 'part_refunded';
    o.refunds[refund] = { amount: given, payment: o.payment, of };
    if (o.lot && back.length) this.lotGivenBack(o.lot);
    this.admit();
    return { code: 'ok', state: o.st, amount: given };
  },

  voidTicket(o, seat, become) {
    delete this.s.owners[seat];
    if (become === 'block' && !this.isPlace(seat)) this.s.owners[seat] = '-';
    for (const ofSeats of [o.r, o.s, o.i]) delete ofSeats[seat];
  },

  orderOfTicket(seat) {
    return Object.entries(this.s.orders).find(([, o]) => SOLD.includes(o.st) && o.seats.some(([one]) => one === seat)) ?? [];
  },

  // A code names the order and how often the ticket has changed hands; an older one is void. A used ticket stays with who went in.
  ticketProblem(order, seat, generation) {
    const o = this.s.orders[order];
    if (!o || o.payment === undefined || !o.seats.some(([one]) => one === seat) || (o.s[seat] ?? 0) !== generation) return { code: 'ticket_void' };
    return o.i[seat] ? { code: 'already_checked_in' } : undefined;
  },

  transfer(order, seat, generation, from, to) {
    const problem = this.ticketProblem(order, seat, generation), o = this.s.orders[order];
    if (problem) return problem;
    if (this.s.owners[seat] !== from) return { code: 'ticket_void' };
    this.s.owners[seat] = to;
    o.s[seat] = generation + 1;
    return { code: 'ok' };
  },

  checkIn(order, seat, generation, way, by) {
    const problem = this.ticketProblem(order, seat, generation);
    if (problem && (way === 'in' || problem.code !== 'already_checked_in')) return problem;
    if (way === 'in') this.s.orders[order].i[seat] = by;
    else delete this.s.orders[order].i[seat];
    return { code: 'ok' };
  },
};
