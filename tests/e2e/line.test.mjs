// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { arrive, Person, siteToken } from '../lib/person.mjs';
import { createSale, startBoxoffice, until } from '../lib/servers.mjs';

const paused = { capacity: 0, policy: 'capacity' }; // everyone waits

test('L2 L5 people hear number, position and total, in order of arrival; positions fall and never rise', async (t) => {
  const world = await startBoxoffice(t, { settings: paused });
  const people = [];
  for (let i = 0; i < 5; i++) people.push(await arrive(world));
  assert.deepEqual(people.map((p) => p.number), [1, 2, 3, 4, 5]);
  await until('the last one hears that he is fifth of five', async () => {
    const { position, total } = await people[4].next('position');
    return position === 5 && total === 5;
  });
  people[0].send({ type: 'leave' });
  await people[0].next('left');
  await people[1].cut();
  let last = 5;
  await until('he moves up', async () => {
    const { position } = await people[4].next('position');
    assert.ok(position <= last, `rose from ${last} to ${position}`);
    last = position;
    return position === 4;
  });
});

test('L6 a cut connection keeps the place, also on another gateway; the position shown does not rise', async (t) => {
  const world = await startBoxoffice(t, { settings: paused, config: { gateways: 3 } });
  const ahead = await arrive(world), person = await arrive(world);
  const { position } = await person.next('position');
  await person.cut();
  for (let i = 0; i < 6; i++) { // the kernel spreads connections over the gateways
    const again = await arrive(world, { resume: person.resume, shown: position });
    assert.equal(again.number, person.number);
    assert.equal(again.person, person.person);
    assert.ok((await again.next('position')).position <= position);
    await again.cut();
  }
  await ahead.close();
});

test('L5 L6 without a connection the place is lost after the grace time; a new one begins its own count', async (t) => {
  const world = await startBoxoffice(t, { settings: { ...paused, grace_ms: 200 } });
  const person = await arrive(world);
  await person.cut();
  await until('he is gone', async () => (await world.redis.client.zcard('bo:{hall}:line')) === 0);
  for (let i = 0; i < 3; i++) await arrive(world);
  const again = await arrive(world, { resume: person.resume, shown: 1 });
  assert.equal(again.number, 5);
  assert.equal((await again.next('position')).position, 4, 'not what he saw at the old one');
});

test('L6 L7 two connections of one person are one place, and it is kept while one of them is left', async (t) => {
  const world = await startBoxoffice(t, { settings: { ...paused, grace_ms: 300 }, config: { gateways: 3 } });
  const token = siteToken('ada');
  const devices = [];
  for (let i = 0; i < 6; i++) devices.push(await arrive(world, { token }));
  assert.deepEqual(new Set(devices.map((d) => d.number)).size, 1);
  for (const device of devices.slice(1)) await device.cut();
  await new Promise((done) => setTimeout(done, 800)); // longer than the grace
  assert.equal(await world.redis.client.zcard('bo:{hall}:line'), 1);
  devices[0].send({ type: 'leave' });
  await devices[0].next('left');
  assert.equal(await world.redis.client.zcard('bo:{hall}:line'), 0, 'free at once');
});

test('L3 a hot sale and a quiet one do not touch each other', async (t) => {
  const world = await startBoxoffice(t, { settings: paused });
  await createSale(world, 'quiet');
  for (let i = 0; i < 20; i++) await arrive(world);
  const person = await new Person(world).connect();
  const joined = await person.ask({ type: 'join', sale: 'quiet' }, 'joined');
  assert.equal(joined.number, 1);
  await person.next('admitted');
});

test('L8 sold out and ended are different answers, and the connection is closed', async (t) => {
  const world = await startBoxoffice(t, { settings: { policy: 'capacity', capacity: 1 }, seats: 2 });
  await createSale(world, 'ending', paused);
  const buyer = await arrive(world), waiting = await arrive(world);
  await buyer.enter();
  await buyer.hold('S-1', 'S-2');
  await buyer.settle(await buyer.checkout());
  await buyer.next('bought');
  await waiting.next('sold_out');
  assert.equal((await waiting.closed).code, 4001);
  const late = await new Person(world).connect();
  assert.equal((await late.join()).type, 'sold_out');
  assert.equal((await late.closed).code, 4001);
  const other = await new Person(world).connect();
  await other.ask({ type: 'join', sale: 'ending' }, 'joined');
  await world.admin('POST', '/api/sales/ending/close');
  await other.next('ended');
  assert.equal((await other.closed).code, 4002);
  const back = await new Person(world).connect(); // the buyer comes back after the end
  await back.ask({ type: 'join', sale: 'hall', resume: buyer.resume }, 'joined');
  assert.equal((await back.next('bought')).tickets.length, 2);
});

test('U1 guests, people of the site, and sales that take only one kind', async (t) => {
  const world = await startBoxoffice(t, { settings: { ...paused, guests: false } });
  const guest = await new Person(world).connect();
  assert.equal((await guest.join()).code, 'guests_refused');
  assert.equal((await guest.join({ token: siteToken('ada') })).person, 'u:ada');
  const cases = [['token_forged', siteToken('ada', {}, 'another key')], ['token_expired', siteToken('ada', { exp: 1000 })], ['token_forged', 'nonsense'],
    ['token_forged', siteToken('ada', {}, '', { alg: 'none' })]];
  for (const [code, token] of cases) {
    const person = await new Person(world).connect();
    assert.equal((await person.join({ token })).code, code);
    assert.equal((await person.join({ token: siteToken('bob') })).type, 'joined', 'the connection lives on');
  }
  await createSale(world, 'guests', { ...paused, site_tokens: false });
  const person = await new Person(world).connect();
  assert.equal((await person.join({ sale: 'guests', token: siteToken('ada') })).code, 'token_foreign');
  const { resume } = await person.join({ sale: 'guests' });
  const foreign = await new Person(world).connect();
  assert.equal((await foreign.join({ resume })).code, 'token_foreign', 'a place in one sale is none in another');
});

test('who reads too slowly misses news that would be stale, but no word, and no frame is torn', async (t) => {
  const world = await startBoxoffice(t, { settings: paused, config: { gateways: 1, news_front_ms: 100 } });
  const person = await arrive(world);
  person.socket.pause();
  const texts = [];
  const skipped = async () => Number(/^boxoffice_positions_skipped_total (\d+)/m.exec((await world.admin('GET', '/metrics')).text)[1]);
  while ((await skipped()) < 3 && texts.length < 2000) {
    texts.push(`${texts.length} ${'\u{1F3AB}'.repeat(100)}`);
    const { status } = await world.admin('POST', '/api/sales/hall/message', { text: texts.at(-1) });
    assert.equal(status, 200);
  }
  assert.ok(texts.length < 2000, 'the socket was full at last');
  person.socket.resume();
  const heard = [];
  while (heard.at(-1) !== texts.at(-1)) heard.push((await person.next('notice')).text);
  assert.deepEqual(heard, texts.slice(-heard.length), 'every one from the first on');
  assert.ok(heard.length > texts.length / 2);
  await person.next('position');
});

test('L5 who stands behind more people than there are seats is told how many are left', async (t) => {
  const world = await startBoxoffice(t, { seats: 2, settings: paused });
  const people = [];
  for (let i = 0; i < 4; i++) people.push(await arrive(world));
  const told = async (person) => {
    await until('the next news', async () => (await person.next('position')).total === 4);
    return (await person.next('position')).free;
  };
  assert.deepEqual(await Promise.all(people.map(told)), [undefined, undefined, 2, 2]);
});
