// SPDX-License-Identifier: Apache-2.0
// Tickets after they were bought: at the door, handed on, given back, drawn, listed, counted.
import assert from 'node:assert/strict';
import { createPublicKey, verify } from 'node:crypto';
import { test } from 'node:test';
import { inflateSync } from 'node:zlib';
import { arrive, newKey, Person } from '../lib/person.mjs';
import { startBoxoffice, until } from '../lib/servers.mjs';

async function buyer(world, ...seats) {
  const person = await new Person(world).connect();
  const { tickets, order } = await person.buy(...seats);
  return Object.assign(person, { tickets, order });
}

const call = async (world, person, what, body) => {
  const response = await fetch(`${world.url}/api/sales/hall/${what}`, { method: body ? 'POST' : 'GET', body: body && JSON.stringify(body), headers: { authorization: `Bearer ${person.resume}` } });
  const type = response.headers.get('content-type');
  return { status: response.status, type, body: type === 'application/json' ? await response.json() : Buffer.from(await response.arrayBuffer()) };
};

test('O4 a ticket lets in once: the second time is answered with the first; what was given back does not', async (t) => {
  const world = await startBoxoffice(t);
  const person = await buyer(world, 'S-1', 'S-2');
  const code = person.tickets[0].code, door = (body) => world.admin('POST', '/api/check-in', body);
  assert.equal((await world.admin('POST', '/api/tickets/check', { code })).json.checked_in_at, null, 'looking does not let in');
  const both = await Promise.all([door({ code, gate: 'north' }), door({ code, gate: 'south' })]);
  assert.deepEqual(both.map(({ status }) => status).sort(), [200, 409], 'two doors at the same moment');
  const first = both.find(({ status }) => status === 200).json, again = both.find(({ status }) => status === 409).json;
  assert.deepEqual([first.valid, first.seat, first.row, first.category], [true, 'S-1', '1', 'Front']);
  assert.equal(again.error.code, 'already_checked_in');
  assert.equal(again.checked_in_at, first.checked_in_at);
  assert.match(again.checked_in_by, /north|south/);
  assert.equal((await door({ code: code.replace(/.(?=.{20}$)/, (c) => (c === 'A' ? 'B' : 'A')) })).status, 401);
  assert.equal((await door({ code, at: 'yesterday' })).status, 400);
  const offline = await door({ code: person.tickets[1].code, at: '2026-05-01T19:30:00Z' });
  assert.equal(offline.json.checked_in_at, '2026-05-01T19:30:00Z', 'let in without a network, told later');
  assert.equal((await world.admin('POST', '/api/check-in', { code }, 'wrong')).status, 401);
});

test('O4 a door without a network checks a ticket with the published key', async (t) => {
  const world = await startBoxoffice(t);
  const { tickets } = await buyer(world, 'S-1');
  const { keys } = await (await fetch(`${world.url}/.well-known/jwks.json`)).json();
  const [head, claims, signature] = tickets[0].code.split('.');
  const { kid } = JSON.parse(Buffer.from(head, 'base64url'));
  const key = createPublicKey({ key: keys.find((k) => k.kid === kid), format: 'jwk' });
  assert.ok(verify(null, Buffer.from(`${head}.${claims}`), key, Buffer.from(signature, 'base64url')));
  assert.equal(JSON.parse(Buffer.from(claims, 'base64url')).seat, 'S-1');
  assert.equal(verify(null, Buffer.from(`${head}.${claims}x`), key, Buffer.from(signature, 'base64url')), false);
});

test('O4 a ticket is drawn as a QR code for who has it and nobody else', async (t) => {
  const world = await startBoxoffice(t);
  const person = await buyer(world, 'S-1'), other = await arrive(world);
  const svg = await call(world, person, 'tickets/qr', { seat: 'S-1' });
  assert.deepEqual([svg.status, svg.type], [200, 'image/svg+xml']);
  assert.match(svg.body.toString(), /^<svg [^>]*viewBox="0 0 (\d+) \1"/);
  const png = await call(world, person, 'tickets/qr', { seat: 'S-1', format: 'png' });
  assert.deepEqual([png.type, png.body.subarray(1, 4).toString()], ['image/png', 'PNG']);
  const width = png.body.readUInt32BE(16), data = png.body.indexOf('IDAT');
  assert.equal(width, 8 * Number(svg.body.toString().match(/viewBox="0 0 (\d+)/)[1]));
  assert.ok(inflateSync(png.body.subarray(data + 4, data + 4 + png.body.readUInt32BE(data - 4))).length >= width * width);
  assert.equal((await call(world, other, 'tickets/qr', { seat: 'S-1' })).body.error.code, 'unknown_ticket');
  assert.equal((await call(world, person, 'tickets/qr', { seat: 'S-0' })).body.error.code, 'unknown_seat');
  assert.equal((await call(world, person, 'tickets/qr', { seat: 'S-1', format: 'gif' })).status, 400);
});

test('O4 a ticket is handed on: the new owner has it, the old code is void, and the offer works once', async (t) => {
  const world = await startBoxoffice(t);
  const person = await buyer(world, 'S-1', 'S-2'), friend = await arrive(world), third = await arrive(world);
  const { body: { transfer } } = await call(world, person, 'tickets/transfer', { seat: 'S-1' });
  assert.equal((await call(world, friend, 'tickets/transfer', { seat: 'S-1' })).body.error.code, 'unknown_ticket', 'only who has it');
  const { body: { tickets } } = await call(world, friend, 'tickets/accept', { transfer });
  assert.deepEqual(tickets.map(({ seat }) => seat), ['S-1']);
  assert.notEqual(tickets[0].code, person.tickets[0].code);
  assert.deepEqual((await call(world, person, 'tickets')).body.tickets.map(({ seat }) => seat), ['S-2']);
  assert.equal((await call(world, third, 'tickets/accept', { transfer })).body.error.code, 'ticket_void');
  assert.equal((await world.admin('POST', '/api/check-in', { code: person.tickets[0].code })).json.error.code, 'ticket_void');
  assert.equal((await world.admin('POST', '/api/check-in', { code: tickets[0].code })).status, 200);
  assert.equal((await call(world, friend, 'tickets/transfer', { seat: 'S-1' })).body.error.code, 'already_checked_in');
  assert.equal((await call(world, third, 'tickets/accept', { transfer: 'nonsense' })).status, 401);
  assert.equal((await call(world, third, 'tickets/accept', {})).status, 400);
});

test('O4 a buyer who reconnects is told only the tickets that are still his own', async (t) => {
  const world = await startBoxoffice(t);
  const person = await buyer(world, 'S-1', 'S-2'), friend = await arrive(world);
  const handOn = async (seat) => {
    const { body: { transfer } } = await call(world, person, 'tickets/transfer', { seat });
    assert.equal((await call(world, friend, 'tickets/accept', { transfer })).status, 200);
  };
  const told = async () => {
    const back = await arrive(world, { resume: person.resume }), { order, tickets } = await back.next('bought');
    await back.close();
    return [order, tickets.map(({ seat }) => seat)];
  };
  await handOn('S-1');
  assert.deepEqual(await told(), [person.order, ['S-2']]);
  await handOn('S-2');
  assert.deepEqual(await told(), [person.order, []], 'all of it handed on');
});

test('O1 a refund: the buyer hears it, the money goes back, the seat is for sale, the door refuses it', async (t) => {
  const world = await startBoxoffice(t);
  const person = await buyer(world, 'S-1', 'S-2');
  const back = (body) => world.admin('POST', '/api/sales/hall/refund', { order: person.order, ...body });
  assert.equal((await back({ refund: 'r:1', seats: ['S-1'], amount: 10001 })).json.error.detail, 'left: 10000');
  assert.deepEqual((await back({ refund: 'r:1', seats: ['S-1'] })).json, { order: 'part_refunded', amount: 5000 });
  assert.deepEqual((await back({ refund: 'r:1', seats: ['S-1'] })).json, { order: 'part_refunded', amount: 5000 }, 'the same again');
  assert.equal((await person.next('refunded')).amount, 5000);
  const payments = async () => (await fetch(`${world.payments.url}/payments/${(await world.admin('GET', `/api/orders/${person.order}`)).json.payment}`)).json();
  await until('given back', async () => (await payments()).refunds[`hall/${person.order}/r:1`] === 5000);
  assert.equal((await payments()).refunded, false);
  assert.equal((await world.admin('POST', '/api/check-in', { code: person.tickets[0].code })).json.error.code, 'ticket_void');
  assert.deepEqual((await call(world, person, 'tickets')).body.tickets.map(({ seat }) => seat), ['S-2']);
  assert.deepEqual((await buyer(world, 'S-1')).tickets.map(({ seat }) => seat), ['S-1'], 'somebody else buys it');
  const order = (await world.admin('GET', `/api/orders/${person.order}`)).json;
  assert.deepEqual([order.status, order.refunded, order.tickets.map(({ seat }) => seat), order.refunds.map(({ refund }) => refund)], ['part_refunded', 5000, ['S-2'], ['r:1']]);
  for (const [code, body] of [['refund_too_much', { refund: 'r:2', amount: 5001 }], ['unknown_ticket', { refund: 'r:2', seats: ['S-1'] }], ['bad_message', { refund: 'r:2' }],
    ['unknown_order', { order: 'o:none', refund: 'r:2', amount: 1 }], ['bad_message', { refund: 'r:2', amount: -1 }], ['unknown_seat', { refund: 'r:2', seats: ['S-0'] }],
    ['bad_message', { refund: 'r:2', seats: ['S-2'], seats_become: 'gone' }]])
    assert.equal((await back(body)).json.error.code, code);
  assert.equal((await world.admin('GET', '/api/orders/o:none')).status, 404);
  assert.equal((await world.admin('GET', '/api/audit')).json.audit[0].action, 'refund');
});

test('the list for the door and the report of what was sold', async (t) => {
  const world = await startBoxoffice(t, { settings: { tariffs: [{ name: 'child', percent: 50, limit: 1 }] } });
  const person = await arrive(world);
  await person.enter();
  assert.equal((await person.ask({ type: 'hold', key: newKey(), seats: [{ seat: 'S-1', tariff: 'none' }] }, 'error')).code, 'unknown_tariff');
  const held = await person.ask({ type: 'hold', key: newKey(), seats: [{ seat: 'S-1', tariff: 'child' }, 'S-60'] }, 'held');
  assert.equal(held.amount, 5500);
  assert.deepEqual(await person.ask({ type: 'hold', key: newKey(), seats: [{ seat: 'S-2', tariff: 'child' }] }, 'refused').then(({ code, left }) => [code, left]), ['tariff_limit', 0]);
  await person.settle(await person.checkout());
  const { order, tickets } = await person.next('bought');
  assert.equal(tickets[0].tariff, 'child');
  const lines = (await world.admin('GET', '/api/sales/hall/door.csv')).text.split('\r\n');
  assert.equal(lines.length, 4);
  assert.match(lines[1], /^"S-1","Floor","1","1","Front","child",g:[^,]+,o:[^,]+,2500,20\d\d-[^,]+Z,,"",EUR,2$/);
  const report = (await world.admin('GET', '/api/sales/hall/report')).json;
  assert.deepEqual([report.tickets, report.amount, report.paid, report.refunded, report.currency], [2, 5500, 5500, 0, 'EUR']);
  assert.deepEqual(report.categories, [{ category: 'Back', tickets: 1, amount: 3000 }, { category: 'Front', tickets: 1, amount: 2500 }]);
  assert.deepEqual(report.seats, [{ category: 'Back', seats: 50 }, { category: 'Front', seats: 50 }]);
  assert.deepEqual(report.tariffs, [{ tariff: '', tickets: 1, amount: 3000 }, { tariff: 'child', tickets: 1, amount: 2500 }]);
  assert.equal(report.hours[0].tickets, 2);
  assert.equal((await world.admin('GET', '/api/sales/none/report')).status, 404);
  await world.admin('POST', '/api/sales/hall/refund', { order, refund: 'r:1', seats: ['S-60'] });
  const after = (await world.admin('GET', '/api/sales/hall/report')).json;
  assert.deepEqual([after.tickets, after.amount, after.paid, after.refunded], [1, 2500, 5500, 3000], 'the revenue is paid - refunded');
  const described = await (await fetch(`${world.url}/api/sales/hall`)).json();
  assert.deepEqual(described.tariffs, [{ name: 'child', percent: 50, limit: 1 }]);
});

test('an invitation to a channel buys from its quota', async (t) => {
  const world = await startBoxoffice(t, { settings: { choosers_per_seat: 10, channels: [{ name: 'club', quota: 2, reserved: true }] } }, 3);
  const { json } = await world.admin('POST', '/api/sales/hall/invitations', { channel: 'club', count: 1 });
  const member = await arrive(world), stranger = await arrive(world);
  await Promise.all([member.enter(), stranger.enter()]);
  const take = (person, invitation) => person.ask({ type: 'channel', key: newKey(), invitation }, 'channel', 'error');
  assert.equal((await take(member, json.invitations[0].invitation)).type, 'channel');
  assert.equal((await take(stranger, json.invitations[0].invitation)).code, 'invitation_used');
  assert.equal((await take(stranger, stranger.resume)).code, 'token_foreign');
  assert.equal((await member.hold('S-1', 'S-2', 'S-3')).code, 'quota_reached');
  assert.equal((await member.hold('S-1', 'S-2')).type, 'held');
});
