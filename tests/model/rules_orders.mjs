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
      this.s.owners[o.seats[0][0]] = o.person;
      this.lotState(o.lot).over = 'sold';
      return;
    }
    const p = this.person(o.person);
    Object.assign(p, { st: 'out', h: [], r: {}, last: id, o: undefined, d: 0 });
  },

  // Money that came in vain goes back. Told again, it is the same refund.
  oweRefund(id, payment, amount) {
    const o = this.s.orders[id];
    o.refunds[`vain:${payment}`] ??= { amount, payment };
    return { code: 'ok', state: 'refund_due' };
  },

  pay(id, payment, amount, currency) {
    // Money for an order that nobody knows is money without an order (rule O5).
    this.s.orders[id] ??= { st: 'expired', person: '', seats: [], amount, refunded: 0, refunds: {}, r: {}, s: {}, i: {}, currency };
    const o = this.s.orders[id];
    if (o.payment !== undefined && o.payment === payment) return { code: 'ok', state: o.st };
    if (o.payment !== undefined || o.st !== 'paying' || amount !== o.amount || currency !== o.currency) return this.oweRefund(id, payment, amount);
    if (o.d <= (o.lot ? this.wall : this.now)) {
      if (!o.lot) this.endAdmission(o.person, 'expired');
      this.oweRefund(id, payment, amount);
      this.admit();
      return { code: 'ok', state: 'refund_due' };
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

  // amount undefined: the prices of these seats. become: "free" or "block".
  refund(id, refund, amount, become, seats, force = false) {
    const o = this.s.orders[id];
    if (!o) return { code: 'unknown_order' };
    if (o.refunds[refund]) return { code: 'ok', state: o.st, amount: o.refunds[refund].amount };
    if (!SOLD.includes(o.st)) return { code: 'not_paid' };
    const back = o.seats.filter(([seat]) => seats.includes(seat));
    if (back.length !== new Set(seats).size) return { code: 'unknown_ticket' };
    if (!force && back.some(([seat]) => o.i[seat])) return { code: 'ticket_used' };
    const given = amount ?? back.reduce((sum, [, price]) => sum + price, 0), left = o.amount - o.refunded;
    if (given > left) return { code: 'refund_too_much', left };
    const lot = o.lot;
    for (const [seat] of back) {
      delete this.s.owners[seat];
      if (become === 'block' && !this.isPlace(seat)) this.s.owners[seat] = '-';
      delete o.r[seat];
      delete o.s[seat];
      delete o.i[seat];
    }
    o.seats = o.seats.filter(([seat]) => !seats.includes(seat));
    o.refunded += given;
    o.st = o.seats.length === 0 ? 'refunded' : 'part_refunded';
    o.refunds[refund] = { amount: given, payment: o.payment };
    if (lot && back.length) this.lotGivenBack(lot);
    this.admit();
    return { code: 'ok', state: o.st, amount: given };
  },

  orderOfTicket(seat) {
    return Object.entries(this.s.orders).find(([, o]) => SOLD.includes(o.st) && o.seats.some(([one]) => one === seat)) ?? [];
  },

  // A ticket that was used at the door belongs to who went in.
  transfer(seat, from, to) {
    const [, o] = this.orderOfTicket(seat);
    if (!o || this.s.owners[seat] !== from) return { code: 'ticket_void' };
    if (o.i[seat]) return { code: 'ticket_used' };
    this.s.owners[seat] = to;
    o.s[seat] = true;
    return { code: 'ok' };
  },

  checkIn(seat, by) {
    const [, o] = this.orderOfTicket(seat);
    if (!o) return { code: 'ticket_void' };
    if (o.i[seat]) return { code: 'ticket_used' };
    o.i[seat] = by;
    return { code: 'ok' };
  },
};
