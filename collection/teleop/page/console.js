// What operates: pictures of the simulation, and commands that devices read, over a socket.

import {DEVICES} from './devices.js';
import {clamped, rest} from './readings.js';

const REPEAT_MS = 100; // a held command is repeated, or the server drops it
const POLL_MS = 30;

export const controls = await (await fetch('controls.json')).json();
const REST = {axes: rest(controls), wait: false};
const IDLE = JSON.stringify(REST);

const $ = (id) => document.getElementById(id);
const wide = $('wide').getContext('2d');
const close = $('close').getContext('2d');

// A page extends it by act(verb, value), goOn(), update(status, before) and lost().
export class Console {
  constructor() {
    this.status = {};
    this.seq = 0;
    this.sent = new Map(); // when each command was sent, by its number
    this.last = IDLE; // command sent last, and when
    this.lastAt = 0;
    this.latched = 1; // value of the latched axis, and when it was set here
    this.latchedAt = -Infinity;
    this.makeControls();
    this.devices = DEVICES.map((Device) => new Device(this, controls));
    setInterval(() => this.changed(), POLL_MS);
  }

  // Whether keys are those of the operator.
  get operates() {
    return true;
  }

  // --- What devices call.

  changed() {
    const read = this.devices.map((device) => device.read()).filter(Boolean);
    const axes = REST.axes.map((_, axis) => {
      const sum = read.reduce((rate, {axes}) => rate + (axes?.[axis] ?? 0), 0);
      return Math.round(1000 * clamped(sum)) / 1000 || 0; // and no -0
    });
    const command = {axes, wait: read.some(({wait}) => wait)};
    for (const part of ['goal', 'lead']) {
      const found = read.find((device) => device[part]);
      if (found) command[part] = found[part];
    }
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

  // A button that connects a device.
  offer(label, connect) {
    const button = document.createElement('button');
    button.textContent = label;
    button.addEventListener('click', () => {
      connect();
      button.blur(); // the space bar is the latch's
    });
    $('device').before(button);
    return button;
  }

  // What became of a device.
  notice(text, isBad = false) {
    $('device').textContent = text;
    $('device').className = isBad ? 'refused' : '';
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
      if (typeof data === 'string') this.take(JSON.parse(data));
      else this.show(data);
    };
    this.socket.onclose = () => {
      if (this.status.ended) return;
      this.lost();
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
    const sent = this.sent.get(seq);
    for (const known of this.sent.keys()) if (known <= seq) this.sent.delete(known);
    this.pictured(sent);
  }

  // A picture is shown; the command that it answers was sent then, if it is a new one.
  pictured() {}

  take(status) {
    if (performance.now() - this.latchedAt > 500) this.latched = status.latch ?? 1;
    const before = this.status;
    this.status = status;
    this.drove ||= status.driving;
    // A lost connection may remain the operator for a while.
    if (this.drove && !status.driven) this.act('claim');
    this.update(status, before);
  }

  // Captions, steering buttons and help, as the world's controls say.
  makeControls() {
    if (!isSecureContext) {
      this.notice('SpaceMouse, headset and tilting need an address with https or localhost.');
    }
    document.querySelectorAll('#views figcaption').forEach((caption, i) => {
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
