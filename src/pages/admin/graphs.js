// SPDX-License-Identifier: Apache-2.0
// The last quarter of an hour in graphs (uPlot). The server remembers a sale's numbers; what is of this server alone is gathered while the panel is open.
import { $, make } from '../dom.js';
import uPlot from './uplot.js';

const COLORS = ['#2e86de', '#e67e22', '#27ae60', '#c0392b'];
const HEIGHT = 170;
const MINUTE_MS = 60000;

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });
const perMinute = (now, before, span) => (span > 0 ? Math.max(0, ((now - before) * MINUTE_MS) / span) : 0);

// Over the last 30 s, so that batches do not show as teeth.
function speed(samples, field, i) {
  let from = i;
  while (from > 0 && samples[i].at_ms - samples[from].at_ms < 30000) from--;
  return perMinute(samples[i][field], samples[from][field], samples[i].at_ms - samples[from].at_ms);
}

const departed = (s) => s.joined - s.waiting - s.admitted;

export const pictures = [
  { title: 'People', lines: { 'in line': (s) => s.waiting, inside: (s) => s.active } },
  { title: 'Per minute', lines: { joined: (s, i, all) => speed(all, 'joined', i), 'let in': (s, i, all) => speed(all, 'admitted', i), left: (s, i, all) => speed(all, 'departed', i) } },
  { title: 'Seats', lines: { sold: (s) => s.sold, free: (s) => s.free } },
  { title: 'Log: records not in PostgreSQL yet', lines: { records: (s) => s.log_lag } },
  { title: 'This server, ms', lines: { Redis: (s) => s.redis_ms, PostgreSQL: (s) => s.postgres_ms }, of: 'server' },
  { title: 'This server, per second', lines: { holds: (s) => s.holds, refused: (s) => s.conflicts, 'errors told': (s) => s.errors }, of: 'server' },
];

export class Graphs {
  constructor() {
    this.plots = pictures.map(({ title, lines }) => {
      const box = make('div'), figure = make('figure', {}, make('figcaption', {}, title), box);
      $('graphs').append(figure);
      const style = getComputedStyle(document.documentElement), ink = style.getPropertyValue('--soft').trim(), line = style.getPropertyValue('--line').trim();
      const axis = { stroke: ink, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 } };
      const plot = new uPlot({ width: 400, height: HEIGHT, cursor: { y: false }, scales: { y: { range: (u, min, max) => [0, Math.max(1, max * 1.05)] } }, axes: [{ ...axis, space: 80, values: (u, splits) => splits.map((s) => clock.format(s * 1000)) }, { ...axis, size: 60 }],
        series: [{ value: (u, v) => (v ? clock.format(v * 1000) : '–') }, ...Object.keys(lines).map((label, i) => ({ label, stroke: COLORS[i], width: 2, points: { show: false }, value: (u, v) => (v === null || v === undefined ? '–' : Math.round(v * 10) / 10) }))] }, [[], ...Object.keys(lines).map(() => [])], box);
      new ResizeObserver(() => plot.setSize({ width: Math.max(200, figure.clientWidth - 16), height: HEIGHT })).observe(figure);
      return plot;
    });
  }

  /** of: "sale" or "server"; samples: objects with at_ms, the oldest first. */
  show(samples, of = 'sale') {
    const all = of === 'sale' ? samples.map((s) => ({ ...s, departed: departed(s) })) : samples;
    pictures.forEach((picture, i) => {
      if ((picture.of ?? 'sale') !== of) return;
      this.plots[i].setData([all.map((s) => s.at_ms / 1000), ...Object.values(picture.lines).map((value) => all.map((s, k) => value(s, k, all)))]);
    });
  }
}

export { departed, speed };
