// Devices of a browser that replay events from files, for tests: each stands in for the
// browser's own API before the page loads, and window.replay plays a file to its end.

const later = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Calls `play` with each row when its time has come; the first item of a row is in ms.
async function timed(rows, play) {
  const began = performance.now();
  for (const row of rows) {
    const wait = began + row[0] - performance.now();
    if (wait > 0) await later(wait);
    play(row);
  }
}

const bytes = (hex) => Uint8Array.from(hex.match(/../g), (pair) => parseInt(pair, 16));

// --- WebHID.

class FakeMouse extends EventTarget {
  opened = false;
  collections = [{usagePage: 0x01, usage: 0x08}];

  constructor({vendorId, productId}) {
    super();
    Object.assign(this, {vendorId, productId});
  }

  async open() {
    if (window.hidRefuses) throw new DOMException('Failed to open the device.');
    this.opened = true;
  }

  report(hex) {
    const [reportId, ...rest] = bytes(hex);
    const data = new DataView(Uint8Array.from(rest).buffer);
    this.oninputreport?.({reportId, data});
  }
}

class FakeHid extends EventTarget {
  known = [];
  plugged = [];

  async getDevices() {
    return this.known;
  }

  async requestDevice({filters}) {
    const fits = ({vendorId, collections: [{usagePage, usage}]}) => filters.some((filter) =>
      filter.vendorId === vendorId && filter.usagePage === usagePage && filter.usage === usage);
    this.known = this.plugged.filter(fits);
    return this.known;
  }

  tell(type, device) {
    this.dispatchEvent(Object.assign(new Event(type), {device}));
  }
}

// --- WebXR.

const IDENTITY = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];
// 90 degrees of view, and no limits in depth to speak of.
const PROJECTION = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, -1, -1, 0, 0, -0.02, 0];
const point = ([x, y, z, w]) => ({x, y, z, w});

class FakeSession extends EventTarget {
  renderState = {};
  visibilityState = 'visible';
  gamepad = {mapping: 'xr-standard', buttons: []};
  tracked = true;

  constructor() {
    super();
    this.source = {handedness: 'right', gripSpace: {}, gamepad: this.gamepad};
    this.inputSources = [this.source];
    this.set([0, [0.2, -0.2, -0.3], [0, 0, 0, 1], [0, 0, 0, 0, 0, 0]]);
  }

  // Where the controller is, and which of its buttons are pressed.
  set([, position, orientation, values]) {
    const transform = {position: point(position), orientation: point(orientation)};
    this.pose = {transform};
    this.gamepad.buttons = values.map((value) => ({value, pressed: value > 0.1}));
  }

  updateRenderState(state) {
    Object.assign(this.renderState, state);
  }

  async requestReferenceSpace() {
    return new EventTarget();
  }

  requestAnimationFrame(play) {
    setTimeout(() => {
      if (this.ended) return;
      const view = {projectionMatrix: PROJECTION, transform: {inverse: {matrix: IDENTITY}}};
      play(performance.now(), {
        getPose: () => (this.tracked ? this.pose : null),
        getViewerPose: () => ({views: [view]}),
      });
      if (this.looks) this.look();
    }, 14);
  }

  // Keeps a row of pixels across the middle of what was drawn.
  look() {
    const {gl} = this.renderState.baseLayer;
    const {width, height} = gl.canvas;
    const row = new Uint8Array(4 * width);
    gl.readPixels(0, height / 2, width, 1, gl.RGBA, gl.UNSIGNED_BYTE, row);
    this.seen = row;
  }

  async end() {
    this.ended = true;
    this.dispatchEvent(new Event('end'));
  }
}

class FakeLayer {
  framebuffer = null;

  constructor(session, gl) {
    this.gl = gl;
  }

  getViewport() {
    const {width, height} = this.gl.canvas;
    return {x: 0, y: 0, width, height};
  }
}

const fakeXr = {
  isSessionSupported: async (mode) => mode === 'immersive-vr',
  requestSession: async () => (window.xrSession = new FakeSession()),
};

// Takes the place of the browser's own.
const put = (name, value) => Object.defineProperty(navigator, name, {value});
window.fakes = {
  hid: () => put('hid', new FakeHid()),
  xr: () => {
    put('xr', fakeXr);
    window.XRWebGLLayer = FakeLayer;
  },
};

window.replay = {
  plug: (file) => {
    window.mouse = new FakeMouse(file);
    navigator.hid.plugged = [window.mouse];
  },
  mouse: ({reports}) => timed(reports, ([, hex]) => window.mouse.report(hex)),
  // A cap that is held where the last reports were.
  hold: ({reports}) => {
    const again = () => reports.slice(-2).forEach(([, hex]) => window.mouse.report(hex));
    window.held = setInterval(again, 16);
  },
  controller: ({frames}) => timed(frames, (frame) => window.xrSession.set(frame)),
};
