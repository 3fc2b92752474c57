// SPDX-License-Identifier: Apache-2.0
// The network between each two that speak to each other becomes slow, stands still, and is cut, while a crowd buys. Gateways and scribe are servers of their own here.
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { atEnd, binary, freePort, start } from '../lib/servers.mjs';
import { pause, storm } from '../lib/storm.mjs';
import { startWire } from '../lib/wire.mjs';

const pgSocket = (postgres) => path.join(postgres.folder, '.s.PGSQL.5432');
const conninfo = (wire) => `host=127.0.0.1 port=${wire.port} user=boxoffice dbname=postgres`;

// Makes the wires, and starts the server that has only the scribe.
async function rewire(t, wires, config, { folder, redis, postgres }) {
  for (const [name, target] of [['gateway–redis', redis.socket], ['scribe–redis', redis.socket], ['gateway–postgres', pgSocket(postgres)], ['scribe–postgres', pgSocket(postgres)],
    ['gateway–payment service', Number(new URL(config.payment_url).port)], ['payment service–gateway', config.listen_port], ['people–gateway', config.listen_port]])
    wires[name] = await startWire(t, target);
  const own = { ...config, redis: `127.0.0.1:${wires['scribe–redis'].port}`, postgres: conninfo(wires['scribe–postgres']), gateways: 0, scribes: 1, listen_port: await freePort(), admin_port: await freePort() };
  const file = path.join(folder, 'scribe.ini');
  fs.writeFileSync(file, Object.entries(own).map(([name, value]) => `${name} = ${value}\n`).join(''));
  const scribe = start(t, binary, ['serve', '--config', file]);
  atEnd(t, () => scribe.stop());
  Object.assign(config, { scribes: 0, redis: `127.0.0.1:${wires['gateway–redis'].port}`, postgres: conninfo(wires['gateway–postgres']),
    payment_url: `http://127.0.0.1:${wires['gateway–payment service'].port}`, public_url: `http://127.0.0.1:${wires['payment service–gateway'].port}` });
}

for (const name of ['gateway–redis', 'scribe–redis', 'gateway–postgres', 'scribe–postgres', 'gateway–payment service', 'payment service–gateway', 'people–gateway']) {
  test(`the network ${name} is slow, stands still, and is cut`, async (t) => {
    const wires = {}, crowd = {};
    await storm(t, `network ${name}`, { crowd, rewire: async (config, servers) => {
      await rewire(t, wires, config, servers);
      crowd.port = wires['people–gateway'].port;
    } }, async () => {
      const wire = wires[name];
      wire.slow(150);
      await pause(2000);
      wire.slow(0);
      wire.stand();
      await pause(5000);
      wire.heal();
      await pause(500);
      wire.cut();
      await pause(1500);
      wire.heal();
    });
  });
}
