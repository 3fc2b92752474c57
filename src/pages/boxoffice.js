// SPDX-License-Identifier: Apache-2.0
// One page for the whole way: line, map, pay, tickets. The protocol is in docs/protocol.md.
const sale = new URLSearchParams(location.search).get('sale');
const $ = (id) => document.getElementById(id);
const sections = ['sales', 'gather', 'wait', 'choose', 'pay', 'bought', 'over'];
const stored = {
  get: (name) => localStorage.getItem(`boxoffice.${sale}.${name}`),
  set: (name, value) => localStorage.setItem(`boxoffice.${sale}.${name}`, value),
  drop: (name) => localStorage.removeItem(`boxoffice.${sale}.${name}`),
};

let socket, plan, retry = 500, spread = 500, finished = false, deadline = 0, opensAt = 0, again = false;
let states = [], version = -1, mine = new Set(), shapes = [];
const indexOf = new Map();

function show(name) {
  for (const id of sections) $(id).hidden = id !== name;
}

function over(title, text, mayJoinAgain) {
  $('over-title').textContent = title;
  $('over-text').textContent = text;
  $('again').hidden = !mayJoinAgain;
  show('over');
}

const send = (message) => socket.readyState === WebSocket.OPEN && socket.send(JSON.stringify(message));
const newKey = () => Array.from(crypto.getRandomValues(new Uint8Array(12)), (b) => b.toString(16).padStart(2, '0')).join('');
const money = (amount) => new Intl.NumberFormat('en', { style: 'currency', currency: plan.currency }).format(amount / 100);
const duration = (s) => (s < 90 ? `${s} s` : `${Math.round(s / 60)} min`);

function join(solution) {
  const message = { type: 'join', sale, ...solution };
  const invitation = new URLSearchParams(location.search).get('invitation');
  if (invitation && !stored.get('resume')) message.invitation = invitation;
  if (stored.get('resume')) message.resume = stored.get('resume');
  if (Number(stored.get('shown')) > 0) message.shown = Number(stored.get('shown'));
  if (again) {
    message.again = true;
    delete message.shown;
  }
  again = false;
  send(message);
}

function connect() {
  socket = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/ws`);
  socket.onopen = () => {
    retry = 0;
    $('connection').textContent = '';
    join();
  };
  socket.onmessage = (event) => {
    const message = JSON.parse(event.data);
    handlers[message.type]?.(message);
  };
  socket.onclose = () => {
    if (finished) return;
    $('connection').textContent = 'Connecting again … your place is kept.';
    // The first time at a moment of the span the server has asked for, then later and later.
    setTimeout(connect, retry ? retry * (0.5 + Math.random()) : spread * Math.random());
    retry = Math.min((retry || 500) * 2, 10000);
  };
}

// ---- the map ----

function draw() {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', `0 0 ${plan.size.width || 1000} ${plan.size.height || 1000}`);
  svg.setAttribute('role', 'group');
  shapes = plan.seats.map(([guid, zone, row, number, category, x, y], index) => {
    const shape = document.createElementNS(svg.namespaceURI, 'circle');
    shape.setAttribute('cx', x);
    shape.setAttribute('cy', y);
    shape.setAttribute('r', 9);
    shape.setAttribute('fill', plan.categories[category].color || '#888');
    shape.setAttribute('tabindex', '0');
    shape.setAttribute('role', 'button');
    shape.dataset.seat = guid;
    const title = document.createElementNS(svg.namespaceURI, 'title');
    title.textContent = `${zone}, row ${row}, seat ${number}: ${plan.categories[category].name}, ${money(plan.categories[category].price)}`;
    shape.append(title);
    shape.addEventListener('click', () => toggle(index));
    shape.addEventListener('keydown', (event) => (event.key === 'Enter' || event.key === ' ') && (event.preventDefault(), toggle(index)));
    svg.append(shape);
    return shape;
  });
  $('hall').replaceChildren(svg);
  $('legend').replaceChildren(...plan.categories.flatMap((c) => {
    const swatch = document.createElement('span');
    swatch.className = 'swatch';
    swatch.style.background = c.color;
    return [swatch, ` ${c.name} ${money(c.price)}   `];
  }));
}

function paint(index) {
  const held = mine.has(index);
  shapes[index]?.setAttribute('class', `seat${held ? ' mine' : states[index] === '1' ? ' held' : states[index] >= '2' ? ' sold' : ''}`);
}

function takeMap(message) {
  version = message.version;
  states = [...message.states];
  shapes.forEach((_, index) => paint(index));
}

function toggle(index) {
  const guid = plan.seats[index][0];
  $('notice').textContent = '';
  if (mine.has(index)) send({ type: 'release', key: newKey(), seats: [guid] });
  else if (states[index] === '0') send({ type: 'hold', key: newKey(), seats: [guid] });
}

function takeHeld(message) {
  const before = mine;
  mine = new Set(message.seats.map((guid) => indexOf.get(guid)));
  for (const index of new Set([...before, ...mine])) paint(index);
  const amount = [...mine].reduce((sum, index) => sum + plan.categories[plan.seats[index][4]].price, 0);
  $('basket').textContent = mine.size ? `${mine.size} seat${mine.size > 1 ? 's' : ''}: ${message.seats.join(', ')} for ${money(amount)}` : 'No seats chosen yet.';
  $('checkout').disabled = mine.size === 0;
}

// ---- what the server says ----

const setDeadline = (message) => {
  deadline = performance.now() + message.left_ms;
  showTimeLeft();
};

function showTimeLeft() {
  const opens = Math.max(0, Math.ceil((opensAt - performance.now()) / 1000));
  $('opens').textContent = [Math.floor(opens / 3600), Math.floor(opens / 60) % 60, opens % 60].map((n) => String(n).padStart(2, '0')).join(':');
  const left = Math.max(0, Math.round((deadline - performance.now()) / 1000));
  for (const element of document.querySelectorAll('.left')) element.textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, '0')}`;
}

const handlers = {
  joined(message) {
    spread = message.reconnect_ms;
    stored.set('resume', message.resume);
    $('notice-line').textContent = '';
    if (message.stage === 'wait') {
      show('wait');
      handlers.position(message);
    }
    if (message.stage === 'gather') handlers.gathering(message);
    if (message.stage === 'out') over('You are not in line', 'You were here before.', true);
  },
  position(message) {
    show('wait');
    stored.set('shown', message.position);
    $('position').textContent = message.position.toLocaleString('en');
    $('total').textContent = `of ${message.total.toLocaleString('en')} people.`;
    $('eta').textContent = message.eta_s ? `About ${duration(message.eta_s[0])} to ${duration(message.eta_s[1])}.` : '';
  },
  // Before the opening of a sale with a lottery nobody has a place yet.
  gathering(message) {
    show('gather');
    opensAt = performance.now() + message.opens_in_ms;
    $('gathered').textContent = message.total.toLocaleString('en');
    showTimeLeft();
  },
  notice(message) {
    $('notice-line').textContent = message.text;
  },
  puzzle(message) {
    $('connection').textContent = 'Checking that you are not a robot …';
    const worker = new Worker('/puzzle.js', { type: 'module' });
    worker.onmessage = ({ data }) => {
      worker.terminate();
      $('connection').textContent = '';
      join(data);
    };
    worker.postMessage({ challenge: message.challenge, bits: message.bits });
  },
  admitted(message) {
    stored.drop('shown');
    document.cookie = `boxoffice_access=${message.access}; path=/; samesite=lax`; // for a shop behind the same name, see examples/nginx
    setDeadline(message);
    send({ type: 'enter', access: message.access });
  },
  entered(message) {
    setDeadline(message);
    send({ type: 'map' });
    takeHeld(message);
    if (message.stage === 'pay') send({ type: 'checkout', key: newKey() });
    else show('choose');
  },
  map: takeMap,
  seats(message) {
    if (message.version <= version) return;
    version = message.version;
    for (const [state, name] of ['free', 'held', 'sold', 'blocked'].entries()) {
      for (const index of message[name] ?? []) {
        states[index] = String(state);
        paint(index);
      }
    }
  },
  held: takeHeld,
  released: takeHeld,
  refused(message) {
    $('notice').textContent = message.message;
    if (message.map) takeMap(message.map);
  },
  pay(message) {
    setDeadline(message);
    $('sum').textContent = `${money(message.amount)} for ${[...mine].map((index) => plan.seats[index][0]).join(', ')}`;
    $('pay-link').href = message.url;
    show('pay');
  },
  bought(message) {
    $('tickets').replaceChildren(...message.tickets.map((ticket) => {
      const item = document.createElement('li'), code = document.createElement('code');
      code.textContent = ticket.code;
      item.append(`${ticket.zone}, row ${ticket.row}, seat ${ticket.number} (${ticket.category}, ${money(ticket.price)})`, document.createElement('br'), code);
      return item;
    }));
    $('tickets-link').href = `/tickets.html?sale=${encodeURIComponent(sale)}`;
    show('bought');
  },
  time: setDeadline,
  expired: (message) => over('Your time has run out', message.message, true),
  order_failed: (message) => over('The order was not completed', message.message, true),
  left: () => over('You have left', 'Your place is free for others.', true),
  sold_out(message) {
    finished = true;
    showTickets(() => over('Sold out', message.message, false));
  },
  ended(message) {
    finished = true;
    showTickets(() => over('This sale has ended', message.message, false));
  },
  error(message) {
    if (message.code === 'unknown_sale') {
      finished = true;
      over('There is no such sale', message.message, false);
    } else if (message.code === 'token_expired' || message.code === 'token_forged' || message.code === 'token_foreign') {
      stored.drop('resume');
      join();
    } else if (message.code === 'puzzle_wrong') {
      join();
    } else if (message.code === 'invitation_used' || message.code === 'lane_full') {
      $('notice-line').textContent = message.message;
      history.replaceState(null, '', `/?sale=${encodeURIComponent(sale)}`);
      join();
    } else if (message.code === 'try_later' || message.code === 'too_early' || message.code === 'too_many' || message.code === 'turned_away') {
      over('One moment', message.message, false);
      if (message.code === 'turned_away') retry = message.retry_ms;
      else setTimeout(() => join(), message.retry_ms);
    } else if (message.code === 'draining') {
      over('This sale takes nobody new', message.message, false);
    } else if (message.retry_ms && $('wait').hidden && $('choose').hidden && $('pay').hidden) {
      setTimeout(() => join(), message.retry_ms);
    } else {
      $('notice').textContent = message.message;
      if (message.code === 'payment_unavailable') setTimeout(() => send({ type: 'checkout', key: newKey() }), 2000);
    }
  },
};

// Somebody who bought and comes back after the end still finds his tickets.
async function showTickets(otherwise) {
  const answer = stored.get('resume')
    ? await fetch(`/api/sales/${sale}/tickets`, { headers: { authorization: `Bearer ${stored.get('resume')}` } }).then((r) => r.ok && r.json(), () => null)
    : null;
  if (answer?.tickets?.length) handlers.bought(answer);
  else otherwise();
}

setInterval(showTimeLeft, 500);

$('checkout').onclick = () => send({ type: 'checkout', key: newKey() });
$('leave-line').onclick = $('leave-choose').onclick = () => send({ type: 'leave' });
$('again').onclick = () => {
  again = true;
  join();
};

async function start() {
  if (!sale) {
    const { sales } = await (await fetch('/api/sales')).json();
    $('sale-list').replaceChildren(...sales.map((one) => {
      const item = document.createElement('li'), link = document.createElement('a');
      link.href = `/?sale=${encodeURIComponent(one.sale)}`;
      link.textContent = `${one.name} (${one.status})`;
      item.append(link);
      return item;
    }));
    show('sales');
    return;
  }
  const answers = await Promise.all([fetch(`/api/sales/${encodeURIComponent(sale)}`), fetch(`/api/sales/${encodeURIComponent(sale)}/plan`)]);
  if (!answers[0].ok) {
    const { error } = await answers[0].json();
    over('This does not work', error.message, false);
    return;
  }
  $('title').textContent = (await answers[0].json()).name;
  plan = await answers[1].json();
  plan.seats.forEach((seat, index) => indexOf.set(seat[0], index));
  draw();
  connect();
}
start().catch((error) => over('This does not work', String(error), false));
