// SPDX-License-Identifier: Apache-2.0
// Webhooks out: what somebody subscribed to, signed, tried again, told again.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import http from 'node:http';
import { once } from 'node:events';
import { test } from 'node:test';
import pg from 'pg';
import { Person } from '../lib/person.mjs';
import { atEnd, createSale, startBoxoffice, until } from '../lib/servers.mjs';

// Answers with these statuses, the last for ever.
async function listener(t, ...statuses) {
  const heard = [];
  const server = http.createServer((request, response) => {
    let body = '';
    request.on('data', (part) => { body += part; });
    request.on('end', () => {
      heard.push({ ...JSON.parse(body), text: body, headers: request.headers });
      response.writeHead(statuses[Math.min(heard.length, statuses.length) - 1] ?? 200).end();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  atEnd(t, () => { server.closeAllConnections(); server.close(); });
  return { url: `http://127.0.0.1:${server.address().port}/hook`, heard };
}

test('subscribers hear who was admitted, held, bought and refunded, and that it is sold out: signed, each once', async (t) => {
  const world = await startBoxoffice(t, {}, 2);
  await createSale(world, 'small', {}, 2);
  const all = await listener(t), some = await listener(t);
  const hook = (body) => world.admin('POST', '/api/hooks', body);
  const made = (await hook({ url: all.url, sale: 'small', events: ['admitted', 'held', 'bought', 'refunded', 'sold_out'] })).json;
  await hook({ url: some.url, events: ['bought'] });
  const person = await new Person(world).connect();
  await person.join({ sale: 'small' });
  await person.enter();
  await person.hold('S-1', 'S-2');
  await person.settle(await person.checkout());
  const { order } = await person.next('bought');
  await world.admin('POST', '/api/sales/small/refund', { order, refund: 'r:1', seats: ['S-1'], why: 'ill' });
  await until('all heard', () => new Set(all.heard.map(({ event }) => event)).size === 5);
  const of = (event) => all.heard.filter((one) => one.event === event);
  assert.deepEqual(of('admitted')[0].data, { people: [person.person] });
  assert.deepEqual(of('held')[0].data, { currency: 'EUR', digits: 2, holds: [{ person: person.person, seats: [{ seat: 'S-1', price: 5000 }, { seat: 'S-2', price: 3000 }] }] });
  assert.deepEqual([of('bought')[0].data.order, of('bought')[0].data.amount, of('bought')[0].data.seats.length], [order, 8000, 2]);
  assert.deepEqual([of('refunded')[0].data.why, of('refunded')[0].data.amount, of('refunded')[0].data.digits], ['ill', 5000, 2]);
  assert.equal(of('sold_out').length, 1);
  for (const { headers, text, event } of all.heard) {
    assert.equal(headers['x-boxoffice-event'], event);
    assert.equal(headers['x-boxoffice-signature'], createHmac('sha256', made.secret).update(`${headers['x-boxoffice-time']}.${text}`).digest('hex'));
  }
  await until('delivered', async () => (await world.admin('GET', '/api/hooks')).json.hooks.every(({ due }) => due === 0));
  assert.equal(new Set(all.heard.map(({ delivery }) => delivery)).size, all.heard.length, 'each once');
  assert.deepEqual(some.heard.map(({ event, sale }) => [event, sale]), [['bought', 'small']]);
});

test('a webhook that is refused is tried again after pauses, the log says how each attempt went, and what was missed is told again', async (t) => {
  const world = await startBoxoffice(t);
  const bad = await listener(t, 500, 200);
  const { hook } = (await world.admin('POST', '/api/hooks', { url: bad.url, events: ['bought'] })).json;
  const buyer = await new Person(world).connect();
  await buyer.buy('S-1');
  await until('refused', () => bad.heard.length === 1);
  await world.postgres.query("UPDATE hook_deliveries SET next_at = now(); UPDATE hooks SET paused_until = '-infinity'"); // instead of waiting for the pause
  await until('tried again', () => bad.heard.length === 2);
  const log = async () => (await world.admin('GET', `/api/hooks/${hook}/deliveries`)).json.deliveries;
  const [delivery] = await until('noted', async () => (await log())[0].status === 'done' && log());
  assert.deepEqual(delivery.attempts.map(({ status }) => status), [500, 200]);
  const replay = (body) => world.admin('POST', `/api/hooks/${hook}/replay`, body);
  assert.equal((await replay({ delivery: delivery.delivery })).json.due, 1);
  await until('told again', () => bad.heard.length === 3);
  assert.deepEqual(bad.heard[2].data, bad.heard[1].data);
  const late = await listener(t);
  const second = (await world.admin('POST', '/api/hooks', { url: late.url, events: ['bought'] })).json.hook;
  assert.equal((await world.admin('POST', `/api/hooks/${second}/replay`, { sale: 'hall' })).json.due, 1);
  await until('who came late hears what was before', () => late.heard.length === 1);
  for (const [code, method, path, body] of [['bad_message', 'POST', '', { url: 'ftp://x', events: ['bought'] }], ['bad_message', 'POST', '', { url: late.url, events: ['all'] }],
    ['bad_message', 'POST', '', { url: late.url, events: [] }], ['bad_json', 'POST', '', '{'], ['unknown_hook', 'GET', '/99/deliveries'], ['unknown_hook', 'DELETE', '/x'],
    ['bad_message', 'POST', `/${hook}/replay`, {}], ['bad_method', 'PUT', `/${hook}/replay`, {}], ['not_found', 'GET', `/${hook}/nothing`]])
    assert.equal((await world.admin(method, `/api/hooks${path}`, body)).json.error.code, code);
  assert.equal((await world.admin('DELETE', `/api/hooks/${hook}`)).status, 201);
  assert.equal((await world.admin('GET', `/api/hooks`)).json.hooks.length, 1);
});

test('a change of health is told once, however many gateways see it', async (t) => {
  const world = await startBoxoffice(t);
  const { url, heard } = await listener(t);
  await world.admin('POST', '/api/hooks', { url, events: ['health'] });
  await world.postgres.query("UPDATE health SET since = now() - interval '1 min'");
  const slow = () => world.admin('POST', '/api/sales/hall/brake', { percent: 50, for_ms: 600000, why: 'shop' });
  await slow();
  await until('told', () => heard.length > 0, 30000);
  assert.deepEqual(heard[0].data, { health: 'caution', why: 'shop', sale: 'hall' });
  await world.admin('POST', '/api/sales/hall/brake', { percent: 100, for_ms: 0 });
  await until('well again', () => heard.length > 1, 30000);
  assert.deepEqual(heard.map(({ data }) => data.health), ['caution', 'healthy']);
});

test("the pile of a subscriber that does not answer is in nobody's way", async (t) => {
  const world = await startBoxoffice(t, { config: { gateways: 1 } });
  const well = await listener(t);
  const make = async (url) => (await world.admin('POST', '/api/hooks', { url, events: ['bought'] })).json.hook;
  const dead = await make('http://127.0.0.1:1/'), alive = await make(well.url);
  await world.postgres.query(`UPDATE hooks SET failures = 9, paused_until = now() + interval '1 hour' WHERE id = ${dead}`);
  await world.postgres.query(`INSERT INTO hook_deliveries (hook, event, sale, seq, at_ms, data, next_at) SELECT ${dead}, 'bought', 'hall', -n, 0, '{}', now() - interval '1 hour'
    FROM generate_series(1, 100000) n`);
  await world.postgres.query('VACUUM ANALYZE hook_deliveries');
  await (await new Person(world).connect()).buy('S-1');
  await until('heard', () => well.heard.length === 1);
  const client = new pg.Client(`postgres:///postgres?host=${encodeURIComponent(world.postgres.folder)}&user=boxoffice`); // one, which has read the catalogue
  await client.connect();
  atEnd(t, () => client.end());
  const lease = async () => {
    const [{ 'QUERY PLAN': [{ Plan: plan }] }] = (await client.query('EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT * FROM hook_lease(50)')).rows;
    return plan['Shared Hit Blocks'] + plan['Shared Read Blocks'];
  };
  const other = (seq) => world.postgres.query(`INSERT INTO hook_deliveries (hook, event, sale, seq, at_ms, data) VALUES (${alive}, 'bought', 'hall', ${seq}, 0, '{}')`);
  await until('delivered', async () => (await world.postgres.query(`SELECT 1 FROM hook_deliveries WHERE hook = ${alive} AND status = 'due'`)).length === 0);
  await lease();
  await world.postgres.query(`UPDATE hooks SET active = false WHERE id = ${alive}`); // so that the gateway is not quicker
  let blocks = await lease();
  assert.ok(blocks < 200, `paused: ${blocks} blocks`);
  await world.postgres.query(`UPDATE hooks SET paused_until = '-infinity' WHERE id = ${dead}`);
  blocks = await lease();
  assert.ok(blocks < 200, `asked again: ${blocks} blocks`);
  const leased = await world.postgres.query(`SELECT count(*)::int AS n FROM hook_deliveries WHERE hook = ${dead} AND attempts > 0`);
  assert.ok(leased[0].n <= 5, `a subscriber that has failed is asked with one delivery at a time, not ${leased[0].n}`);
  await world.postgres.query(`UPDATE hooks SET active = true WHERE id = ${alive}`);
  await other(-1);
  await until('heard, too', () => well.heard.length === 2);
});

test('a delivery that nobody takes for three days is given up, and can be asked for again', async (t) => {
  const world = await startBoxoffice(t, { config: { gateways: 1 } });
  const bad = await listener(t, 500, 200);
  const { hook } = (await world.admin('POST', '/api/hooks', { url: bad.url, events: ['bought'] })).json;
  await (await new Person(world).connect()).buy('S-1');
  await until('refused', () => bad.heard.length === 1);
  const give_up = async () => Number((await world.postgres.query("SELECT hook_give_up('3 days', 100) AS n"))[0].n);
  assert.equal(await give_up(), 0);
  await world.postgres.query("UPDATE hook_deliveries SET due_since = now() - interval '73 hours'");
  assert.equal(await give_up(), 1);
  const log = async () => (await world.admin('GET', `/api/hooks/${hook}/deliveries`)).json.deliveries[0];
  assert.equal((await log()).status, 'given_up');
  await world.postgres.query("UPDATE hooks SET paused_until = '-infinity'");
  assert.equal((await world.admin('POST', `/api/hooks/${hook}/replay`, { delivery: (await log()).delivery })).json.due, 1);
  assert.equal(await give_up(), 0, 'it is due from now on');
  await until('taken', async () => (await log()).status === 'done');
});
