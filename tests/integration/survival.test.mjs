// SPDX-License-Identifier: Apache-2.0
// What a nervous day brings: stores that are not there at the start, a gateway that dies in the middle, plans nobody thought of.
import assert from 'node:assert/strict';
import { execSync } from 'node:child_process';
import { test } from 'node:test';
import { arrive, Person } from '../lib/person.mjs';
import { makePlan, startBoxoffice, until } from '../lib/servers.mjs';

test('PostgreSQL or Redis may come up after the server', async (t) => {
  const world = await startBoxoffice(t);
  await world.stop();
  await world.postgres.stop('SIGINT');
  world.startAgain();
  await until('it tries', () => /postgres/.test(world.child.output));
  await world.postgres.start();
  await world.healthy();
  assert.equal((await (await new Person(world).connect()).buy('S-1')).type, 'bought');
  await world.stop();
  await world.redis.stop();
  world.startAgain();
  await until('it serves all the same', () => /gateway serves/.test(world.child.output));
  await world.redis.start();
  await world.healthy();
  const person = await until('joined', () => arrive(world).catch(() => false));
  await person.enter();
  assert.equal((await person.hold('S-2')).type, 'held');
});

test('a gateway is killed while ten people pay: everyone hears “bought” when he is back', async (t) => {
  const world = await startBoxoffice(t, { config: { gateways: 1 } });
  const people = await Promise.all(Array.from({ length: 10 }, () => arrive(world)));
  await Promise.all(people.map((p) => p.enter()));
  await Promise.all(people.map((p, i) => p.hold(`S-${i + 1}`)));
  const pays = await Promise.all(people.map((p) => p.checkout()));
  await Promise.all(pays.map((pay, i) => people[i].settle(pay)));
  execSync(`pkill -9 -P ${world.child.pid} -f gateway`);
  const back = await Promise.all(people.map((p) => until('back', () => arrive(world, { resume: p.resume }).catch(() => false))));
  for (const person of back) assert.equal((await person.next('bought', 'order_failed')).type, 'bought');
});

test('names with quotes, tags and emoji, a free seat and the dearest one', async (t) => {
  const world = await startBoxoffice(t);
  const plan = makePlan(10), zone = '"><script>alert(1)</script> Ünïcödé 🎫', guid = 'sëat "1" <b>';
  plan.zones[0].name = zone;
  plan.zones[0].rows[0].seats[0].seat_guid = guid;
  const made = await world.admin('POST', '/api/sales', { sale: 'x:1', name: '<img src=x onerror=alert(1)>"', plan, settings: { prices: { Front: 0, Back: 100000000000 } } });
  assert.equal(made.status, 201, made.text);
  await world.admin('POST', '/api/sales/x:1/open');
  const person = await new Person(world).connect();
  await until('known here', async () => (await person.ask({ type: 'join', sale: 'x:1' }, 'joined', 'error')).type === 'joined');
  await person.enter();
  assert.equal((await person.hold(guid, 'S-10')).amount, 100000000000);
  await person.settle(await person.checkout());
  const { tickets } = await person.next('bought');
  assert.deepEqual([tickets[0].seat, tickets[0].zone, tickets[0].price, tickets[1].price], [guid, zone, 0, 100000000000]);
});

test('a plan of 100,000 seats', async (t) => {
  const world = await startBoxoffice(t, { seats: 100000 });
  const person = await new Person(world).connect();
  assert.equal((await person.buy('S-100000', 'S-1')).tickets.length, 2);
  const { states } = await person.ask({ type: 'map' }, 'map');
  assert.equal(states.length, 100000);
  assert.deepEqual([states[0], states[1], states[99999]], ['2', '0', '2']);
});

test('L6 a connection that is lost while Redis is away is told to it afterwards', async (t) => {
  const world = await startBoxoffice(t, { settings: { policy: 'capacity', capacity: 0, grace_ms: 1000 } });
  const [gone, stays] = [await arrive(world), await arrive(world)];
  await world.redis.stop();
  await gone.cut();
  await until('the gateway has noticed', async () => /boxoffice_connections\S* 1$/m.test((await world.admin('GET', '/metrics')).text));
  await world.redis.start();
  await world.countsBecome({ waiting: 1 });
  await until('nobody stands before the other', async () => (await stays.next('position')).position === 1);
});
