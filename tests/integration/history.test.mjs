// SPDX-License-Identifier: Apache-2.0
// The checker of histories (bench/history.py) finds every fault that is planted, and nothing where there is none.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { root, temporaryFolder } from '../lib/servers.mjs';

// A sale in which everything is right: a and b hold, b is refused seat 1, a buys 1, b gives 2 back and a refund makes 3 free again.
const right = () => ({
  ledger: [
    ['seats', { acts: [['hold', 'a', [1, 50]], ['hold', 'b', [2, 50]]] }],
    ['checkout', { person: 'a', order: 'o:1', seats: [1, 50], amount: 50 }],
    ['paid', { person: 'a', order: 'o:1', payment: 'p:1', seats: [1, 50], amount: 50 }],
    ['seats', { acts: [['release', 'b', [2, 50]], ['hold', 'b', [3, 50]]] }],
    ['checkout', { person: 'b', order: 'o:2', seats: [3, 50], amount: 50 }],
    ['paid', { person: 'b', order: 'o:2', payment: 'p:2', seats: [3, 50], amount: 50 }],
    ['refund', { order: 'o:2', refund: 'r:1', person: 'b', payment: 'p:2', amount: 50, seats: [3, 50], seats_become: 'free' }],
    ['seats', { acts: [['hold', 'c', [3, 50]]] }],
    ['end', { person: 'c', reason: 'expired', stage: 'choose', seats: [3, 50] }],
  ],
  tickets: [{ seat: 1, order: 'o:1' }],
  refunds: [{ order: 'o:2' }],
  // times in s; the ledger's record i is of second i + 1
  history: ['P 0 a', 'P 1 b', 'H 0.99 1.01 0 1', 'H 0.99 1.01 1 2', 'X 2.1 2.2 1 1', 'B 0 o:1 1', 'R 3.9 4.1 1 2', 'H 3.9 4.1 1 3'],
  limit: 3,
});

function check(t, { ledger, tickets, refunds, history, limit, seqs }) {
  const folder = temporaryFolder(t);
  const write = (name, lines) => {
    const file = path.join(folder, name);
    fs.writeFileSync(file, lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line)) + '\n').join(''));
    return file;
  };
  const micro = (line) => line.replace(/^([HXR]) (\S+) (\S+)/, (_, what, sent, told) => `${what} ${Math.round(sent * 1e6)} ${Math.round(told * 1e6)}`);
  const records = ledger.map(([kind, body], i) => ({ seq: seqs?.[i] ?? i + 1, at: (i + 1) * 1000, kind, body }));
  const run = spawnSync('python3', [path.join(root, 'bench/history.py'), write('ledger', records), write('tickets', tickets), write('refunds', refunds), String(limit), write('history', history.map(micro))],
    { encoding: 'utf8' });
  const found = JSON.parse(run.stdout.trim().split('\n').at(-1) || '{}');
  assert.equal(run.status, Object.values(found).some(Boolean) ? 1 : 0, run.stderr);
  return Object.entries(found).filter(([, count]) => count).map(([rule]) => rule).sort();
}

test('T1 a history in which everything is right breaks no rule', (t) => {
  assert.deepEqual(check(t, right()), []);
});

const faults = {
  'a seat is held while somebody has it': [(h) => h.ledger[3][1].acts.push(['hold', 'c', [1, 50]]), 'oversold'],
  'two hold the same seat in one call': [(h) => h.ledger[0][1].acts.push(['hold', 'c', [2, 50]]), 'oversold'],
  'somebody gives back what is not his': [(h) => { h.ledger[3][1].acts[0][1] = 'c'; }, 'foreign_acts'],
  'a seat is sold to who does not hold it': [(h) => { h.ledger[2][1].person = 'c'; }, 'foreign_acts'],
  'a seat is sold twice': [(h) => h.ledger.push(['paid', { person: 'c', order: 'o:3', payment: 'p:3', seats: [1, 50], amount: 50 }]), 'double_tickets'],
  'PostgreSQL has two tickets of a seat': [(h) => h.tickets.push({ seat: 1, order: 'o:9' }), 'double_tickets'],
  'a ticket that nobody paid': [(h) => h.tickets.push({ seat: 7, order: 'o:1' }), 'unpaid_tickets'],
  'a ticket that was given back is still there': [(h) => h.tickets.push({ seat: 3, order: 'o:2' }), 'unpaid_tickets'],
  'paid, and no ticket': [(h) => h.tickets.pop(), 'paid_without_ticket_or_refund'],
  'more seats than one person may have': [(h) => { h.limit = 1; h.ledger[0][1].acts.push(['hold', 'a', [9, 50]]); }, 'limit_violations'],
  'a record of the log is missing': [(h) => { h.seqs = [1, 2, 3, 5]; }, 'gaps'],
  'told that he holds a seat, and the log does not have it': [(h) => h.history.push('H 5 5.1 0 8'), 'told_not_stored'],
  'told it before it happened': [(h) => { h.history[2] = 'H 0.1 0.2 0 1'; }, 'told_not_stored'],
  'told that he has bought, and the log does not have it': [(h) => h.history.push('B 1 o:7 5'), 'bought_not_stored'],
  'refused a seat that nobody had': [(h) => h.history.push('X 3 3.1 0 8'), 'refused_without_reason'],
  'refused a seat long after it was free': [(h) => h.history.push('X 30 30.1 0 2'), 'refused_without_reason'],
};
for (const [name, [plant, rule]] of Object.entries(faults))
  test(`T1 found by the checker: ${name}`, (t) => {
    const history = right();
    plant(history);
    assert.ok(check(t, history).includes(rule));
  });
