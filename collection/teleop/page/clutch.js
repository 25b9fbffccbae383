// A clutch between a hand and axes: while it is held, they go as far as the hand goes.
//
// Commands say where axes are to arrive, as the sum of their rates in this attempt, their
// travel; the server goes there, and its status has the travel so far.

// Metres and radians that the first four axes travel in a control step at rate 1, where
// the world does not say.
const STRIDES = [0.05, 0.05, 0.05, 0.3];
// Dead zone, in strides: a hand is never quite still, and each step is one of few.
const DEAD = 0.03;

export class Clutch {
  // Leads some axes, by number; all others are left to other devices.
  constructor(page, {axes}, led) {
    this.page = page;
    this.led = led.filter((axis) => axis < axes.length);
    this.strides = axes.map(({stride}, axis) => stride ?? STRIDES[axis]);
    this.pressed = false;
    this.hand = null; // way of the hand along each led axis, in strides, while it leads
  }

  hold(pressed) {
    if (pressed && !this.pressed && this.page.status.travel) {
      this.began = this.page.status;
      this.hand = this.led.map(() => 0);
      this.followed = [...this.hand];
    }
    if (!pressed) this.hand = null;
    this.pressed = pressed;
  }

  // The hand no longer leads, until the clutch is released and held again.
  drop() {
    this.hand = null;
  }

  // The hand has moved, by metres or radians along each of the axes that it leads.
  move(change) {
    this.hand &&= this.hand.map((way, i) => way + change[i] / this.strides[this.led[i]]);
  }

  read() {
    if (!this.hand) return null;
    const {driving, phase, step} = this.page.status;
    if (!driving || !['ready', 'acting'].includes(phase) || step < this.began.step) {
      this.drop(); // another attempt has begun, or none is possible
      return null;
    }
    const apart = this.hand.map((way, i) => Math.abs(way - this.followed[i]));
    if (Math.max(...apart) > DEAD) this.followed = [...this.hand];
    const lead = this.began.travel.map((travel, axis) => {
      const i = this.led.indexOf(axis);
      return i < 0 ? null : Math.round(1000 * (travel + this.followed[i])) / 1000;
    });
    return {lead};
  }
}
