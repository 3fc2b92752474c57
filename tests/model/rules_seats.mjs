// SPDX-License-Identifier: Apache-2.0
// The rules of holding seats and of orders that begin (S1-S3, S8, O2, O6), for reference.mjs.

const sum = (list) => list.reduce((all, one) => all + one, 0);

export const seatRules = {
  holdProblem(name, number, key, request, wanted) {
    const problem = this.choosingProblem(name, number, key, request);
    if (problem) return problem;
    const left = this.setting('limit') - this.bought(name) - this.person(name).h.length;
    return wanted > left ? { code: 'limit_reached', left } : undefined;
  },

  quotaProblem(p, wanted) {
    const channels = this.channels();
    let left = this.free();
    for (const [name, channel] of Object.entries(channels)) {
      const unused = channel.quota - this.usedOfChannel(name);
      if (name === p.c) {
        if (unused < wanted) return { code: 'quota_reached', left: Math.max(0, unused) };
      } else if (channel.reserved) left -= Math.max(0, unused);
    }
    return Object.keys(channels).length && wanted > left ? { code: 'quota_reached', left: Math.max(0, left) } : undefined;
  },

  // reduced: [[seat, tariff, most per person, most in all], …]; 0: any number.
  tariffProblem(name, reduced) {
    const wanted = {};
    for (const [, tariff, each, total] of reduced) {
      wanted[tariff] = (wanted[tariff] ?? 0) + 1;
      const mine = this.boughtAtTariff(name, tariff) + Object.values(this.person(name).r ?? {}).filter((one) => one === tariff).length;
      const left = Math.min(each > 0 ? each - mine : Infinity, total > 0 ? total - this.usedOfTariff(tariff) : Infinity);
      if (wanted[tariff] > left) return { code: 'tariff_limit', left: Math.max(0, left) };
    }
    return undefined;
  },

  take(name, key, request, seats, reduced) {
    const p = this.person(name);
    for (const [seat, price] of seats) {
      this.s.owners[seat] = name;
      p.h.push([seat, price]);
    }
    p.r ??= {};
    for (const [seat, tariff] of reduced) p.r[seat] = tariff;
    return this.remember(name, key, request, { code: 'ok', list: p.h.flat() });
  },

  // seats: [[seat, price], …]
  hold(name, number, key, seats, reduced = []) {
    const request = JSON.stringify(['hold', seats, reduced]), taken = (list) => list.map(([seat]) => seat).filter((seat) => this.s.owners[seat]);
    const problem = this.choosingProblem(name, number, key, request), p = this.person(name);
    if (problem) return problem;
    let wanted = seats, less = reduced;
    if (taken(seats).length && p.h.length) { // what is held already is not taken
      const isMine = ([seat]) => p.h.some(([one]) => one === seat);
      wanted = seats.filter((one) => !isMine(one));
      less = reduced.filter((one) => !isMine(one));
      if (!wanted.length) return this.remember(name, key, request, { code: 'ok', list: p.h.flat(), unlogged: true });
    }
    const limit = this.holdProblem(name, number, key, request, wanted.length);
    if (limit) return limit;
    if (taken(wanted).length) return { code: 'seat_taken', list: taken(wanted) };
    return this.quotaProblem(p, wanted.length) ?? this.tariffProblem(name, less) ?? this.take(name, key, request, wanted, less);
  },

  // The first of the proposals that is free as a whole.
  best(name, number, key, wish, wanted, proposals) {
    const request = JSON.stringify(['best', wish]);
    const problem = this.holdProblem(name, number, key, request, wanted) ?? this.quotaProblem(this.person(name), wanted);
    if (problem) return problem;
    const seats = proposals.find((proposal) => proposal.every(([seat]) => !this.s.owners[seat]));
    return seats ? this.take(name, key, request, seats, []) : { code: 'none_together' };
  },

  release(name, number, key, seats) {
    const request = JSON.stringify(['release', seats]);
    const problem = this.choosingProblem(name, number, key, request);
    if (problem) return problem;
    const p = this.person(name), foreign = seats.filter((seat) => !p.h.some(([mine]) => mine === seat));
    if (foreign.length) return { code: 'seat_not_yours', list: foreign };
    for (const seat of seats) {
      delete this.s.owners[seat];
      delete p.r?.[seat];
    }
    p.h = p.h.filter(([seat]) => !seats.includes(seat));
    const answer = this.remember(name, key, request, { code: 'ok', list: p.h.flat() });
    if (seats.length) this.admit();
    return answer;
  },

  // An order's id comes from the server; one that somebody names has to be known, and his own (a lot that he won).
  checkout(name, number, fresh, named) {
    const won = named && this.s.orders[named];
    if (named && (!won?.lot || won.person !== name)) return { code: 'unknown_order' };
    if (won) {
      if (won.st === 'paid' && won.amount === 0) return { code: 'ok', order: named, amount: 0, paid: true };
      if (won.st !== 'paying' || won.d <= this.wall) return { code: 'admission_expired' };
      if (won.amount === 0) return this.checkOutFree(named);
      return { code: 'ok', order: named, amount: won.amount, deadline: won.d };
    }
    const p = this.person(name);
    if (!p || p.n !== number) return { code: 'not_admitted' };
    if (p.st === 'pay') return { code: 'ok', order: p.o, amount: this.s.orders[p.o].amount, deadline: p.d };
    const last = p.st === 'out' && this.s.orders[p.last];
    if (last?.st === 'paid' && last.amount === 0) return { code: 'ok', order: p.last, amount: 0, paid: true };
    if (p.st !== 'choose') return { code: 'not_admitted' };
    if (p.d <= this.now) return { code: 'admission_expired' };
    if (p.h.length === 0) return { code: 'nothing_held' };
    const amount = sum(p.h.map(([, price]) => price));
    const o = { st: 'paying', person: name, seats: structuredClone(p.h), amount, refunded: 0, refunds: {}, r: { ...p.r }, c: p.c,
      currency: this.s.settings.currency, d: this.now + this.setting('pay_ms'), s: {}, i: {} };
    this.s.orders[fresh] = o;
    Object.assign(p, { st: 'pay', o: fresh, d: o.d });
    if (amount > 0) return { code: 'ok', order: fresh, amount, deadline: o.d };
    return this.checkOutFree(fresh);
  },

  // Where there is nothing to pay, it is paid (rule O6).
  checkOutFree(order) {
    this.sell(order, '');
    this.admit();
    return { code: 'ok', order, amount: 0, paid: true };
  },

  block(seats) {
    const taken = seats.filter((seat) => this.s.owners[seat]);
    if (taken.length) return { code: 'seat_taken', list: taken };
    for (const seat of seats) this.s.owners[seat] = '-';
    this.admit();
    return { code: 'ok' };
  },

  unblock(seats) {
    const others = seats.filter((seat) => this.s.owners[seat] !== '-');
    if (others.length) return { code: 'not_blocked', list: others };
    for (const seat of seats) delete this.s.owners[seat];
    this.admit();
    return { code: 'ok' };
  },
};
