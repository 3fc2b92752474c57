// SPDX-License-Identifier: Apache-2.0
// A waiting line as tutorials build it: ws, Redis, ZADD with the time on join, ZRANK whenever the client asks for his place.
// usage: node ws.mjs PORT PROCESSES REDIS_SOCKET
import cluster from 'node:cluster';
import { createServer } from 'node:http';
import Redis from 'ioredis';
import { WebSocketServer } from 'ws';

const [port, processes, socket] = [Number(process.argv[2]), Number(process.argv[3]), process.argv[4]];

async function tellPosition(ws, redis) {
  const [rank, total] = await Promise.all([redis.zrank('line', ws.person), redis.zcard('line')]);
  ws.send(JSON.stringify({ type: 'position', position: rank + 1, total }));
}

if (cluster.isPrimary) {
  for (let i = 0; i < processes; i++) cluster.fork();
} else {
  const redis = new Redis(socket, { enableAutoPipelining: true });
  const server = createServer();
  new WebSocketServer({ server, perMessageDeflate: false }).on('connection', (ws) => {
    ws.on('message', async (data) => {
      const message = JSON.parse(data);
      if (message.type === 'join') {
        ws.person = message.person;
        await redis.zadd('line', Date.now(), ws.person);
      }
      await tellPosition(ws, redis);
    });
    ws.on('close', () => ws.person && redis.zrem('line', ws.person));
  });
  server.listen(port, '127.0.0.1', 65535);
}
