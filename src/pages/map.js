// SPDX-License-Identifier: Apache-2.0
// A seating plan of up to 100,000 seats on a canvas. What was drawn once is kept as tiles of the present zoom, so that panning only copies pictures;
// while the zoom changes, the tiles of before are stretched until those of the new one are there. A seat that changes is painted into the tiles it lies on.

const TILE = 256; // device pixels
const RENDER_MS = 5; // of each frame, at most, for tiles that are missing
const SETTLE_MS = 120; // the zoom has come to rest
const TAP_PX = 6; // less movement is a click
const PICKABLE_PX = 5; // smaller seats cannot be hit: a click zooms in
const NUMBERS_PX = 9; // from this radius on, seats show their numbers
const SHAPES_PX = 2.5; // below, every seat is a small square
const KIND_SIGNS = { accessible: '♿\ufe0e', companion: '+' };
const STATE = { free: 0, held: 1, sold: 2, blocked: 3 };

/** Categories differ by shape as well as by colour. */
const shapes = [
  (c, x, y, r) => c.arc(x, y, r, 0, 7),
  (c, x, y, r) => c.rect(x - r * 0.88, y - r * 0.88, r * 1.76, r * 1.76),
  (c, x, y, r) => polygon(c, x, y, r * 1.15, 4, 0),
  (c, x, y, r) => polygon(c, x, y, r * 1.15, 3, -Math.PI / 2),
  (c, x, y, r) => polygon(c, x, y, r * 1.05, 6, 0),
  (c, x, y, r) => polygon(c, x, y, r * 1.15, 3, Math.PI / 2),
  (c, x, y, r) => polygon(c, x, y, r * 1.05, 5, -Math.PI / 2),
  (c, x, y, r) => c.rect(x - r * 0.55, y - r, r * 1.1, r * 2),
];

function polygon(c, x, y, r, corners, turn) {
  for (let i = 0; i < corners; i++) c[i ? 'lineTo' : 'moveTo'](x + r * Math.cos(turn + (i * 2 * Math.PI) / corners), y + r * Math.sin(turn + (i * 2 * Math.PI) / corners));
  c.closePath();
}

export function drawShape(c, category, x, y, r) {
  c.beginPath();
  shapes[category % shapes.length](c, x, y, r);
}

// Relative luminance of WCAG 2.1; above 0.179 black has the higher contrast, below white, and each then has 4.5 or more.
function luminance(color) {
  const [r, g, b] = [1, 3, 5].map((i) => parseInt(color.slice(i, i + 2), 16) / 255).map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
export const inkOn = (color) => (luminance(color) > 0.179 ? '#000' : '#fff');

const full = (color) => (/^#[0-9a-f]{6}$/i.test(color) ? color : /^#[0-9a-f]{3}$/i.test(color) ? `#${[...color.slice(1)].map((d) => d + d).join('')}` : '#888888');

export class SeatMap extends EventTarget {
  // plan: of GET /api/sales/{sale}/plan. describe(index): a seat in words. Events: "pick" with the seat's index.
  constructor(host, plan, { label, describe, words }) {
    super();
    this.host = host;
    host.map?.close();
    host.map = this;
    this.plan = plan;
    this.describe = describe;
    const seats = plan.seats, n = seats.length;
    this.x = Float32Array.from(seats, (s) => s[5]);
    this.y = Float32Array.from(seats, (s) => s[6]);
    this.category = Uint8Array.from(seats, (s) => s[4]);
    this.states = new Uint8Array(n).fill(STATE.blocked);
    this.mine = new Set();
    this.colors = plan.categories.map((c) => full(c.color));
    this.inks = this.colors.map(inkOn);
    this.radius = this.#seatRadius();
    this.#measure();
    this.#index();
    this.#build(label, words);
    this.#listen();
    this.cursor = -1;
    this.layers = [];
    this.#resize();
  }

  // ---- the plan ----

  #seatRadius() {
    const gaps = [];
    for (let i = 1; i < this.x.length && gaps.length < 500; i++) {
      const gap = Math.hypot(this.x[i] - this.x[i - 1], this.y[i] - this.y[i - 1]);
      if (gap > 0 && this.plan.seats[i][2] === this.plan.seats[i - 1][2]) gaps.push(gap);
    }
    gaps.sort((a, b) => a - b);
    return gaps.length ? gaps[gaps.length >> 2] * 0.42 : 9;
  }

  #measure() {
    const edge = this.radius * 3, box = { left: Infinity, top: Infinity, right: -Infinity, bottom: -Infinity };
    for (let i = 0; i < this.x.length; i++) {
      box.left = Math.min(box.left, this.x[i]);
      box.right = Math.max(box.right, this.x[i]);
      box.top = Math.min(box.top, this.y[i]);
      box.bottom = Math.max(box.bottom, this.y[i]);
    }
    this.box = { left: box.left - edge, top: box.top - edge, right: box.right + edge, bottom: box.bottom + edge };
    const zones = new Map();
    this.plan.seats.forEach(([, name, , , , x, y]) => {
      const zone = zones.get(name) ?? { name, left: Infinity, right: -Infinity, top: Infinity };
      zones.set(name, { name, left: Math.min(zone.left, x), right: Math.max(zone.right, x), top: Math.min(zone.top, y) });
    });
    this.zones = zones.size <= 60 ? [...zones.values()] : [];
  }

  // Which seats lie in which cell of a grid: those of a tile are found without looking at all.
  #index() {
    const { left, top, right, bottom } = this.box;
    this.cell = this.radius * 16;
    this.columns = Math.max(1, Math.ceil((right - left) / this.cell));
    this.rows = Math.max(1, Math.ceil((bottom - top) / this.cell));
    const cellOf = (i) => Math.floor((this.y[i] - top) / this.cell) * this.columns + Math.floor((this.x[i] - left) / this.cell);
    const starts = new Uint32Array(this.columns * this.rows + 1);
    for (let i = 0; i < this.x.length; i++) starts[cellOf(i) + 1]++;
    for (let c = 1; c < starts.length; c++) starts[c] += starts[c - 1];
    const next = starts.slice(), order = new Uint32Array(this.x.length);
    for (let i = 0; i < this.x.length; i++) order[next[cellOf(i)]++] = i;
    Object.assign(this, { starts, order });
  }

  #each(left, top, right, bottom, action) {
    const b = this.box, clamp = (v, max) => Math.min(Math.max(Math.floor(v), 0), max);
    const x0 = clamp((left - b.left) / this.cell, this.columns - 1), x1 = clamp((right - b.left) / this.cell, this.columns - 1);
    const y0 = clamp((top - b.top) / this.cell, this.rows - 1), y1 = clamp((bottom - b.top) / this.cell, this.rows - 1);
    for (let row = y0; row <= y1; row++) {
      for (let at = this.starts[row * this.columns + x0]; at < this.starts[row * this.columns + x1 + 1]; at++) {
        const i = this.order[at];
        if (this.x[i] >= left && this.x[i] <= right && this.y[i] >= top && this.y[i] <= bottom) action(i);
      }
    }
  }

  // ---- the page ----

  #build(label, words) {
    this.canvas = document.createElement('canvas');
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute('role', 'application');
    this.canvas.setAttribute('aria-label', label);
    this.context = this.canvas.getContext('2d', { alpha: false });
    this.tip = Object.assign(document.createElement('div'), { className: 'tip', hidden: true });
    this.voice = Object.assign(document.createElement('div'), { className: 'unseen' });
    this.voice.setAttribute('aria-live', 'polite');
    const tools = Object.assign(document.createElement('div'), { className: 'tools' });
    for (const [sign, name, action] of [['+', words.closer, () => this.zoom(1.6)], ['−', words.farther, () => this.zoom(1 / 1.6)], ['⤢', words.whole, () => this.whole()]]) {
      const button = Object.assign(document.createElement('button'), { type: 'button', textContent: sign, title: name });
      button.setAttribute('aria-label', name);
      button.addEventListener('click', action);
      tools.append(button);
    }
    this.host.replaceChildren(this.canvas, this.tip, this.voice, tools);
  }

  #colors() {
    const style = getComputedStyle(document.documentElement), of = (name) => style.getPropertyValue(name).trim();
    this.theme = { back: of('--card'), text: of('--text'), soft: of('--soft'), held: of('--held'), accent: of('--accent'), onAccent: of('--on-accent'), focus: of('--focus') };
  }

  #resize() {
    const { clientWidth, clientHeight } = this.host;
    if (!clientWidth || !clientHeight) return;
    const ratio = Math.min(devicePixelRatio || 1, 2), first = !this.view || this.atWhole;
    this.ratio = ratio;
    this.canvas.width = clientWidth * ratio;
    this.canvas.height = clientHeight * ratio;
    this.#colors();
    this.layers = [];
    if (first) this.whole();
    else this.#settle();
  }

  // ---- the view: what lies at the upper left corner, and device pixels per unit of the plan ----

  whole() {
    const { left, top, right, bottom } = this.box, { width, height } = this.canvas;
    this.fit = Math.min(width / (right - left), height / (bottom - top));
    this.view = { scale: this.fit, x: (left + right) / 2 - width / this.fit / 2, y: (top + bottom) / 2 - height / this.fit / 2 };
    this.atWhole = true;
    this.#settle();
  }

  // Around a point of the canvas, by default its middle.
  zoom(factor, px = this.canvas.width / 2, py = this.canvas.height / 2) {
    const most = (24 * this.ratio) / this.radius, scale = Math.min(Math.max(this.view.scale * factor, this.fit * 0.8), Math.max(most, this.fit));
    this.view.x += px / this.view.scale - px / scale;
    this.view.y += py / this.view.scale - py / scale;
    this.view.scale = scale;
    this.#moved();
    clearTimeout(this.settling);
    this.settling = setTimeout(() => this.#settle(), SETTLE_MS);
  }

  pan(dx, dy) {
    this.view.x -= dx / this.view.scale;
    this.view.y -= dy / this.view.scale;
    this.#moved();
  }

  #moved() {
    const { view, box, canvas } = this;
    this.atWhole = false;
    view.x = Math.min(Math.max(view.x, box.left - canvas.width / view.scale / 2), box.right - canvas.width / view.scale / 2);
    view.y = Math.min(Math.max(view.y, box.top - canvas.height / view.scale / 2), box.bottom - canvas.height / view.scale / 2);
    this.#later();
  }

  #settle() {
    if (this.layers.at(-1)?.scale !== this.view.scale) {
      const first = this.layers[0], last = this.layers.at(-1);
      this.layers = [...new Set([first, last])].filter(Boolean).concat({ scale: this.view.scale, tiles: new Map() }); // the first shows all
    }
    this.#later();
  }

  // ---- drawing ----

  #later() { this.frame ??= requestAnimationFrame(() => this.#draw()); }

  #draw() {
    this.frame = null;
    if (!this.view) return;
    const { context: c, canvas, view } = this, began = performance.now(), top = this.layers.at(-1);
    c.fillStyle = this.theme.back;
    c.fillRect(0, 0, canvas.width, canvas.height);
    const missing = this.#missing(top);
    while (missing.length && performance.now() - began < RENDER_MS) this.#render(top, missing.shift());
    for (const layer of missing.length ? this.layers : [top]) this.#copy(layer);
    this.#drawNames();
    if (this.cursor >= 0) this.#drawCursor();
    if (missing.length) this.#later();
    else if (view.scale === top.scale) this.layers = [...new Set([this.layers[0], top])];
  }

  #range(layer) {
    const { view, canvas } = this, size = TILE / layer.scale;
    return { x0: Math.floor(view.x / size), y0: Math.floor(view.y / size), x1: Math.floor((view.x + canvas.width / view.scale) / size), y1: Math.floor((view.y + canvas.height / view.scale) / size) };
  }

  // The tiles of the view that are not there, or not as things are; the middle first.
  #missing(layer) {
    const { x0, y0, x1, y1 } = this.#range(layer), found = [];
    for (let y = y0; y <= y1; y++) {
      for (let x = x0; x <= x1; x++) {
        const tile = layer.tiles.get(`${x} ${y}`);
        if (!tile || tile.stale) found.push({ x, y, far: Math.abs(x - (x0 + x1) / 2) + Math.abs(y - (y0 + y1) / 2) });
      }
    }
    return found.sort((a, b) => a.far - b.far);
  }

  #render(layer, { x, y }) {
    const key = `${x} ${y}`, size = TILE / layer.scale, r = this.radius * 1.3, inside = [];
    this.#each(x * size - r, y * size - r, (x + 1) * size + r, (y + 1) * size + r, (i) => inside.push(i));
    const tile = layer.tiles.get(key) ?? { canvas: null };
    tile.stale = false;
    layer.tiles.delete(key); // to the end: the oldest go first
    layer.tiles.set(key, tile);
    if (layer.tiles.size > this.#tilesMax()) layer.tiles.delete(layer.tiles.keys().next().value);
    if (!inside.length) return;
    tile.canvas ??= Object.assign(document.createElement('canvas'), { width: TILE, height: TILE });
    const c = tile.canvas.getContext('2d');
    c.clearRect(0, 0, TILE, TILE);
    c.textAlign = 'center';
    c.textBaseline = 'middle';
    for (const i of inside) this.#paint(c, i, this.x[i] * layer.scale - x * TILE, this.y[i] * layer.scale - y * TILE, this.radius * layer.scale);
  }

  #tilesMax() { return 2 * Math.ceil(this.canvas.width / TILE + 1) * Math.ceil(this.canvas.height / TILE + 1); }

  #copy(layer) {
    const { context: c, view } = this, { x0, y0, x1, y1 } = this.#range(layer), stretch = view.scale / layer.scale, size = TILE * stretch;
    const left = -view.x * view.scale, top = -view.y * view.scale, exact = stretch === 1;
    for (let y = y0; y <= y1; y++) {
      for (let x = x0; x <= x1; x++) {
        const tile = layer.tiles.get(`${x} ${y}`);
        if (tile && layer === this.layers.at(-1) && this.layers.length > 1) { // stretched ones below must not shine through
          c.fillRect(Math.floor(left + x * size), Math.floor(top + y * size), Math.ceil(size), Math.ceil(size));
        }
        if (!tile?.canvas) continue;
        if (exact) c.drawImage(tile.canvas, Math.round(left) + x * TILE, Math.round(top) + y * TILE);
        else c.drawImage(tile.canvas, left + x * size, top + y * size, size, size);
      }
    }
  }

  #paint(c, i, x, y, r) {
    const state = this.states[i], category = this.category[i], mine = this.mine.has(i);
    if (state === STATE.blocked && !mine) {
      if (this.showBlocked) this.#cross(c, x, y, r);
      return;
    }
    if (r < SHAPES_PX) {
      c.fillStyle = mine ? this.theme.accent : state === STATE.free ? this.colors[category] : this.theme.held;
      const side = mine ? r * 2.4 : state === STATE.free ? r * 1.8 : r;
      c.fillRect(x - side / 2, y - side / 2, side, side);
      return;
    }
    drawShape(c, category, x, y, state === STATE.sold && !mine ? r * 0.4 : r);
    if (state === STATE.held && !mine) {
      c.lineWidth = Math.max(1, r / 5);
      c.strokeStyle = this.theme.held;
      c.stroke();
      return;
    }
    c.fillStyle = mine ? this.theme.accent : state === STATE.free ? this.colors[category] : this.theme.held;
    c.fill();
    if (mine) {
      c.lineWidth = Math.max(1.5, r / 5);
      c.strokeStyle = this.theme.text;
      c.stroke();
    }
    const [, , , number, , , , kind] = this.plan.seats[i];
    if ((r < NUMBERS_PX * this.ratio && (!kind || mine)) || (state !== STATE.free && !mine)) return;
    c.fillStyle = mine ? this.theme.onAccent : this.inks[category];
    c.font = `600 ${Math.round(r * (kind && !mine ? 1.5 : 0.9))}px system-ui, sans-serif`;
    c.fillText(mine ? '✓' : KIND_SIGNS[kind] ?? number, x, y);
  }

  #cross(c, x, y, r) {
    c.strokeStyle = this.theme.held;
    c.lineWidth = Math.max(1, r / 6);
    c.beginPath();
    for (const side of [-1, 1]) {
      c.moveTo(x - r * 0.6, y - side * r * 0.6);
      c.lineTo(x + r * 0.6, y + side * r * 0.6);
    }
    c.stroke();
  }

  #drawNames() {
    const { context: c, view } = this;
    c.textAlign = 'center';
    c.textBaseline = 'bottom';
    c.font = `600 ${13 * this.ratio}px system-ui, sans-serif`;
    c.fillStyle = this.theme.soft;
    for (const { name, left, right, top } of this.zones) {
      const width = (right - left) * view.scale, x = ((left + right) / 2 - view.x) * view.scale, y = Math.max((top - this.radius * 1.6 - view.y) * view.scale, 15 * this.ratio), below = (top - view.y) * view.scale;
      if (width > 40 * this.ratio && below > 0 && y < this.canvas.height) c.fillText(name, x, y);
    }
  }

  #drawCursor() {
    const { context: c, view } = this;
    if (document.activeElement !== this.canvas) return;
    c.lineWidth = 3 * this.ratio;
    c.strokeStyle = this.theme.focus;
    c.beginPath();
    c.arc((this.x[this.cursor] - view.x) * view.scale, (this.y[this.cursor] - view.y) * view.scale, this.radius * view.scale * 1.5 + 3, 0, 7);
    c.stroke();
  }

  // ---- what changes ----

  setStates(text) {
    for (let i = 0; i < this.states.length; i++) this.states[i] = text.charCodeAt(i) - 48;
    for (const layer of this.layers) for (const tile of layer.tiles.values()) tile.stale = true;
    this.layers = this.layers.slice(-1);
    this.#later();
  }

  change(index, state) {
    this.states[index] = state;
    this.#repaint(index);
  }

  setMine(indexes) {
    const before = this.mine;
    this.mine = new Set(indexes);
    for (const i of new Set([...before, ...this.mine])) this.#repaint(i);
  }

  #repaint(i) {
    const reach = this.radius * 1.3;
    for (const layer of this.layers) {
      const size = TILE / layer.scale, r = this.radius * layer.scale, wide = reach * layer.scale;
      for (let y = Math.floor((this.y[i] - reach) / size); y <= Math.floor((this.y[i] + reach) / size); y++) {
        for (let x = Math.floor((this.x[i] - reach) / size); x <= Math.floor((this.x[i] + reach) / size); x++) {
          const tile = layer.tiles.get(`${x} ${y}`);
          if (!tile || tile.stale) continue;
          if (!tile.canvas) {
            tile.stale = true;
            continue;
          }
          const c = tile.canvas.getContext('2d'), px = this.x[i] * layer.scale - x * TILE, py = this.y[i] * layer.scale - y * TILE;
          c.clearRect(px - wide, py - wide, wide * 2, wide * 2);
          this.#each(this.x[i] - reach * 2, this.y[i] - reach * 2, this.x[i] + reach * 2, this.y[i] + reach * 2, (near) => {
            c.save();
            c.beginPath();
            c.rect(px - wide, py - wide, wide * 2, wide * 2);
            c.clip();
            this.#paint(c, near, this.x[near] * layer.scale - x * TILE, this.y[near] * layer.scale - y * TILE, r);
            c.restore();
          });
        }
      }
    }
    this.#later();
  }

  // ---- people ----

  #at(event) {
    const box = this.canvas.getBoundingClientRect();
    return [(event.clientX - box.left) * this.ratio, (event.clientY - box.top) * this.ratio];
  }

  /** The seat at this point of the canvas; -1: none. */
  seatAt(px, py) {
    const x = this.view.x + px / this.view.scale, y = this.view.y + py / this.view.scale, reach = Math.max(this.radius * 1.2, (8 * this.ratio) / this.view.scale);
    let best = -1, distance = reach;
    this.#each(x - reach, y - reach, x + reach, y + reach, (i) => {
      const d = Math.hypot(this.x[i] - x, this.y[i] - y);
      if (d < distance && (this.states[i] !== STATE.blocked || this.mine.has(i) || this.pickBlocked)) [best, distance] = [i, d];
    });
    return best;
  }

  #pick(i) { this.dispatchEvent(Object.assign(new Event('pick'), { seat: i })); }

  #click(px, py) {
    if (this.radius * this.view.scale < PICKABLE_PX * this.ratio) {
      this.zoom((10 * this.ratio) / (this.radius * this.view.scale), px, py);
      return;
    }
    const seat = this.seatAt(px, py);
    if (seat >= 0) this.#pick(seat);
  }

  #showTip(px, py) {
    const seat = this.radius * this.view.scale < PICKABLE_PX * this.ratio ? -1 : this.seatAt(px, py);
    this.tip.hidden = seat < 0;
    if (seat < 0) return;
    this.tip.textContent = this.describe(seat);
    this.tip.style.left = `${Math.min(px / this.ratio + 12, this.host.clientWidth - 180)}px`;
    this.tip.style.top = `${py / this.ratio + 14}px`;
  }

  #listen() {
    const { canvas } = this, touches = new Map();
    let travelled = 0;
    canvas.addEventListener('pointerdown', (event) => {
      touches.set(event.pointerId, this.#at(event));
      canvas.setPointerCapture(event.pointerId);
      if (touches.size === 1) travelled = 0;
    });
    canvas.addEventListener('pointermove', (event) => {
      const before = touches.get(event.pointerId), now = this.#at(event);
      if (!before) {
        if (event.pointerType === 'mouse') this.#showTip(...now);
        return;
      }
      touches.set(event.pointerId, now);
      travelled += Math.hypot(now[0] - before[0], now[1] - before[1]);
      if (touches.size === 2) this.#pinch([...touches].find(([id]) => id !== event.pointerId)[1], before, now);
      else if (travelled > TAP_PX * this.ratio) this.pan(now[0] - before[0], now[1] - before[1]);
    });
    const up = (event) => {
      if (touches.delete(event.pointerId) && event.type === 'pointerup' && !touches.size && travelled <= TAP_PX * this.ratio) this.#click(...this.#at(event));
    };
    canvas.addEventListener('pointerup', up);
    canvas.addEventListener('pointercancel', up);
    canvas.addEventListener('pointerleave', () => { this.tip.hidden = true; });
    canvas.addEventListener('wheel', (event) => {
      event.preventDefault();
      this.zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0015)), ...this.#at(event));
    }, { passive: false });
    canvas.addEventListener('keydown', (event) => this.#key(event));
    canvas.addEventListener('focus', () => this.#later());
    canvas.addEventListener('blur', () => this.#later());
    const observer = new ResizeObserver(() => this.#resize()), dark = matchMedia('(prefers-color-scheme: dark)'), repaint = () => this.#resize();
    observer.observe(this.host);
    dark.addEventListener('change', repaint);
    /** Another map takes this one's place. */
    this.close = () => {
      observer.disconnect();
      dark.removeEventListener('change', repaint);
    };
  }

  #pinch(other, before, now) {
    const was = Math.hypot(before[0] - other[0], before[1] - other[1]), is = Math.hypot(now[0] - other[0], now[1] - other[1]);
    this.pan((now[0] - before[0]) / 2, (now[1] - before[1]) / 2);
    if (was > 0) this.zoom(is / was, (now[0] + other[0]) / 2, (now[1] + other[1]) / 2);
  }

  #key(event) {
    const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    if (ways[event.key]) this.#moveCursor(...ways[event.key]);
    else if ((event.key === 'Enter' || event.key === ' ') && this.cursor >= 0) this.#pick(this.cursor);
    else if (event.key === '+' || event.key === '=') this.zoom(1.6);
    else if (event.key === '-') this.zoom(1 / 1.6);
    else if (event.key === '0') this.whole();
    else return;
    event.preventDefault();
  }

  // To the nearest seat that way: beside counts four times as far.
  #moveCursor(dx, dy) {
    const from = this.cursor;
    let best = -1, least = Infinity;
    for (let i = 0; i < this.x.length; i++) {
      if (i === from || (this.states[i] === STATE.blocked && !this.mine.has(i))) continue;
      const x = from < 0 ? this.x[i] - this.view.x : this.x[i] - this.x[from], y = from < 0 ? this.y[i] - this.view.y : this.y[i] - this.y[from];
      const ahead = from < 0 ? Math.hypot(x, y) : x * dx + y * dy, beside = from < 0 ? 0 : Math.abs(x * dy) + Math.abs(y * dx);
      if (ahead > this.radius * 0.5 && ahead + beside * 4 < least) [best, least] = [i, ahead + beside * 4];
    }
    if (best < 0) return;
    this.cursor = best;
    if (this.radius * this.view.scale < PICKABLE_PX * this.ratio) this.zoom((10 * this.ratio) / (this.radius * this.view.scale));
    this.#bringIntoView(best);
    this.say(this.describe(best));
  }

  #bringIntoView(i) {
    const { view, canvas } = this, px = (this.x[i] - view.x) * view.scale, py = (this.y[i] - view.y) * view.scale, edge = 40 * this.ratio;
    if (px < edge || py < edge || px > canvas.width - edge || py > canvas.height - edge) {
      view.x = this.x[i] - canvas.width / view.scale / 2;
      view.y = this.y[i] - canvas.height / view.scale / 2;
      this.#moved();
    } else {
      this.#later();
    }
  }

  /** Aloud, to a screen reader. */
  say(text) { this.voice.textContent = text; }

  /** Shows a seat closely. */
  show(i) {
    this.cursor = i;
    const px = this.radius * this.view.scale;
    if (px < PICKABLE_PX * this.ratio) this.zoom((10 * this.ratio) / px);
    this.#bringIntoView(i);
  }
}
