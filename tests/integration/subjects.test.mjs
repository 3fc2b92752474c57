// SPDX-License-Identifier: Apache-2.0
// The site's own names for people, whatever they look like.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { arrive, Person, siteToken } from '../lib/person.mjs';
import { startBoxoffice, until } from '../lib/servers.mjs';

test('U4 somebody with a foreign subject buys, has his ticket by the same token, and is found by his subject', async (t) => {
  const world = await startBoxoffice(t);
  const subject = 'auth0|5f7c+한 "글" %_', token = siteToken(subject, { exp: Date.now() / 1000 + 600 });
  const person = await arrive(world, { token });
  await person.enter();
  await person.hold('S-1');
  await person.settle(await person.checkout());
  const { order } = await person.next('bought');
  assert.match(person.person, /^x:[A-Za-z0-9_-]{43}$/);
  assert.equal((await arrive(world, { token })).person, person.person, 'the same everywhere');
  const tickets = await (await fetch(`${world.url}/api/sales/hall/tickets`, { headers: { authorization: `Bearer ${token}` } })).json();
  assert.deepEqual(tickets.tickets.map(({ seat }) => seat), ['S-1']);
  await until('it is written', async () => (await world.postgres.query('SELECT * FROM subjects')).length === 1);
  const found = (await world.admin('GET', `/api/search?q=${encodeURIComponent(subject)}`)).json;
  assert.deepEqual(found.orders.map((one) => [one.order, one.person, one.subject]), [[order, person.person, subject]]);
  assert.deepEqual(found.people.map((one) => [one.person, one.subject]), [[person.person, subject]]);
  assert.equal((await world.admin('GET', `/api/sales/hall/people/${person.person}`)).json.subject, subject);
  await world.admin('POST', '/api/sales/hall/stock', { item: 'coupon', kind: 'coupon', total: 2 });
  const granted = await until('the coupon is known', async () => {
    const answer = await world.admin('POST', '/api/sales/hall/grants', { grant: 'g1', person: subject, item: 'coupon' });
    return answer.status === 200 && answer;
  });
  assert.equal(granted.json.count, 1);
  assert.deepEqual(await world.postgres.query('SELECT person FROM grants'), [{ person: person.person }]);
});

test('U4 whoever was u:ada stays u:ada, and a wrong claim is named', async (t) => {
  const world = await startBoxoffice(t);
  assert.equal((await arrive(world, { token: siteToken('ada') })).person, 'u:ada');
  assert.equal((await arrive(world, { token: siteToken(4711) })).person, 'u:4711');
  const refused = async (token) => (await (await new Person(world).connect()).join({ token })).code;
  assert.equal(await refused(siteToken('')), 'token_subject');
  assert.equal(await refused(siteToken('x'.repeat(256))), 'token_subject');
  assert.equal(await refused(siteToken('ada', { exp: 'soon' })), 'token_time');
  assert.equal(await refused(siteToken('ada', { exp: Date.now() / 1000 - 1 })), 'token_expired');
  assert.equal(await refused(siteToken('ada', {}, 'another key')), 'token_forged');
});
