// Devices. Each is a small class with one method besides its constructor:
//
//   read() -> null while untouched, else {axes: [x, y, z, yaw], goal: [u, v], wait: true}
//
// with axes in [-1, 1] and any part left out that does not matter. What happens once is
// called on the page it is given: grip(finger or nothing to toggle), act(verb, value),
// and changed() when a new reading should not wait for the next round.
// A new device is a class here and a line in DEVICES.

// Shares of the largest translation and of the largest turn.
const GAITS = {slow: [0.12, 0.1], normal: [0.4, 0.4], fast: [1, 0.8]};

function paced(signs, gait) {
  const [pace, turn] = GAITS[gait];
  return signs.map((sign, axis) => sign * (axis === 3 ? turn : pace));
}

export class Keyboard {
  static help = [
    [['←', '→', '↑', '↓'], 'left, right, away, near'],
    [['w', 's'], 'up, down'],
    [['z', 'x'], 'turn'],
    [['space'], 'open or close'],
    [['shift'], 'hold: slowly'],
    [['f'], 'hold: fast'],
    [['t'], 'hold: let time pass'],
  ];
  static axes = {
    arrowright: [0, 1], arrowleft: [0, -1], arrowup: [1, 1], arrowdown: [1, -1],
    w: [2, 1], s: [2, -1], z: [3, 1], x: [3, -1],
  };
  static gaits = {shift: 'slow', f: 'fast'};
  static verbs = {
    n: ['keep'], r: ['redo'], d: ['discard'], u: ['undo'], q: ['quit'], o: ['override'],
    p: ['assist'], v: ['show'],
    1: ['speed', 1], 2: ['speed', 0.5], 3: ['speed', 0.25],
  };

  constructor(page) {
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
    // Shortcuts of the browser stay its own.
    if (event.ctrlKey || event.metaKey || event.altKey || !event.key) return;
    if (event.target instanceof HTMLInputElement) return;
    const key = event.key.toLowerCase();
    const known = key in Keyboard.axes || key in Keyboard.gaits || key === 't';
    if (known || key === ' ' || key in Keyboard.verbs) event.preventDefault();
    if (event.repeat) return;
    if (known) {
      this.held.add(key);
      page.changed();
    } else if (key === ' ') {
      page.grip();
    } else if (key in Keyboard.verbs) {
      page.act(...Keyboard.verbs[key]);
    }
  }

  read() {
    const signs = [0, 0, 0, 0];
    let gait = 'normal';
    for (const key of this.held) {
      if (key in Keyboard.axes) {
        const [axis, sign] = Keyboard.axes[key];
        signs[axis] += sign;
      }
      gait = Keyboard.gaits[key] ?? gait;
    }
    const wait = this.held.has('t');
    return signs.some(Boolean) || wait ? {axes: paced(signs, gait), wait} : null;
  }
}

export class Pointer {
  static help = [[['drag'], 'on the wide view: lead the gripper']];

  constructor(page) {
    const view = document.getElementById('wide');
    this.goal = null;
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
  static help = [];

  constructor(page) {
    this.pressed = new Map();
    for (const button of document.querySelectorAll('#pad button')) {
      button.addEventListener('pointerdown', (event) => {
        button.setPointerCapture(event.pointerId);
        if ('grip' in button.dataset) page.grip();
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
    const signs = [0, 0, 0, 0];
    let wait = false;
    for (const {axis, sign} of this.pressed.values()) {
      if (axis === undefined) wait = true;
      else signs[axis] += Number(sign);
    }
    return {axes: paced(signs, 'normal'), wait};
  }
}

export class Gamepad {
  static help = [[['pad'], 'sticks move, A grips, B lets time pass']];
  static dead = 0.15; // sticks at rest are never quite at zero

  constructor(page) {
    this.page = page;
    this.gripped = false;
    this.verbs = {8: ['redo'], 9: ['keep']}; // back and start of the standard mapping
    this.done = new Set();
  }

  read() {
    const pad = navigator.getGamepads().find((found) => found?.mapping === 'standard');
    if (!pad) return null;
    const pressed = (number) => pad.buttons[number]?.pressed ?? false;
    if (pressed(0) && !this.gripped) this.page.grip();
    this.gripped = pressed(0);
    for (const [number, said] of Object.entries(this.verbs)) {
      if (pressed(number) && !this.done.has(number)) this.page.act(...said);
      if (pressed(number)) this.done.add(number);
      else this.done.delete(number);
    }
    const turn = pressed(4) - pressed(5);
    const [x, y, , z] = pad.axes.map((value) => this.bent(value));
    const axes = [x, -y, -z, turn * GAITS.normal[1]];
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
