// Actions and rewards, or observed vectors, over time, and a line where the player is.

import {drawn, element, fixed} from './server.js';

const WIDTH = 300;
const HEIGHT = 84;
const TOP = 4;
const COLOURS = 5;

export class Curves {
  constructor(data) {
    this.time = data.time;
    const end = this.time.at(-1) || 1;
    this.x = (time) => (time / end) * WIDTH;
    const lines = Object.entries(data.action ?? data.vectors ?? {}).map(([name, values], i) => {
      const [low, high] = data.limits?.[name] ?? [Math.min(...values), Math.max(...values)];
      return {name, values, kind: `s${i % COLOURS}`, low, high: high > low ? high : low + 1};
    });
    if (data.reward) {
      const high = Math.max(1, ...data.reward);
      const low = Math.min(0, ...data.reward);
      lines.push({name: 'reward', values: data.reward, kind: 'reward', low, high});
    }
    this.lines = lines;
    this.cursor = drawn('line', {class: 'cursor', y1: 0, y2: HEIGHT, x1: 0, x2: 0});
    const middle = TOP + (HEIGHT - 2 * TOP) / 2;
    this.picture = drawn(
      'svg',
      {
        class: 'curves', viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img',
        'aria-label': lines.length ? `Curves of ${lines.map((l) => l.name).join(', ')}` : 'No actions',
      },
      drawn('rect', {class: 'frame', x: 0, y: 0, width: WIDTH, height: HEIGHT, rx: 4}),
      drawn('line', {class: 'zero', x1: 0, x2: WIDTH, y1: middle, y2: middle}),
      ...this.byHand(data.intervention ?? []),
      ...lines.map((line) => this.line(line)),
      this.cursor,
    );
    this.values = lines.map((line) => element('li', {className: line.kind}));
    this.element = element(
      'div', {}, this.picture, element('ul', {className: 'key'}, ...this.values),
    );
    this.seek(0);
  }

  line({values, kind, low, high}) {
    const y = (value) => TOP + (1 - (value - low) / (high - low)) * (HEIGHT - 2 * TOP);
    // A value holds until the next step.
    const points = values.flatMap((value, i) => value === null ? [] : [
      [this.x(this.time[i]), y(value)],
      [this.x(this.time[i + 1] ?? this.time[i]), y(value)],
    ]);
    return drawn('polyline', {
      class: kind, points: points.map((p) => p.map((v) => v.toFixed(1)).join()).join(' '),
    });
  }

  byHand(flags) {
    return flags.flatMap((flag, i) => {
      if (!flag) return [];
      const [x, end] = [this.time[i], this.time[i + 1] ?? this.time[i]].map(this.x);
      return [drawn('rect', {class: 'by-hand', x, y: 0, width: end - x, height: HEIGHT})];
    });
  }

  seek(frame) {
    if (frame === this.frame) return;
    this.frame = frame;
    const x = this.x(this.time[frame]);
    this.cursor.setAttribute('x1', x);
    this.cursor.setAttribute('x2', x);
    this.lines.forEach(({name, values}, i) => {
      this.values[i].textContent = `${name} ${fixed(values[frame], 2)}`;
    });
  }
}
