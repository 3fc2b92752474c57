// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { execSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { arrive, Person } from '../lib/person.mjs';
import { PAYMENT_SECRET, startBoxoffice, until } from '../lib/servers.mjs';

const scribes = (world) => execSync(`pgrep -P ${world.child.pid} -f ' scribe' || true`).toString().trim().split('\n').filter(Boolean).map(Number);
const position = async (world) => Number((await world.postgres.query("SELECT seq FROM log_position WHERE sale = 'hall'"))[0]?.seq ?? 0);
const seq = async (world) => Number(await world.redis.client.hget('bo:{hall}:state', 'seq'));
const caughtUp = (world) => until('the log is written', async () => (await position(world)) === (await seq(world)));

test('P1 killed again and again while people buy: nothing is lost, nothing is doubled', async (t) => {
  const world = await startBoxoffice(t, { seats: 60 });
  let done = false, kills = 0;
  const killer = (async () => {
    while (!done) {
      const [pid] = scribes(world);
      if (pid) {
        process.kill(pid, 'SIGKILL');
        kills++;
      }
      await new Promise((ready) => setTimeout(ready, 60 + 10 * kills)); // the next one lives longer: on a slow machine, too, one comes to work
    }
  })();
  const buyers = await Promise.all(Array.from({ length: 20 }, async (_, i) => {
    const person = await new Person(world).connect();
    return person.buy(`S-${i * 3 + 1}`, `S-${i * 3 + 2}`);
  }));
  done = true;
  await killer;
  assert.ok(kills > 0);
  await caughtUp(world);
  assert.ok(buyers.every((b) => b.type === 'bought' && b.tickets.length === 2));
  const [{ count, last }] = await world.postgres.query('SELECT count(*)::int AS count, max(seq)::int AS last FROM ledger');
  assert.equal(count, last, 'dense, each once');
  assert.equal((await world.postgres.query('SELECT count(*)::int AS n FROM tickets'))[0].n, 40);
});

test('P2 the ledger is insert-only', async (t) => {
  const world = await startBoxoffice(t);
  await arrive(world);
  await caughtUp(world);
  for (const sql of ['DELETE FROM ledger', "UPDATE ledger SET kind = 'x'", 'TRUNCATE ledger'])
    await assert.rejects(world.postgres.query(sql), /insert-only/);
});

test('P3 a record that cannot be written is put aside with its reason and stops nobody', async (t) => {
  const world = await startBoxoffice(t);
  await arrive(world);
  await caughtUp(world);
  const next = await world.redis.client.eval(`local seq = redis.call('HINCRBY', KEYS[1], 'seq', 1)
    redis.call('XADD', KEYS[2], seq .. '-' .. redis.call('HGET', KEYS[1], 'epoch'), 'kind', 'join', 'at', 1, 'body', 'this is no JSON')
    return seq`, 2, 'bo:{hall}:state', 'bo:{hall}:log');
  const person = await new Person(world).connect();
  assert.equal((await person.buy('S-1')).type, 'bought');
  const [letter] = await world.postgres.query('SELECT seq::int, kind, body, reason FROM dead_letters');
  assert.deepEqual([letter.seq, letter.kind, letter.body], [next, 'join', 'this is no JSON']);
  assert.match(letter.reason, /json/);
  await caughtUp(world);
});

test('P1 the log position is where the rows are: Redis is told again after a crash between commit and word', async (t) => {
  const world = await startBoxoffice(t);
  await arrive(world);
  await caughtUp(world);
  await world.redis.client.hset('bo:{hall}:state', 'committed', 0);
  for (const pid of scribes(world)) process.kill(pid, 'SIGKILL');
  await until('told again', async () => Number(await world.redis.client.hget('bo:{hall}:state', 'committed')) === await seq(world));
});

// Fails so often and then no more: a sequence goes on where a transaction is rolled back.
const failing = (table, times) => `CREATE SEQUENCE tries_${table}; CREATE FUNCTION fail_${table}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF nextval('tries_${table}') <= ${times} THEN RAISE EXCEPTION 'not now'; END IF; RETURN NEW; END $$;
  CREATE TRIGGER fail BEFORE INSERT ON ${table} FOR EACH ROW EXECUTE FUNCTION fail_${table}()`;
const letters = async (world) => (await world.postgres.query('SELECT kind FROM dead_letters ORDER BY seq')).map(({ kind }) => kind);

test('P3 a record that is refused is tried again alone before it is put aside', async (t) => {
  const world = await startBoxoffice(t);
  await world.postgres.query(failing('orders', 2));
  const person = await new Person(world).connect();
  assert.equal((await person.buy('S-1')).type, 'bought');
  assert.deepEqual(await letters(world), []);
});

test('P3 webhooks that cannot be added keep no purchase out of the ledger', async (t) => {
  const world = await startBoxoffice(t);
  const { hook } = (await world.admin('POST', '/api/hooks', { url: 'http://127.0.0.1:9/', events: ['bought', 'held'] })).json;
  await world.postgres.query(failing('hook_deliveries', 1));
  const first = await new Person(world).connect();
  assert.equal((await first.buy('S-1')).type, 'bought');
  const told = async () => (await world.postgres.query('SELECT event FROM hook_deliveries ORDER BY seq')).map(({ event }) => event);
  assert.deepEqual(await told(), ['held', 'bought'], 'tried again');
  await world.postgres.query('ALTER TABLE hook_deliveries ADD CONSTRAINT trouble CHECK (seq < 0) NOT VALID');
  const second = await new Person(world).connect();
  assert.equal((await second.buy('S-2')).type, 'bought');
  assert.deepEqual(await letters(world), []);
  assert.match((await world.admin('GET', '/metrics')).text, /boxoffice_hooks_left_out_total [1-9]/);
  await world.postgres.query('ALTER TABLE hook_deliveries DROP CONSTRAINT trouble');
  await world.admin('POST', `/api/hooks/${hook}/replay`, { sale: 'hall' });
  assert.deepEqual((await told()).filter((event) => event === 'bought').length, 2, 'told again by the operator');
});

// What it says is signed as the payment service signs.
async function webhook(world, body) {
  const text = JSON.stringify(body), at = String(Math.floor(Date.now() / 1000));
  const signature = createHmac('sha256', PAYMENT_SECRET).update(`${at}.${text}`).digest('hex');
  const response = await fetch(`${world.url}/webhook/payment`, { method: 'POST', body: text, headers: { 'x-boxoffice-time': at, 'x-boxoffice-signature': signature } });
  return { status: response.status, json: await response.json() };
}

test('O3 whoever waits for a record that PostgreSQL refuses hears that it is not booked, and after the replay that it is', async (t) => {
  const world = await startBoxoffice(t);
  const api = (what, body) => world.admin('POST', `/api/sales/hall/${what}`, body);
  await api('stock', { item: 'coupon', kind: 'coupon', total: 9 });
  const first = await new Person(world).connect();
  const { order: earlier } = await first.buy('S-1');
  const buyer = await new Person(world).connect();
  await buyer.join();
  await buyer.enter();
  await buyer.hold('S-2');
  const { order, amount } = await buyer.checkout();
  await caughtUp(world);
  await world.postgres.query('ALTER TABLE tickets ADD CONSTRAINT trouble CHECK (seat <> 1)');
  await world.postgres.query('ALTER TABLE refunds ADD CONSTRAINT trouble CHECK (amount <> 77)');
  await world.postgres.query("ALTER TABLE grants ADD CONSTRAINT trouble CHECK (item <> 'coupon')");
  const paid = { order, sale: 'hall', payment: 'p:1', status: 'paid', amount, currency: 'EUR' };
  const refund = { order: earlier, refund: 'r:1', amount: 77, seats: ['S-1'] }, grant = { grant: 'g:1', person: buyer.person, item: 'coupon', count: 1 };
  const answers = [await webhook(world, paid), await api('refund', refund), await api('grants', grant)];
  for (const { status, json } of answers) {
    assert.deepEqual([status, json.error.code], [500, 'not_booked']);
    assert.match(json.error.message, /could not be booked/);
  }
  assert.equal((await buyer.next('error', 'bought', 'order_failed')).code, 'not_booked');
  assert.equal((await buyer.ask({ type: 'take', key: 'c', item: 'coupon', count: 1 }, 'granted', 'error')).code, 'not_admitted');
  assert.equal((await webhook(world, paid)).json.error.code, 'not_booked', 'also when it is asked again');
  assert.deepEqual(await letters(world), ['paid', 'refund', 'grant']);
  await world.postgres.query('ALTER TABLE tickets DROP CONSTRAINT trouble; ALTER TABLE refunds DROP CONSTRAINT trouble; ALTER TABLE grants DROP CONSTRAINT trouble');
  assert.equal(world.run('replay').status, 0);
  await until('the gateways know', async () => (await webhook(world, paid)).status === 200);
  assert.equal((await api('refund', refund)).status, 200);
  assert.equal((await api('grants', grant)).status, 200);
});
