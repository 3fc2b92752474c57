// SPDX-License-Identifier: Apache-2.0
// PostgreSQL comes back without its last commits (rule P8): what Redis' log still has is written again, and what no store has stops the sale's log until an operator
// has decided.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { childrenOf } from '../lib/parts.mjs';
import { arrive, Person } from '../lib/person.mjs';
import { createSale, startBoxoffice, until } from '../lib/servers.mjs';

const state = async (world, field) => Number(await world.redis.client.hget('bo:{hall}:state', field));
const position = async (world) => Number((await world.postgres.query("SELECT seq FROM log_position WHERE sale = 'hall'"))[0]?.seq ?? 0);
const caughtUp = (world) => until('the log is written', async () => (await position(world)) === (await state(world, 'seq')));

// As a standby that was promoted without them.
async function forgetCommits(world, after) {
  for (const pid of childrenOf(world, 'scribe')) process.kill(pid, 'SIGSTOP');
  await world.postgres.query(`ALTER TABLE ledger DISABLE TRIGGER ledger_insert_only; DELETE FROM ledger WHERE seq > ${after}; DELETE FROM tickets WHERE seq > ${after};
    DELETE FROM orders WHERE seq > ${after}; UPDATE log_position SET seq = ${after} WHERE sale = 'hall'; ALTER TABLE ledger ENABLE TRIGGER ledger_insert_only`);
  for (const pid of childrenOf(world, 'scribe')) process.kill(pid, 'SIGKILL');
}

test('P8 commits that PostgreSQL has lost are found in the log again, in another epoch', async (t) => {
  const world = await startBoxoffice(t);
  await arrive(world);
  await caughtUp(world);
  const before = await position(world), epoch = await state(world, 'epoch');
  const buyer = await new Person(world).connect();
  assert.equal((await buyer.buy('S-1')).type, 'bought');
  await caughtUp(world);
  await forgetCommits(world, before);
  await until('they are written again', async () => (await world.postgres.query('SELECT 1 FROM tickets')).length === 1);
  await caughtUp(world);
  assert.ok(await state(world, 'epoch') > epoch, 'what was told as kept is waited for anew');
  assert.equal((await world.admin('GET', '/metrics')).text.match(/boxoffice_ledger_gaps (\d)/)[1], '0');
});

test('P8 a gap that stays stops the log of its sale, is critical, and is crossed by nothing until an operator says so', async (t) => {
  const world = await startBoxoffice(t, { reconcile: false, config: { health_worse_ms: 0 } });
  await createSale(world, 'other');
  await arrive(world);
  await caughtUp(world);
  const before = await position(world);
  const lost = await new Person(world).connect();
  await lost.buy('S-1');
  await caughtUp(world);
  await world.redis.client.xtrim('bo:{hall}:log', 'MINID', `${(await state(world, 'seq')) + 1}-0`);
  await forgetCommits(world, before);
  await until('it is counted', async () => /boxoffice_ledger_gaps 1/.test((await world.admin('GET', '/metrics')).text));
  await until('it is critical', () => /health: critical, ledger_gap, sale hall/.test(world.child.output));
  const buyer = await new Person(world).connect();
  await buyer.join();
  await buyer.enter();
  await buyer.hold('S-2');
  await buyer.settle(await buyer.checkout());
  await until('it is decided', async () => (await state(world, 'sold')) === 2);
  for (const [args, status] of [[['reconcile', '--sale', 'hall', '--repair'], 3], [['reconcile', '--sale', 'hall'], 3], [['rebuild', 'hall'], 1]]) {
    const refused = world.run(...args);
    assert.equal(refused.status, status, args.join(' '));
    assert.match(refused.stderr, /accept-gap/);
  }
  assert.equal(await position(world), before, 'nothing is written');
  assert.equal(await world.redis.client.hget('bo:{hall}:seats', '0'), lost.person, 'and what was bought is not free');
  assert.equal((world.child.output.match(/decisions behind record/g) ?? []).length, 1, 'said once');
  const elsewhere = await new Person(world).connect();
  await elsewhere.join({ sale: 'other' });
  await elsewhere.enter();
  await elsewhere.hold('S-1');
  await elsewhere.settle(await elsewhere.checkout());
  assert.equal((await elsewhere.next('bought', 'order_failed')).type, 'bought', 'other sales go on');
  assert.equal(world.run('accept-gap').status, 2);
  assert.equal(world.run('accept-gap', '--sale', 'none').status, 1);
  const accepted = world.run('accept-gap', '--sale', 'hall');
  assert.equal(accepted.status, 0, accepted.stderr);
  assert.match(accepted.stdout, new RegExp(`^hall: goes on without records ${before + 1} to \\d+$`, 'm'));
  assert.equal((await buyer.next('bought', 'order_failed')).type, 'bought');
  await until('it is over', async () => /boxoffice_ledger_gaps 0/.test((await world.admin('GET', '/metrics')).text));
  assert.equal((await world.postgres.query("SELECT 1 FROM audit WHERE action = 'accept_gap' AND sale = 'hall'")).length, 1);
  assert.match(world.run('accept-gap', '--sale', 'hall').stdout, /^hall: nothing else is missing\n$/);
  assert.notEqual(world.run('reconcile', '--sale', 'hall').status, 3, 'now it may be compared');
});

test('P2 the sales that people wait for are restored first, closed ones last; the brake of an operator is in force again', async (t) => {
  const world = await startBoxoffice(t, { config: { gateways: 1 } });
  await createSale(world, 'a-closed');
  await createSale(world, 'b-later', { opens_at: '2035-01-01T00:00:00Z' });
  await createSale(world, 'c-soon', { opens_at: '2034-01-01T00:00:00Z' });
  await world.admin('POST', '/api/sales/a-closed/close');
  assert.equal((await world.admin('POST', '/api/sales/hall/brake', { percent: 40, for_ms: 600000, why: 'shop' })).status, 200);
  const written = async () => (await world.postgres.query("SELECT count(*)::int AS n FROM log_position WHERE seq > 1"))[0].n === 4;
  await until('all are written', written);
  await caughtUp(world);
  await world.redis.client.flushall();
  const order = () => world.postgres.query("SELECT sale FROM audit WHERE action = 'rebuild' ORDER BY id").then((rows) => rows.map(({ sale }) => sale));
  await until('all are restored', async () => (await order()).length === 4, 40000);
  assert.deepEqual(await order(), ['hall', 'c-soon', 'b-later', 'a-closed']);
  assert.equal(await state(world, 'asked'), 40);
  assert.equal(await world.redis.client.hget('bo:{hall}:state', 'asked_why'), 'shop');
});
