// Controllers of a headset, over WebXR: while one is squeezed, the hand leads the axes.

import {Clutch} from './clutch.js';
import {Panel} from './panel.js';
import {Presses} from './readings.js';

// Buttons of the mapping xr-standard: A or X, B or Y.
const TRIGGER = 0;
const SQUEEZE = 1;
const VERBS = {4: 'keep', 5: 'redo'};

const pressed = ({gamepad}, button) => gamepad.buttons[button]?.pressed ?? false;

// [right, away, up, turn] from one pose to another, in metres and radians counter-clockwise
// about the vertical. Poses have x to the right, y up, and z to the wearer.
export function change(from, to) {
  const [p, q] = [from.position, to.position];
  const [a, b] = [from.orientation, to.orientation];
  // Real part, and vertical component, of the rotation b a⁻¹.
  const w = b.w * a.w + b.x * a.x + b.y * a.y + b.z * a.z;
  const y = b.y * a.w - b.w * a.y - (b.z * a.x - b.x * a.z);
  const twist = 2 * Math.atan2(y, w);
  const turn = Math.atan2(Math.sin(twist), Math.cos(twist));
  return [q.x - p.x, p.z - q.z, q.y - p.y, turn];
}

export class Headset {
  static help = () => [];

  constructor(page, controls) {
    this.page = page;
    this.controls = controls;
    this.clutch = new Clutch(page, controls, [0, 1, 2, 3]);
    this.presses = new Presses();
    this.pulled = new Set(); // hands that pull the trigger
    this.leader = null; // controller that is squeezed
    this.last = null; // its pose
    navigator.xr?.isSessionSupported('immersive-vr').then((is) => {
      if (is) this.button = page.offer('enter headset', () => this.enter());
    }, () => {}); // where a policy forbids it
  }

  async enter() {
    let session = null;
    try {
      session = await navigator.xr.requestSession('immersive-vr');
      session.addEventListener('end', () => this.leave());
      session.addEventListener('visibilitychange', () => {
        this.lose('The headset shows something else');
      });
      const gl = document.createElement('canvas').getContext('webgl', {xrCompatible: true});
      if (!gl) throw new Error('there is no WebGL');
      this.panel = new Panel(gl);
      session.updateRenderState({baseLayer: new XRWebGLLayer(session, gl)});
      this.space = await session.requestReferenceSpace('local');
      this.space.addEventListener('reset', () => this.clutch.drop());
      this.next(session);
      this.button.hidden = true;
      const {latch} = this.controls;
      const trigger = latch ? `, trigger: ${latch.label}` : '';
      this.page.notice(`In the headset, squeeze: the hand leads${trigger}, A: keep, B: redo.`);
    } catch (error) {
      await session?.end();
      this.page.notice(`The headset can't be entered: ${error.message}`, true);
    }
  }

  next(session) {
    session.requestAnimationFrame((now, frame) => {
      this.next(session);
      this.lead(session.inputSources, frame);
      this.panel.draw(frame, this.space, session.renderState.baseLayer, now);
    });
  }

  lead(sources, frame) {
    const hands = [...sources].filter(
      ({gamepad, gripSpace}) => gripSpace && gamepad?.mapping === 'xr-standard',
    );
    for (const hand of hands) this.press(hand);
    if (this.leader && !hands.includes(this.leader)) this.lose('The controller is gone');
    if (!hands.includes(this.leader) || !pressed(this.leader, SQUEEZE)) {
      this.clutch.hold(false);
      this.last = null;
      this.leader = hands.find((hand) => pressed(hand, SQUEEZE)) ?? null;
      this.clutch.hold(Boolean(this.leader));
    }
    if (!this.leader) return;
    const pose = frame.getPose(this.leader.gripSpace, this.space)?.transform;
    if (!pose) this.lose('The controller is not tracked');
    else if (this.last) this.clutch.move(change(this.last, pose));
    this.last = pose;
  }

  // The fingers follow the trigger; other buttons act once.
  press(hand) {
    const {handedness} = hand;
    const pulls = pressed(hand, TRIGGER);
    if (pulls !== this.pulled.has(handedness)) {
      if (pulls) this.pulled.add(handedness);
      else this.pulled.delete(handedness);
      this.page.latch(pulls ? 1 : -1);
    }
    for (const [button, verb] of Object.entries(VERBS)) {
      const begins = this.presses.begins(handedness + button, pressed(hand, button));
      if (begins) this.page.act(verb);
    }
  }

  lose(why) {
    if (!this.clutch.hand) return;
    this.clutch.drop();
    this.page.changed();
    this.page.notice(`${why}: its motion has stopped. Squeeze again.`, true);
  }

  leave() {
    this.clutch.hold(false);
    this.leader = this.last = null;
    this.button.hidden = false;
    this.page.changed();
    this.page.notice('The headset is left: its motion has stopped.', true);
  }

  read() {
    return this.clutch.read();
  }
}
