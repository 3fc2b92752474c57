// SPDX-License-Identifier: Apache-2.0
// A piece of network between two processes that can be slow, stand still, or be cut. Stands in front of a TCP port or a unix socket.
import { once } from 'node:events';
import net from 'node:net';
import { atEnd } from './servers.mjs';

export async function startWire(t, target) {
  const pairs = new Set();
  let state = 'well', late = 0, to = target;
  const pass = (from, to) => {
    from.on('data', (data) => {
      if (!late) return void to.write(data);
      setTimeout(() => to.writable && to.write(data), late); // in order: timers of the same length are
    });
    from.on('end', () => to.end());
    from.on('error', () => to.destroy());
    from.on('close', () => to.destroy());
  };
  const server = net.createServer((near) => {
    if (state === 'cut') return void near.destroy();
    const far = net.connect(to), pair = [near, far];
    near.setNoDelay(true);
    pairs.add(pair);
    near.on('close', () => pairs.delete(pair));
    pass(near, far);
    pass(far, near);
    if (state === 'still') pair.forEach((socket) => socket.pause());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const each = (action) => pairs.forEach((pair) => pair.forEach(action));
  atEnd(t, () => {
    each((socket) => socket.destroy());
    server.close();
  });
  return {
    port: server.address().port,
    slow(ms) { late = ms; },
    stand() {
      state = 'still';
      each((socket) => socket.pause());
    },
    cut() {
      state = 'cut';
      each((socket) => socket.destroy());
    },
    // New connections lead to another server. keep: those that there are stay with the one before.
    lead(other, { keep = false } = {}) {
      to = other;
      if (!keep) each((socket) => socket.destroy());
    },
    heal() {
      state = 'well';
      late = 0;
      each((socket) => socket.resume());
    },
  };
}
