// The page: shows what the server sends, and sends it what the devices read.

import {DEVICES} from './devices.js';

const REPEAT_MS = 100; // a held command is repeated, or the server drops it
const POLL_MS = 30;
const controls = await (await fetch('controls.json')).json();
const REST = {axes: controls.axes.map(() => 0), wait: false};
const IDLE = JSON.stringify(REST);

const $ = (id) => document.getElementById(id);
const wide = $('wide').getContext('2d');
const close = $('close').getContext('2d');

class Page {
  constructor() {
    this.status = {};
    this.seq = 0;
    this.sent = new Map(); // when each command was sent, by its number
    this.last = IDLE; // command sent last, and when
    this.lastAt = 0;
    this.latched = 1; // value of the latched axis, and when it was set here
    this.latchedAt = -Infinity;
    this.pictures = []; // when those of the last seconds came
    this.shown = 0;
    this.makeControls();
    this.devices = DEVICES.map((Device) => new Device(this, controls));
    this.listen();
    this.connect();
    setInterval(() => this.changed(), POLL_MS);
  }

  // --- What devices call.

  changed() {
    const read = this.devices.map((device) => device.read()).find(Boolean);
    const command = {...REST, ...read};
    const text = JSON.stringify(command);
    const now = performance.now();
    if (text === this.last && (text === IDLE || now - this.lastAt < REPEAT_MS)) return;
    this.drive(command, text !== this.last);
    this.last = text;
    this.lastAt = now;
  }

  latch(latch = this.latched > 0 ? -1 : 1) {
    if (!controls.latch) return;
    this.latched = latch;
    this.latchedAt = performance.now();
    this.drive({...JSON.parse(this.last), latch}, true);
  }

  act(verb, value) {
    if (verb === 'override' && value === undefined) {
      // From the environment's own test to its opposite, and back.
      value = this.status.override === null ? !this.status.success : null;
    }
    if (verb === 'assist') value = !this.status.assist;
    if (verb === 'quit') {
      const asked = $('quit').open;
      if (asked) $('quit').close();
      else if (this.status.driving) $('quit').showModal();
      if (!asked) return;
    }
    this.send({type: 'do', verb, ...(value === undefined ? {} : {value})});
  }

  // The next scene, or this one again: as suits the outcome.
  goOn() {
    if (this.status.phase === 'over') this.act(this.onwards);
  }

  drive(command, isNew) {
    if (!this.status.driving) return;
    if (isNew) this.sent.set(++this.seq, performance.now());
    this.send({type: 'drive', seq: this.seq, ...command});
  }

  // --- The server.

  connect() {
    const url = new URL(controls.socket, location);
    url.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
    this.socket = new WebSocket(url);
    this.socket.binaryType = 'arraybuffer';
    this.socket.onmessage = ({data}) => {
      if (typeof data === 'string') this.update(JSON.parse(data));
      else this.show(data);
    };
    this.socket.onclose = () => {
      if (this.status.ended) return;
      $('message').textContent =
        'The connection is lost; trying again … After `wtl teleop` was started again, open the address that it prints.';
      $('message').className = 'refused';
      this.status.driving = false;
      setTimeout(() => this.connect(), 1000);
    };
  }

  send(message) {
    if (this.socket.readyState === WebSocket.OPEN) {
      this.socket.send(JSON.stringify(message));
    }
  }

  async show(data) {
    const seq = new DataView(data).getUint32(0, true);
    const image = await createImageBitmap(new Blob([data.slice(4)]));
    const side = image.height;
    wide.drawImage(image, 0, 0, side, side, 0, 0, 480, 480);
    close.drawImage(image, side, 0, side, side, 0, 0, 480, 480);
    image.close();
    const now = performance.now();
    if (this.sent.has(seq)) {
      $('latency').textContent = `${Math.round(now - this.sent.get(seq))} ms`;
      for (const known of this.sent.keys()) if (known <= seq) this.sent.delete(known);
    }
    this.shown += 1;
    this.pictures.push(now);
    while (now - this.pictures[0] > 2000) this.pictures.shift();
    const span = now - this.pictures[0];
    const rate = span ? (1000 * (this.pictures.length - 1)) / span : 0;
    $('fps').textContent = `${rate.toFixed(0)} /s`;
  }

  // --- The operator.

  update(status) {
    const took = status.driving && !this.status.driving;
    this.status = status;
    this.drove ||= status.driving;
    // A lost connection may remain the operator for a while.
    if (this.drove && !status.driven) this.act('claim');
    if (took && $('name').value) this.act('name', $('name').value);
    if (performance.now() - this.latchedAt > 500) this.latched = status.latch ?? 1;
    document.body.classList.toggle('watches', !status.driving);
    const {phase, progress} = status;
    const ended = status.ended === true;
    $('task').textContent = ended
      ? 'The session has ended. Kept episodes are safe.'
      : (status.task ?? 'Everything is recorded. Thank you!');
    $('family').textContent = status.family ?? '';
    const [done, all] = progress.task;
    const [tasks, allTasks] = progress.tasks;
    $('count').textContent =
      (all ? `${status.role ?? 'episode'} ${Math.min(done + 1, all)} of ${all} · ` : '') +
      `${tasks} of ${allTasks} tasks · ${progress.episodes[0]} kept`;
    const overridden = (status.override ?? null) !== null;
    const success = overridden ? status.override : status.success;
    const over = phase === 'over';
    const failed = over && success === false;
    if (success && !document.body.classList.contains('succeeds')) navigator.vibrate?.(80);
    $('success').classList.toggle('on', success === true);
    $('success').classList.toggle('failed', failed);
    document.body.classList.toggle('succeeds', success === true);
    // A failed trial teaches as well; a failed demonstration is made again.
    this.onwards = failed && status.role === 'demo' ? 'redo' : 'keep';
    $('over').hidden = !over || ended;
    $('outcome').textContent = success ? '✓ Success.'
      : status.step < status.horizon ? 'The episode is over.' : 'Out of steps.';
    $('go-on').querySelector('span').textContent = {
      keep: 'keep it and go on', redo: 'go on: try again',
    }[this.onwards];
    $('success-text').textContent =
      (success === null ? 'shown at the end'
        : success ? '✓ success' : over ? '✗ out of steps' : 'not yet') +
      (overridden ? ' (your label)' : '');
    $('budget').style.width = `${(100 * (status.step ?? 0)) / (status.horizon ?? 1)}%`;
    $('steps').textContent = {
      showing: 'watch the demonstration (v skips it)',
      ready: 'your first move starts the recording',
      acting: `${status.step} of ${status.horizon} steps`,
      over: `${status.step < status.horizon ? 'the episode is over' : 'out of steps'}: keep, redo or discard`,
    }[phase] ?? '';
    $('assist').hidden = (status.assist ?? null) === null;
    $('assist').classList.toggle('chosen', status.assist === true);
    $('show').hidden = !status.demonstration;
    $('message').textContent = status.message;
    $('message').className = status.refused ? 'refused' : '';
    $('rate').textContent = `${status.rate.toFixed(1)} Hz`;
    $('rate').className = status.slow ? 'slow' : '';
    $('claim').disabled = status.driven && !status.driving;
    $('claim').textContent = status.driving ? 'hand over' : 'operate';
    $('who').textContent = status.driving
      ? `You operate; ${status.watching} watching.`
      : status.driven ? `${status.operator} operates, you watch.` : 'There is no operator.';
    document.body.classList.toggle('busy', status.busy);
    for (const button of document.querySelectorAll('[data-speed]')) {
      button.classList.toggle('chosen', Number(button.dataset.speed) === status.speed);
      button.disabled = !status.driving;
    }
    this.updateProgress(progress.families);
  }

  updateProgress(families) {
    $('progress').replaceChildren(
      ...Object.entries(families).map(([family, [done, all]]) => {
        const row = document.createElement('div');
        const bar = document.createElement('progress');
        bar.max = all;
        bar.value = done;
        const count = document.createElement('span');
        count.textContent = `${done} of ${all}`;
        row.append(family, bar, count);
        return row;
      }),
    );
  }

  listen() {
    for (const button of document.querySelectorAll('[data-verb]')) {
      button.addEventListener('click', () => {
        this.act(button.dataset.verb);
        button.blur(); // the space bar is the latch's
      });
    }
    for (const button of document.querySelectorAll('[data-speed]')) {
      button.addEventListener('click', () => {
        this.act('speed', Number(button.dataset.speed));
        button.blur();
      });
    }
    $('go-on').addEventListener('click', () => this.goOn());
    $('other').addEventListener('click', () => $('views').classList.toggle('close'));
    $('claim').addEventListener('click', () => {
      if (this.status.driving) this.drove = false;
      this.act(this.status.driving ? 'release' : 'claim');
    });
    $('name').value = localStorage.getItem('operator') ?? '';
    $('name').addEventListener('change', () => {
      localStorage.setItem('operator', $('name').value);
      this.act('name', $('name').value);
    });
    $('name').addEventListener('keydown', (event) => {
      if (event.key === 'Enter') $('name').blur();
    });
  }

  // Captions, steering buttons and help, as the world's controls say.
  makeControls() {
    document.querySelectorAll('figcaption').forEach((caption, i) => {
      caption.textContent = controls.captions[i];
    });
    $('latch').textContent = controls.latch?.label;
    $('latch').hidden = !controls.latch;
    const arrows = [['▶', 'e', '◀', 'w'], ['▲', 'n', '▼', 's']];
    controls.axes.forEach(({labels}, axis) => {
      const column = document.createElement('div');
      column.className = 'column';
      labels.forEach((label, i) => {
        const button = document.createElement('button');
        Object.assign(button.dataset, {axis, sign: i ? -1 : 1});
        const [arrow, place] = arrows[axis]?.slice(2 * i) ?? [label, ''];
        button.textContent = arrow;
        button.className = place;
        button.ariaLabel = label;
        (place ? $('cross') : column).append(button);
      });
      if (column.hasChildNodes()) $('latch').parentElement.before(column);
    });
    for (const [keys, what] of DEVICES.flatMap((Device) => Device.help(controls))) {
      const term = document.createElement('dt');
      for (const key of keys) {
        const cap = document.createElement('kbd');
        cap.textContent = key;
        term.append(cap, ' ');
      }
      const text = document.createElement('dd');
      text.textContent = what;
      $('help').append(term, text);
    }
  }
}

// For the console, and for tests.
window.teleop = new Page();
