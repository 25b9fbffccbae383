// The page: selection, edits and views, by keys, buttons and the address.

import {Browser} from './browser.js';
import {showEdits, showEpisode, showStatistics} from './panels.js';
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
  ['x', 'delete, or restore', (page) => page.toggleDeleted()],
  ['u', 'undo the edits of this episode', (page) => page.undo([page.episode?.id])],
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
    this.episode = null; // the selected episode, as the server sends it
    this.wanted = null; // id of the episode selected last, perhaps not loaded yet
    this.shown = 'episode';
    this.browser = new Browser((id) => this.open(id), () => this.filtered(), failed);
    this.player = new Player((id) => this.select(id), failed);
    this.failed = failed;
    this.listen();
    this.begin();
  }

  async begin() {
    try {
      const library = await get('api/library');
      $('path').textContent = library.path;
      document.title = `${library.path} · episodes`;
      $('report').hidden = !library.report;
      this.warnings = library.warnings;
      if (library.chosen && !location.hash) {
        history.replaceState(null, '', `#${new URLSearchParams({dataset: library.chosen})}`);
      }
      showEdits(await get('api/edits'), this.editing);
    } catch (error) {
      this.failed(error);
      return;
    }
    await this.follow(location.hash);
    if (this.warnings.length) this.say(`Not shown: ${this.warnings.join('; ')}`, true);
    // The open episode may have changed the address since.
    addEventListener('hashchange', ({newURL}) => this.follow(new URL(newURL).hash));
    this.isReady = true;
  }

  // Shows the episode and the panel of an address.
  async follow(hash) {
    const given = Object.fromEntries(new URLSearchParams(hash.slice(1)));
    const {id, panel, view, ...filters} = given;
    this.browser.filters = filters;
    this.player.preferred = view ?? '';
    this.wanted = id ?? null;
    await this.browser.select(this.wanted);
    if (this.wanted !== (id ?? null)) return;
    if (id) await this.open(id);
    else await this.browser.move(1);
    this.panel(PANELS.includes(panel) ? panel : 'episode');
  }

  say(text, refused = false) {
    clearTimeout(this.timer);
    $('message').textContent = text;
    $('message').hidden = !text;
    $('message').classList.toggle('refused', refused);
    if (text && !refused) this.timer = setTimeout(() => this.say(''), 8000);
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
    if (id === null) {
      this.close();
      return;
    }
    const {signal} = (this.opening = new AbortController());
    try {
      const data = await get(episodePath(id), {}, signal);
      const others = data.chain.map((other) =>
        other === id ? data : get(episodePath(other), {}, signal));
      const videos = await Promise.all(others);
      if (signal.aborted) return;
      const same = this.episode?.id === id;
      this.episode = data;
      showEpisode(data, this.browser.place !== null, (other) => this.select(other));
      // An edit changes no picture.
      if (!same || this.player.videos.length !== videos.length) this.player.open(videos, id);
      if (!same) this.say('');
      this.remember();
    } catch (error) {
      if (error.name !== 'AbortError') this.failed(error);
    }
  }

  // Shows no episode: none fits the filters.
  close() {
    this.episode = null;
    this.player.open([], null);
    $('episode').hidden = true;
    $('nothing').hidden = false;
    this.remember();
  }

  filtered() {
    this.remember();
    if (this.shown === 'statistics') this.showStatistics();
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
    if (name === 'statistics') this.showStatistics();
    this.remember();
  }

  async showStatistics() {
    const {order, ...filters} = this.browser.filters;
    try {
      showStatistics(await get('api/statistics', filters), filters, (wanted) => {
        this.browser.filters = {...wanted, order};
        this.browser.filter();
      });
    } catch (error) {
      this.failed(error);
    }
  }

  // Keeps the state in the address.
  remember() {
    const state = {...this.browser.filters};
    if (this.episode) state.id = this.episode.id;
    if (this.shown !== 'episode') state.panel = this.shown;
    if (this.player.preferred) state.view = this.player.preferred;
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

  async edit(edits, message) {
    try {
      showEdits(await send('PUT', 'api/edits', {edits}), this.editing);
      this.say(message);
    } catch (error) {
      this.failed(error);
    }
    await this.refresh();
  }

  async refresh() {
    await this.browser.load();
    // Perhaps another was selected meanwhile, and is not loaded yet.
    if (this.wanted) await this.open(this.wanted);
    if (this.shown === 'statistics') this.showStatistics();
  }

  // Adds changes to the pending edit of the selected episode.
  change(changes, message) {
    if (!this.episode) return undefined;
    return this.edit({[this.episode.id]: {...this.episode.edit, ...changes}}, message);
  }

  toggleInvalid() {
    const invalid = !this.episode?.flags.includes('invalid');
    return this.change({invalid}, invalid ? 'Marked invalid.' : 'Marked valid.');
  }

  toggleSuccess() {
    const success = !this.episode?.success;
    return this.change({success}, `Relabelled ${success ? 'success' : 'failure'}.`);
  }

  toggleDeleted() {
    if (!this.episode) return undefined;
    const {id, edit, descendants} = this.episode;
    if (edit.deleted) return this.change({deleted: false}, 'Restored.');
    const edits = {[id]: {...edit, deleted: true}};
    for (const other of descendants) edits[other] = {deleted: true};
    const further = descendants.length;
    const elsewhere = this.episode.children.filter((one) => one.dataset !== this.episode.dataset).length;
    return this.edit(edits, [
      further ? `Deleted, with ${further} derived from it.` : 'Deleted.',
      elsewhere ? `There are ${elsewhere} derived from it in other datasets.` : '',
    ].join(' '));
  }

  writeNote() {
    this.panel('episode');
    $('note').focus();
  }

  async saveNote() {
    const note = $('note').value;
    if (!this.episode || note === (this.episode.edit.notes ?? this.episode.metadata.notes)) return;
    const data = this.episode;
    data.edit = {...data.edit, notes: note};
    try {
      showEdits(await send('PUT', 'api/edits', {edits: {[data.id]: data.edit}}), this.editing);
      this.browser.load();
    } catch (error) {
      this.failed(error);
    }
  }

  undo(ids) {
    const known = ids.filter(Boolean);
    if (!known.length) return undefined;
    if (this.episode && known.includes(this.episode.id)) $('note').value = this.episode.metadata.notes;
    return this.edit(Object.fromEntries(known.map((id) => [id, {}])), 'Undone.');
  }

  async publish(dataset) {
    let message;
    try {
      const {path, kept} = await send('POST', 'api/publish', {dataset});
      message = `Published: ${path} holds ${kept.toLocaleString('en')} episodes.`;
    } catch (error) {
      this.failed(error);
    }
    showEdits(await get('api/edits').catch(() => ({datasets: {}})), this.editing);
    if (!message) return;
    const isGone = this.episode?.id === this.wanted && this.episode?.edit.deleted;
    this.episode = null;
    this.player.videos = [];
    if (isGone) {
      this.wanted = null;
      await this.browser.select(null);
      if (!this.wanted) await this.browser.move(0);
    } else {
      await this.refresh();
    }
    // Last, as opening an episode clears the message.
    this.say(message);
  }

  // --- Keys and buttons.

  listen() {
    addEventListener('keydown', (event) => this.key(event));
    // The space bar must not click the button again.
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
    $('do-undo').addEventListener('click', () => this.undo([this.episode?.id]));
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
    // The browser keeps its shortcuts; fields keep their keys.
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
