// Shows what the policy of the next try believes: heat in its scene, bars and readings.

import {drawn} from './film.js';
import {element} from './elements.js';

const $ = (id) => document.getElementById(id);
const percent = (weight) => `${Math.round(100 * weight)}%`;

// The scene has the number that tries in it have.
export function showBelief(lesson, scene) {
  const {belief, label, tries} = lesson;
  document.body.classList.toggle('mindless', !belief);
  if (!belief) return;
  const judged = tries.filter(({judged}) => judged !== null);
  $('believer').textContent = judged.length
    ? `${label}, given the demonstration and ${judged.length === 1 ? 'one try' : `${judged.length} tries`}.`
    : `${label}, given the demonstration alone.`;
  $('heat').replaceChildren(...(belief.drawing ? [drawn(belief.drawing)] : []));
  if (belief.drawing) $('heat').firstChild.ariaLabel = 'The scene of the next try; the likelier a target, the hotter';
  // Weights before the last try, where it was made in this scene.
  const last = judged.at(-1);
  const before = last?.believed && last.scene === scene ? last.believed : null;
  $('was-head').textContent = before ? 'before' : '';
  const was = new Map(before?.entities.map(({name, weight}) => [name, weight]));
  $('weights').tBodies[0].replaceChildren(
    ...belief.entities.map(({name, weight}) => {
      const row = element('tr', {},
        element('th', {scope: 'row'}, element('span', {className: 'letter'}, name)),
        element('td', {className: 'was'}, was.has(name) ? percent(was.get(name)) : ''),
        element('td', {}, bar(weight), ` ${percent(weight)}`),
      );
      row.classList.toggle('likeliest', weight === Math.max(...belief.entities.map((e) => e.weight)));
      return row;
    }),
  );
  const earlier = new Map(before?.readings.map((r) => [r.name, r.weight]));
  const agree = new Set(belief.readings.map(({entity}) => entity)).size === 1;
  $('readings').hidden = !belief.readings.length;
  $('readings').replaceChildren(
    element('h3', {}, agree ? 'Both readings of the demonstration agree here' : 'Readings of the demonstration'),
    ...belief.readings.map(({name, words, entity, weight}) =>
      element('p', {className: 'reading', data: {name}},
        element('span', {className: 'letter'}, entity), ` ${words} `,
        element('b', {}, (earlier.has(name) ? `${percent(earlier.get(name))} → ` : '') + percent(weight)),
      ),
    ),
  );
}

function bar(weight) {
  const made = element('span', {className: 'bar'}, element('i'));
  made.firstChild.style.width = percent(weight);
  made.ariaHidden = 'true';
  return made;
}
