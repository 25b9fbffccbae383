// 3Dconnexion's mice with six axes, over WebHID.
//
// Their frame is right-handed with x to the right, y to the user and z down; a cap at its
// stop counts 350. The sources of the format are in docs/teleop.md.

import {bent, Presses, rest} from './readings.js';

const VENDORS = [0x046d, 0x256f]; // Logitech, of which the first ones are; 3Dconnexion
const MULTI_AXIS = {usagePage: 0x01, usage: 0x08};
const FULL = 350;
const DEAD = 0.1;
// A deflected cap reports every 8 to 16 ms: silence is a lost connection.
const SILENT_MS = 300;
const AT_REST = {moved: [0, 0, 0], turned: [0, 0, 0], buttons: 0};

const triple = (data, at) => [0, 2, 4].map((offset) => data.getInt16(at + offset, true));

// The part of a mouse's state that an input report has; data excludes the report's id.
export function parse(reportId, data) {
  const size = data.byteLength;
  if (reportId === 1 && size >= 12) return {moved: triple(data, 0), turned: triple(data, 6)};
  if (reportId === 1 && size >= 6) return {moved: triple(data, 0)};
  if (reportId === 2 && size >= 6) return {turned: triple(data, 0)};
  if (reportId === 3 && size >= 1) return {buttons: data.getUint8(0)};
  return {};
}

// Rates to the right, away, up and counter-clockwise.
export function rates({moved: [x, y, z], turned: [, , turn]}) {
  return [x, -y, -z, -turn].map((count) => bent(count / FULL, DEAD));
}

const isMouse = ({vendorId, collections}) =>
  VENDORS.includes(vendorId) &&
  collections.some(({usagePage, usage}) =>
    usagePage === MULTI_AXIS.usagePage && usage === MULTI_AXIS.usage);

export class SpaceMouse {
  static help = () => [];

  constructor(page, controls) {
    this.page = page;
    this.controls = controls;
    this.device = null;
    this.state = AT_REST;
    this.heard = 0;
    this.presses = new Presses();
    if (!navigator.hid) return;
    this.button = page.offer('connect SpaceMouse', () => this.choose());
    navigator.hid.addEventListener('connect', ({device}) => this.open(device));
    navigator.hid.addEventListener('disconnect', ({device}) => this.lose(device));
    // Those that were chosen before.
    navigator.hid.getDevices().then((known) => this.open(...known.filter(isMouse)));
  }

  async choose() {
    const filters = VENDORS.map((vendorId) => ({vendorId, ...MULTI_AXIS}));
    this.open(...(await navigator.hid.requestDevice({filters})).filter(isMouse));
  }

  async open(device) {
    if (!device || this.device || !isMouse(device)) return;
    try {
      if (!device.opened) await device.open();
    } catch (error) {
      this.page.notice(`The SpaceMouse can't be opened: ${error.message}`, true);
      return;
    }
    device.oninputreport = ({reportId, data}) => {
      this.state = {...this.state, ...parse(reportId, data)};
      this.heard = performance.now();
      if (this.presses.begins('left', Boolean(this.state.buttons & 1))) this.page.latch();
    };
    this.device = device;
    this.button.hidden = true;
    const {latch} = this.controls;
    const left = latch ? `, left button: ${latch.label}` : '';
    this.page.notice(`The SpaceMouse is connected. Cap: move${left}, right button: let time pass.`);
  }

  lose(device) {
    if (device !== this.device) return;
    this.device = null;
    this.state = AT_REST;
    this.button.hidden = false;
    this.page.changed();
    this.page.notice('The SpaceMouse is unplugged: its motion has stopped.', true);
  }

  read() {
    if (performance.now() - this.heard > SILENT_MS) {
      this.state = {...AT_REST, buttons: this.state.buttons};
    }
    const read = rates(this.state);
    const axes = rest(this.controls).map((_, axis) => read[axis] ?? 0);
    const wait = Boolean(this.state.buttons & 2);
    return axes.some(Boolean) || wait ? {axes, wait} : null;
  }
}
