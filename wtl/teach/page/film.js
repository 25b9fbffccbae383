// Plays the film of an episode: frames of a sheet on a canvas, or a drawing.

const COLUMNS = 8; // of a sheet
const REST_MS = 900; // at the end

const $ = (id) => document.getElementById(id);

export class Film {
  // `onLoad` is called when a film begins to load, and when it has.
  constructor(onLoad) {
    this.onLoad = onLoad;
    this.loading = 0; // number of films that are fetched
    this.canvas = $('canvas');
    this.films = new Map(); // by id of the episode
    this.shown = '';
  }

  // Shows an episode from its start; resolves when it has been played once.
  async play(episode) {
    if (!this.films.has(episode.id)) this.clear();
    this.shown = episode.id;
    const film = await this.load(episode);
    if (this.shown !== episode.id) return;
    $('drawing').replaceChildren(...(film.drawing ? [film.drawing] : []));
    this.canvas.hidden = Boolean(film.drawing);
    this.began = performance.now();
    film.drawing?.pauseAnimations();
    await new Promise((resolve) => {
      const step = (now) => {
        if (this.shown !== episode.id) return resolve();
        const seconds = Math.max(0, (now - this.began) / 1000);
        this.paint(film, Math.min(1, seconds / episode.seconds), episode);
        if (seconds < episode.seconds + REST_MS / 1000) return requestAnimationFrame(step);
        return resolve();
      };
      requestAnimationFrame(step);
    });
  }

  // Forgets all films but those of some ids; each takes many megabytes.
  keep(ids) {
    for (const [id, film] of this.films) {
      if (ids.includes(id)) continue;
      film.image?.close();
      this.films.delete(id);
    }
  }

  clear() {
    this.shown = '';
    this.onCanvas = null;
    $('drawing').replaceChildren();
    $('time').value = 0;
    this.canvas.hidden = false;
    this.canvas.getContext('2d').clearRect(0, 0, this.canvas.width, this.canvas.height);
  }

  paint(film, share, episode) {
    $('time').value = share;
    if (film.drawing) {
      film.drawing.setCurrentTime(Math.min(share * episode.seconds, episode.seconds - 0.01));
      return;
    }
    const frame = Math.round(share * (film.frames - 1));
    if (film.painted === frame && this.onCanvas === film) return;
    const {width, height, image} = film;
    if (this.canvas.width !== width) Object.assign(this.canvas, {width, height});
    const [x, y] = [(frame % COLUMNS) * width, Math.floor(frame / COLUMNS) * height];
    this.canvas.getContext('2d').drawImage(image, x, y, width, height, 0, 0, width, height);
    film.painted = frame;
    this.onCanvas = film;
  }

  async load(episode) {
    if (!this.films.has(episode.id)) this.films.set(episode.id, await this.fetched(episode));
    return this.films.get(episode.id);
  }

  async fetched(episode) {
    this.loading += 1;
    this.onLoad();
    try {
      return await this.read(episode);
    } finally {
      this.loading -= 1;
      this.onLoad();
    }
  }

  async read(episode) {
    const response = await fetch(`api/episodes/${encodeURIComponent(episode.id)}`);
    if (!response.ok) throw new Error((await response.json()).error);
    const frames = Number(response.headers.get('X-Frames'));
    const blob = await response.blob();
    if (blob.type.startsWith('image/svg')) return {drawing: drawn(await blob.text())};
    const image = await createImageBitmap(blob);
    const columns = Math.min(frames, COLUMNS);
    const rows = Math.ceil(frames / columns);
    return {image, frames, width: image.width / columns, height: image.height / rows};
  }
}

// An element from the text of a drawing; the page's policy lets it have no inline style.
export function drawn(words) {
  const text = words.replace(/ style="[^"]*"/g, '');
  const parsed = new DOMParser().parseFromString(text, 'image/svg+xml').documentElement;
  return document.importNode(parsed, true);
}
