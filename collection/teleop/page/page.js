// The page: what is recorded, how far it is, and the operator.

import {Console} from './console.js';

const $ = (id) => document.getElementById(id);

class Page extends Console {
  constructor() {
    super();
    this.pictures = []; // when those of the last seconds came
    this.shown = 0;
    this.listen();
    this.connect();
  }

  act(verb, value) {
    if (verb === 'override' && value === undefined) {
      // From the environment's own test to its opposite, and back.
      value = this.status.override === null ? !this.status.success : null;
    }
    if (verb === 'assist') value = !this.status.assist;
    if (verb === 'quit') {
      const asked = $('quit').open;
      if (asked) $('quit').close();
      else if (this.status.driving) $('quit').showModal();
      if (!asked) return;
    }
    this.send({type: 'do', verb, ...(value === undefined ? {} : {value})});
  }

  // The next scene, or this one again: as suits the outcome.
  goOn() {
    if (this.status.phase === 'over') this.act(this.onwards);
  }

  // --- The server.

  lost() {
    $('message').textContent =
      'The connection is lost; trying again … After `wtl teleop` was started again, open the address that it prints.';
    $('message').className = 'refused';
  }

  pictured(sent) {
    const now = performance.now();
    if (sent !== undefined) $('latency').textContent = `${Math.round(now - sent)} ms`;
    this.shown += 1;
    this.pictures.push(now);
    while (now - this.pictures[0] > 2000) this.pictures.shift();
    const span = now - this.pictures[0];
    const rate = span ? (1000 * (this.pictures.length - 1)) / span : 0;
    $('fps').textContent = `${rate.toFixed(0)} /s`;
  }

  update(status, before) {
    const took = status.driving && !before.driving;
    if (took && $('name').value) this.act('name', $('name').value);
    document.body.classList.toggle('watches', !status.driving);
    const {phase, progress} = status;
    const ended = status.ended === true;
    $('task').textContent = ended
      ? 'The session has ended. Kept episodes are safe.'
      : (status.task ?? 'Everything is recorded. Thank you!');
    $('family').textContent = status.family ?? '';
    const [done, all] = progress.task;
    const [tasks, allTasks] = progress.tasks;
    $('count').textContent =
      (all ? `${status.role ?? 'episode'} ${Math.min(done + 1, all)} of ${all} · ` : '') +
      `${tasks} of ${allTasks} tasks · ${progress.episodes[0]} kept`;
    const overridden = (status.override ?? null) !== null;
    const success = overridden ? status.override : status.success;
    const over = phase === 'over';
    const failed = over && success === false;
    if (success && !document.body.classList.contains('succeeds')) navigator.vibrate?.(80);
    $('success').classList.toggle('on', success === true);
    $('success').classList.toggle('failed', failed);
    document.body.classList.toggle('succeeds', success === true);
    // A failed trial teaches as well; a failed demonstration is made again.
    this.onwards = failed && status.role === 'demo' ? 'redo' : 'keep';
    $('over').hidden = !over || ended;
    $('outcome').textContent = success ? '✓ Success.'
      : status.step < status.horizon ? 'The episode is over.' : 'Out of steps.';
    $('go-on').querySelector('span').textContent = {
      keep: 'keep it and go on', redo: 'go on: try again',
    }[this.onwards];
    $('success-text').textContent =
      (success === null ? 'shown at the end'
        : success ? '✓ success' : over ? '✗ out of steps' : 'not yet') +
      (overridden ? ' (your label)' : '');
    $('budget').style.width = `${(100 * (status.step ?? 0)) / (status.horizon ?? 1)}%`;
    $('steps').textContent = {
      showing: 'watch the demonstration (v skips it)',
      ready: 'your first move starts the recording',
      acting: `${status.step} of ${status.horizon} steps`,
      over: `${status.step < status.horizon ? 'the episode is over' : 'out of steps'}: ${this.onwards === 'redo' ? '' : 'keep, '}redo or discard`,
    }[phase] ?? '';
    $('assist').hidden = (status.assist ?? null) === null;
    $('assist').classList.toggle('chosen', status.assist === true);
    $('show').hidden = !status.demonstration;
    $('message').textContent = status.message;
    $('message').className = status.refused ? 'refused' : '';
    $('rate').textContent = `${status.rate.toFixed(1)} Hz`;
    $('rate').className = status.slow ? 'slow' : '';
    $('claim').disabled = status.driven && !status.driving;
    $('claim').textContent = status.driving ? 'hand over' : 'operate';
    $('who').textContent = status.driving
      ? `You operate; ${status.watching} watching.`
      : status.driven ? `${status.operator} operates, you watch.` : 'There is no operator.';
    document.body.classList.toggle('busy', status.busy);
    for (const button of document.querySelectorAll('[data-speed]')) {
      button.classList.toggle('chosen', Number(button.dataset.speed) === status.speed);
      button.disabled = !status.driving;
    }
    this.updateProgress(progress.families);
  }

  updateProgress(families) {
    $('progress').replaceChildren(
      ...Object.entries(families).map(([family, [done, all]]) => {
        const row = document.createElement('div');
        const bar = document.createElement('progress');
        bar.max = all;
        bar.value = done;
        const count = document.createElement('span');
        count.textContent = `${done} of ${all}`;
        row.append(family, bar, count);
        return row;
      }),
    );
  }

  listen() {
    for (const button of document.querySelectorAll('[data-verb]')) {
      button.addEventListener('click', () => {
        this.act(button.dataset.verb);
        button.blur(); // the space bar is the latch's
      });
    }
    for (const button of document.querySelectorAll('[data-speed]')) {
      button.addEventListener('click', () => {
        this.act('speed', Number(button.dataset.speed));
        button.blur();
      });
    }
    $('go-on').addEventListener('click', () => this.goOn());
    $('other').addEventListener('click', () => $('views').classList.toggle('close'));
    $('claim').addEventListener('click', () => {
      if (this.status.driving) this.drove = false;
      this.act(this.status.driving ? 'release' : 'claim');
    });
    $('name').value = localStorage.getItem('operator') ?? '';
    $('name').addEventListener('change', () => {
      localStorage.setItem('operator', $('name').value);
      this.act('name', $('name').value);
    });
    $('name').addEventListener('keydown', (event) => {
      if (event.key === 'Enter') $('name').blur();
    });
  }
}

// For the console, and for tests.
window.teleop = new Page();
