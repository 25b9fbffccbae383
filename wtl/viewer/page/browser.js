// The list of episodes and its filters. The server selects; the list holds only the rows
// in view, and asks for others in parts as they come into view.

import {element, get} from './server.js';

const ROW = 46; // pixels, as in the style sheet
const PART = 100; // rows asked for at once
const MARGIN = 8; // rows made beyond those in view
const FACETS = {
  dataset: 'dataset', role: 'role', family: 'family', success: 'success', trial: 'given trial',
  split: 'split', flag: 'flag', actor: 'actor',
};
const LABELS = {
  success: {true: '✓ success', false: '✗ failure'},
  trial: {failed: '✗ failed', succeeded: '✓ succeeded'},
};
const ORDERS = {
  '': 'by id', idle: 'most idle', saturated: 'most saturated', 'off-rate': 'most off-rate',
  longest: 'longest', reward: 'highest reward',
};

const MEANING = {
  idle: 'many idle steps before the last move', saturated: 'actions at their limits',
  'off-rate': 'steps too soon or too late', duplicate: 'same observations and actions as',
  orphan: 'a parent is missing', invalid: 'not to be used',
  note: 'has a note', edited: 'not published yet', deleted: 'not published yet',
};

export function flagChips({flags, twin}) {
  return flags.map((flag) => {
    const title = flag === 'duplicate' ? `${MEANING[flag]} ${twin}` : MEANING[flag];
    return element('span', {className: `flag ${flag}`, title}, flag);
  });
}

export function successMark(row) {
  return element(
    'span',
    {className: row.success ? 'yes' : 'no', ariaLabel: row.success ? 'success' : 'failure'},
    row.success ? '✓' : '✗',
  );
}

// The number of the scene within the task, which ids of our own stages have.
function scene(id) {
  const found = /-(\d{5})-[0-9a-f]{16}$/.exec(id);
  return found && `scene ${Number(found[1])}`;
}

export class Browser {
  constructor(onSelect, onFilter, onError) {
    this.onSelect = onSelect;
    this.onFilter = onFilter;
    this.onError = onError;
    this.list = document.getElementById('list');
    this.spacer = document.getElementById('spacer');
    this.fields = {};
    this.parts = new Map();
    this.total = 0;
    this.selected = null; // id
    this.place = null; // of it in the list
    this.choice = null; // the last made here, unless another was selected since
    this.makeFilters();
    this.list.addEventListener('scroll', () => this.show());
    new ResizeObserver(() => this.show()).observe(this.list);
    this.spacer.addEventListener('click', (event) => {
      const item = event.target.closest('.item');
      if (item) this.choose(Number(item.dataset.place));
    });
    this.list.addEventListener('keydown', (event) => {
      const page = Math.max(1, Math.floor(this.list.clientHeight / ROW) - 1);
      const by = {
        ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page,
        Home: -this.total, End: this.total,
      }[event.key];
      if (by === undefined) return;
      event.preventDefault();
      this.move(by);
    });
  }

  makeFilters() {
    const form = document.getElementById('filters');
    for (const [name, words] of Object.entries(FACETS)) {
      this.fields[name] = element('select', {name});
      form.append(element('label', {}, words, this.fields[name]));
    }
    const orders = Object.entries(ORDERS).map(([value, words]) => new Option(words, value));
    this.fields.order = element('select', {name: 'order'}, ...orders);
    this.fields.text = element('input', {
      name: 'text', type: 'search', placeholder: 'task, id or note', autocomplete: 'off',
    });
    this.clear = element('button', {type: 'button'}, 'clear filters');
    form.append(
      element('label', {}, 'order', this.fields.order),
      this.clear,
      element('label', {className: 'wide'}, 'search ', element('kbd', {}, '/'), this.fields.text),
    );
    form.addEventListener('submit', (event) => event.preventDefault());
    form.addEventListener('change', () => this.filter());
    let waiting;
    this.fields.text.addEventListener('input', () => {
      clearTimeout(waiting);
      waiting = setTimeout(() => this.filter(), 150);
    });
    this.clear.addEventListener('click', () => {
      for (const field of Object.values(this.fields)) field.value = '';
      this.filter();
    });
  }

  get filters() {
    const given = Object.entries(this.fields).map(([name, field]) => [name, field.value]);
    return Object.fromEntries(given.filter(([, value]) => value));
  }

  set filters(given) {
    for (const [name, field] of Object.entries(this.fields)) {
      const value = given[name] ?? '';
      if (field instanceof HTMLSelectElement && ![...field.options].some((o) => o.value === value)) {
        field.add(new Option(value, value));
      }
      field.value = value;
    }
  }

  // An episode that the filters exclude gives way to the first of the list.
  async filter() {
    this.onFilter();
    await this.load();
    if (this.place !== null) return;
    if (this.total) await this.choose(0);
    else this.onSelect((this.selected = null));
  }

  // Reads the list anew; the episode that is selected stays so.
  async load() {
    const parts = (this.parts = new Map());
    try {
      const data = await get('api/episodes', {
        ...this.filters, offset: 0, limit: PART, id: this.selected,
      });
      if (parts !== this.parts) return;
      parts.set(0, data.rows);
      this.total = data.total;
      this.place = data.place ?? null;
      this.showFacets(data.facets);
    } catch (error) {
      this.onError(error);
      return;
    }
    const all = this.total === 1 ? 'episode' : 'episodes';
    document.getElementById('total').textContent = `${this.total.toLocaleString('en')} ${all}`;
    this.spacer.style.height = `${this.total * ROW}px`;
    this.reveal();
    this.show();
  }

  showFacets(facets) {
    for (const name of Object.keys(FACETS)) {
      const field = this.fields[name];
      const chosen = field.value;
      const values = Object.entries(facets[name]);
      if (chosen && !(chosen in facets[name])) values.push([chosen, 0]);
      field.replaceChildren(
        new Option('any', ''),
        ...values.map(([value, count]) => {
          const words = LABELS[name]?.[value] ?? value;
          return new Option(`${words} · ${count.toLocaleString('en')}`, value);
        }),
      );
      field.value = chosen;
    }
    for (const field of Object.values(this.fields)) {
      field.classList.toggle('set', field.value !== '');
    }
    this.clear.disabled = !Object.keys(this.filters).length;
  }

  async row(place) {
    const part = Math.floor(place / PART);
    if (!this.parts.has(part)) {
      const parts = this.parts;
      const asked = get('api/episodes', {...this.filters, offset: part * PART, limit: PART});
      parts.set(part, asked.then((data) => data.rows));
      try {
        parts.set(part, await parts.get(part));
      } catch (error) {
        parts.delete(part);
        throw error;
      }
      if (parts === this.parts) this.show();
    }
    return (await this.parts.get(part))?.[place - part * PART];
  }

  show() {
    const first = Math.max(0, Math.floor(this.list.scrollTop / ROW) - MARGIN);
    const last = Math.min(
      this.total, Math.ceil((this.list.scrollTop + this.list.clientHeight) / ROW) + MARGIN,
    );
    const items = [];
    for (let place = first; place < last; place++) {
      const part = this.parts.get(Math.floor(place / PART));
      if (Array.isArray(part)) items.push(this.item(part[place % PART], place));
      else this.row(place).catch(this.onError);
    }
    this.spacer.replaceChildren(...items);
    const active = items.find((item) => item.ariaSelected === 'true');
    if (active) this.list.setAttribute('aria-activedescendant', active.id);
    else this.list.removeAttribute('aria-activedescendant');
  }

  item(row, place) {
    const item = element(
      'div',
      {
        className: 'item', id: `item-${place}`, role: 'option', title: `${row.task}\n${row.id}`,
        ariaSelected: String(row.id === this.selected), ariaPosInSet: String(place + 1),
        ariaSetSize: String(this.total), data: {place, id: row.id},
      },
      element(
        'div', {}, successMark(row),
        element('span', {className: 'what'}, `${row.role} · ${row.family}`),
        ...flagChips(row),
      ),
      element('div', {}, element('span', {className: 'task'}, [row.words, row.task, scene(row.id)].filter(Boolean).join(' · '))),
    );
    item.classList.toggle('deleted', row.flags.includes('deleted'));
    item.style.top = `${place * ROW}px`;
    return item;
  }

  async choose(place) {
    const choice = (this.choice = {});
    try {
      const row = await this.row(place);
      if (!row || choice !== this.choice) return;
      this.place = place;
      this.selected = row.id;
      this.reveal();
      this.show();
      await this.onSelect(row.id);
    } catch (error) {
      this.onError(error);
    }
  }

  move(by) {
    if (!this.total) return undefined;
    const place = this.place === null ? 0 : this.place + by;
    return this.choose(Math.max(0, Math.min(this.total - 1, place)));
  }

  // An episode was selected elsewhere: by a link, or by the address of the page.
  select(id) {
    this.selected = id;
    this.choice = null;
    return this.load();
  }

  reveal() {
    if (this.place === null) return;
    const top = this.place * ROW;
    const bottom = top + ROW;
    const {scrollTop, clientHeight} = this.list;
    if (top < scrollTop) this.list.scrollTop = top - ROW;
    else if (bottom > scrollTop + clientHeight) this.list.scrollTop = bottom + ROW - clientHeight;
  }
}
