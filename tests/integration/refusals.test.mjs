// SPDX-License-Identifier: Apache-2.0
// Rule X6: a refusal of an outside service is an answer, not an outage.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { test } from 'node:test';
import { arrive, newKey, Person } from '../lib/person.mjs';
import { atEnd, startBoxoffice, until } from '../lib/servers.mjs';
import { event, startWithStripe } from '../lib/stripe.mjs';

const metric = async (world, name) => Number(new RegExp(`^boxoffice_${name} (\\d+)$`, 'm').exec((await world.admin('GET', '/metrics')).text)[1]);

// The gateway has told Redis how much it slows down since then.
async function someTicks(world) {
  const calls = async () => Number(/cmdstat_evalsha:calls=(\d+)/.exec(await world.redis.client.info('commandstats'))[1]);
  const before = await calls();
  await until('some ticks', async () => (await calls()) > before + 40);
}

async function isWell(world) {
  await someTicks(world);
  const { speed_percent, slowed_by } = await world.counts();
  assert.deepEqual([speed_percent, slowed_by], [100, '']);
  assert.equal((await world.admin('GET', '/health')).json.health, 'healthy');
}

// Answers every request with this status.
async function answering(t, status) {
  const server = http.createServer((request, response) => {
    server.asked = (server.asked ?? 0) + 1;
    request.resume();
    response.writeHead(typeof status === 'function' ? status() : status).end('{"error":"not with me"}');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  atEnd(t, () => { server.closeAllConnections(); server.close(); });
  server.url = `http://127.0.0.1:${server.address().port}/`;
  return server;
}

test('X6 payments that the service refuses are told as refused, and nothing slows down', async (t) => {
  const { stripe, all } = await startWithStripe(t, { gateways: 1 });
  const person = await arrive(all);
  await person.enter();
  await person.hold('S-1');
  stripe.refuse = { '/v1/payment_intents': [400, { type: 'invalid_request_error', code: 'amount_too_small', message: 'Amount must be at least 50 cents' }] };
  for (let i = 1; i <= 12; i++) {
    const { code, retry_ms } = await person.ask({ type: 'checkout', key: newKey() }, 'error');
    assert.deepEqual([code, retry_ms, stripe.asked.length], ['payment_refused', undefined, i], 'asked each time: no breaker opens');
  }
  await isWell(all);
  assert.equal(await metric(all, 'payments_refused_total'), 12);
  assert.match(all.child.output, /amount_too_small: Amount must be at least 50 cents/);
  assert.equal((await all.counts()).free, 99, 'the seat stays held');
  await person.ask({ type: 'leave' }, 'left');
  await until('free again', async () => (await all.counts()).free === 100);
});

test('X6 "come later" (408, 425, 429) is no answer: payment_unavailable, worth repeating', async (t) => {
  const { stripe, all } = await startWithStripe(t, { gateways: 1 });
  const person = await arrive(all);
  await person.enter();
  await person.hold('S-1');
  for (const status of [408, 409, 425, 429]) {
    stripe.refuse = { '/v1/payment_intents': [status, { code: 'lock_timeout', message: 'busy' }] };
    const { code, retry_ms } = await person.ask({ type: 'checkout', key: newKey() }, 'error');
    assert.equal(code, 'payment_unavailable', `${status}`);
    assert.ok(retry_ms > 0);
  }
});

test('X6 a subscriber that refuses a webhook is not asked for ever, and hears everything else', async (t) => {
  const world = await startBoxoffice(t, { config: { gateways: 1 } });
  const refusals = [404, 404, 404, 200];
  const subscriber = await answering(t, () => refusals[Math.min(subscriber.asked, 4) - 1]);
  const { hook } = (await world.admin('POST', '/api/hooks', { url: subscriber.url, events: ['bought'] })).json;
  await (await new Person(world).connect()).buy('S-1');
  const deliveries = async () => (await world.admin('GET', `/api/hooks/${hook}/deliveries`)).json.deliveries;
  for (let i = 1; i <= 3; i++) {
    await until(`attempt ${i}`, async () => (await deliveries())[0]?.attempts.length === i);
    assert.equal((await world.postgres.query('SELECT failures FROM hooks'))[0].failures, 0, 'it is there: no pause for its other deliveries');
    if (i < 3) await world.postgres.query('UPDATE hook_deliveries SET next_at = now()'); // instead of waiting for the pause
  }
  assert.equal((await deliveries())[0].status, 'given_up');
  assert.equal(await metric(world, 'hooks_refused_total'), 3);
  await (await new Person(world).connect()).buy('S-2');
  await until('the next one', async () => (await deliveries())[0].status === 'done');
  assert.equal((await world.admin('POST', `/api/hooks/${hook}/replay`, { delivery: (await deliveries())[1].delivery })).json.due, 1);
  await until('told again', async () => (await deliveries()).every(({ status }) => status === 'done'));
});

test('X6 O5 refunds that the service refuses slow nothing down, are not repeated, and wait for an operator', async (t) => {
  const { stripe, all, send } = await startWithStripe(t, { gateways: 1 });
  const orders = [];
  for (let i = 1; i <= 12; i++) {
    const person = await arrive(all);
    await person.enter();
    await person.hold(`S-${i}`);
    const { order } = await person.checkout();
    await send(event('payment_intent.succeeded', stripe.intents.get(stripe.asked.at(-1).key)));
    await person.next('bought');
    orders.push(order);
  }
  stripe.refuse = { '/v1/refunds': [400, { code: 'balance_insufficient', message: 'Insufficient funds in your account' }] };
  const refunds = () => stripe.asked.filter(({ path }) => path === '/v1/refunds');
  for (const order of orders) assert.equal((await all.admin('POST', '/api/sales/hall/refund', { order, refund: 'r:1', amount: 100 })).status, 200);
  const list = async (status) => (await all.admin('GET', `/api/sales/hall/refunds?status=${status}`)).json.refunds;
  await until('refused', async () => (await list('refused')).length === 12);
  assert.equal(new Set(refunds().map(({ key }) => key)).size, 12, 'a name of its own for each, though operators named all alike');
  await isWell(all);
  await until('rings', async () => await metric(all, 'refunds_refused_waiting') === 12);
  assert.equal(await metric(all, 'refunds_refused_total'), 12);
  assert.match(all.child.output, /refused refund r:1 of order .*balance_insufficient/);
  const [told] = (await all.admin('GET', `/api/orders/${orders[0]}`)).json.refunds;
  assert.deepEqual([told.status, told.problem], ['refused', 'status 400: balance_insufficient: Insufficient funds in your account']);
  await all.postgres.query("UPDATE refunds SET next_at = now() - interval '1 hour'");
  const again = (body, what = 'retry') => all.admin('POST', `/api/sales/hall/refunds/${what}`, body);
  stripe.refuse = null;
  assert.deepEqual((await again({ order: orders[0], refund: 'r:1', why: 'topped up' })).json, { status: 'due' });
  await until('made', async () => (await list('done')).length === 1);
  assert.equal(refunds().length, 13, 'the others were not repeated');
  assert.notEqual(refunds()[12].key, refunds()[0].key, 'Stripe answers the same again for a day');
  assert.deepEqual((await again({ order: orders[1], refund: 'r:1', why: 'by bank' }, 'settle')).json, { status: 'done' });
  for (const [code, body, what] of [['refund_not_refused', { order: orders[0], refund: 'r:1' }], ['refund_not_refused', { order: orders[1], refund: 'r:1' }, 'settle'],
    ['unknown_refund', { order: orders[0], refund: 'r:2' }], ['bad_message', { order: orders[0] }], ['bad_json', '{']])
    assert.equal((await again(body, what)).json.error.code, code);
  const audit = (await all.admin('GET', '/api/audit')).json.audit.map(({ action }) => action);
  assert.ok(audit.includes('refund_retry') && audit.includes('refund_settle'));
  await until('rings less', async () => await metric(all, 'refunds_refused_waiting') === 10);
});

// A mail server that refuses every recipient.
async function refusingMailServer(t) {
  const server = net.createServer((socket) => {
    socket.write('220 mail.example\r\n');
    socket.on('error', () => {});
    socket.on('data', (data) => {
      const word = String(data).slice(0, 4);
      if (word === 'RCPT') server.refused = (server.refused ?? 0) + 1;
      socket.write(word === 'RCPT' ? '550 no such mailbox\r\n' : word === 'QUIT' ? '221 bye\r\n' : '250 ok\r\n');
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  atEnd(t, () => server.close());
  return server;
}

test('X6 a mail server that refuses a mailbox is asked for the next one', async (t) => {
  const mail = await refusingMailServer(t);
  const world = await startBoxoffice(t, { config: { gateways: 1, login_per_min: 0, mail_url: `smtp://127.0.0.1:${mail.address().port}` } });
  const post = (path, body) => fetch(`${world.url}/api/accounts${path}`, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } });
  await post('', { email: 'ada@example.org', password: 'correct horse' });
  for (let i = 1; i <= 8; i++) {
    assert.equal((await post('/reset', { email: 'ada@example.org' })).status, 202);
    await until('asked', () => mail.refused === i);
    await until('noted', async () => (await metric(world, 'mails_refused_total')) === i);
  }
});
