// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import http from 'node:http';
import { once } from 'node:events';
import { test } from 'node:test';
import { arrive } from '../lib/person.mjs';
import { atEnd, PAYMENT_SECRET, startBoxoffice, startPayments, until } from '../lib/servers.mjs';

const sign = (time, body) => createHmac('sha256', PAYMENT_SECRET).update(`${time}.${body}`).digest('hex');

async function post(url, json) {
  const body = JSON.stringify(json), time = String(Math.floor(Date.now() / 1000));
  return (await fetch(url, { method: 'POST', body, headers: { 'x-boxoffice-time': time, 'x-boxoffice-signature': sign(time, body) } })).json();
}

// Somebody who takes webhooks, with these statuses one after another.
async function taker(t, statuses) {
  const taken = [];
  const server = http.createServer((request, response) => {
    let body = '';
    request.on('data', (part) => { body += part; });
    request.on('end', () => {
      taken.push({ event: JSON.parse(body), signed: request.headers['x-boxoffice-signature'] === sign(request.headers['x-boxoffice-time'], body) });
      response.writeHead(statuses[Math.min(taken.length, statuses.length) - 1]).end();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  atEnd(t, () => { server.closeAllConnections(); server.close(); });
  return { url: `http://127.0.0.1:${server.address().port}/`, taken };
}

test('the example payment service: one payment per order, paid or declined once, and told until it is taken', async (t) => {
  const { url } = await startPayments(t);
  const { url: webhook, taken } = await taker(t, [503, 500, 200]);
  const order = { order: 'o:1', sale: 'hall', amount: 700, currency: 'EUR', webhook };
  const payment = await post(`${url}/payments`, order);
  assert.deepEqual(await post(`${url}/payments`, order), payment);
  assert.match(await (await fetch(`${url}/pay/${payment.payment}`)).text(), /7\.00 EUR/);
  await fetch(`${url}/pay/${payment.payment}/pay`, { method: 'POST', redirect: 'manual' });
  await fetch(`${url}/pay/${payment.payment}/decline`, { method: 'POST', redirect: 'manual' });
  await until('taken', () => taken.length === 3);
  assert.ok(taken.every(({ event, signed }) => signed && event.status === 'paid' && event.amount === 700));
  assert.equal((await post(`${url}/payments/${payment.payment}/refund`, {})).status, 'refunded');
  assert.equal((await (await fetch(`${url}/payments/${payment.payment}`)).json()).refunded, true);
  assert.equal((await fetch(`${url}/payments`, { method: 'POST', body: '{}' })).status, 401);
});

test('it can decide by itself, come twice, and speak of a declined attempt after the money', async (t) => {
  const { url } = await startPayments(t, ['--auto', '1', '--twice', '1', '--confuse', '1']);
  const { url: webhook, taken } = await taker(t, [200]);
  await post(`${url}/payments`, { order: 'o:1', sale: 'hall', amount: 700, currency: 'EUR', webhook });
  await until('taken', () => taken.length === 3);
  assert.deepEqual(taken.map(({ event }) => event.status), ['paid', 'paid', 'declined']);
});

test('a payment whose order has ended is cancelled: it cannot be paid any more', async (t) => {
  const world = await startBoxoffice(t);
  const person = await arrive(world);
  await person.enter();
  await person.hold('S-1');
  const pay = await person.checkout(), read = async () => (await fetch(`${world.payments.url}/payments/${pay.url.split('/').pop()}`)).json();
  await person.ask({ type: 'leave' }, 'left');
  await until('cancelled', async () => (await read()).status === 'cancelled');
  await person.settle(pay);
  assert.equal((await read()).status, 'cancelled');
  await until('counted', async () => Number(/^boxoffice_payments_cancelled_total (\d+)$/m.exec((await world.admin('GET', '/metrics')).text)[1]) === 1);
});
