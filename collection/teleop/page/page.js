// The page: shows what the server sends, tells it what the devices read.

import {DEVICES} from './devices.js';

const REPEAT_MS = 100; // a held command is repeated, or the server lets go of it
const POLL_MS = 30;
const IDLE = JSON.stringify({axes: [0, 0, 0, 0], wait: false});

const $ = (id) => document.getElementById(id);
const wide = $('wide').getContext('2d');
const close = $('close').getContext('2d');

class Page {
  constructor() {
    this.status = {};
    this.seq = 0;
    this.sent = new Map(); // when each command was sent, by its number
    this.said = IDLE;
    this.saidAt = 0;
    this.finger = 1;
    this.grippedAt = 0;
    this.pictures = []; // when those of the last seconds came
    this.shown = 0;
    this.devices = DEVICES.map((Device) => new Device(this));
    this.listen();
    this.connect();
    setInterval(() => this.changed(), POLL_MS);
  }

  // --- What devices call.

  changed() {
    const read = this.devices.map((device) => device.read()).find(Boolean);
    const command = {axes: [0, 0, 0, 0], wait: false, ...read};
    const text = JSON.stringify(command);
    const now = performance.now();
    if (text === this.said && (text === IDLE || now - this.saidAt < REPEAT_MS)) return;
    this.drive(command, text !== this.said);
    this.said = text;
    this.saidAt = now;
  }

  grip(finger = this.finger > 0 ? -1 : 1) {
    this.finger = finger;
    this.grippedAt = performance.now();
    this.drive({...JSON.parse(this.said), finger}, true);
  }

  act(verb, value) {
    if (verb === 'override' && value === undefined) {
      // From the environment's own test to its opposite, and back.
      value = this.status.override === null ? !this.status.success : null;
    }
    if (verb === 'assist') value = !this.status.assist;
    this.say({type: 'do', verb, ...(value === undefined ? {} : {value})});
  }

  drive(command, isNew) {
    if (!this.status.driving) return;
    if (isNew) this.sent.set(++this.seq, performance.now());
    this.say({type: 'drive', seq: this.seq, ...command});
  }

  // --- The server.

  connect() {
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
    this.socket = new WebSocket(`${scheme}://${location.host}/socket${location.search}`);
    this.socket.binaryType = 'arraybuffer';
    this.socket.onmessage = ({data}) => {
      if (typeof data === 'string') this.tell(JSON.parse(data));
      else this.show(data);
    };
    this.socket.onclose = () => {
      if (this.status.ended) return;
      $('message').textContent = 'The connection is lost; trying again …';
      $('message').className = 'refused';
      this.status.driving = false;
      setTimeout(() => this.connect(), 1000);
    };
  }

  say(message) {
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

  // --- People.

  tell(status) {
    const took = status.driving && !this.status.driving;
    this.status = status;
    this.drove ||= status.driving;
    // After a torn connection its ghost may drive for a while.
    if (this.drove && !status.driven) this.act('claim');
    if (took && $('name').value) this.act('name', $('name').value);
    if (performance.now() - this.grippedAt > 500) this.finger = status.finger ?? 1;
    document.body.classList.toggle('watches', !status.driving);
    const {phase, progress} = status;
    const ended = status.ended === true;
    $('task').textContent = ended
      ? 'The session has ended. What is kept is safe.'
      : (status.task ?? 'Everything is recorded. Thank you!');
    $('family').textContent = status.family ?? '';
    const [done, all] = progress.task;
    const [tasks, allTasks] = progress.tasks;
    $('count').textContent =
      (all ? `${status.role ?? 'episode'} ${Math.min(done + 1, all)} of ${all} · ` : '') +
      `${tasks} of ${allTasks} tasks · ${progress.episodes[0]} kept`;
    const overruled = status.override !== null && status.override !== undefined;
    const success = overruled ? status.override : status.success;
    $('lamp').classList.toggle('on', success === true);
    $('lamp-text').textContent =
      (success === null ? 'told at the end'
        : success ? 'success' : phase === 'over' ? 'out of time' : 'not yet') +
      (overruled ? ' (yours)' : '');
    $('budget').style.width = `${(100 * (status.step ?? 0)) / (status.horizon ?? 1)}%`;
    $('steps').textContent = {
      showing: 'watch the demonstration (v skips it)',
      ready: 'your first move starts the recording',
      acting: `${status.step} of ${status.horizon} steps`,
      over: 'out of steps: keep, redo or discard',
    }[phase] ?? '';
    $('assist').hidden = (status.assist ?? null) === null;
    $('assist').classList.toggle('chosen', status.assist === true);
    $('show').hidden = !status.film;
    $('message').textContent = status.message;
    $('message').className = status.refused ? 'refused' : '';
    $('rate').textContent = `${status.rate.toFixed(1)} Hz`;
    $('rate').className = status.rate < 9.5 ? 'slow' : '';
    $('claim').disabled = status.driven && !status.driving;
    $('claim').textContent = status.driving ? 'hand over' : 'drive';
    $('who').textContent = status.driving
      ? `You drive; ${status.watching} watching.`
      : status.driven ? `${status.operator} drives, you watch.` : 'Nobody drives.';
    for (const button of document.querySelectorAll('[data-speed]')) {
      button.classList.toggle('chosen', Number(button.dataset.speed) === status.speed);
      button.disabled = !status.driving;
    }
    this.tellProgress(progress.families);
  }

  tellProgress(families) {
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
        button.blur(); // the space bar is the fingers'
      });
    }
    for (const button of document.querySelectorAll('[data-speed]')) {
      button.addEventListener('click', () => {
        this.act('speed', Number(button.dataset.speed));
        button.blur();
      });
    }
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
    for (const Device of DEVICES) {
      for (const [keys, what] of Device.help) {
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
}

// For the console, and for tests.
window.teleop = new Page();
