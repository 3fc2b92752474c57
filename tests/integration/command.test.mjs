// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { binary, makePlan, root, SECRET, startPostgres, temporaryFolder } from '../lib/servers.mjs';

const run = (...args) => spawnSync(binary, args, { encoding: 'utf8', timeout: 20000 });

test('a start with a wrong option says which line and what is allowed, and exits 2', (t) => {
  const file = path.join(temporaryFolder(t), 'boxoffice.ini');
  fs.writeFileSync(file, `secret = ${SECRET}\n\nlisten_port = 99999\n`);
  for (const command of ['serve', 'gateway', 'scribe', 'migrate']) {
    const { status, stderr } = run(command, '--config', file);
    assert.equal(status, 2);
    assert.match(stderr, /boxoffice\.ini line 3: listen_port = "99999": allowed is a whole number from 1 to 65535/);
  }
  assert.equal(run('check-config', file).status, 2);
  fs.writeFileSync(file, `secret = ${SECRET}\n`);
  assert.equal(run('check-config', file).status, 0);
  assert.equal(run('serve', '--config', '/nowhere').status, 2);
});

test('wrong commands and arguments are answered with the usage and status 2', () => {
  for (const args of [[], ['dance'], ['serve', '--colour', 'red'], ['gateway', '--index', 'x'], ['token'], ['sale'], ['sale', 'sell'], ['check-config']]) {
    const { status, stderr } = run(...args);
    assert.equal(status, 2, args.join(' '));
    assert.match(stderr, /usage: boxoffice/);
  }
  assert.equal(run('--help').status, 0);
  assert.match(run('--version').stdout, /^boxoffice \d/);
});

test('docs/configuration.md and docs/boxoffice.ini say what the option table says', () => {
  assert.equal(fs.readFileSync(path.join(root, 'docs/configuration.md'), 'utf8'), run('default-config', '--markdown').stdout);
  assert.equal(fs.readFileSync(path.join(root, 'docs/boxoffice.ini'), 'utf8'), run('default-config').stdout);
  assert.equal(fs.readFileSync(path.join(root, 'docs/metrics.md'), 'utf8'), run('default-config', '--metrics').stdout);
});

test('the sample file, with a secret, is a right configuration', (t) => {
  const file = path.join(temporaryFolder(t), 'boxoffice.ini');
  const sample = run('default-config').stdout;
  fs.writeFileSync(file, sample.replace(/^;(\w+ = .*)$/gm, '$1').replace(/^secret = $/m, `secret = ${SECRET}`));
  const { status, stderr } = run('check-config', file);
  assert.equal(status, 0, stderr);
});

test('sale import, list and export; what is wrong is named', async (t) => {
  const folder = temporaryFolder(t);
  const pg = path.join(folder, 'pg');
  fs.mkdirSync(pg);
  const postgres = await startPostgres(t, pg);
  const config = path.join(folder, 'boxoffice.ini'), plan = path.join(folder, 'plan.json'), settings = path.join(folder, 'settings.json');
  fs.writeFileSync(config, `secret = ${SECRET}\npostgres = ${postgres.conninfo}\n`);
  fs.writeFileSync(plan, JSON.stringify(makePlan(20)));
  fs.writeFileSync(settings, JSON.stringify({ prices: { Front: 100, Back: 200 } }));
  const imported = (...more) => run('sale', 'import', '--config', config, '--sale', 'hall', '--name', 'Hall', '--plan', plan, '--settings', settings, ...more);
  assert.equal(run('migrate', '--config', config).status, 0);
  assert.equal(run('migrate', '--config', config).status, 0, 'a second time changes nothing');
  assert.equal(imported('--open').status, 0);
  assert.match(imported().stderr, /exists already/);
  assert.match(run('sale', 'list', '--config', config).stdout, /^hall open Hall$/m);
  const exported = JSON.parse(run('sale', 'export', '--sale', 'hall', '--config', config).stdout);
  assert.deepEqual(exported.plan, makePlan(20));
  fs.writeFileSync(plan, '{"zones": [}');
  assert.match(imported().stderr, /plan\.json line 1/);
  fs.writeFileSync(plan, JSON.stringify({ ...makePlan(20), categories: [] }));
  assert.match(imported().stderr, /categories/);
});
