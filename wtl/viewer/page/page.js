// The page: what is selected, edited and shown, by keys, buttons and its own address.

import {Browser} from './browser.js';
import {tellEdits, tellEpisode, tellStatistics} from './panels.js';
import {Player} from './player.js';
import {element, episodePath, get, send} from './server.js';

const PANELS = ['episode', 'statistics', 'edits'];
const SPEEDS = ['0.25', '0.5', '1', '2'];
const KEYS = [
  ['j', 'next episode', (page) => page.browser.move(1)],
  ['k', 'previous episode', (page) => page.browser.move(-1)],
  [' ', 'play, pause', (page) => page.player.play()],
  [',', 'one step back', (page) => page.player.step(-1)],
  ['.', 'one step on', (page) => page.player.step(1)],
  ['v', 'next view', (page) => page.player.nextView()],
  ['1', 'speed ¼, with 2 ½, 3 1, 4 2', (page) => page.speed(0)],
  ['2', '', (page) => page.speed(1)],
  ['3', '', (page) => page.speed(2)],
  ['4', '', (page) => page.speed(3)],
  ['i', 'mark invalid, or valid again', (page) => page.toggleInvalid()],
  ['s', 'relabel success', (page) => page.toggleSuccess()],
  ['n', 'write a note', (page) => page.writeNote()],
  ['x', 'delete, or keep after all', (page) => page.toggleDeleted()],
  ['u', 'undo the edits of this episode', (page) => page.undo([page.told?.id])],
  ['/', 'search', (page) => page.browser.fields.text.focus()],
  ['e', 'episode', (page) => page.panel('episode')],
  ['t', 'statistics', (page) => page.panel('statistics')],
  ['p', 'pending edits', (page) => page.panel('edits')],
  ['?', 'these keys', () => $('help').showModal()],
];

const $ = (id) => document.getElementById(id);

class Page {
  constructor() {
    const failed = (error) => this.say(error.message, true);
    this.told = null; // the episode that is selected, as the server tells it
    this.wanted = null; // the id of what was selected last, perhaps not told yet
    this.shown = 'episode';
    this.browser = new Browser((id) => this.open(id), () => this.filtered(), failed);
    this.player = new Player((id) => this.select(id), failed);
    this.failed = failed;
    this.listen();
    this.begin();
  }

  async begin() {
    try {
      const library = await get('/api/library');
      $('path').textContent = library.path;
      document.title = `${library.path} · episodes`;
      this.warnings = library.warnings;
      if (library.chosen && !location.hash) {
        history.replaceState(null, '', `#${new URLSearchParams({dataset: library.chosen})}`);
      }
      tellEdits(await get('/api/edits'), this.editing);
    } catch (error) {
      this.failed(error);
      return;
    }
    await this.follow(location.hash);
    if (this.warnings.length) this.say(`Not shown: ${this.warnings.join('; ')}`, true);
    // What is open already may have written its own address since.
    addEventListener('hashchange', ({newURL}) => this.follow(new URL(newURL).hash));
    this.isReady = true;
  }

  // Shows what an address names.
  async follow(hash) {
    const given = Object.fromEntries(new URLSearchParams(hash.slice(1)));
    const {id, panel, view, ...filters} = given;
    this.browser.filters = filters;
    this.player.wish = view ?? '';
    this.wanted = id ?? null;
    await this.browser.select(this.wanted);
    if (this.wanted !== (id ?? null)) return;
    if (id) await this.open(id);
    else await this.browser.move(1);
    this.panel(PANELS.includes(panel) ? panel : 'episode');
  }

  say(words, refused = false) {
    clearTimeout(this.saying);
    $('message').textContent = words;
    $('message').hidden = !words;
    $('message').classList.toggle('refused', refused);
    if (words && !refused) this.saying = setTimeout(() => this.say(''), 8000);
  }

  // --- Episodes.

  async select(id) {
    this.panel('episode');
    this.wanted = id;
    await this.browser.select(id);
    if (this.wanted === id) await this.open(id);
  }

  async open(id) {
    this.wanted = id;
    await this.saveNote();
    if (this.wanted !== id) return;
    this.opening?.abort();
    const {signal} = (this.opening = new AbortController());
    try {
      const told = await get(episodePath(id), {}, signal);
      const others = told.chain.map((other) =>
        other === id ? told : get(episodePath(other), {}, signal));
      const takes = await Promise.all(others);
      if (signal.aborted) return;
      const same = this.told?.id === id;
      this.told = told;
      tellEpisode(told, (other) => this.select(other));
      // An edit changes no picture.
      if (!same || this.player.takes.length !== takes.length) this.player.open(takes, id);
      if (!same) this.say('');
      this.remember();
    } catch (error) {
      if (error.name !== 'AbortError') this.failed(error);
    }
  }

  filtered() {
    this.remember();
    if (this.shown === 'statistics') this.tellStatistics();
  }

  speed(number) {
    $('speed').value = SPEEDS[number];
  }

  panel(name) {
    this.shown = name;
    for (const one of PANELS) $(`panel-${one}`).hidden = one !== name;
    for (const button of document.querySelectorAll('[data-panel]')) {
      button.ariaPressed = String(button.dataset.panel === name);
    }
    if (name === 'statistics') this.tellStatistics();
    this.remember();
  }

  async tellStatistics() {
    const {order, ...filters} = this.browser.filters;
    try {
      tellStatistics(await get('/api/statistics', filters), filters, (wanted) => {
        this.browser.filters = {...wanted, order};
        this.browser.filter();
      });
    } catch (error) {
      this.failed(error);
    }
  }

  // So that the address brings back what is seen.
  remember() {
    const state = {...this.browser.filters};
    if (this.told) state.id = this.told.id;
    if (this.shown !== 'episode') state.panel = this.shown;
    if (this.player.wish) state.view = this.player.wish;
    history.replaceState(null, '', `#${new URLSearchParams(state)}`);
  }

  // --- Edits.

  get editing() {
    return {
      onSelect: (id) => this.select(id),
      onUndo: (ids) => this.undo(ids),
      onPublish: (name) => this.publish(name),
    };
  }

  async edit(edits, said) {
    try {
      tellEdits(await send('PUT', '/api/edits', {edits}), this.editing);
      this.say(said);
    } catch (error) {
      this.failed(error);
    }
    await this.refresh();
  }

  async refresh() {
    await this.browser.load();
    // Perhaps another was asked for meanwhile, and is not told yet.
    if (this.wanted) await this.open(this.wanted);
    if (this.shown === 'statistics') this.tellStatistics();
  }

  // Puts what has changed beside what is pending of the episode that is selected.
  change(changes, said) {
    if (!this.told) return undefined;
    return this.edit({[this.told.id]: {...this.told.edit, ...changes}}, said);
  }

  toggleInvalid() {
    const invalid = !this.told?.flags.includes('invalid');
    return this.change({invalid}, invalid ? 'Marked invalid.' : 'Marked valid.');
  }

  toggleSuccess() {
    const success = !this.told?.success;
    return this.change({success}, `Relabelled ${success ? 'success' : 'failure'}.`);
  }

  toggleDeleted() {
    if (!this.told) return undefined;
    const {id, edit, descendants} = this.told;
    if (edit.deleted) return this.change({deleted: false}, 'Kept after all.');
    const edits = {[id]: {...edit, deleted: true}};
    for (const other of descendants) edits[other] = {deleted: true};
    const further = descendants.length;
    const elsewhere = this.told.children.filter((one) => one.dataset !== this.told.dataset).length;
    return this.edit(edits, [
      further ? `Deleted, with ${further} made from it.` : 'Deleted.',
      elsewhere ? `There are ${elsewhere} made from it in other datasets.` : '',
    ].join(' '));
  }

  writeNote() {
    this.panel('episode');
    $('note').focus();
  }

  async saveNote() {
    const note = $('note').value;
    if (!this.told || note === (this.told.edit.notes ?? this.told.metadata.notes)) return;
    const told = this.told;
    told.edit = {...told.edit, notes: note};
    try {
      tellEdits(await send('PUT', '/api/edits', {edits: {[told.id]: told.edit}}), this.editing);
      this.browser.load();
    } catch (error) {
      this.failed(error);
    }
  }

  undo(ids) {
    const known = ids.filter(Boolean);
    if (!known.length) return undefined;
    if (this.told && known.includes(this.told.id)) $('note').value = this.told.metadata.notes;
    return this.edit(Object.fromEntries(known.map((id) => [id, {}])), 'Undone.');
  }

  async publish(dataset) {
    let said;
    try {
      const {path, kept} = await send('POST', '/api/publish', {dataset});
      said = `Published: ${path} holds ${kept.toLocaleString('en')} episodes.`;
    } catch (error) {
      this.failed(error);
    }
    tellEdits(await get('/api/edits').catch(() => ({datasets: {}})), this.editing);
    if (!said) return;
    const isGone = this.told?.id === this.wanted && this.told?.edit.deleted;
    this.told = null;
    this.player.takes = [];
    if (isGone) {
      this.wanted = null;
      await this.browser.select(null);
      if (!this.wanted) await this.browser.move(0);
    } else {
      await this.refresh();
    }
    // Last: what is opened takes away what was said before.
    this.say(said);
  }

  // --- Keys and buttons.

  listen() {
    addEventListener('keydown', (event) => this.key(event));
    // Who clicks does not mean the space bar to click again.
    addEventListener('click', (event) => {
      const button = event.target.closest?.('button');
      if (button && event.detail > 0) button.blur();
    });
    for (const button of document.querySelectorAll('[data-panel]')) {
      button.addEventListener('click', () => this.panel(button.dataset.panel));
    }
    $('view').addEventListener('change', () => this.remember());
    $('help-button').addEventListener('click', () => $('help').showModal());
    $('do-invalid').addEventListener('click', () => this.toggleInvalid());
    $('do-success').addEventListener('click', () => this.toggleSuccess());
    $('do-delete').addEventListener('click', () => this.toggleDeleted());
    $('do-undo').addEventListener('click', () => this.undo([this.told?.id]));
    $('note').addEventListener('change', () => this.saveNote().then(() => this.refresh()));
    $('note').addEventListener('keydown', (event) => {
      if (event.key === 'Escape') $('note').blur();
    });
    for (const [key, words] of KEYS) {
      if (!words) continue;
      $('keys').append(
        element('dt', {}, element('kbd', {}, key === ' ' ? 'space' : key)), element('dd', {}, words),
      );
    }
  }

  key(event) {
    // Shortcuts of the browser stay its own, and so do what is typed and chosen.
    if (event.ctrlKey || event.metaKey || event.altKey || $('help').open) return;
    const {target} = event;
    if (target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement) return;
    if (target instanceof HTMLInputElement && target.type !== 'range') {
      if (event.key === 'Escape' || event.key === 'Enter') target.blur();
      return;
    }
    if (event.key === ' ' && target instanceof HTMLButtonElement) return;
    const found = KEYS.find(([key]) => key === event.key);
    if (!found) return;
    event.preventDefault();
    found[2](this);
  }
}

// For the console, and for tests.
window.viewer = new Page();
