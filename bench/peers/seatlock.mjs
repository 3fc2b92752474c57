// SPDX-License-Identifier: Apache-2.0
// Holding seats as tutorials have it: ws, Redis, a lock for each seat (SET NX PX, released by compare and delete), then read and write.
// usage: node seatlock.mjs PORT PROCESSES REDIS_SOCKET
import cluster from 'node:cluster';
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import Redis from 'ioredis';
import { WebSocketServer } from 'ws';

const [port, processes, socket] = [Number(process.argv[2]), Number(process.argv[3]), process.argv[4]];
const LIMIT = 3;

async function withLock(redis, seat, action) {
  const token = randomBytes(8).toString('hex');
  if (!await redis.set(`lock:${seat}`, token, 'PX', 5000, 'NX')) return false;
  try {
    return await action();
  } finally {
    await redis.unlock(`lock:${seat}`, token);
  }
}

async function hold(redis, ws, message) {
  const [seat] = message.seats;
  const held = await withLock(redis, seat, async () => {
    const [owner, count] = await Promise.all([redis.hget('seats', seat), redis.hget('counts', ws.person)]);
    if (owner || Number(count) >= LIMIT) return false;
    await Promise.all([redis.hset('seats', seat, ws.person), redis.hincrby('counts', ws.person, 1)]);
    return true;
  });
  ws.send(JSON.stringify(held ? { type: 'held', key: message.key, seats: message.seats } : { type: 'refused', key: message.key, code: 'seat_taken', seats: message.seats }));
}

async function release(redis, ws, message) {
  for (const seat of message.seats)
    await withLock(redis, seat, () => Promise.all([redis.hdel('seats', seat), redis.hincrby('counts', ws.person, -1)]));
  ws.send(JSON.stringify({ type: 'released', key: message.key, seats: [] }));
}

if (cluster.isPrimary) {
  for (let i = 0; i < processes; i++) cluster.fork();
} else {
  const redis = new Redis(socket, { enableAutoPipelining: true });
  redis.defineCommand('unlock', { numberOfKeys: 1, lua: 'if redis.call("GET", KEYS[1]) == ARGV[1] then return redis.call("DEL", KEYS[1]) end return 0' });
  const server = createServer();
  new WebSocketServer({ server, perMessageDeflate: false }).on('connection', (ws) => {
    ws.person = randomBytes(8).toString('hex');
    ws.send(JSON.stringify({ type: 'joined', person: ws.person }));
    ws.send(JSON.stringify({ type: 'entered', stage: 'choose', seats: [] }));
    ws.on('message', (data) => {
      const message = JSON.parse(data);
      if (message.type === 'hold') hold(redis, ws, message);
      else if (message.type === 'release') release(redis, ws, message);
    });
  });
  server.listen(port, '127.0.0.1', 65535);
}
