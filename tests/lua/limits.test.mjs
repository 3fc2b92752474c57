// SPDX-License-Identifier: Apache-2.0
// Limits that hold for all gateways (rule X5).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Sale, startScripts } from '../lib/scripts.mjs';

test('X5 so many in a window, however many ask at once; the answer says when the next counts, and it does', async (t) => {
  const redis = await startScripts(t), one = new Sale(redis, '~a:1'), other = new Sale(redis, '~a:2');
  const count = (limit) => limit.run('limit_count', 3, 60000);
  const answers = await Promise.all(Array.from({ length: 10 }, () => count(one)));
  assert.deepEqual(answers.map(([code]) => code), ['ok', 'ok', 'ok', ...Array(7).fill('too_many')]);
  const [, wait] = await count(one);
  assert.ok(wait > 0 && wait <= 60000);
  assert.ok(Math.abs((await redis.pttl(one.key.state)) - wait) < 5000, 'when its window is over');
  assert.deepEqual(await count(other), ['ok', 0], 'another one is counted by itself');
  await redis.del(one.key.state); // its window is over
  assert.deepEqual(await count(one), ['ok', 0]);
  assert.deepEqual(await redis.keys('*'), (await redis.keys('*')).filter((key) => /^bo:\{~a:\d\}:state$/.test(key)));
  await redis.persist(one.key.state);
  await count(one);
  assert.ok((await redis.pttl(one.key.state)) > 0, 'never for ever');
});
