#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// An example payment service: a program of its own that boxoffice talks to over HTTP, as it would to a real one.
// It keeps everything in memory. Run it with --help for its options.
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import http from 'node:http';
import { parseArgs } from 'node:util';

const { values: options } = parseArgs({
  options: {
    port: { type: 'string', default: '8090' },
    host: { type: 'string', default: '127.0.0.1' },
    'public-url': { type: 'string' },
    auto: { type: 'string' },
    delay: { type: 'string', default: '0-0' },
    late: { type: 'string', default: '0' },
    'late-ms': { type: 'string', default: '5000' },
    twice: { type: 'string', default: '0' },
    confuse: { type: 'string', default: '0' },
    help: { type: 'boolean', default: false },
  },
});
const secret = process.env.PAYMENT_SECRET ?? '';
if (options.help || secret.length < 16) {
  console.error(`usage: PAYMENT_SECRET=… server.mjs [options]
  The secret (16 characters or more) is boxoffice's payment_secret.
  --port 8090 --host 127.0.0.1 --public-url http://localhost:8090
  --auto P        decides by itself: pays with probability P, declines else (default: waits for a person or a script)
  --delay A-B     decides after A to B ms
  --late P        with probability P the webhook comes --late-ms later (default 5000)
  --twice P       with probability P the webhook comes twice
  --confuse P     with probability P a webhook about another, declined attempt follows the one that says "paid"`);
  process.exit(2);
}
const publicUrl = options['public-url'] ?? `http://localhost:${options.port}`;
const [delayFrom, delayTo] = options.delay.split('-').map(Number);
const payments = new Map(); // payment id -> payment
const byOrder = new Map(); // order id -> payment: creating twice for one order gives the same payment
const agent = new http.Agent({ keepAlive: true, maxSockets: 2048 });

const sign = (time, body) => createHmac('sha256', secret).update(`${time}.${body}`).digest('hex');
const newId = () => 'p:' + randomBytes(12).toString('base64url');
const chance = (p) => Math.random() < Number(p);
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

function signatureOk(request, body) {
  const time = request.headers['x-boxoffice-time'] ?? '';
  const given = Buffer.from(request.headers['x-boxoffice-signature'] ?? '');
  const expected = Buffer.from(sign(time, body));
  return Math.abs(Date.now() / 1000 - Number(time)) < 300 && given.length === expected.length && timingSafeEqual(given, expected);
}

function post(url, body) {
  return new Promise((done) => {
    const time = String(Math.floor(Date.now() / 1000));
    const request = http.request(url, {
      method: 'POST', agent, timeout: 15000,
      headers: { 'content-type': 'application/json', 'x-boxoffice-time': time, 'x-boxoffice-signature': sign(time, body) },
    }, (response) => {
      response.resume();
      response.on('end', () => done(response.statusCode));
    });
    request.on('timeout', () => request.destroy(new Error('timeout')));
    request.on('error', () => done(0));
    request.end(body);
  });
}

// Tells boxoffice until it says that it has it: a webhook that is not answered with success is repeated.
async function deliver(payment, event) {
  const body = JSON.stringify(event);
  for (let attempt = 0; attempt < 100; attempt++) {
    const status = await post(payment.webhook, body);
    payment.deliveries.push(status);
    if (status >= 200 && status < 300) return;
    if (status >= 400 && status < 500) return void console.error(`webhook for ${payment.id} refused: ${status}`);
    await pause(Math.min(100 * 2 ** attempt, 3000));
  }
}

async function decide(payment, status) {
  if (payment.status !== 'open') return;
  payment.status = status;
  const event = { payment: payment.id, order: payment.order, sale: payment.sale, status, amount: payment.amount, currency: payment.currency };
  if (chance(options.late)) await pause(Number(options['late-ms']));
  const deliveries = [deliver(payment, event)];
  if (chance(options.twice)) deliveries.push(deliver(payment, event));
  await Promise.all(deliveries);
  if (status === 'paid' && chance(options.confuse)) await deliver(payment, { ...event, payment: newId(), status: 'declined' });
}

function create(body) {
  const { order, sale, amount, currency, webhook } = JSON.parse(body);
  let payment = byOrder.get(order);
  if (!payment) {
    payment = { id: newId(), order, sale, amount, currency, webhook, status: 'open', refunded: false, refunds: {}, deliveries: [] };
    payments.set(payment.id, payment);
    byOrder.set(order, payment);
    if (options.auto !== undefined)
      setTimeout(() => decide(payment, chance(options.auto) ? 'paid' : 'declined'), delayFrom + Math.random() * (delayTo - delayFrom));
  }
  return { payment: payment.id, url: `${publicUrl}/pay/${payment.id}`, status: payment.status };
}

const escape = (text) => String(text).replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
const page = (payment) => `<!doctype html><html lang="en"><meta charset="utf-8"><title>Example payment</title>
<link rel="icon" href="data:,"><meta name="viewport" content="width=device-width"><style>body{font:18px system-ui;max-width:30em;margin:3em auto;padding:0 1em}
button{font:inherit;padding:.6em 1.4em;margin-right:1em}</style><h1>Example payment</h1>
<p>Order ${escape(payment.order)}: <strong>${(payment.amount / 100).toFixed(2)} ${escape(payment.currency)}</strong></p>
${payment.status === 'open'
    ? `<form method="post" action="/pay/${payment.id}/pay"><button id="pay">Pay</button></form><br>
<form method="post" action="/pay/${payment.id}/decline"><button id="decline">Decline</button></form>`
    : `<p id="result">This payment is ${payment.refunded ? 'refunded' : payment.status}. You can close this page.</p>`}`;

function route(request, body) {
  const [, area, id, action] = new URL(request.url, publicUrl).pathname.split('/').map(decodeURIComponent);
  const payment = payments.get(id);
  if (area === 'payments' && request.method === 'GET' && !id) {
    const all = [...payments.values()];
    return [200, { payments: all.length, paid: all.filter((p) => p.status === 'paid').length, refunded: all.filter((p) => p.refunded).length }];
  }
  if (area === 'payments' && request.method === 'POST') {
    if (!signatureOk(request, body)) return [401, { error: 'wrong signature' }];
    if (!id) return [200, create(body)];
    if (action === 'cancel' && payment) {
      if (payment.status === 'paid') return [409, { error: 'paid already' }];
      if (payment.status === 'open') payment.status = 'cancelled';
      return [200, { payment: id, status: payment.status }];
    }
    if (action === 'refund') {
      if (!payment) return [200, { payment: id, status: 'refunded' }]; // an attempt that never took money
      const { refund = 'all', amount = payment.amount } = JSON.parse(body);
      const before = Object.entries(payment.refunds).reduce((sum, [name, given]) => sum + (name === refund ? 0 : given), 0);
      if (before + amount > payment.amount) return [400, { error: 'more than was paid' }];
      payment.refunds[refund] = amount;
      payment.refunded = before + amount === payment.amount;
      return [200, { payment: id, status: 'refunded' }];
    }
  }
  if (!payment) return [404, { error: 'no such payment' }];
  if (area === 'payments' && request.method === 'GET') return [200, payment];
  if (area === 'pay' && request.method === 'POST' && (action === 'pay' || action === 'decline')) {
    decide(payment, action === 'pay' ? 'paid' : 'declined');
    return [303, '', { location: `/pay/${id}` }];
  }
  return area === 'pay' && request.method === 'GET' ? [200, page(payment)] : [404, { error: 'nothing here' }];
}

const server = http.createServer((request, response) => {
  let body = '';
  request.on('data', (part) => { body += part; });
  request.on('end', () => {
    let answer;
    try {
      answer = route(request, body);
    } catch (error) {
      answer = [400, { error: error.message }];
    }
    const [status, content, headers = {}] = answer;
    const text = typeof content === 'string' ? content : JSON.stringify(content);
    response.writeHead(status, { 'content-type': typeof content === 'string' ? 'text/html; charset=utf-8' : 'application/json', ...headers });
    response.end(text);
  });
});
server.on('error', (error) => {
  console.error(`payment service: ${error.message}`);
  process.exit(1);
});
server.listen({ port: Number(options.port), host: options.host, backlog: 4096 }, () => console.log(`payment service on http://${options.host}:${server.address().port}`));
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(0));
