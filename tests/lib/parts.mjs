// SPDX-License-Identifier: Apache-2.0
// The processes of a boxoffice that runs, and whether it answers all the time.
import { execFileSync } from 'node:child_process';
import http from 'node:http';
import { atEnd } from './servers.mjs';

export const childrenOf = (world, kind) =>
  execFileSync('sh', ['-c', `pgrep -P ${world.child.pid} -f ' ${kind}' || true`], { encoding: 'utf8' }).trim().split('\n').filter(Boolean).map(Number);

// A connection of its own for each, over and over; what did not go well.
export function ask(t, world, what) {
  const failed = [];
  let running = true;
  atEnd(t, () => { running = false; });
  const once = () => new Promise((done) => {
    http.get(`${world.url}${what}`, { agent: false }, (response) => {
      response.resume();
      if (response.statusCode !== 200) failed.push(response.statusCode);
      response.on('end', done);
    }).on('error', (error) => {
      failed.push(error.code);
      done();
    });
  });
  const asking = (async () => {
    let count = 0;
    for (; running; count++) await once();
    return count;
  })();
  return async () => {
    running = false;
    return { count: await asking, failed };
  };
}
