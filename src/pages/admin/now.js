// SPDX-License-Identifier: Apache-2.0
// What is going on: numbers, graphs, what was sold, and what needs looking at.
import { now, timed } from '../clock.js';
import { $, make } from '../dom.js';
import { money, number } from '../words.js';
import { get, metrics, saleAt } from './api.js';
import { Graphs, departed, speed } from './graphs.js';

const SALES_EVERY_MS = 10000;

export class Now {
  constructor() {
    this.graphs = new Graphs();
    this.reset();
  }

  reset() {
    this.samples = [];
    this.server = [];
    this.report = null;
    this.reportAt = 0;
  }

  async open(sale) {
    this.reset();
    this.sale = sale;
    const { fields, samples } = await get(saleAt(sale, '/history'));
    this.samples = samples.map((values) => Object.fromEntries(fields.map((name, i) => [name, values[i]])));
  }

  /** Once a second. Returns the counts. */
  async update() {
    const { sale } = this;
    const [counts, text] = await Promise.all([timed(() => get(saleAt(sale, '/counts'))), get('/metrics')]);
    if (!this.report || performance.now() - this.reportAt > SALES_EVERY_MS) {
      this.reportAt = performance.now();
      this.report = await get(saleAt(sale, '/report'));
      this.#showSold();
    }
    if (sale !== this.sale) return null;
    this.samples.push({ at_ms: now(), waiting: counts.waiting, active: counts.active, admitted: counts.admitted, joined: counts.joined, free: counts.free, sold: counts.sold, log_lag: counts.log_lag, speed_percent: counts.speed_percent });
    while (this.samples.length > 2 && this.samples[0].at_ms < now() - 900000) this.samples.shift();
    this.#noteServer(metrics(text));
    this.graphs.show(this.samples);
    this.graphs.show(this.server, 'server');
    this.#showNumbers(counts);
    return counts;
  }

  #noteServer(m) {
    const before = this.metrics, at = performance.now(), seconds = before ? (at - this.metricsAt) / 1000 : 0;
    const rate = (name) => (before ? Math.max(0, (m[name] - before[name]) / seconds) : 0);
    const wait = (store) => {
      const calls = before ? m[`${store}_calls_total`] - before[`${store}_calls_total`] : 0;
      return calls > 0 ? ((m[`${store}_wait_seconds_total`] - before[`${store}_wait_seconds_total`]) / calls) * 1000 : null;
    };
    Object.assign(this, { metrics: m, metricsAt: at });
    this.server.push({ at_ms: now(), redis_ms: wait('redis'), postgres_ms: wait('postgres'), holds: rate('holds_total'), conflicts: rate('conflicts_total') + rate('refused_here_total'), errors: rate('errors_total') });
    while (this.server.length > 900) this.server.shift();
  }

  #showNumbers(counts) {
    const { samples, metrics: m, report } = this, last = samples.length - 1, all = samples.map((s) => ({ ...s, departed: departed(s) }));
    const total = report?.seats?.reduce((sum, { seats }) => sum + seats, 0) ?? 0, held = Math.max(0, total - counts.free - counts.sold - counts.blocked);
    const latency = this.server.at(-1).redis_ms;
    const cells = [
      ['In line', number(counts.waiting)], ['Inside', number(counts.active)], ['Let in per minute', number(Math.round(speed(all, 'admitted', last)))], ['Joined per minute', number(Math.round(speed(all, 'joined', last)))],
      ['Left per minute', number(Math.round(speed(all, 'departed', last)))], ['Let in, all', number(counts.admitted)], ['Held', number(held)], ['Sold', `${number(counts.sold)} / ${number(total)}`],
      ['Revenue', report ? money(report.paid - report.refunded, report) : '…'], ['Log lag', number(counts.log_lag), counts.log_lag > 1000], ['Speed', `${counts.speed_percent} %`, counts.speed_percent < 100],
      ['Redis', latency === null ? '–' : `${latency.toFixed(1)} ms`, latency > 100], ['Connections here', number(m.connections)], ['Gateways here', number(m.listening), m.gateways_critical > 0],
      ['Dead letters', number(m.dead_letters_waiting), m.dead_letters_waiting > 0], ['Differences', number(m.differences), m.differences > 0],
      ['Refunds refused', number(m.refunds_refused_waiting), m.refunds_refused_waiting > 0],
    ];
    $('numbers').replaceChildren(...cells.map(([name, value, bad]) => make('p', { class: bad ? 'bad' : '' }, make('span', {}, name), make('strong', {}, value))));
    $('alerts').textContent = [counts.speed_percent < 100 && `Admission is slowed down to ${counts.speed_percent} %: ${counts.slowed_by}.`, !counts.ready && 'This sale cannot decide at the moment; it is being restored, or Redis is away.',
      m.dead_letters_waiting > 0 && 'Log records could not be written: see docs/operations.md, dead letters.', m.differences > 0 && 'The last reconcile found differences: see docs/operations.md.',
      m.refunds_refused_waiting > 0 && 'The payment service refused refunds: see docs/operations.md, refunds.'].filter(Boolean).join(' ');
  }

  #showSold() {
    const { categories, seats } = this.report, sold = new Map(categories.map((c) => [c.category, c]));
    const row = (tag, ...cells) => make('tr', {}, ...cells.map((cell, i) => make(tag, i ? { class: 'n' } : {}, cell)));
    $('sold').replaceChildren(make('thead', {}, row('th', 'Category', 'Seats', 'Sold', '%', 'Amount')), make('tbody', {}, ...(seats ?? []).map(({ category, seats: n }) => {
      const { tickets = 0, amount = 0 } = sold.get(category) ?? {};
      return row('td', category, number(n), number(tickets), `${Math.round((100 * tickets) / n)} %`, money(amount, this.report));
    })));
  }
}
