// A phone as a pointer: while the clutch in the pad is held, height and turn follow where
// it points; a drag or the buttons move in the plane of the table.

import {Clutch} from './clutch.js';

const HEIGHT = 0.25; // metres per radian of elevation
const STEEP = 0.2; // cosine of the elevation from which on there is no heading
const SENSED_MS = 1500; // in which the first event of a sensor comes
const RADIANS = Math.PI / 180;

// Heading, counter-clockwise, and elevation of the upper edge of a screen, in radians.
//
// Angles are those of a deviceorientation event in degrees: turns about the device's z,
// then x, then y, from x to the east and z up. `screenAngle` is that of
// screen.orientation, as the upper edge of the screen is another edge of a turned device.
export function pointing({alpha, beta, gamma}, screenAngle = 0) {
  const [a, b, c, s] = [alpha, beta, gamma, screenAngle].map((angle) => angle * RADIANS);
  const [x0, y0] = [Math.sin(s), Math.cos(s)];
  const [x1, z1] = [x0 * Math.cos(c), -x0 * Math.sin(c)];
  const [y2, z2] = [y0 * Math.cos(b) - z1 * Math.sin(b), y0 * Math.sin(b) + z1 * Math.cos(b)];
  const x3 = x1 * Math.cos(a) - y2 * Math.sin(a);
  const y3 = x1 * Math.sin(a) + y2 * Math.cos(a);
  return {heading: Math.atan2(-x3, y3), elevation: Math.asin(Math.max(-1, Math.min(1, z2)))};
}

// [up, turn] from one direction to another, in metres and radians.
export function change(from, to) {
  const flat = Math.min(Math.cos(from.elevation), Math.cos(to.elevation));
  const turn = flat < STEEP ? 0 : to.heading - from.heading;
  const up = HEIGHT * (to.elevation - from.elevation);
  return [up, Math.atan2(Math.sin(turn), Math.cos(turn))];
}

const isPhone = () =>
  'DeviceOrientationEvent' in window && matchMedia('(pointer: coarse)').matches;

export class Phone {
  static help = () => [];

  constructor(page, controls) {
    this.page = page;
    this.clutch = new Clutch(page, controls, [2, 3]);
    this.last = null;
    if (!isPhone() || !this.clutch.led.length) return;
    this.button = page.offer('steer by tilting', () => this.connect());
    document.addEventListener('visibilitychange', () => this.clutch.drop());
  }

  async connect() {
    // Safari asks, and only after a tap.
    const answer = await DeviceOrientationEvent.requestPermission?.().catch(() => 'denied');
    if (answer && answer !== 'granted') {
      this.page.notice('The browser denies this page the sensors of the phone.', true);
      return;
    }
    this.button.hidden = true;
    addEventListener('deviceorientation', (event) => this.sense(event));
    setTimeout(() => {
      if (!this.last) this.page.notice('This device does not sense its orientation.', true);
    }, SENSED_MS);
  }

  sense(event) {
    if (event.alpha === null || event.beta === null) return;
    const now = pointing(event, screen.orientation?.angle);
    if (!this.last) this.begin();
    else this.clutch.move(change(this.last, now));
    this.last = now;
  }

  // The clutch, where the thumbs are.
  begin() {
    const button = document.createElement('button');
    button.id = 'tilt';
    button.textContent = 'tilt';
    button.ariaLabel = 'hold, and tilt the phone';
    const hold = (held) => {
      this.clutch.hold(held);
      this.page.changed();
    };
    button.addEventListener('pointerdown', (event) => {
      button.setPointerCapture(event.pointerId);
      hold(true);
    });
    for (const end of ['pointerup', 'pointercancel']) {
      button.addEventListener(end, () => hold(false));
    }
    document.querySelector('#pad .column:last-child').append(button);
    this.page.notice('Hold “tilt”: height and turn follow the phone.');
  }

  read() {
    return this.clutch.read();
  }
}
