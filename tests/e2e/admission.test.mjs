// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { arrive, Person } from '../lib/person.mjs';
import { startBoxoffice, until } from '../lib/servers.mjs';

test('A2 A3 capacity: one out, one in, and the change of a setting takes effect while people wait', async (t) => {
  const world = await startBoxoffice(t, { settings: { policy: 'capacity', capacity: 1 } });
  const people = [];
  for (let i = 0; i < 4; i++) people.push(await arrive(world));
  await people[0].next('admitted');
  people[0].send({ type: 'leave' });
  await people[0].next('left');
  await people[1].next('admitted');
  await until('counted', async () => (await world.counts()).active === 1);
  await world.set({ capacity: 3 });
  await people[2].next('admitted');
  await people[3].next('admitted');
});

test('A2 A4 rate: no more than the rate, whatever the number of gateways', async (t) => {
  const world = await startBoxoffice(t, { settings: { policy: 'rate', rate_count: 3, rate_ms: 600 }, config: { gateways: 3, tick_ms: 10 } });
  const people = await Promise.all(Array.from({ length: 10 }, () => arrive(world)));
  await Promise.all(people.map((p) => p.next('admitted')));
  await until('the log is written', async () => (await world.postgres.query("SELECT 1 FROM ledger WHERE kind = 'admit'")).length >= 4);
  const rows = await world.postgres.query("SELECT at_ms::float8 AS at, jsonb_array_length(body->'people') / 2 AS count FROM ledger WHERE kind = 'admit' ORDER BY seq");
  for (const { at } of rows) {
    const within = rows.filter((r) => r.at >= at && r.at < at + 600).reduce((sum, r) => sum + r.count, 0);
    assert.ok(within <= 3, `${within} within 600 ms`);
  }
});

test('A2 a paused sale admits nobody, a resumed one goes on', async (t) => {
  const world = await startBoxoffice(t);
  await world.admin('POST', '/api/sales/hall/pause');
  const person = await arrive(world);
  await person.next('position');
  assert.equal((await person.next('position')).eta_s, null);
  assert.equal((await world.counts()).admitted, 0);
  await world.admin('POST', '/api/sales/hall/resume');
  await person.next('admitted');
});

test('A5 X2 only a token of one’s own admission opens the door', async (t) => {
  const world = await startBoxoffice(t, { settings: { policy: 'capacity', capacity: 2 } });
  const one = await arrive(world), two = await arrive(world), three = await arrive(world);
  const first = await one.next('admitted'), second = await two.next('admitted');
  const enter = (person, access) => person.ask({ type: 'enter', access }, 'error', 'entered');
  assert.equal((await enter(three, first.access)).code, 'token_foreign');
  assert.equal((await enter(one, second.access)).code, 'token_foreign');
  assert.equal((await enter(one, first.access.slice(0, -2) + 'xx')).code, 'token_forged');
  assert.equal((await enter(one, one.resume)).code, 'token_foreign');
  assert.equal((await one.ask({ type: 'enter' }, 'error')).code, 'token_missing');
  assert.equal((await one.hold('S-1')).code, 'not_admitted', 'without having entered');
  assert.equal((await enter(one, first.access)).type, 'entered');
  assert.equal((await enter(one, first.access)).type, 'entered', 'entering again changes nothing');
  one.send({ type: 'leave' });
  await one.next('left');
  assert.equal((await enter(one, first.access)).code, 'not_admitted', 'a replayed token of an admission that is over');
});

test('A6 claim, choosing and paying have deadlines that are told and enforced', async (t) => {
  const world = await startBoxoffice(t, { settings: { policy: 'capacity', capacity: 1, claim_ms: 1000, choose_ms: 1500, pay_ms: 1500 } });
  const late = await arrive(world), slow = await arrive(world), broke = await arrive(world), last = await arrive(world);
  assert.ok((await late.next('admitted')).left_ms <= 1000);
  assert.equal((await late.next('expired')).stage, 'claim');
  const entered = await slow.enter();
  assert.ok(entered.left_ms > 1000 && entered.left_ms <= 1600, String(entered.left_ms));
  await slow.hold('S-1', 'S-2');
  assert.equal((await slow.next('expired')).stage, 'choose');
  await broke.enter();
  assert.equal((await broke.hold('S-1', 'S-2')).type, 'held', 'what the one before held is free again');
  const pay = await broke.checkout();
  assert.ok(pay.left_ms <= 1500);
  assert.equal((await broke.next('expired')).stage, 'pay');
  await last.enter();
  assert.equal((await last.hold('S-1', 'S-2')).type, 'held');
  await broke.settle(pay); // pays all the same, too late
  await until('his money is given back', async () => (await (await fetch(`${world.payments.url}/payments`)).json()).refunded === 1);
  assert.equal((await world.postgres.query("SELECT status FROM refunds"))[0].status, 'done');
});

test('A6 an admission survives a lost connection, and the seats with it', async (t) => {
  const world = await startBoxoffice(t);
  const person = await arrive(world);
  await person.enter();
  await person.hold('S-7');
  await person.cut();
  const again = await arrive(world, { resume: person.resume });
  const entered = await again.enter();
  assert.deepEqual(entered.seats, ['S-7']);
  assert.equal((await again.hold('S-8')).seats.length, 2);
});

test('L6 who is away when his turn comes is first when he returns', async (t) => {
  const world = await startBoxoffice(t, { settings: { policy: 'capacity', capacity: 0 } });
  const away = await arrive(world), next = await arrive(world);
  await away.cut();
  await until('noted as away', async () => (await world.redis.client.zcard('bo:{hall}:absent')) === 1);
  await world.set({ capacity: 1 });
  await next.next('admitted');
  const back = await arrive(world, { resume: away.resume });
  assert.equal(back.number, 1);
  const third = await arrive(world);
  next.send({ type: 'leave' });
  await back.next('admitted');
  await third.next('position');
  assert.equal(third.messages.some((m) => m.type === 'admitted'), false);
  assert.ok(await new Person(world).connect());
});
