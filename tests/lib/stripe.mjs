// SPDX-License-Identifier: Apache-2.0
// Stripe's side as its documents have it: its API, its signed webhooks.
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import { atEnd, startBoxoffice } from './servers.mjs';

export const WEBHOOK_SECRET = 'whsec_for_tests_only';

async function startStripe(t) {
  const stripe = { asked: [], intents: new Map(), states: new Map(), broken: false, refuse: null }; // refuse: {path: [status, error]}; states: of intents, by id
  const server = http.createServer((request, response) => {
    let body = '';
    request.on('data', (part) => { body += part; });
    request.on('end', () => {
      const form = Object.fromEntries(new URLSearchParams(body));
      stripe.asked.push({ path: request.url, form, key: request.headers['idempotency-key'], user: Buffer.from(request.headers.authorization.split(' ')[1], 'base64').toString() });
      const refused = stripe.refuse?.[request.url];
      if (refused) return void response.writeHead(refused[0]).end(JSON.stringify({ error: refused[1] }));
      if (stripe.broken) return void response.writeHead(500).end('{"error":{}}');
      if (request.url === '/v1/payment_intents') {
        const made = stripe.intents.get(request.headers['idempotency-key']) ?? { id: `pi_${stripe.intents.size + 1}`, client_secret: `pi_${stripe.intents.size + 1}_secret_x`, form };
        stripe.intents.set(request.headers['idempotency-key'], made);
        return void response.end(JSON.stringify({ ...made, object: 'payment_intent', status: 'requires_payment_method' }));
      }
      const cancelled = /^\/v1\/payment_intents\/(\w+)\/cancel$/.exec(request.url);
      if (cancelled) {
        const status = stripe.states.get(cancelled[1]) ?? 'requires_payment_method';
        if (status === 'succeeded' || status === 'processing' || status === 'canceled')
          return void response.writeHead(400).end(JSON.stringify({ error: { code: 'payment_intent_unexpected_state', message: `You cannot cancel this PaymentIntent because it has a status of ${status}.`, payment_intent: { id: cancelled[1], status } } }));
        stripe.states.set(cancelled[1], 'canceled');
        return void response.end(JSON.stringify({ id: cancelled[1], object: 'payment_intent', status: 'canceled' }));
      }
      return void response.end(JSON.stringify({ id: 're_1', object: 'refund', status: 'succeeded' }));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  atEnd(t, () => { server.closeAllConnections(); server.close(); });
  stripe.url = `http://127.0.0.1:${server.address().port}/`;
  return stripe;
}

export async function startWithStripe(t, config = {}) {
  const stripe = await startStripe(t);
  const all = await startBoxoffice(t, { config: { payment_kind: 'stripe', payment_url: stripe.url, payment_secret: WEBHOOK_SECRET, stripe_key: 'sk_test_x', stripe_publishable_key: 'pk_test_x', ...config } });
  const send = async (event, { secret = WEBHOOK_SECRET, time = Math.floor(Date.now() / 1000), header } = {}) => {
    const body = JSON.stringify(event);
    const signature = createHmac('sha256', secret).update(`${time}.${body}`).digest('hex');
    const response = await fetch(`${all.url}/webhook/payment`, { method: 'POST', body, headers: header === null ? {} : { 'stripe-signature': header ?? `t=${time},v1=${signature}` } });
    return { status: response.status, json: await response.json() };
  };
  return { stripe, all, send };
}

export const event = (type, { id, form }, more = {}) => ({ id: 'evt_1', object: 'event', type, data: { object: { id, object: 'payment_intent', amount: Number(form.amount),
  amount_received: Number(form.amount), currency: form.currency, metadata: { order: form['metadata[order]'], sale: form['metadata[sale]'], boxoffice: form['metadata[boxoffice]'] }, ...more } } });
