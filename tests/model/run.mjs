// SPDX-License-Identifier: Apache-2.0
// Runs random sequences on both sides until there were enough steps, or until they disagree.
import fc from 'fast-check';
import { Violation, checkSale } from './checks.mjs';
import { profiles, stepOf } from './generate.mjs';
import { PaymentService, RealSale } from './real.mjs';
import { Reference } from './reference.mjs';
import { SEATS, quiet, steps as mainSteps } from './steps.mjs';
import { faultSteps } from './steps_faults.mjs';
import { saleSteps } from './steps_sale.mjs';

const steps = { ...mainSteps, ...saleSteps, ...faultSteps };
const SHRINKS_MAX = 400; // sequences that are tried to make a failing one shorter

export const SETTINGS = { policy: 'both', rate_count: 3, rate_ms: 5000, capacity: 3, limit: 3, claim_ms: 4000, choose_ms: 9000, extend_ms: 2000, extend_max: 2, pay_ms: 8000,
  grace_ms: 6000, currency: 'EUR' };

const DIFFERENT = [{ currency: 'EUR' }, { currency: 'USD', lanes: [{ name: 'vip', quota: 1 }] }]; // the two sales

// Both sides at the beginning of a sequence: two sales, so that what is meant for one of them can be seen to miss the other.
export async function begin(world) {
  const n = ++world.sequence;
  const sales = ['a', 'b'].map((name) => new RealSale(world, `m${n}${name}`, SEATS));
  await world.driver.ask('redis', world.redises[world.at].address);
  await world.driver.ask('drop');
  const refs = [];
  for (const [i, sale] of sales.entries()) {
    const [code, status, epoch] = await sale.make({ ...SETTINGS, ...DIFFERENT[i] }, 'open');
    if (code !== 'ok') throw new Error(`sale not loaded: ${code} ${status}`);
    refs.push(new Reference(sale.id, world.clock, sale.fields, { seats: SEATS, seed: `seed of ${sale.id}`, epoch }));
  }
  const both = { model: { refs, ids: 0, keys: 0, sent: [], commands: {}, orders: {}, codes: {}, webhooks: [], told: refs.map(() => ({})), history: refs.map((ref) => new Map([[0, ref.copy()]])), refusing: [], lagging: true }, real: { world, sales, service: new PaymentService(), unaccounted: 0 } };
  for (const sale of refs.keys()) await checkSale(both.model, both.real, sale);
  return both;
}

export async function finish({ model, real }) {
  for (const sale of model.refs.keys()) if (model.refusing[sale] !== undefined) await steps.replay.run(model, real, { sale });
  await quiet(model, real);
  await forget(real);
}

async function forget(real) {
  await real.world.driver.ask('drop');
  for (const sale of real.sales) await sale.forget();
}

export async function take(model, real, data) {
  const step = steps[data.do];
  try {
    await step.run(model, real, data);
    await checkSale(model, real, data.sale);
  } catch (error) {
    if (!(error instanceof Violation)) error.message += ` (step ${JSON.stringify(data)})`;
    throw error;
  }
}

class Command {
  constructor(data, count) {
    this.data = data;
    this.count = count;
  }

  check(model) {
    const { when } = steps[this.data.do];
    return !when || when(model, this.data);
  }

  async run(model, real) {
    this.count.steps++;
    await take(model, real, this.data);
  }

  toString() {
    return JSON.stringify(this.data);
  }
}

// profile: only sequences of it; otherwise of all of them, in no order. Returns what happened: {steps, seed, violation, path, replayPath, commands, unaccounted}. seed, path, replayPath: of a run that is to be repeated.
export async function explore(world, { seed, path, replayPath, runs, length = 120, quick = false, profile, stepsMax = Infinity, tell = () => {} }) {
  const count = { steps: 0, shrinks: 0 };
  let unaccounted = 0;
  const sequenceOf = (one) => fc.commands([stepOf(one).map((data) => new Command(data, count))], { maxCommands: length, size: 'max', replayPath });
  const sequences = fc.oneof({ withCrossShrink: false }, ...Object.keys(profiles).filter((one) => !profile || one === profile).map(sequenceOf));
  const property = fc.asyncProperty(sequences, async (commands) => {
    if (count.failed ? ++count.shrinks > SHRINKS_MAX : count.steps >= stepsMax) return;
    let both;
    try {
      await fc.asyncModelRun(async () => (both = await begin(world)), commands);
      await finish(both);
    } catch (error) {
      if (!count.failed) tell(`at ${count.steps} steps: ${error.message.slice(0, 500)}`);
      count.failed = true;
      unaccounted += both?.real.unaccounted ?? 0;
      if (both) await forget(both.real).catch(() => {});
      throw error;
    }
  });
  const details = await fc.check(property, { seed, path, numRuns: runs, unbiased: true, endOnFailure: quick });
  return { steps: count.steps, seed: details.seed, violation: details.failed ? String(details.errorInstance?.message ?? details.error) : undefined, path: details.counterexamplePath,
    replayPath: String(details.counterexample?.[0] ?? '').match(/replayPath="([^"]*)"/)?.[1],
    commands: details.counterexample ? [...details.counterexample[0].commands].filter((c) => c.hasRan).map((c) => c.cmd.data) : undefined, unaccounted };
}

// A sequence that was kept.
export async function repeat(world, list) {
  const both = await begin(world);
  try {
    for (const data of list) {
      const { when } = steps[data.do];
      if (!when || when(both.model, data)) await take(both.model, both.real, data);
    }
    await finish(both);
  } catch (error) {
    await forget(both.real).catch(() => {});
    throw error;
  }
}
