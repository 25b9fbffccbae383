// Panels: an episode, statistics, and the pending edits.

import {flagChips, successMark} from './browser.js';
import {drawn, element, fixed} from './server.js';

const $ = (id) => document.getElementById(id);
const percent = (share) => `${(100 * share).toFixed(share > 0 && share < 0.1 ? 1 : 0)}%`;
const whole = (number) => number.toLocaleString('en');

function link(data, onSelect) {
  if (!data.known) return element('span', {className: 'flag orphan'}, `${data.id} is not here`);
  const words = `${data.role} · ${data.family} · ${data.actor}`;
  const button = element('button', {title: data.id}, successMark(data), ` ${words}`);
  button.addEventListener('click', () => onSelect(data.id));
  return button;
}

function rate({success, ci95}) {
  if (success === null) return element('span', {}, '–');
  const bar = element('i');
  bar.style.width = percent(success);
  return element(
    'span', {title: `95% interval ${percent(ci95[0])} to ${percent(ci95[1])}`},
    element('span', {className: 'bar'}, bar), percent(success),
  );
}

// Shows an episode; it may be outside the list, as links lead to others.
export function showEpisode(data, isListed, onSelect) {
  const {metadata, edit, quality} = data;
  $('nothing').hidden = true;
  $('episode').hidden = false;
  $('kind').textContent =
    `${data.role} · ${data.family} · ${data.task} · ${data.split} · ${data.dataset} ${data.version}`;
  $('task').textContent = data.words || data.task;
  $('chips').replaceChildren(
    element(
      'span', {className: 'flag'}, successMark(data), data.success ? ' success' : ' failure',
    ),
    ...flagChips(data),
    ...(isListed ? [] : [element('span', {className: 'flag orphan'}, 'outside the filters')]),
  );
  $('do-invalid').querySelector('span').textContent =
    data.flags.includes('invalid') ? 'mark valid' : 'mark invalid';
  $('do-success').querySelector('span').textContent =
    data.success ? 'relabel: failure' : 'relabel: success';
  const further = data.descendants.length;
  $('do-delete').querySelector('span').textContent =
    edit.deleted ? 'restore' : further ? `delete, with ${further} derived from it` : 'delete';
  $('do-undo').disabled = !Object.keys(edit).length;
  $('note').value = edit.notes ?? metadata.notes;
  $('edited').textContent = Object.keys(edit).length
    ? 'Edited: stored on disk, in the dataset once it is published.' : '';
  const nobody = (words) => element('span', {className: 'over'}, words);
  const parents = data.parents.map((one) => link(one, onSelect));
  $('parents').replaceChildren(...(parents.length ? parents : [nobody('nothing')]));
  const children = data.children.map((one) => link(one, onSelect));
  const more = data.children_total - children.length;
  if (more > 0) children.push(nobody(`and ${whole(more)} more`));
  $('children').replaceChildren(...(children.length ? children : [nobody('nothing')]));
  $('twins-part').hidden = !data.twins.length;
  const twins = data.twins.map((one) => link(one, onSelect));
  if (data.twins_total > twins.length) {
    twins.push(nobody(`and ${whole(data.twins_total - twins.length)} more`));
  }
  $('twins').replaceChildren(...twins);
  const facts = {
    steps: `${data.steps} in ${fixed(quality.seconds, 1)} s at ${metadata.control_hz} Hz`,
    reward: fixed(quality.reward, 2),
    idle: `${percent(quality.idle)} of the steps until the last that moves`,
    saturated: `${percent(quality.saturated)} of the actions' numbers`,
    'off-rate': `${quality.late} steps`,
    ...metadata,
  };
  for (const name of ['success', 'invalid', 'notes', 'parent_demo_ids', 'parent_trial_ids']) {
    delete facts[name];
  }
  $('about').replaceChildren(
    ...Object.entries(facts)
      .filter(([, value]) => value !== '')
      .flatMap(([name, value]) => [element('dt', {}, name), element('dd', {}, String(value))]),
  );
}

function histogram(name, {counts, edges}) {
  const [width, height] = [300, 90];
  const most = Math.max(...counts);
  const share = width / counts.length;
  const ends = name === 'steps' ? [edges[0], edges.at(-1)].map((v) => v.toFixed(0)) : ['0%', '100%'];
  return drawn(
    'svg', {class: 'histogram', viewBox: `0 0 ${width} ${height + 16}`, role: 'img', 'aria-label': `Distribution of ${name}`},
    ...counts.map((count, i) => {
      const high = count ? Math.max(1, (count / most) * height) : 0;
      return drawn(
        'rect', {x: i * share + 0.5, y: height - high, width: share - 1, height: high},
        drawn('title', {}, `${whole(count)} episodes from ${edges[i].toFixed(2)} to ${edges[i + 1].toFixed(2)}`),
      );
    }),
    drawn('text', {x: 0, y: height + 13}, ends[0]),
    drawn('text', {x: width, y: height + 13, 'text-anchor': 'end'}, ends[1]),
  );
}

function tile(words, ...figure) {
  return element('div', {className: 'card tile'}, element('h3', {}, words), ...figure);
}

export function showStatistics(data, filters, onFilter) {
  const panel = $('panel-statistics');
  const among = Object.entries(filters).map(([name, value]) => `${name} ${value}`).join(', ');
  const title = element('div', {className: 'title'}, element(
    'div', {}, element('p', {className: 'over'}, among ? `Of the episodes with ${among}` : 'Of all episodes'),
    element('h2', {}, 'Statistics'),
  ));
  if (!data.episodes) {
    panel.replaceChildren(title, element('p', {className: 'empty'}, 'No episode fits the filters.'));
    return;
  }
  const [low, high] = data.success.ci95;
  const flags = Object.entries(data.flags).map(([flag, count]) => {
    const button = element('button', {}, `${flag} · ${whole(count)}`);
    button.addEventListener('click', () => onFilter({...filters, flag}));
    return button;
  });
  const rows = data.groups.map((group) => {
    const row = element(
      'tr', {className: 'link', tabIndex: 0},
      element('td', {className: 'text'}, group.dataset), element('td', {className: 'text'}, group.role),
      element('td', {className: 'text'}, group.family), element('td', {}, whole(group.episodes)),
      element('td', {}, rate(group.success)), element('td', {}, group.steps.toFixed(1)),
      element('td', {}, percent(group.idle)), element('td', {}, percent(group.saturated)),
    );
    const open = () => onFilter({
      ...filters, dataset: group.dataset, role: group.role, family: group.family,
    });
    row.addEventListener('click', open);
    row.addEventListener('keydown', (event) => event.key === 'Enter' && open());
    return row;
  });
  const heads = ['dataset', 'role', 'family', 'episodes', 'success', 'steps', 'idle', 'saturated'];
  panel.replaceChildren(
    title,
    element(
      'div', {className: 'tiles'},
      tile('episodes', element('b', {}, whole(data.episodes)), `of ${whole(data.tasks)} tasks, by ${whole(data.actors)} actors`),
      tile('success', element('b', {}, percent(data.success.success)), `95% interval ${percent(low)} to ${percent(high)}`),
      tile('steps', element('b', {}, whole(data.transitions)), `${(data.seconds / 3600).toFixed(2)} hours`),
      tile('splits', ...Object.entries(data.splits).map(([name, count]) => element('div', {}, `${name} ${whole(count)}`))),
    ),
    element('h3', {}, 'Worth a look'),
    element('p', {className: 'row'}, ...(flags.length ? flags : ['Nothing is.'])),
    element(
      'div', {className: 'scroll'},
      element(
        'table', {},
        element('thead', {}, element('tr', {}, ...heads.map((name, i) => element('th', {className: i < 3 ? 'text' : ''}, name)))),
        element('tbody', {}, ...rows),
      ),
    ),
    element(
      'div', {className: 'tiles'},
      ...Object.entries(data.histograms).map(([name, bins]) => tile(name, histogram(name, bins))),
    ),
  );
}

const WORDS = {
  deleted: () => 'deleted',
  invalid: (now) => (now ? 'marked invalid' : 'marked valid'),
  success: (now) => `relabelled ${now ? 'success' : 'failure'}`,
  notes: (now) => (now ? `note: ${now}` : 'note removed'),
};

export function showEdits(data, {onSelect, onUndo, onPublish}) {
  const datasets = Object.entries(data.datasets);
  const count = datasets.reduce((sum, [, one]) => sum + one.edits.length, 0);
  $('pending').textContent = count;
  const title = element('div', {className: 'title'}, element(
    'div', {}, element('p', {className: 'over'}, 'Stored on disk until they are published, also if the server stops'),
    element('h2', {}, 'Pending edits'),
  ));
  const parts = datasets.map(([name, {version, summary, edits}]) => {
    const publish = element('button', {className: 'primary', data: {publish: name}}, `Publish ${name}`);
    publish.addEventListener('click', () => {
      publish.disabled = true;
      publish.textContent = 'Publishing …';
      onPublish(name);
    });
    const discard = element('button', {}, 'undo all');
    discard.addEventListener('click', () => onUndo(edits.map((one) => one.id)));
    const rows = edits.map((one) => {
      const show = element('button', {title: one.id}, `${one.role} · ${one.family} · ${one.words || one.task}`);
      show.addEventListener('click', () => onSelect(one.id));
      const undo = element('button', {ariaLabel: `undo the edits of ${one.id}`}, 'undo');
      undo.addEventListener('click', () => onUndo([one.id]));
      const does = Object.entries(one.edit).map(([field, now]) => WORDS[field](now)).join('; ');
      return element(
        'tr', {data: {id: one.id}}, element('td', {className: 'text'}, show),
        element('td', {className: 'text free'}, does), element('td', {}, undo),
      );
    });
    return element(
      'section', {className: 'card', ariaLabel: name},
      element('p', {}, element('b', {}, `${name} ${version}`), ` · ${summary}`),
      element('p', {className: 'row'}, publish, discard),
      element('p', {className: 'hint'}, `Published as the next version, which names ${version} as its parent. ${version} stays as it is.`),
      element('div', {className: 'scroll'}, element('table', {}, element('tbody', {}, ...rows))),
    );
  });
  const nothing = element('p', {className: 'empty'}, 'Nothing is edited.');
  $('panel-edits').replaceChildren(title, ...(parts.length ? parts : [nothing]));
}
