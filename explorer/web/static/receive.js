// Two panels beside the form: what each level really receives, and the forecast. Knows: how the server's plan looks. Draws only.
import { $, LEVELS, el, icon, levelName, num, say } from './dom.js';

const sign = (name, className, text) => el('span', {}, el('span', { class: className }, small(icon(name))), ' ' + text);
const small = svg => { svg.style.width = '13px'; return svg; };
const cell = value => (value.known === undefined || value.known === null ? document.createTextNode(value.text) : value.known ? sign('check', 'ok', value.text) : sign('ask', 'no', value.text));

/** plan.truth: {rows: [{name, cells: {top: {text, known}, ...}}], notes: [...], windows: [{from, to, text}]} */
export function truth(root, plan) {
  const table = $('.truth', root), levels = LEVELS.filter(level => plan.truth.levels.includes(level));
  table.replaceChildren(el('thead', {}, el('tr', {}, el('td'), ...levels.map(level => el('th', { scope: 'col' }, levelName(level))))),
    el('tbody', {}, ...plan.truth.rows.map(row => el('tr', {}, el('th', { scope: 'row', text: row.name }), ...levels.map(level => el('td', {}, cell(row.cells[level])))))));
  const box = $('.lw', root), total = plan.truth.seconds || 1, digits = plan.truth.windows.some(w => w.to - w.from < 4) ? 1 : 0;
  box.replaceChildren(...plan.truth.windows.map(w => el('div', { class: 'r' }, el('span', { class: 'q', text: `${w.from.toFixed(digits)} – ${w.to.toFixed(digits)} s` }),
    el('div', {}, el('i', { style: `left:${w.from / total * 100}%;width:${(w.to - w.from) / total * 100}%`, text: w.text, title: w.text })))));
  box.setAttribute('aria-label', plan.truth.windows.length ? `Which lyrics the top level reads in which seconds: ${plan.truth.windows.length} windows.` : 'No lyrics are read.');
  let notes = $('.notes', root);
  if (!notes) box.after(notes = el('ul', { class: 'notes' }));
  notes.replaceChildren(...plan.truth.notes.map(text => el('li', { text })));
}

const memory = bytes => (bytes / 1e9).toFixed(2) + ' GB';

/** plan.forecast as the studio says it; null where the form is not ready. `act(alternative)` applies one way out. */
export function forecast(root, plan, act) {
  const f = plan.forecast, table = $('.fore', root), bar = $('.fbar', root), fit = $('.fit', root);
  const byLevel = Object.fromEntries(f.levels.map(level => [level.level, level]));
  const rows = LEVELS.filter(level => plan.truth.levels.includes(level)).map(name => {
    const level = byLevel[name];
    const values = level ? [num(level.windows), num(level.codes), level.codes_per_second === null ? 'not measured' : num(Math.round(level.codes_per_second)), level.seconds === null ? '' : say(level.seconds)] : ['', '', '', 'not made'];
    return el('tr', {}, el('th', { scope: 'row' }, levelName(name)), ...values.map(text => el('td', { class: 'n', text })));
  });
  table.replaceChildren(
    el('thead', {}, el('tr', {}, ...['Level', 'Windows', 'Codes', 'Codes/s', 'Time'].map((text, i) => el('th', { scope: 'col', class: i ? 'n' : null, text })))),
    el('tbody', {}, ...rows),
    el('tfoot', {}, el('tr', {}, el('th', { scope: 'row', text: plan.takes === 1 ? '1 take' : plan.takes + ' takes' }), el('td'), el('td'), el('td'), el('td', { class: 'n', text: f.seconds === null ? 'not measured' : say(f.seconds) }))));
  bar.replaceChildren(...f.levels.filter(level => level.seconds).map(level => el('span', { class: 'lv-' + level.level, style: `flex:${level.seconds}` })));
  fit.replaceChildren(f.fits ? sign('check', 'ok', `Fits: ${memory(f.memory_bytes)} of ${memory(f.memory_free_bytes)} free memory. ${f.message}`) : sign('ask', 'no', f.message + ' '));
  for (const way of f.alternatives) fit.append(' ', el('button', { class: 'b small', text: way.text, onclick: () => act(way) }));
}
