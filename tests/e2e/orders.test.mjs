// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { arrive, Person } from '../lib/person.mjs';
import { PAYMENT_SECRET, startBoxoffice, until } from '../lib/servers.mjs';

async function paying(world, ...seats) {
  const person = await arrive(world);
  await person.enter();
  await person.hold(...seats);
  return { person, pay: await person.checkout() };
}

async function webhook(world, event, { secret = PAYMENT_SECRET, time = Math.floor(Date.now() / 1000) } = {}) {
  const body = typeof event === 'string' ? event : JSON.stringify(event);
  const signature = createHmac('sha256', secret).update(`${time}.${body}`).digest('hex');
  const response = await fetch(`${world.url}/webhook/payment`, { method: 'POST', body, headers: { 'x-boxoffice-time': String(time), 'x-boxoffice-signature': signature } });
  return { status: response.status, json: await response.json() };
}

test('O1 a declined payment: told, seats free, and the order says so in PostgreSQL', async (t) => {
  const world = await startBoxoffice(t);
  const { person, pay } = await paying(world, 'S-1');
  await person.settle(pay, 'decline');
  assert.equal((await person.next('order_failed')).reason, 'declined');
  await until('counted', async () => (await world.counts()).free === 100);
  await until('in PostgreSQL', async () => (await world.postgres.query("SELECT 1 FROM orders WHERE status = 'declined'")).length === 1);
});

test('O1 O2 webhooks that come late, twice and out of order sell once and refund the rest', async (t) => {
  const world = await startBoxoffice(t, { payments: ['--twice', '1', '--confuse', '1', '--late', '0.5', '--late-ms', '300'] });
  const people = await Promise.all(Array.from({ length: 8 }, (_, i) => paying(world, `S-${i + 1}`)));
  await Promise.all(people.map(({ person, pay }) => person.settle(pay)));
  await Promise.all(people.map(({ person }) => person.next('bought')));
  const rows = await world.postgres.query("SELECT o.status, count(t.*)::int AS tickets FROM orders o LEFT JOIN tickets t ON t.sale = o.sale AND t.order_id = o.id GROUP BY o.sale, o.id, o.status");
  assert.deepEqual(rows, Array(8).fill({ status: 'paid', tickets: 1 }));
  await until('counted', async () => (await world.counts()).sold === 8);
});

test('O3 “bought” is said only when PostgreSQL has it: with PostgreSQL down holds go on, the word comes afterwards', async (t) => {
  const world = await startBoxoffice(t);
  const { person, pay } = await paying(world, 'S-1');
  const other = await arrive(world);
  await other.enter();
  await world.postgres.stop('SIGINT');
  await person.settle(pay);
  await until('decided', async () => (await world.redis.client.hget('bo:{hall}:state', 'sold')) === '1');
  assert.equal((await other.hold('S-2')).type, 'held', 'P4');
  assert.equal(person.messages.some((m) => m.type === 'bought'), false);
  await world.postgres.start();
  assert.equal((await person.next('bought')).tickets.length, 1);
});

test('a buyer who was away when the money came hears it when he returns', async (t) => {
  const world = await startBoxoffice(t);
  const { person, pay } = await paying(world, 'S-1');
  await person.cut();
  await person.settle(pay);
  await until('committed', async () => (await world.postgres.query('SELECT 1 FROM tickets')).length === 1);
  const back = await arrive(world, { resume: person.resume });
  assert.equal((await back.next('bought')).order, pay.order);
});

test('X2 a webhook with a wrong, old or missing signature is refused and changes nothing', async (t) => {
  const world = await startBoxoffice(t);
  const { pay } = await paying(world, 'S-1');
  const event = { payment: 'p:x', order: pay.order, sale: 'hall', status: 'paid', amount: 5000, currency: 'EUR' };
  assert.equal((await webhook(world, event, { secret: 'another secret' })).json.error.code, 'webhook_forged');
  assert.equal((await webhook(world, event, { time: Math.floor(Date.now() / 1000) - 400 })).json.error.code, 'webhook_forged');
  assert.equal((await fetch(`${world.url}/webhook/payment`, { method: 'POST', body: JSON.stringify(event) })).status, 401);
  assert.equal((await webhook(world, 'no json')).json.error.code, 'bad_json');
  assert.equal((await webhook(world, { ...event, amount: 'many' })).json.error.code, 'bad_message');
  assert.equal((await webhook(world, { ...event, sale: 'none' })).json.error.code, 'unknown_sale');
  assert.equal((await webhook(world, { ...event, order: 'o:none', payment: 'p:none' })).json.order, 'refund_due', 'money for an order that nobody knows');
  assert.equal((await world.counts()).sold, 0);
  assert.equal((await webhook(world, { ...event, amount: 1 })).json.order, 'refund_due');
  assert.equal((await webhook(world, event)).json.order, 'paid');
});

test('the payment service is down: checkout says so, seats stay held, and it works once it is back', async (t) => {
  const world = await startBoxoffice(t);
  const person = await arrive(world);
  await person.enter();
  await person.hold('S-1');
  const { port } = new URL(world.payments.url);
  await world.payments.child.stop();
  assert.equal((await person.checkout()).code, 'payment_unavailable');
  const { start, root } = await import('../lib/servers.mjs');
  const again = start(t, process.execPath, [`${root}/examples/payment/server.mjs`, '--port', port], { env: { PAYMENT_SECRET } });
  await until('payment service', () => again.output.includes('payment service on'));
  const pay = await until('checkout', async () => {
    const answer = await person.checkout();
    return answer.type === 'pay' && answer;
  });
  await person.settle(pay);
  assert.deepEqual((await person.next('bought')).tickets.map((ticket) => ticket.seat), ['S-1']);
});

test('O4 tickets are looked up with the place token or the site’s, and with no other', async (t) => {
  const world = await startBoxoffice(t);
  const person = await new Person(world).connect();
  await person.buy('S-1');
  const stranger = await arrive(world);
  const look = async (token) => (await fetch(`${world.url}/api/sales/hall/tickets`, { headers: token ? { authorization: `Bearer ${token}` } : {} })).json();
  assert.equal((await look(person.resume)).tickets.length, 1);
  assert.equal((await look(stranger.resume)).tickets.length, 0);
  assert.equal((await look()).error.code, 'token_missing');
  assert.equal((await look('nonsense')).error.code, 'token_forged');
});
