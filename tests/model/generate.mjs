// SPDX-License-Identifier: Apache-2.0
// How often each step is asked for, and with what.
import fc from 'fast-check';
import { SEATS } from './steps.mjs';

const k = fc.nat(23), sale = fc.nat(1), mask = fc.integer({ min: 1, max: 7 });
const rude = fc.integer({ min: 0, max: 9 }).map((n) => n === 9);
const seldom = fc.integer({ min: 0, max: 5 }).map((n) => n === 5);
const seats = fc.uniqueArray(fc.nat(SEATS - 1), { minLength: 1, maxLength: 4 });
const often = fc.boolean();
const step = (weight, name, fields = {}) => ({ name, weight, arbitrary: fc.record({ do: fc.constant(name), sale, k, ...fields }) });

const STEPS = [
  step(14, 'come'),
  step(12, 'buy', { seats, tariff: fc.constantFrom('', '', 'child', 'baby'), allFree: seldom }),
  step(6, 'join', { flag: fc.constantFrom('1', '1', '0', '-'), lane: fc.constantFrom('', '', 'vip', 'vip', 'fans'), invitation: fc.constantFrom('-', '-', 'i1', 'i2', 'i3') }),
  step(2, 'leave'),
  step(2, 'drop'),
  step(3, 'find'),
  step(6, 'enter', { rude }),
  step(12, 'hold', { rude, seats, tariff: fc.constantFrom('', '', '', 'child', 'baby'), allFree: seldom }),
  step(2, 'best', { rude, count: fc.integer({ min: 1, max: 3 }), starts: fc.array(fc.nat(SEATS - 1), { minLength: 1, maxLength: 3 }) }),
  step(3, 'release', { rude, mask }),
  step(1, 'extend', { rude }),
  step(3, 'again'),
  step(1, 'fidget', { times: fc.integer({ min: 2, max: 26 }) }),
  step(10, 'checkout', { rude, named: seldom }),
  step(12, 'pay', { late: seldom, twice: seldom, wrong: fc.constantFrom('', '', '', '', '', '', '', 'sum', 'currency', 'nothing') }),
  step(2, 'payUnknown', { foreign: often }),
  step(2, 'decline', { late: seldom }),
  step(11, 'refund', { rude, mask: fc.nat(7), amount: fc.constantFrom('prices', 'half', 'whole', 'toomuch', 'none'), become: fc.constantFrom('free', 'block'), id: fc.constantFrom('fresh', 'same', 'same', 'payment', 'vain'), force: seldom }),
  step(4, 'transfer', { rude, to: k, old: often }),
  step(3, 'checkIn', { way: fc.constantFrom('in', 'in', 'out'), old: often }),
  step(2, 'block', { rest: seldom, seats: fc.uniqueArray(fc.nat(SEATS - 1), { minLength: 1, maxLength: 2 }) }),
  step(2, 'unblock', { rude, mask, seats: fc.uniqueArray(fc.nat(SEATS - 1), { minLength: 1, maxLength: 2 }) }),
  step(2, 'status', { status: fc.constantFrom('open', 'open', 'open', 'open', 'open', 'open', 'paused', 'draining', 'through', 'away', 'closed') }),
  step(2, 'settings', { change: fc.constantFrom({ limit: 2 }, { limit: 4 }, { capacity: 1 }, { capacity: 5 }, { rate_count: 1 }, { rate_count: 10 }, { policy: 'rate' }, { policy: 'capacity' }, { policy: 'both' },
    { choosers_per_seat: 3 }, { extend_max: 1 }, { currency: 'USD' }, { currency: 'EUR' }, { channels: [{ name: 'fan', quota: 2, reserved: true }, { name: 'press', quota: 1 }] }, { channels: [] },
    { lanes: [{ name: 'vip', quota: 1 }] }, { lanes: [{ name: 'vip', quota: 1 }, { name: 'fans' }] }, { lanes: [{ name: 'fans' }, { name: 'vip', quota: 2 }] }) }),
  step(1, 'refused', { currency: fc.constantFrom('QQQ', 'EURO', 'EUR', 'EUR'), price: fc.constantFrom(0, 1, 1000), lot: fc.boolean() }),
  step(1, 'brake', { percent: fc.constantFrom(0, 50, 100), ms: fc.constantFrom(0, 3000) }),
  step(2, 'channel', { rude, channel: fc.constantFrom('fan', 'press') }),
  step(3, 'item', { total: fc.nat(6), limit: fc.nat(2), rate: fc.constantFrom(0, 0, 1), odd: seldom }),
  step(4, 'take', { rude, comes: often, count: fc.integer({ min: 1, max: 2 }), worn: often }),
  step(3, 'grant', { item: k, id: fc.nat(4), count: fc.integer({ min: 1, max: 2 }), asks: often }),
  step(1, 'takeBack', { id: fc.nat(4) }),
  step(2, 'lot', { price: fc.constantFrom(0, 500), opens: fc.constantFrom(0, 0, 1000), closes: fc.constantFrom(2500, 6000), extend: fc.constantFrom(0, 1500) }),
  step(5, 'bid', { rude, more: fc.constantFrom(0, 50, 100, 100, 300, 9000), foreign: seldom }),
  step(1, 'auction', { price: fc.constantFrom(0, 500, 500), opens: fc.constant(0), closes: fc.constant(2500), extend: fc.constantFrom(0, 1500), other: k, end: fc.constantFrom('pay', 'pay', 'pay', 'checkout', 'lapse'),
    back: fc.constantFrom('seats', 'seats', 'money', 'no'), offer: often }),
  step(8, 'pass', { ms: fc.constantFrom(20, 500, 2000, 5000, 9000), still: seldom }),
  step(1, 'pass', { ms: fc.constantFrom(2000, 4000, 8000), still: fc.constant(true) }),
  step(1, 'lag'),
  step(2, 'failover', { whole: seldom, stale: fc.boolean() }),
  step(1, 'restart'),
  step(1, 'lose'),
  step(1, 'refuse', { kind: fc.constantFrom('paid', 'refund', 'transfer', 'checkout', 'end', 'grant', 'take_back', 'stock', 'refund_due', 'check_in', 'seats') }),
  step(2, 'replay'),
  step(1, 'hook'),
  step(1, 'backup'),
  step(1, 'loseCommits'),
  step(1, 'tamper', { table: fc.constantFrom('refunds', 'void_tickets', 'grants', 'stock', 'orders', 'tickets') }),
  step(5, 'quiet')];

// What sequences are mostly about: these steps come so much more often. The others come between them, because what breaks is what nobody thought of.
const FOCUS = 5;
export const profiles = {
  plain: [],
  money: ['buy', 'pay', 'payUnknown', 'checkout', 'refund', 'auction', 'quiet', 'refuse', 'replay'],
  tickets: ['buy', 'transfer', 'checkIn', 'refund', 'refuse', 'replay'],
  stock: ['come', 'buy', 'item', 'take', 'grant', 'takeBack', 'auction', 'block', 'unblock', 'status', 'quiet'],
  line: ['join', 'come', 'leave', 'drop', 'find', 'enter', 'pass', 'settings', 'brake', 'restart', 'lose', 'failover'],
  choosing: ['come', 'hold', 'best', 'release', 'extend', 'again', 'fidget', 'channel', 'take', 'bid', 'lose'],
  faults: ['buy', 'refund', 'transfer', 'brake', 'status', 'settings', 'lag', 'failover', 'restart', 'lose', 'refuse', 'replay', 'hook', 'backup', 'loseCommits', 'tamper', 'quiet'],
};

export const stepOf = (profile) => fc.oneof({ withCrossShrink: false },
  ...STEPS.map(({ name, weight, arbitrary }) => ({ weight: profiles[profile].includes(name) ? weight * FOCUS : weight, arbitrary })));
