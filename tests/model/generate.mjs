// SPDX-License-Identifier: Apache-2.0
// How often each step is asked for, and with what.
import fc from 'fast-check';
import { SEATS } from './steps.mjs';

const k = fc.nat(23), sale = fc.nat(1), mask = fc.integer({ min: 1, max: 7 });
const rude = fc.integer({ min: 0, max: 9 }).map((n) => n === 9);
const seldom = fc.integer({ min: 0, max: 5 }).map((n) => n === 5);
const seats = fc.uniqueArray(fc.nat(SEATS - 1), { minLength: 1, maxLength: 4 });
const step = (weight, name, fields = {}) => ({ weight, arbitrary: fc.record({ do: fc.constant(name), sale, k, ...fields }) });

export const anyStep = () => fc.oneof({ withCrossShrink: false },
  step(10, 'join', { flag: fc.constantFrom('1', '1', '0', '-') }),
  step(1, 'leave'),
  step(2, 'drop'),
  step(3, 'find'),
  step(10, 'enter', { rude }),
  step(12, 'hold', { rude, seats, tariff: fc.constantFrom('', '', '', 'child', 'baby'), allFree: seldom }),
  step(2, 'best', { rude, count: fc.integer({ min: 1, max: 3 }), starts: fc.array(fc.nat(SEATS - 1), { minLength: 1, maxLength: 3 }) }),
  step(3, 'release', { rude, mask }),
  step(1, 'extend', { rude }),
  step(3, 'again'),
  step(10, 'checkout', { rude }),
  step(12, 'pay', { late: seldom, twice: seldom, wrong: fc.constantFrom('', '', '', '', '', 'sum', 'currency') }),
  step(1, 'payUnknown'),
  step(2, 'decline', { late: seldom }),
  step(7, 'refund', { rude, mask: fc.nat(7), amount: fc.constantFrom('prices', 'half', 'whole', 'toomuch', 'none'), become: fc.constantFrom('free', 'block'), id: fc.constantFrom('fresh', 'same', 'payment'), force: seldom }),
  step(4, 'transfer', { rude, to: k }),
  step(2, 'block', { seats: fc.uniqueArray(fc.nat(SEATS - 1), { minLength: 1, maxLength: 2 }) }),
  step(2, 'unblock', { rude, mask, seats: fc.uniqueArray(fc.nat(SEATS - 1), { minLength: 1, maxLength: 2 }) }),
  step(8, 'pass', { ms: fc.constantFrom(20, 500, 2000, 5000, 9000) }),
  step(5, 'quiet'));
