// Plays demonstration, trial and retrial in step: one clock, one video of each episode.

import {successMark} from './browser.js';
import {Curves} from './curves.js';
import {element, episodePath, getBlob} from './server.js';

const SHEET = 64; // frames asked for at once
const COLUMNS = 8; // of a sheet
const REST = 0.8; // seconds at the end before it repeats
const RENDERED = ['robot', 'orbit', 'wrist'];
const VIEWS = {
  image: 'stored images', wrist_image: 'stored wrist images', robot: "robot's camera",
  orbit: 'any camera', wrist: 'wrist camera', drawing: 'drawing',
};
const ORBIT = {azimuth: 116, elevation: -30, distance: 1.9};
const LIMITS = {elevation: [-90, 10], distance: [0.25, 2.5]};

const $ = (id) => document.getElementById(id);

class EpisodeVideo {
  constructor(data, player, chosen) {
    this.episode = data;
    this.player = player;
    this.time = data.curves.time; // of each frame
    this.length = this.time.length;
    this.frame = 0;
    this.sheets = new Map();
    this.curves = new Curves(data.curves);
    this.canvas = element('canvas', {width: 1, height: 1});
    const {vectors} = data.curves; // there are some where there are no pictures
    this.vectors = vectors && new Curves({time: this.time, vectors});
    this.status = element('div', {className: 'status'});
    this.picture = element('div', {className: 'picture'}, this.canvas, this.status);
    const name = element('button', {className: 'name', title: data.id}, `${data.role} · ${data.actor}`);
    name.addEventListener('click', () => player.onSelect(data.id));
    this.element = element(
      'figure', {className: 'video', data: {id: data.id}}, this.vectors?.element ?? this.picture,
      element('figcaption', {}, successMark(data), ' ', name), this.curves.element,
    );
    this.element.classList.toggle('chosen', chosen);
    this.listen();
  }

  get seconds() {
    return this.time.at(-1);
  }

  // The view that is wished for, or the best there is.
  viewOf(preferred) {
    return this.episode.views.includes(preferred) ? preferred : this.episode.views[0];
  }

  open(preferred) {
    this.close();
    this.view = this.viewOf(preferred);
    this.abort = new AbortController();
    this.canvas.hidden = this.view === 'drawing' || !this.view;
    this.canvas.className =
      this.view === 'robot' || this.view === 'orbit' ? 'turns'
        : RENDERED.includes(this.view) ? '' : 'pixels';
    this.canvas.tabIndex = this.canvas.className === 'turns' ? 0 : -1;
    this.canvas.ariaLabel =
      this.canvas.className === 'turns' ? 'Picture; arrow keys turn the camera, + and - zoom' : 'Picture';
    this.say(this.view ? '' : 'Nothing of this episode can be shown.');
    if (this.view === 'drawing') this.load(this.openDrawing());
    else if (this.view) this.show();
  }

  async openDrawing() {
    const {signal} = this.abort;
    const blob = await getBlob(`${episodePath(this.episode.id)}/drawing`, {}, signal);
    const text = await blob.text();
    if (signal.aborted) return;
    const parsed = new DOMParser().parseFromString(text, 'image/svg+xml').documentElement;
    this.drawing = document.importNode(parsed, true);
    this.picture.append(this.drawing);
    this.drawing.pauseAnimations();
    this.show();
  }

  // Where rendering fails, the drawing takes its place.
  async load(promise) {
    const {signal} = this.abort;
    try {
      return await promise;
    } catch (error) {
      if (signal.aborted || error.name === 'AbortError') return undefined;
      if (RENDERED.includes(this.view) && this.episode.views.includes('drawing')) {
        this.player.onError(error);
        this.open('drawing');
      } else {
        this.say(error.message);
      }
      return undefined;
    }
  }

  say(words) {
    this.status.textContent = words;
    this.status.hidden = !words;
  }

  seek(time) {
    const frame = this.frameAt(time);
    this.curves.seek(frame);
    this.vectors?.seek(frame);
    this.at = time;
    if (this.drawing) this.drawing.setCurrentTime(Math.min(time, this.seconds));
    if (frame === this.frame) return;
    this.frame = frame;
    this.show();
  }

  // The last frame that is not later; times have been rounded.
  frameAt(time) {
    let [low, high] = [0, this.length - 1];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (this.time[middle] <= time + 1e-3) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  get camera() {
    return this.view === 'orbit' ? this.player.orbit : {};
  }

  show() {
    if (this.drawing) this.drawing.setCurrentTime(Math.min(this.at ?? 0, this.seconds));
    if (this.view === 'drawing' || !this.view) return;
    const first = Math.floor(this.frame / SHEET) * SHEET;
    const sheet = this.sheets.get(first);
    if (sheet instanceof ImageBitmap) this.paint(sheet, this.frame - first, Math.min(SHEET, this.length - first));
    else if (!sheet) this.sheets.set(first, this.load(this.fetch(first)));
  }

  async fetch(first) {
    const {signal} = this.abort;
    const path = `${episodePath(this.episode.id)}/frames/${encodeURIComponent(this.view)}`;
    if (!this.painted) this.say('…');
    const blob = await getBlob(path, {...this.camera, first, count: SHEET}, signal);
    const sheet = await createImageBitmap(blob);
    if (signal.aborted) return sheet.close();
    this.sheets.set(first, sheet);
    this.say('');
    return this.show();
  }

  paint(sheet, number, count) {
    const columns = Math.min(count, COLUMNS);
    const [width, height] = [sheet.width / columns, sheet.height / Math.ceil(count / COLUMNS)];
    if (this.canvas.width !== width) this.canvas.width = width;
    if (this.canvas.height !== height) this.canvas.height = height;
    const [x, y] = [(number % columns) * width, Math.floor(number / columns) * height];
    this.canvas.getContext('2d').drawImage(sheet, x, y, width, height, 0, 0, width, height);
    this.painted = true;
  }

  // One frame from a camera that is still moving.
  async preview() {
    if (this.previewing) return;
    this.previewing = true;
    const {signal} = this.abort;
    const at = {...this.player.orbit, first: this.frame, count: 1};
    try {
      const blob = await getBlob(`${episodePath(this.episode.id)}/frames/orbit`, at, signal);
      const sheet = await createImageBitmap(blob);
      if (!signal.aborted) this.paint(sheet, 0, 1);
      sheet.close();
    } catch (error) {
      if (error.name !== 'AbortError') this.player.onError(error);
    }
    this.previewing = false;
  }

  listen() {
    const {canvas, player} = this;
    let from = null;
    canvas.addEventListener('pointerdown', (event) => {
      if (canvas.className !== 'turns') return;
      canvas.setPointerCapture(event.pointerId);
      from = {x: event.clientX, y: event.clientY, ...player.orbitFrom(this.view)};
    });
    canvas.addEventListener('pointermove', (event) => {
      if (!from) return;
      const scale = 180 / canvas.clientWidth;
      const [right, down] = [(event.clientX - from.x) * scale, (event.clientY - from.y) * scale];
      if (Math.abs(right) + Math.abs(down) < 2) return;
      player.turn({azimuth: from.azimuth - right, elevation: from.elevation - down / 2});
      this.preview();
    });
    for (const end of ['pointerup', 'pointercancel']) {
      canvas.addEventListener(end, () => {
        if (from) player.settle();
        from = null;
      });
    }
    canvas.addEventListener('keydown', (event) => {
      if (canvas.className !== 'turns') return;
      const {azimuth, elevation, distance} = player.orbitFrom(this.view);
      const to = {
        ArrowLeft: {azimuth: azimuth + 15}, ArrowRight: {azimuth: azimuth - 15},
        ArrowUp: {elevation: elevation + 10}, ArrowDown: {elevation: elevation - 10},
        '+': {distance: distance * 0.8}, '-': {distance: distance * 1.25},
      }[event.key];
      if (!to) return;
      event.preventDefault();
      event.stopPropagation();
      player.turn({azimuth, elevation, distance, ...to});
      player.settle();
    });
  }

  close() {
    this.abort?.abort();
    for (const sheet of this.sheets.values()) if (sheet instanceof ImageBitmap) sheet.close();
    this.sheets.clear();
    this.drawing?.remove();
    this.drawing = null;
    this.painted = false;
  }
}

export class Player {
  constructor(onSelect, onError) {
    this.onSelect = onSelect;
    this.onError = onError;
    this.videos = [];
    this.time = 0;
    this.preferred = ''; // name of the view that is wished for
    this.orbit = {...ORBIT};
    this.playing = !matchMedia('(prefers-reduced-motion: reduce)').matches;
    this.listen();
    this.showPlaying();
    let last = 0;
    const tick = (now) => {
      const passed = (now - last) / 1000;
      last = now;
      // A tab that was hidden does not catch up.
      if (this.playing && this.videos.length && passed < 1) this.advance(passed);
      requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  }

  get seconds() {
    return Math.max(0.1, ...this.videos.map((video) => video.seconds));
  }

  // Shows videos, data as the server tells episodes.
  open(data, chosen) {
    const same = data.map((t) => t.id).join() === this.videos.map((t) => t.episode.id).join();
    for (const video of this.videos) video.close();
    this.videos = data.map((one) => new EpisodeVideo(one, this, one.id === chosen));
    $('videos').replaceChildren(...this.videos.map((video) => video.element));
    $('videos').style.setProperty('--count', Math.min(4, this.videos.length));
    const views = new Set(data.flatMap((one) => one.views));
    const known = Object.keys(VIEWS).filter((name) => views.has(name));
    const names = new Set([...known, ...views]); // cameras have names of their own
    $('view').replaceChildren(...[...names].map((name) => new Option(VIEWS[name] ?? name, name)));
    this.show();
    $('time').max = this.seconds;
    this.seek(same ? this.time : 0);
  }

  show() {
    for (const video of this.videos) video.open(this.preferred);
    const main = this.videos.find((video) => video.element.classList.contains('chosen'));
    const view = main?.viewOf(this.preferred) ?? '';
    $('view').value = view;
    $('orbit').hidden = view !== 'orbit';
    $('hint').textContent =
      view === 'orbit' || view === 'robot' ? 'Drag a picture to look from elsewhere; v changes the view.'
        : view === 'drawing' ? 'Seen from above; the ring marks the target, the cross the entity acted on instead.'
          : '';
    for (const video of this.videos) video.seek(this.time);
  }

  look(view) {
    this.preferred = view;
    this.show();
  }

  nextView() {
    const names = [...$('view').options].map((option) => option.value);
    if (names.length) this.look(names[(names.indexOf($('view').value) + 1) % names.length]);
  }

  // The camera from which an orbit begins.
  orbitFrom(view) {
    return view === 'robot' ? {azimuth: 90, elevation: -62, distance: 1.1} : this.orbit;
  }

  turn(to) {
    const within = ([low, high], value) => Math.max(low, Math.min(high, value));
    const orbit = {...this.orbit, ...to};
    // Kept within a turn, which means the same.
    orbit.azimuth = Math.round((((orbit.azimuth % 360) + 540) % 360) - 180);
    orbit.elevation = Math.round(within(LIMITS.elevation, orbit.elevation));
    orbit.distance = Number(within(LIMITS.distance, orbit.distance).toFixed(2));
    this.orbit = orbit;
  }

  settle() {
    this.look('orbit');
  }

  advance(passed) {
    let time = this.time + passed * Number($('speed').value);
    if (time > this.seconds + REST) time = 0;
    this.seek(time);
  }

  seek(time) {
    this.time = time;
    const shown = Math.min(time, this.seconds);
    $('time').value = shown;
    $('clock').textContent = `${shown.toFixed(1)} s`;
    for (const video of this.videos) video.seek(shown);
  }

  step(by) {
    this.play(false);
    const [first, ...others] = this.videos;
    if (!first) return;
    const video = others.reduce((a, b) => (b.length > a.length ? b : a), first);
    const frame = video.frameAt(Math.min(this.time, this.seconds)) + by;
    this.seek(video.time[Math.max(0, Math.min(video.length - 1, frame))]);
  }

  play(wanted = !this.playing) {
    this.playing = wanted;
    if (wanted && this.time >= this.seconds) this.seek(0);
    this.showPlaying();
  }

  showPlaying() {
    $('play').querySelector('span').textContent = this.playing ? 'pause' : 'play';
  }

  listen() {
    $('play').addEventListener('click', () => this.play());
    $('time').addEventListener('input', () => {
      this.play(false);
      this.seek(Number($('time').value));
    });
    $('view').addEventListener('change', () => this.look($('view').value));
    for (const button of document.querySelectorAll('[data-orbit]')) {
      button.addEventListener('click', () => {
        const [azimuth, elevation, distance] = button.dataset.orbit.split(',').map(Number);
        this.turn({azimuth, elevation, distance});
        this.settle();
      });
    }
  }
}
