// The page: a lesson from its demonstration to the retrial.

import {showBelief} from './belief.js';
import {element} from './elements.js';
import {Film, drawn} from './film.js';

const $ = (id) => document.getElementById(id);

async function ask(path, body) {
  let options = {};
  if (body !== undefined) {
    const headers = {'Content-Type': 'application/json'};
    options = {method: 'POST', headers, body: JSON.stringify(body)};
  }
  let response;
  try {
    response = await fetch(`api/${path}`, options);
  } catch {
    throw new Error('The server does not answer; start `wtl teach` again.');
  }
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error ?? `the server says ${response.status}`);
  return answer;
}

class Page {
  constructor() {
    this.film = new Film(() => this.updateActions());
    this.lesson = null;
    this.busy = '';
    this.byHand = false;
    this.clicks = 0; // and keys that do the same
    this.seen = new Set(); // ids of the episodes that were played to their end
    $('replay').addEventListener('click', () => this.show(this.chosen));
    addEventListener('keydown', (event) => this.key(event));
    this.start();
  }

  get isReady() {
    return Boolean(this.lesson) && !this.busy && !this.film.loading;
  }

  async start() {
    await this.do('lesson', undefined, 'Getting ready …');
  }

  // Asks for something, and shows what came of it.
  async do(path, body, words) {
    if (this.busy) return;
    this.busy = words;
    this.say('');
    this.updateActions();
    const before = this.lesson;
    try {
      this.lesson = await ask(path, body);
    } catch (error) {
      this.say(error.message, true);
    }
    this.busy = '';
    if (this.lesson) await this.update(before);
  }

  say(words, refused = false) {
    $('message').textContent = words ?? '';
    $('message').className = refused ? 'refused' : '';
  }

  // --- The view.

  async update(before) {
    const {lesson} = this;
    this.byHand = lesson.hand;
    document.title = `Teach: ${lesson.family}`;
    $('task').textContent = lesson.instruction || lesson.family;
    $('hand').hidden = !lesson.hand;
    $('film').hidden = lesson.hand;
    document.body.classList.toggle('by-hand', lesson.hand);
    if (lesson.hand) this.film.shown = '';
    if (!lesson.hand_missing && !this.console) {
      const {Hand} = await import('./hand.js');
      this.console ??= new Hand(this);
    }
    const ids = this.episodes.map(({id}) => id);
    this.film.keep(ids);
    const old = new Set(before ? [before.demo, ...before.tries].map((e) => e?.id) : []);
    const fresh = this.episodes.findLast(({id}) => !old.has(id));
    this.updateStrip();
    showBelief(lesson, this.scene);
    this.updateActions();
    if (lesson.hand) return;
    if (fresh) this.show(fresh);
    else if (before?.hand || !ids.includes(this.chosen?.id)) this.show(this.episodes.at(-1));
    else this.updateVerdict();
  }

  get episodes() {
    const {demo, tries} = this.lesson;
    return [...(demo ? [{...demo, what: 'demonstration'}] : []), ...tries];
  }

  get last() {
    return this.lesson.tries.at(-1);
  }

  async show(episode) {
    this.chosen = episode;
    this.updateStrip();
    this.updateAttention();
    this.updateVerdict();
    $('caption').textContent = '';
    if (!episode) {
      this.film.clear();
      return;
    }
    $('caption').textContent = this.name(episode);
    const playing = this.film.play(episode).catch((error) => this.say(error.message, true));
    this.updateWaiting();
    await playing;
    if (this.chosen !== episode) return;
    this.seen.add(episode.id);
    this.updateVerdict();
    this.updateActions();
  }

  name(episode) {
    if (episode.what) {
      return {hand: 'your demonstration', human: 'human video', robot: 'demonstration'}[this.lesson.source];
    }
    const number = this.lesson.tries.findIndex(({id}) => id === episode.id);
    const scene = number && episode.scene !== this.lesson.tries[number - 1].scene ? ', new scene' : '';
    return (number ? `retry ${number}` : 'first try') + scene;
  }

  updateVerdict() {
    const tried = this.lesson?.tries.find(({id}) => id === this.chosen?.id);
    const known = Boolean(tried) && this.seen.has(tried.id);
    const success = tried?.judged ?? tried?.achieved;
    $('verdict').hidden = !known;
    $('verdict').className = success ? 'yes' : 'no';
    $('verdict').textContent = !known ? ''
      : (success ? '✓ ' : '✗ ') +
        (tried.judged === null ? 'environment: '
          : tried.judged === tried.achieved ? '' : 'you: ') +
        (success ? 'done' : 'not done');
  }

  // What an image policy attended to in the try that is shown.
  updateAttention() {
    const tried = this.lesson?.tries.find(({id}) => id === this.chosen?.id);
    $('attention').hidden = !tried?.attention;
    if ($('attention').dataset.id === tried?.id) return;
    $('attention').dataset.id = tried?.id ?? '';
    $('attention').replaceChildren();
    if (!tried?.attention) return;
    const caption = element('figcaption', {}, `Attention: ${this.name(tried)}`);
    $('attention').append(drawn(tried.attention), caption);
  }

  updateStrip() {
    $('strip').replaceChildren(
      ...this.episodes.map((episode) => {
        const mark = episode.what ? '●' : episode.judged === null ? '?' : episode.judged ? '✓' : '✗';
        const button = element(
          'button', {data: {id: episode.id}},
          element('b', {className: {'✓': 'yes', '✗': 'no'}[mark] ?? ''}, mark), ' ', this.name(episode),
        );
        button.ariaPressed = episode.id === this.chosen?.id;
        button.addEventListener('click', () => this.show(episode));
        return button;
      }),
    );
  }

  // Number of the scene of the next try.
  get scene() {
    return this.last?.scene ?? 0;
  }

  // --- What can be done.

  updateActions() {
    const given = this.lesson && !this.busy ? this.actions() : [];
    this.updateWaiting();
    document.body.classList.toggle('busy', Boolean(this.busy));
    $('advice').textContent = this.busy ? '' : this.advice();
    const focused = document.activeElement?.dataset?.does;
    $('actions').replaceChildren(
      ...given.map(({does, key, words, run, kind = '', disabled = false}) => {
        const button = element('button', {className: kind, disabled, data: {does}}, element('kbd', {}, key), ` ${words}`);
        button.addEventListener('click', () => this.run(run));
        return button;
      }),
    );
    if (focused) $('actions').querySelector(`[data-does=${focused}]`)?.focus();
    this.updateSteps();
    this.updateLessons();
  }

  updateWaiting() {
    const words = this.busy || (this.film.loading ? 'Rendering the film …' : '');
    $('waiting').hidden = !words;
    $('waiting').textContent = words;
  }

  run(what) {
    this.clicks += 1;
    what();
  }

  get step() {
    if (!this.lesson?.demo || this.byHand) return 'watch';
    const {last} = this;
    if (!last) return 'try';
    return last.judged === null ? 'judge' : 'retry';
  }

  advice() {
    const {step, last} = this;
    if (!this.lesson) return '';
    if (this.byHand) {
      return this.console?.status.driving === false ? 'Another visitor demonstrates; you watch.' : 'Show it once. Time passes only while you move.';
    }
    return {
      watch: 'This task has no demonstration yet: show it once.',
      try: 'It has seen this once. Let it try in a new scene.',
      judge: this.film.loading ? '' : 'Was that right? It learns from what you say.',
      retry: last?.judged ? 'Done. Another scene, or another task?' : 'It knows that this was wrong. Let it try again.',
    }[step];
  }

  actions() {
    const {lesson, step, last} = this;
    if (this.byHand) return this.actionsByHand();
    const found = [];
    if (step === 'try') {
      found.push({does: 'try', key: 't', words: 'Try', kind: 'primary', run: () => this.do('try', {}, 'The robot tries …')});
    }
    if (step === 'judge') {
      const unseen = this.film.loading > 0;
      const judge = (success) => () => this.do('judge', {success}, 'It thinks …');
      found.push(
        {does: 'right', key: 'y', words: '✓ Right', kind: last.achieved ? 'yes primary' : 'yes', disabled: unseen, run: judge(true)},
        {does: 'wrong', key: 'n', words: '✗ Wrong', kind: last.achieved ? 'no' : 'no primary', disabled: unseen, run: judge(false)},
      );
    }
    if (step === 'retry') {
      const retry = (new_scene) => () => this.do('try', {new_scene}, 'The robot tries again …');
      found.push(
        {does: 'retry', key: 't', words: 'Retry', kind: last.judged ? '' : 'primary', run: retry(false)},
        {does: 'new-scene', key: 's', words: 'Try in a new scene', kind: last.judged ? 'primary' : '', run: retry(true)},
      );
    }
    if (!lesson.tries.length) {
      if (!lesson.hand_missing) {
        found.push({does: 'hand', key: 'd', words: 'Demonstrate by hand', kind: step === 'watch' ? 'primary' : '', run: () => this.do('hand', {on: true}, 'The scene opens …')});
      }
      for (const source of lesson.sources.filter((name) => name !== lesson.source)) {
        const words = {robot: 'Recorded demonstration', human: 'Human video'}[source];
        found.push({does: source, key: {robot: 'r', human: 'h'}[source], words, run: () => this.do('demo', {source}, 'The film opens …')});
      }
    } else if (step !== 'judge') {
      found.push({does: 'keep', key: 'k', words: lesson.kept ? 'Kept' : 'Keep', disabled: lesson.kept, run: () => this.do('keep', {}, 'Keeping …')});
    }
    return found;
  }

  actionsByHand() {
    const act = (verb) => () => this.console.act(verb);
    const {driving, success, override, phase} = this.console?.status ?? {};
    const found = [];
    if (driving) {
      const done = (override ?? success) === true;
      found.push(
        {does: 'done', key: 'n', words: 'Done, use it', kind: done ? 'yes primary' : '', run: act('keep')},
        {does: 'redo', key: 'r', words: 'Start over', kind: phase === 'over' && !done ? 'primary' : '', run: act('redo')},
        {does: 'override', key: 'o', words: override == null ? 'Override success' : 'Success as tested', run: act('override')},
      );
    }
    return [...found, {does: 'cancel', key: 'esc', words: 'Cancel', run: () => this.do('hand', {on: false}, 'Closing …')}];
  }

  demonstrated() {
    this.do('demo', {source: 'hand'}, 'The robot watches …');
  }

  updateSteps() {
    for (const item of $('steps').children) {
      const now = item.dataset.step === this.step;
      item.classList.toggle('now', now);
      if (now) item.setAttribute('aria-current', 'step');
      else item.removeAttribute('aria-current');
    }
  }

  updateLessons() {
    const families = this.byHand ? [] : this.lesson?.families ?? [];
    $('lessons').replaceChildren(
      ...(families.length ? [element('span', {}, 'Another task:')] : []),
      ...families.map((family) => {
        const button = element('button', {disabled: Boolean(this.busy), data: {family}}, family);
        button.ariaPressed = family === this.lesson.family;
        button.addEventListener('click', () => this.run(() => this.do('lesson', {family}, 'Another task …')));
        return button;
      }),
    );
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || !event.key) return;
    const key = event.key.toLowerCase();
    if (this.byHand) {
      if (key === 'escape') this.press('cancel');
      return; // all others are those of the console
    }
    const {activeElement} = document;
    if (key === 'enter' && !(activeElement instanceof HTMLButtonElement)) {
      $('actions').querySelector('.primary')?.click();
    } else if (key === 'p') {
      this.show(this.chosen);
    } else {
      const found = this.lesson && !this.busy && this.actions().find((action) => action.key === key);
      if (found) this.press(found.does);
    }
  }

  press(does) {
    $('actions').querySelector(`[data-does=${does}]`)?.click();
  }
}

// For the console, and for tests.
window.teach = new Page();
