// SPDX-License-Identifier: Apache-2.0
// usage: node tests/model/explore.mjs [--seed N] [--path P --replay R | --list FILE] [--steps N] [--length N] [--profile NAME] [--quick] [--outcomes]
// --quick: the first sequence that disagrees is not made shorter
// Runs the model by hand: to look for more, or to repeat a run that disagreed.
import fs from 'node:fs';
import { parseArgs } from 'node:util';
import { outcomes } from './checks.mjs';
import { World } from './real.mjs';
import { explore, repeat } from './run.mjs';

const { values } = parseArgs({ options: { seed: { type: 'string' }, path: { type: 'string' }, replay: { type: 'string' }, list: { type: 'string' }, steps: { type: 'string', default: '5000' }, length: { type: 'string', default: '120' }, outcomes: { type: 'boolean' }, profile: { type: 'string' }, quick: { type: 'boolean' } } });
const endings = [];
const t = { after: (action) => endings.push(action) };
let failed = false;
try {
  const world = await World.start(t);
  if (values.list) {
    await repeat(world, fs.readFileSync(values.list, 'utf8').trim().split('\n').map(JSON.parse));
    console.log('agreed');
    process.exitCode = 0;
    for (const ending of endings.splice(0).reverse()) await ending();
    process.exit();
  }
  const began = Date.now(), stepsMax = Number(values.steps), seed = values.seed ? Number(values.seed) : Date.now() % 2 ** 31;
  const result = await explore(world, { seed, path: values.path, replayPath: values.replay, runs: Math.ceil(stepsMax / 10), length: Number(values.length), stepsMax, quick: values.quick, profile: values.profile, tell: console.log });
  const perSecond = Math.round(result.steps * 1000 / (Date.now() - began));
  if (values.outcomes) console.log(outcomes);
  failed = Boolean(result.violation);
  if (failed) console.log(`${result.violation}\n${result.commands?.map((c) => JSON.stringify(c)).join('\n')}\n--seed ${result.seed} --path ${result.path} --replay ${result.replayPath}`);
  console.log(JSON.stringify({ model_steps: result.steps, model_violations: failed ? 1 : 0, money_unaccounted: result.unaccounted, seed, per_second: perSecond }));
} finally {
  for (const ending of endings.reverse()) await ending();
}
process.exit(failed ? 1 : 0);
