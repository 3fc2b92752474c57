// SPDX-License-Identifier: Apache-2.0
// The same line as ws.mjs on socket.io, WebSocket transport only.
// usage: node socketio.mjs PORT PROCESSES REDIS_SOCKET
import cluster from 'node:cluster';
import { createServer } from 'node:http';
import Redis from 'ioredis';
import { Server } from 'socket.io';

const [port, processes, path] = [Number(process.argv[2]), Number(process.argv[3]), process.argv[4]];

async function tellPosition(socket, redis) {
  const [rank, total] = await Promise.all([redis.zrank('line', socket.data.person), redis.zcard('line')]);
  socket.emit('position', { position: rank + 1, total });
}

if (cluster.isPrimary) {
  for (let i = 0; i < processes; i++) cluster.fork();
} else {
  const redis = new Redis(path, { enableAutoPipelining: true });
  const server = createServer();
  const io = new Server(server, { transports: ['websocket'], perMessageDeflate: false, pingInterval: 25000, pingTimeout: 60000 });
  io.on('connection', (socket) => {
    socket.on('join', async ({ person }) => {
      socket.data.person = person;
      await redis.zadd('line', Date.now(), person);
      await tellPosition(socket, redis);
    });
    socket.on('position', () => tellPosition(socket, redis));
    socket.on('disconnect', () => socket.data.person && redis.zrem('line', socket.data.person));
  });
  server.listen(port, '127.0.0.1', 65535);
}
