// SPDX-License-Identifier: Apache-2.0
// "Not here yet" is not "not there": before a sale is called unknown, PostgreSQL is asked.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import pg from 'pg';
import { arrive, Person } from '../lib/person.mjs';
import { atEnd, PAYMENT_SECRET, startBoxoffice, until } from '../lib/servers.mjs';

async function webhook(world, event) {
  const body = JSON.stringify(event), time = String(Math.floor(Date.now() / 1000));
  const signature = createHmac('sha256', PAYMENT_SECRET).update(`${time}.${body}`).digest('hex');
  const response = await fetch(`${world.url}/webhook/payment`, { method: 'POST', body, headers: { 'x-boxoffice-time': time, 'x-boxoffice-signature': signature } });
  return { status: response.status, json: await response.json() };
}

const paid = (sale, more) => ({ payment: 'p:1', order: 'o:1', sale, status: 'paid', amount: 5000, currency: 'EUR', ...more });

// As another server makes it.
const make = (world, sale, settings = "settings") =>
  world.postgres.query(`INSERT INTO sales (id, name, status, settings, plan) SELECT '${sale}', name, 'open', ${settings}, plan FROM sales WHERE id = 'hall'`);

test('a sale that another server has made a moment ago is found, whoever asks for it and how', async (t) => {
  const world = await startBoxoffice(t, { config: { gateways: 1 } });
  const ways = {
    webhook: async (sale) => (await webhook(world, paid(sale, { status: 'declined' }))).json.error?.code,
    public: async (sale) => (await (await fetch(`${world.url}/api/sales/${sale}`)).json()).error?.code,
    plan: async (sale) => (await (await fetch(`${world.url}/api/sales/${sale}/plan`)).json()).error?.code,
    counts: async (sale) => (await world.admin('GET', `/api/sales/${sale}/counts`)).json.error?.code,
    map: async (sale) => (await world.admin('GET', `/api/sales/${sale}/map`)).json.error?.code,
    block: async (sale) => (await world.admin('POST', `/api/sales/${sale}/block`, { seats: ['S-1'] })).json.error?.code,
    stock: async (sale) => (await world.admin('POST', `/api/sales/${sale}/grants/back`, { grant: 'g:1' })).json.error?.code,
    join: async (sale) => (await (await arrive(world, false)).join({ sale })).code,
  };
  for (const [name, ask] of Object.entries(ways)) {
    await make(world, `late-${name}`);
    assert.notEqual(await ask(`late-${name}`), 'unknown_sale', name);
    assert.equal(await ask('none'), 'unknown_sale', `${name} of a sale that is not there`);
  }
  for (const name of Object.keys(ways)) await until(name, async () => (await fetch(`${world.url}/api/sales/late-${name}`)).status === 200);
});

test('a webhook gets no final answer while PostgreSQL cannot say whether there is the sale', async (t) => {
  const world = await startBoxoffice(t, { config: { gateways: 1 } });
  await make(world, 'broken', `'{"policy": "nonsense"}'`);
  const answer = await webhook(world, paid('broken'));
  assert.deepEqual([answer.status, answer.json.error.code], [503, 'unavailable'], 'it is there, but cannot be taken over');
  await world.postgres.query("DELETE FROM seats WHERE sale = 'broken'");
  await world.postgres.query("DELETE FROM sales WHERE id = 'broken'");
  await world.postgres.stop();
  const away = await webhook(world, paid('none'));
  assert.deepEqual([away.status, away.json.error.code], [503, 'unavailable']);
  await world.postgres.start();
  await until('healthy', async () => (await world.admin('GET', '/health')).json.postgres);
  const there = await webhook(world, paid('none'));
  assert.deepEqual([there.status, there.json.error.code], [404, 'unknown_sale']);
});

// Every connection that PostgreSQL gives, so that the gateway gets none beside those it has. Returns one of them.
async function takeAllConnections(t, world) {
  const taken = [];
  atEnd(t, () => Promise.all(taken.map((client) => client.end().catch(() => {}))));
  for (;;) {
    const client = new pg.Client({ host: world.postgres.folder, user: 'boxoffice', database: 'postgres' });
    client.on('error', () => {});
    const err = await client.connect().then(() => null, (e) => e);
    if (err) {
      assert.equal(err.code, '53300', 'too many clients');
      return { query: (sql) => taken[0].query(sql), end: () => Promise.all(taken.splice(0).map((c) => c.end())) };
    }
    taken.push(client);
  }
}

test('an answer comes while PostgreSQL gives no connection to read a new sale with, and the sale is read later', async (t) => {
  const world = await startBoxoffice(t, { config: { gateways: 1 } });
  const person = await arrive(world, false);
  const connections = await takeAllConnections(t, world);
  await make({ postgres: connections }, 'late');
  const unauthorized = fetch(`http://127.0.0.1:${world.adminPort}/api/sales/late/counts`);
  const authorized = world.admin('GET', '/api/sales/late/counts');
  assert.equal((await Promise.race([authorized, unauthorized])).status, 401, 'refused without a look-up');
  const [byAdmin, byVisitor, byService, joined] = await Promise.all([authorized, fetch(`${world.url}/api/sales/late`), webhook(world, paid('late')), person.join({ sale: 'late' })]);
  assert.deepEqual([byAdmin.status, byVisitor.status, byService.status, joined.code], [503, 503, 503, 'unavailable']);
  assert.equal((await fetch(`${world.url}/api/sales/hall`)).status, 200, 'what is known is served');
  await connections.end();
  await until('it is read', async () => (await fetch(`${world.url}/api/sales/late`)).status === 200);
});

test('a sale that cannot be read is read once for each version, whatever is looked up', async (t) => {
  const world = await startBoxoffice(t, { config: { gateways: 1 } });
  const complaints = () => world.child.output.split('sale broken cannot be taken over').length - 1;
  await make(world, 'broken', `'{"policy": "nonsense"}'`);
  for (const sale of ['broken', 'none', 'junk', 'broken']) {
    const { status } = await webhook(world, paid(sale));
    assert.equal(status, sale === 'broken' ? 503 : 404, sale);
  }
  assert.equal(complaints(), 1);
  await world.postgres.query("UPDATE sales SET version = version + 1, settings = (SELECT settings FROM sales WHERE id = 'hall') WHERE id = 'broken'");
  await until('it is read once it was mended', async () => (await fetch(`${world.url}/api/sales/broken`)).status === 200);
  assert.equal(complaints(), 1);
});

test('a rightly signed webhook of a sum that cannot have been paid is refused', async (t) => {
  const world = await startBoxoffice(t, { config: { gateways: 1 } });
  const person = await new Person(world).connect();
  await person.join();
  await person.enter();
  await person.hold('S-1');
  const { order } = await person.checkout();
  for (const amount of [0, -1, -5000, 2 ** 53 + 2]) {
    const { status, json } = await webhook(world, paid('hall', { order, amount }));
    assert.deepEqual([status, json.error.code], [400, 'bad_message'], `${amount}`);
    assert.match(json.error.detail, /amount/);
  }
  assert.equal((await world.postgres.query('SELECT 1 FROM refunds')).length, 0);
  assert.equal((await webhook(world, paid('hall', { order }))).json.order, 'paid');
});
