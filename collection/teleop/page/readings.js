// What several devices need to read themselves.

export const rest = ({axes}) => axes.map(() => 0);

export const clamped = (value) => Math.max(-1, Math.min(1, value));

// Rate of a stick, or of a cap, that is deflected by a share of its way: none within the
// dead zone, as at rest they are never quite at zero; fine around the middle, and the
// largest speed at the end.
export function bent(value, dead) {
  const size = Math.max(0, Math.abs(value) - dead) / (1 - dead);
  return Math.sign(value) * Math.min(1, size) ** 2;
}

// Notices when buttons go down.
export class Presses {
  constructor() {
    this.down = new Set();
  }

  begins(button, pressed) {
    const begins = pressed && !this.down.has(button);
    if (pressed) this.down.add(button);
    else this.down.delete(button);
    return begins;
  }
}
