// SPDX-License-Identifier: Apache-2.0
// Known wrong ways (rule T1), kept so that the checker is known to catch them. Each runs against a real Redis, with the
// bad moment between its steps made certain.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkGrants, checkPeople } from '../lib/checker.mjs';
import { startScripts } from '../lib/scripts.mjs';

test('T1 reading the stock and writing it back in two steps is caught', async (t) => {
  const redis = await startScripts(t);
  const stock = 10;
  await redis.set('stock', stock);
  const grants = [];
  const seen = await Promise.all(Array.from({ length: 30 }, () => redis.get('stock'))); // everyone reads before anyone writes
  await Promise.all(seen.map(async (left, i) => {
    if (Number(left) < 1) return;
    await redis.set('stock', Number(left) - 1);
    grants.push({ person: `g:${i}` });
  }));
  const violations = checkGrants({ stock, left: Number(await redis.get('stock')), grants });
  assert.match(violations.join(), /oversold/);
  assert.match(violations.join(), /the store says/);
});

test('T1 a lock that is released before the commit is caught', async (t) => {
  const redis = await startScripts(t);
  const stock = 1, grants = [];
  await redis.set('stock', stock);
  const committed = [];
  const buy = async (person) => {
    assert.equal(await redis.set('lock', person, 'NX'), 'OK');
    const left = Number(await redis.get('stock'));
    await redis.del('lock'); // here lies the mistake: what was decided is not written yet
    if (left < 1) return;
    committed.push(() => redis.decr('stock'));
    grants.push({ person, seat: 1 });
  };
  await buy('g:1');
  await buy('g:2');
  for (const commit of committed) await commit();
  const violations = checkGrants({ stock, left: Number(await redis.get('stock')), grants });
  assert.match(violations.join(), /oversold/);
  assert.match(violations.join(), /same seat/);
});

test('T1 popping and activating in two steps loses who was popped when the server dies between them', async (t) => {
  const redis = await startScripts(t);
  const joined = ['g:1', 'g:2', 'g:3'];
  await redis.zadd('line', 1, 'g:1', 2, 'g:2', 3, 'g:3');
  const admit = async (dies) => {
    const [person] = await redis.zpopmin('line');
    if (dies) return;
    await redis.zadd('active', 1, person);
  };
  await admit(false);
  await admit(true);
  const violations = checkPeople({ joined, waiting: await redis.zrange('line', 0, -1), active: await redis.zrange('active', 0, -1) });
  assert.deepEqual(violations, ['g:2 is lost']);
});

test('the checker itself says nothing when everything is right', () => {
  assert.deepEqual(checkGrants({ stock: 3, left: 1, grants: [{ person: 'a', seat: 1 }, { person: 'a', seat: 2 }], limit: 2 }), []);
  assert.deepEqual(checkPeople({ joined: ['a', 'b'], waiting: ['a'], active: ['b'] }), []);
  assert.match(checkGrants({ stock: 3, grants: [{ person: 'a' }, { person: 'a' }], limit: 1 }).join(), /allowed/);
});
