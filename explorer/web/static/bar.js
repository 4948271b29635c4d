// What the bar of every page has: light or dark, and the list of keys. Does not know: tabs, jobs, the server.
import { $, el, memory, tell, typing } from './dom.js';

const KEYS = [['J  K', 'next, previous song'], ['Enter', 'play this song'], ['Space', 'play, pause'], ['1  2  3', 'top, middle, bottom'], ['0', 'the recording itself'], ['←  →', 'back, forward 1 s'], ['/', 'search'], ['S', 'star'], ['Del', 'delete, with undo'], ['X', 'choose several'], ['L', 'loop on, off'], ['[  ]', 'loop start, end here'], ['P', 'show, hide spectrograms'], ['R', 'recipe'], ['X  Y', 'blind listening'], ['Shift + drag', 'mark a loop'], ['?', 'these keys'], ['Esc', 'close, or leave a field']];

/** Puts the bar in `element` to work; `without` are keys that this page does not have. */
export function bar(element, { without = [] } = {}) {
  theme(memory.get('theme') ?? (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'));
  $('[data-do=theme]', element).addEventListener('click', () => {
    const chosen = document.body.classList.contains('dark') ? 'light' : 'dark';
    memory.set('theme', chosen); theme(chosen);
  });
  const dialog = $('.keysd', element);
  for (const [keys, meaning] of KEYS.filter(([keys]) => !without.includes(keys)))
    $('.keys', dialog).append(el('div', {}, el('span', { text: meaning }), el('span', {}, ...keys.split('  ').flatMap((key, i) => [i ? ' ' : '', el('kbd', { text: key })]))));
  $('[data-do=keys]', element).addEventListener('click', () => dialog.showModal());
  document.addEventListener('keydown', event => {
    if (event.key !== '?' || typing(event.target) || event.ctrlKey || event.metaKey) return;
    dialog.showModal(); event.preventDefault();
  });
}

function theme(name) {
  document.body.classList.toggle('dark', name === 'dark');
  document.documentElement.classList.toggle('dark', name === 'dark');
  tell('theme', { dark: name === 'dark' });
}
