// A clutch between a hand and axes: while it is held, they go as far as the hand goes.
//
// Commands are rates, so the clutch closes a loop: each status of the server has the
// travel of the axes, the sum of the rates of the operator's steps in this attempt.

import {clamped, rest} from './readings.js';

// Metres and radians that the first four axes travel in a control step at rate 1, where
// the world does not say.
const STRIDES = [0.05, 0.05, 0.05, 0.3];
// Share of the remaining way per control step; with more, a slow connection overshoots.
const GAIN = 0.5;
// Dead zone, in strides: a hand is never quite still, and each step is one of few.
const START = 0.08;
const STOP = 0.025;

export class Clutch {
  // Leads some axes, by number; all others are left to other devices.
  constructor(page, {axes}, led) {
    this.page = page;
    this.led = led.filter((axis) => axis < axes.length);
    this.strides = axes.map(({stride}, axis) => stride ?? STRIDES[axis]);
    this.still = rest({axes});
    this.pressed = false;
    this.owed = null; // ways that remain, in strides, while the hand leads
  }

  hold(pressed) {
    if (pressed && !this.pressed && this.page.status.travel) {
      this.owed = [...this.still];
      this.moving = false;
      this.seen = this.page.status;
    }
    if (!pressed) this.owed = null;
    this.pressed = pressed;
  }

  // The hand no longer leads, until the clutch is released and held again.
  drop() {
    this.owed = null;
  }

  // The hand has moved, by metres or radians along each of the axes that it leads.
  move(change) {
    if (!this.owed) return;
    this.led.forEach((axis, i) => (this.owed[axis] += change[i] / this.strides[axis]));
  }

  read() {
    if (!this.owed) return null;
    const {driving, phase, step, travel} = this.page.status;
    const acts = driving && (phase === 'ready' || phase === 'acting');
    if (!acts || step < this.seen.step) {
      this.drop(); // another attempt has begun, or none is possible
      return null;
    }
    for (const axis of this.led) this.owed[axis] -= travel[axis] - this.seen.travel[axis];
    this.seen = this.page.status;
    const most = Math.max(...this.owed.map(Math.abs));
    this.moving = most > (this.moving ? STOP : START);
    return this.moving ? {axes: this.owed.map((way) => clamped(GAIN * way))} : null;
  }
}
