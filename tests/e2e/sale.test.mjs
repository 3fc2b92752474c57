// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { arrive, newKey } from '../lib/person.mjs';
import { startBoxoffice } from '../lib/servers.mjs';

async function insiders(world, count) {
  const people = [];
  for (let i = 0; i < count; i++) {
    people.push(await arrive(world));
    await people[i].enter();
  }
  return people;
}

test('S3 the map: a snapshot, and everybody’s changes pushed', async (t) => {
  const world = await startBoxoffice(t);
  const [one, two] = await insiders(world, 2);
  const map = await one.ask({ type: 'map' }, 'map');
  assert.equal(map.states, '0'.repeat(100));
  await two.hold('S-5', 'S-6');
  const change = await one.next('seats');
  assert.deepEqual([change.held, change.free, change.sold], [[4, 5], [], []]);
  assert.ok(change.version > map.version);
  await two.ask({ type: 'release', key: newKey(), seats: ['S-6'] }, 'released');
  assert.deepEqual((await one.next('seats')).free, [5]);
  await two.settle(await two.checkout());
  assert.deepEqual((await one.next('seats')).sold, [4]);
});

test('S1 S3 two want the same seats: one gets all, the other none, with the seats named and the map', async (t) => {
  const world = await startBoxoffice(t);
  const [one, two] = await insiders(world, 2);
  const [a, b] = await Promise.all([one.hold('S-1', 'S-2'), two.hold('S-2', 'S-3')]);
  const refused = a.type === 'refused' ? a : b;
  assert.notEqual(a.type, b.type);
  assert.equal(refused.code, 'seat_taken');
  assert.deepEqual(refused.seats, ['S-2']);
  assert.equal(refused.map.states.length, 100);
  assert.equal((await world.counts()).free >= 98, true);
});

test('S2 at most 3 per person, over two devices', async (t) => {
  const world = await startBoxoffice(t);
  const phone = await arrive(world);
  await phone.enter();
  const laptop = await arrive(world, { resume: phone.resume });
  await laptop.enter();
  const answers = await Promise.all([phone.hold('S-1', 'S-2'), laptop.hold('S-3', 'S-4')]);
  assert.deepEqual(answers.map((a) => a.type).sort(), ['held', 'refused']);
  assert.equal(answers.find((a) => a.type === 'refused').code, 'limit_reached');
});

test('O2 a command sent twice is answered twice the same', async (t) => {
  const world = await startBoxoffice(t);
  const [person] = await insiders(world, 1);
  const command = { type: 'hold', key: 'once', seats: ['S-1'] };
  const [first, second] = [await person.ask(command, 'held'), await person.ask(command, 'held')];
  assert.deepEqual([first.seats, first.amount], [second.seats, second.amount]);
  assert.equal((await person.ask({ ...command, seats: ['S-2'] }, 'refused')).code, 'key_reused');
});

test('S8 after checkout the seats cannot be changed', async (t) => {
  const world = await startBoxoffice(t);
  const [person] = await insiders(world, 1);
  assert.equal((await person.checkout()).code, 'nothing_held');
  await person.hold('S-1');
  const pay = await person.checkout();
  assert.equal(pay.amount, 5000);
  assert.equal((await person.hold('S-2')).code, 'already_paying');
  assert.equal((await person.ask({ type: 'release', key: newKey(), seats: ['S-1'] }, 'refused')).code, 'already_paying');
  assert.equal((await person.checkout()).order, pay.order);
});

test('S4 the plan is served with zones, rows, categories and prices', async (t) => {
  const world = await startBoxoffice(t);
  const response = await fetch(`${world.url}/api/sales/hall/plan`);
  const plan = await response.json();
  assert.equal(plan.seats.length, 100);
  assert.deepEqual(plan.seats[12].slice(0, 4), ['S-13', 'Floor', '2', '3']);
  assert.deepEqual(plan.categories.map((c) => c.price), [5000, 3000]);
  const again = await fetch(`${world.url}/api/sales/hall/plan`, { headers: { 'if-none-match': response.headers.get('etag') } });
  assert.equal(again.status, 304);
});

test('the best seats together, by wish; many at once never get the same', async (t) => {
  const world = await startBoxoffice(t, { config: { gateways: 2 }, settings: { limit: 4 } });
  const people = await insiders(world, 12);
  const best = (person, more = {}) => person.ask({ type: 'best', key: newKey(), count: 2, ...more }, 'held', 'refused', 'error');
  const held = await Promise.all(people.map((person) => best(person)));
  assert.ok(held.every(({ type }) => type === 'held'), JSON.stringify(held.find(({ type }) => type !== 'held')));
  const seats = held.flatMap((answer) => answer.seats);
  assert.equal(new Set(seats).size, 24);
  for (const { seats: pair } of held) {
    const [a, b] = pair.map((guid) => Number(guid.slice(2)) - 1);
    assert.equal(b - a, 1, 'side by side');
    assert.equal(Math.floor(a / 10), Math.floor(b / 10), 'in one row');
  }
  assert.ok(seats.every((guid) => Number(guid.slice(2)) <= 60), 'near the stage');
  assert.ok((await best(people[0], { count: 1, category: 'Back' })).seats.some((guid) => Number(guid.slice(2)) > 50));
  assert.equal((await best(people[1], { count: 2, price_max: 1 })).code, 'none_together');
  assert.equal((await best(people[1], { category: 'Royal' })).code, 'unknown_seat');
  assert.equal((await best(people[1], { count: 3 })).code, 'limit_reached');
  for (const wrong of [{ count: 0 }, { count: 'two' }, { zone: 7 }, { price_max: '9' }, { accessible: 1 }]) assert.equal((await best(people[2], wrong)).code, 'bad_message');
  assert.equal((await best(people[2], { count: 21 })).code, 'too_large');
});

test('seats kept back by the operator: everybody sees it, it is audited, and nothing happens by halves', async (t) => {
  const world = await startBoxoffice(t);
  const [person] = await insiders(world, 1);
  await person.ask({ type: 'map' }, 'map');
  const block = (action, body) => world.admin('POST', `/api/sales/hall/${action}`, body);
  assert.deepEqual((await block('block', { seats: ['S-3', 'S-4'], why: 'camera' })).json, { free: 98, blocked: 2 });
  assert.deepEqual((await person.next('seats')).blocked, [2, 3]);
  assert.equal((await person.hold('S-4')).code, 'seat_taken');
  await person.hold('S-1');
  const refused = await block('block', { seats: ['S-1', 'S-9'] });
  assert.deepEqual([refused.status, refused.json.error.code, refused.json.error.detail], [409, 'seat_taken', 'seats: S-1']);
  for (const [body, status, code] of [[{ seats: [] }, 400, 'bad_message'], [{ seats: ['S-1', 'S-1'] }, 400, 'seat_twice'], [{ seats: ['none'] }, 404, 'unknown_seat'],
    [{ seats: ['S-8'], why: 7 }, 400, 'bad_message'], [{ seats: Array(1001).fill('S-1') }, 413, 'too_large'], [[], 400, 'bad_message']]) {
    const answer = await block('block', body);
    assert.deepEqual([answer.status, answer.json.error.code], [status, code], JSON.stringify(body).slice(0, 80));
  }
  assert.equal((await block('unblock', { seats: ['S-3', 'S-5'] })).json.error.code, 'not_blocked');
  assert.deepEqual((await block('unblock', { seats: ['S-3'] })).json, { free: 98, blocked: 1 });
  while (!(await person.next('seats')).free.includes(2)); // news of his own hold may come before
  const { audit } = (await world.admin('GET', '/api/audit')).json;
  assert.deepEqual(audit.slice(0, 2).map(({ action, detail }) => [action, detail.seats]), [['unblock', ['S-3']], ['block', ['S-3', 'S-4']]]);
});

test('A6 more time on request reaches every device', async (t) => {
  const world = await startBoxoffice(t, { config: { gateways: 2 }, settings: { choose_ms: 60000, extend_ms: 30000 } });
  const [phone] = await insiders(world, 1);
  const laptop = await arrive(world, { resume: phone.resume });
  await laptop.enter();
  const answer = await phone.ask({ type: 'extend', key: newKey() }, 'extended', 'error');
  assert.ok(answer.left_ms > 60000 && answer.left_ms <= 90000 && answer.again === 0, JSON.stringify(answer));
  assert.equal((await phone.ask({ type: 'extend', key: newKey() }, 'extended', 'error')).code, 'no_more_time');
  assert.equal((await phone.ask({ type: 'extend' }, 'extended', 'error')).code, 'bad_message');
  assert.ok((await laptop.next('time')).left_ms > 60000);
});

test('O2 S3 a seat known to be taken is refused without asking Redis, the same key always the same way, and his own command is not', async (t) => {
  const world = await startBoxoffice(t, { config: { gateways: 1 } });
  const [one, two] = await insiders(world, 2);
  for (const person of [one, two]) await person.ask({ type: 'map' }, 'map');
  await one.ask({ type: 'hold', key: 'mine', seats: ['S-1'] }, 'held');
  while (!(await two.next('seats')).held.includes(0));
  const again = await one.ask({ type: 'hold', key: 'mine', seats: ['S-1'] }, 'held', 'refused');
  assert.deepEqual([again.type, again.seats], ['held', ['S-1']], 'twice clicked');
  const counted = async () => Number((await world.admin('GET', '/metrics')).text.match(/^boxoffice_refused_here_total (\d+)/m)[1]);
  assert.equal(await counted(), 0);
  const refused = await two.ask({ type: 'hold', key: 'his', seats: ['S-1', 'S-2'] }, 'refused');
  assert.deepEqual([refused.code, refused.seats, refused.map], ['seat_taken', ['S-1'], undefined], 'he hears every change');
  assert.equal(await counted(), 1);
  await one.ask({ type: 'release', key: 'back', seats: ['S-1'] }, 'released');
  while (!(await two.next('seats')).free.includes(0));
  assert.equal((await two.ask({ type: 'hold', key: 'his', seats: ['S-1', 'S-2'] }, 'held', 'refused')).type, 'refused', 'the same key, the same answer');
  assert.equal((await two.ask({ type: 'hold', key: 'fresh', seats: ['S-1', 'S-2'] }, 'held', 'refused')).type, 'held');
  two.send({ type: 'release', key: 'r1', seats: ['S-1'] }); // one after the other without waiting: in this order
  assert.equal((await two.ask({ type: 'hold', key: 'h1', seats: ['S-1'] }, 'held', 'refused')).type, 'held');
  two.send({ type: 'release', key: 'r2', seats: ['S-1', 'S-2'] });
  assert.equal((await two.ask({ type: 'checkout', key: 'c' }, 'pay', 'error')).code, 'nothing_held');
});

test('A6 the end of an earlier admission does not end the one of now', async (t) => {
  const world = await startBoxoffice(t);
  const person = await arrive(world);
  await person.enter();
  const number = Number(await world.redis.client.hget('bo:{hall}:state', 'head'));
  await world.redis.client.publish('bo:{hall}:feed', `end ${person.person} expired - ${number + 5}`);
  await world.redis.client.publish('bo:{hall}:feed', `deadline ${person.person} ${Date.now() + 1000000}`);
  assert.equal((await person.hold('S-1')).type, 'held');
  await world.redis.client.publish('bo:{hall}:feed', `end ${person.person} expired - ${number}`);
  assert.equal((await person.next('expired')).stage, 'choose');
});
