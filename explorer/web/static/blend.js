// The mixer of artists and genres. Its only truth is the text of the two fields ("0.6 A / 0.4 B"), which it reads and writes.
import { $, el, icon } from './dom.js';

const PART = /^(\d*\.?\d+)\s+(\S.*)$/s;

/** "0.6 A / 0.4 B" as [{name, weight}]; a plain name weighs 1. */
export function parse(text) {
  const parts = text.trim().split(/\s*\/\s*(?=[-+]?\d*\.?\d+\s)/).map(part => part.match(PART));
  if (parts.length < 2 || parts.some(part => !part)) return text.trim() ? [{ name: text.trim(), weight: 1 }] : [];
  return parts.map(part => ({ name: part[2].trim(), weight: Number(part[1]) }));
}

export const write = mix => (mix.length === 1 ? mix[0].name : mix.map(part => `${part.weight.toFixed(2).replace(/0$/, '')} ${part.name}`).join(' / '));

/** Draw the mixers into `box`; `names(kind, query)` is the URL of suggestions; `changed()` after each change. */
export function blend(box, fields, suggest, changed) {
  const draw = () => {
    if (box.contains(document.activeElement) && document.activeElement.type === 'range') return;
    box.replaceChildren(...['artist', 'genre'].map(kind => mixer(kind)));
  };

  function set(kind, mix) {
    fields[kind].value = write(mix);
    fields[kind].dispatchEvent(new Event('input', { bubbles: true }));
    changed();
  }

  function mixer(kind) {
    const mix = parse(fields[kind].value), outer = el('div', { class: 'mixbox' });
    if (mix.length < 2) {
      outer.append(el('div', { class: 'one' }, el('span', { text: kind === 'genre' ? 'Genre' : 'Artist' }), mix.length ? el('b', { text: mix[0].name }) : el('span', { text: 'none chosen: unknown' })));
      return outer;
    }
    const total = mix.reduce((sum, part) => sum + part.weight, 0) || 1;
    const bar = el('div', { class: 'mixbar', 'aria-hidden': 'true' }, ...mix.map(part => el('span', { style: `flex:${Math.max(0.02, part.weight / total)}`, text: part.name })));
    const table = el('div', { class: 'mix' });
    mix.forEach((part, i) => {
      const share = el('output', { class: 'n', text: (part.weight / total).toFixed(2) });
      const range = el('input', { type: 'range', min: 0, max: 1, step: 0.05, value: part.weight, 'aria-label': `Weight of ${part.name}`, style: `--v:${part.weight * 100}%` });
      range.addEventListener('input', event => {
        event.stopPropagation();
        part.weight = Number(range.value);
        range.style.setProperty('--v', part.weight * 100 + '%');
        const sum = mix.reduce((n, other) => n + other.weight, 0) || 1;
        mix.forEach((other, k) => { bar.children[k].style.flex = Math.max(0.02, other.weight / sum); table.querySelectorAll('output')[k].textContent = (other.weight / sum).toFixed(2); });
        set(kind, mix);
      });
      table.append(el('span', { class: 'nm', text: part.name }), range, share, el('button', { class: 'b quiet sq', style: 'width:24px;height:24px', 'aria-label': 'Remove ' + part.name, onclick: () => { mix.splice(i, 1); set(kind, mix); draw(); } }, icon('x')));
    });
    outer.append(bar, table);
    return outer;
  }

  /** Offer a field for one more name of a kind. */
  async function add(kind) {
    const input = el('input', { class: 'f', placeholder: `One more ${kind}`, 'aria-label': `One more ${kind}`, autocomplete: 'off' });
    const holder = el('div', { class: 'mixbox' }, input);
    box.append(holder);
    const { combobox } = await import('./combobox.js');
    const take = name => {
      const mix = parse(fields[kind].value), part = { name, weight: mix.length ? 0.5 : 1 };
      if (mix.length === 1) mix[0].weight = 0.5;
      set(kind, [...mix, part]); draw();
      $('input[type=range]', box)?.focus();
    };
    combobox(input, query => suggest(kind, query), item => take(item.name));
    input.addEventListener('input', event => event.stopPropagation());
    input.addEventListener('keydown', event => { if (event.key === 'Enter' && !event.defaultPrevented && input.value.trim()) take(input.value.trim()); if (event.key === 'Escape') draw(); });
    input.focus();
  }

  return { draw, add };
}
