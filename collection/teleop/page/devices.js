// Input devices. Each is a small class with one method besides its constructor:
//
//   read() -> null while untouched, else
//             {axes: [...], goal: [u, v], lead: [...], wait: true}
//
// with axes in [-1, 1], one per axis of the world's controls, and any part left out that
// does not matter; `Command` in interface.py says what they are. A device gets the page and the controls. It calls the page for what
// happens once: latch(value, or nothing to toggle), act(verb, value), and changed() when
// a new reading should not wait for the next poll.
// A device that must be connected offers a button for it, offer(label, connect), and says
// what became of it, notice(text, isBad). Readings of several devices add up.
// A new device is a class, here or in a module named after it, and a line in DEVICES.

import {Headset} from './headset.js';
import {Phone} from './phone.js';
import {bent, Presses, rest} from './readings.js';
import {SpaceMouse} from './spacemouse.js';

const CAPS = {ArrowRight: '→', ArrowLeft: '←', ArrowUp: '↑', ArrowDown: '↓'};

// Rates of the axes from their signs.
function paced({axes}, signs, pace) {
  return signs.map((sign, i) => sign * axes[i].pace[pace]);
}

export class Keyboard {
  static paces = {shift: 'slow', f: 'fast'};
  static verbs = {
    n: ['keep'], r: ['redo'], d: ['discard'], u: ['undo'], q: ['quit'], o: ['override'],
    p: ['assist'], v: ['show'],
    1: ['speed', 1], 2: ['speed', 0.5], 3: ['speed', 0.25],
  };
  static help = ({axes, latch}) => [
    ...axes.map(({keys, labels}) => [keys.map((key) => CAPS[key] ?? key), labels.join(', ')]),
    ...(latch ? [[['space'], latch.help]] : []),
    [['shift'], 'hold: slowly'],
    [['f'], 'hold: fast'],
    [['t'], 'hold: let time pass'],
  ];

  constructor(page, controls) {
    this.controls = controls;
    this.axes = {}; // [axis, sign] by key
    controls.axes.forEach(({keys}, axis) => {
      keys.forEach((key, i) => (this.axes[key.toLowerCase()] = [axis, i ? -1 : 1]));
    });
    this.held = new Set();
    addEventListener('keydown', (event) => this.down(event, page));
    addEventListener('keyup', (event) => {
      this.held.delete(event.key?.toLowerCase());
      page.changed();
    });
    // Keys released elsewhere would seem held for ever.
    addEventListener('blur', () => {
      this.held.clear();
      page.changed();
    });
  }

  down(event, page) {
    // The browser keeps its shortcuts.
    if (event.ctrlKey || event.metaKey || event.altKey || !event.key) return;
    if (!page.operates) return;
    if (event.target instanceof HTMLInputElement) return;
    const key = event.key.toLowerCase();
    if (document.querySelector('dialog[open]') && key !== 'q') return;
    const holds = key in this.axes || key in Keyboard.paces || key === 't';
    if (holds || key === ' ' || key in Keyboard.verbs) event.preventDefault();
    if (event.repeat) return;
    if (key === 'enter' && !(event.target instanceof HTMLButtonElement)) page.goOn();
    if (holds) {
      this.held.add(key);
      page.changed();
    } else if (key === ' ') {
      page.latch();
    } else if (key in Keyboard.verbs) {
      page.act(...Keyboard.verbs[key]);
    }
  }

  read() {
    const signs = rest(this.controls);
    let pace = 'normal';
    for (const key of this.held) {
      if (key in this.axes) {
        const [axis, sign] = this.axes[key];
        signs[axis] += sign;
      }
      pace = Keyboard.paces[key] ?? pace;
    }
    const wait = this.held.has('t');
    if (!signs.some(Boolean) && !wait) return null;
    return {axes: paced(this.controls, signs, pace), wait};
  }
}

export class Pointer {
  static help = ({captions, drag = true}) => (drag ? [[['drag'], captions[0]]] : []);

  constructor(page, {drag = true}) {
    const view = document.getElementById('wide');
    this.goal = null;
    if (!drag) return;
    const follow = (event) => {
      const box = view.getBoundingClientRect();
      const place = [
        (event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height,
      ];
      this.goal = place.map((share) => Math.max(-1, Math.min(1, 2 * share - 1)));
      page.changed();
    };
    view.addEventListener('pointerdown', (event) => {
      view.setPointerCapture(event.pointerId);
      follow(event);
    });
    view.addEventListener('pointermove', (event) => this.goal && follow(event));
    for (const end of ['pointerup', 'pointercancel']) {
      view.addEventListener(end, () => {
        this.goal = null;
        page.changed();
      });
    }
  }

  read() {
    return this.goal && {goal: this.goal};
  }
}

export class Buttons {
  static help = () => [];

  constructor(page, controls) {
    this.controls = controls;
    this.pressed = new Map();
    for (const button of document.querySelectorAll('#pad button')) {
      button.addEventListener('pointerdown', (event) => {
        button.setPointerCapture(event.pointerId);
        if ('latch' in button.dataset) page.latch();
        else this.pressed.set(event.pointerId, button.dataset);
        page.changed();
      });
      for (const end of ['pointerup', 'pointercancel']) {
        button.addEventListener(end, (event) => {
          this.pressed.delete(event.pointerId);
          page.changed();
        });
      }
    }
  }

  read() {
    if (!this.pressed.size) return null;
    const signs = rest(this.controls);
    let wait = false;
    for (const {axis, sign} of this.pressed.values()) {
      if (axis === undefined) wait = true;
      else signs[axis] += Number(sign);
    }
    return {axes: paced(this.controls, signs, 'normal'), wait};
  }
}

export class Gamepad {
  static help = ({latch}) => [
    [['pad'], `sticks move, ${latch ? `A: ${latch.label}, ` : ''}B: let time pass`],
  ];
  static dead = 0.15;
  static verbs = {8: 'redo', 9: 'keep'}; // back and start of the standard mapping

  constructor(page, controls) {
    this.page = page;
    this.controls = controls;
    this.presses = new Presses();
    addEventListener('gamepaddisconnected', () => {
      page.notice('The gamepad is unplugged: its motion has stopped.', true);
    });
  }

  read() {
    const pad = navigator.getGamepads().find((found) => found?.mapping === 'standard');
    if (!pad) return null;
    const pressed = (number) => pad.buttons[number]?.pressed ?? false;
    if (this.presses.begins(0, pressed(0))) this.page.latch();
    for (const [number, verb] of Object.entries(Gamepad.verbs)) {
      if (this.presses.begins(number, pressed(number))) this.page.act(verb);
    }
    // The left stick, the right one's height, and the shoulder buttons.
    const [x, y, , z] = pad.axes.map((value) => bent(value, Gamepad.dead));
    const turn = pressed(4) - pressed(5);
    const known = this.controls.axes;
    const read = [x, -y, -z, turn && turn * known[3]?.pace.normal];
    const axes = known.map((_, axis) => read[axis] ?? 0);
    const wait = pressed(1);
    return axes.some(Boolean) || wait ? {axes, wait} : null;
  }
}

export const DEVICES = [Keyboard, Pointer, Buttons, Gamepad, SpaceMouse, Headset, Phone];
