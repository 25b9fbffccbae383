// Input devices. Each is a small class with one method besides its constructor:
//
//   read() -> null while untouched, else {axes: [...], goal: [u, v], wait: true}
//
// with axes in [-1, 1], one per axis of the world's controls, and any part left out that
// does not matter. A device gets the page and the controls. It calls the page for what
// happens once: latch(value, or nothing to toggle), act(verb, value), and changed() when
// a new reading should not wait for the next poll.
// A new device is a class here and a line in DEVICES.

const CAPS = {ArrowRight: '→', ArrowLeft: '←', ArrowUp: '↑', ArrowDown: '↓'};

// Rates of the axes from their signs.
function paced({axes}, signs, pace) {
  return signs.map((sign, i) => sign * axes[i].pace[pace]);
}

const rest = ({axes}) => axes.map(() => 0);

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
  static dead = 0.15; // sticks at rest are never quite at zero

  constructor(page, controls) {
    this.page = page;
    this.controls = controls;
    this.latched = false;
    this.verbs = {8: ['redo'], 9: ['keep']}; // back and start of the standard mapping
    this.done = new Set();
  }

  read() {
    const pad = navigator.getGamepads().find((found) => found?.mapping === 'standard');
    if (!pad) return null;
    const pressed = (number) => pad.buttons[number]?.pressed ?? false;
    if (pressed(0) && !this.latched) this.page.latch();
    this.latched = pressed(0);
    for (const [number, verb] of Object.entries(this.verbs)) {
      if (pressed(number) && !this.done.has(number)) this.page.act(...verb);
      if (pressed(number)) this.done.add(number);
      else this.done.delete(number);
    }
    // The left stick, the right one's height, and the shoulder buttons.
    const [x, y, , z] = pad.axes.map((value) => this.bent(value));
    const turn = pressed(4) - pressed(5);
    const known = this.controls.axes;
    const read = [x, -y, -z, turn && turn * known[3]?.pace.normal];
    const axes = known.map((_, axis) => read[axis] ?? 0);
    const wait = pressed(1);
    return axes.some(Boolean) || wait ? {axes, wait} : null;
  }

  // Fine around the middle, the largest speed at the end.
  bent(value) {
    const size = Math.max(0, Math.abs(value) - Gamepad.dead) / (1 - Gamepad.dead);
    return Math.sign(value) * Math.min(1, size) ** 2;
  }
}

export const DEVICES = [Keyboard, Pointer, Buttons, Gamepad];
