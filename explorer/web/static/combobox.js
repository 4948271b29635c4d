// A text field with suggestions from the server: quick with thousands of names, by keyboard, and free text stays allowed.
// Follows the ARIA combobox pattern (list autocomplete). Knows: one field. Does not know: what the names are for.
import { el, request } from './dom.js';

let count = 0;

/** Attach to `input`; `address(query)` gives the URL that answers {names: [{name, note}], total}; `chosen(item)` after a choice. */
export function combobox(input, address, chosen, nothing = 'No such name: the model will take it as unknown.') {
  const id = 'combo-' + ++count, list = el('ul', { class: 'combo-list', role: 'listbox', id, hidden: '', 'aria-label': 'Suggestions' });
  const box = el('div', { class: 'combo' });
  input.replaceWith(box); box.append(input, list);
  for (const [name, value] of Object.entries({ role: 'combobox', 'aria-expanded': 'false', 'aria-controls': id, 'aria-autocomplete': 'list' })) input.setAttribute(name, value);
  let names = [], at = -1, timer, asked = 0;

  const close = () => { list.hidden = true; at = -1; input.setAttribute('aria-expanded', 'false'); input.removeAttribute('aria-activedescendant'); };
  const take = item => { input.value = lastPart(input.value).before + item.name; close(); input.dispatchEvent(new Event('input', { bubbles: true })); chosen?.(item); };

  function mark(index) {
    at = index;
    [...list.children].forEach((item, i) => item.setAttribute('aria-selected', i === at));
    const item = list.children[at];
    if (item) { input.setAttribute('aria-activedescendant', item.id); item.scrollIntoView({ block: 'nearest' }); } else input.removeAttribute('aria-activedescendant');
  }

  async function ask(query) {
    const mine = ++asked;
    let answer;
    try { answer = await request(address(query)); } catch { return; }
    if (mine !== asked || document.activeElement !== input) return;
    names = answer.names;
    list.replaceChildren(...names.map((item, i) => el('li', {
      role: 'option', id: `${id}-${i}`, 'aria-selected': 'false', onpointerdown: event => { event.preventDefault(); take(item); },
    }, el('span', { text: item.name }), item.note ? el('small', { text: item.note }) : '')));
    if (!names.length) list.append(el('li', { class: 'none', role: 'option', 'aria-disabled': 'true', text: nothing }));
    else if (answer.total > names.length) list.append(el('li', { class: 'none', role: 'option', 'aria-disabled': 'true', text: `and ${(answer.total - names.length).toLocaleString('en-GB')} more: type to narrow` }));
    list.hidden = false; at = -1;
    input.setAttribute('aria-expanded', 'true'); input.removeAttribute('aria-activedescendant');
  }

  const open = () => { clearTimeout(timer); ask(lastPart(input.value).name); };
  input.addEventListener('focus', () => { input.select(); });
  input.addEventListener('pointerdown', () => { if (list.hidden) { clearTimeout(timer); timer = setTimeout(() => ask(''), 0); } });
  input.addEventListener('input', event => { if (!event.isTrusted) return; clearTimeout(timer); timer = setTimeout(open, 60); });
  input.addEventListener('blur', close);
  input.addEventListener('keydown', event => {
    const last = names.length - 1;
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      if (list.hidden) ask(''); else mark(event.key === 'ArrowDown' ? (at >= last ? 0 : at + 1) : (at <= 0 ? last : at - 1));
    } else if (event.key === 'Enter' && !list.hidden && at >= 0) { event.preventDefault(); take(names[at]); }
    else if (event.key === 'Escape' && !list.hidden) { event.preventDefault(); event.stopPropagation(); close(); }
  });
}

/** In "0.5 Pop / 0.5 Ja" the part that is being typed is "Ja". */
export function lastPart(text) {
  const match = text.match(/^(.*\/\s*|\s*)(\d*\.?\d+\s+)?([^/]*)$/s);
  if (!match || (!match[1].includes('/') && !/^\d*\.\d+\s/.test(match[2] || ''))) return { before: '', name: text.trim() };
  return { before: match[1] + (match[2] || ''), name: match[3].trim() };
}
