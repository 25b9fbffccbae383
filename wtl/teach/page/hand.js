// Demonstrates by hand: the console of teleoperation in a scene of the lesson.

import {Console} from './console.js';

const VERBS = ['keep', 'redo', 'override', 'speed', 'claim', 'release'];

const $ = (id) => document.getElementById(id);

export class Hand extends Console {
  constructor(page) {
    super();
    this.page = page;
    this.began = false; // whether the scene of this demonstration has been shown
    $('other').addEventListener('click', () => $('views').classList.toggle('close'));
    this.connect();
  }

  get operates() {
    return this.page.byHand;
  }

  act(verb, value) {
    if (!VERBS.includes(verb)) return;
    if (verb === 'override' && value === undefined) {
      value = this.status.override === null ? !this.status.success : null;
    }
    this.send({type: 'do', verb, ...(value === undefined ? {} : {value})});
  }

  goOn() {
    if (this.status.phase === 'over') this.act(this.status.success ? 'keep' : 'redo');
  }

  lost() {
    this.page.say('The connection is lost; trying again …', true);
  }

  update(status, before) {
    const {phase} = status;
    if (!this.page.byHand) return;
    if (phase === 'complete' && this.began) {
      this.began = false;
      this.page.demonstrated();
      return;
    }
    this.began ||= phase === 'ready';
    if (status.task) $('task').textContent = status.task;
    $('budget').style.width = `${(100 * (status.step ?? 0)) / (status.horizon ?? 1)}%`;
    $('counted').textContent = {
      ready: 'your first move starts it',
      acting: `${status.step} of ${status.horizon} steps`,
      over: 'out of steps',
    }[phase] ?? '';
    document.body.classList.toggle('succeeds', status.success === true);
    if (status.message !== before.message) this.page.say(status.message, status.refused);
    const changed = ['phase', 'success', 'driving', 'override'];
    if (changed.some((name) => status[name] !== before[name])) this.page.updateActions();
  }
}
