// The song table: searched and sorted on the server, drawn only where it is looked at.
// Knows: the current search, which rows are here, which one is selected. Does not play anything itself.
import { $, $$, clamp, el, hear, icon, memory, mmss, num, phone, readdress, request, tell, toast, typing } from './dom.js';
import { Choosing } from './table/choosing.js';

const COLUMNS = [
  ['mk', ''], ['model', 'Model', 'mo'], ['collection', 'Collection', 'co'], ['genre', 'Genre', 'ge'], ['artist', 'Artist', 'ar'],
  ['temp', 'Temp', 'te n'], ['title', 'Title or first line', 'ti'], ['length', 'Length', 'le n'], ['date', 'Date', 'da n'], ['star', '', 'st'],
];
const SCOPES = [['all', 'All'], ['gallery', 'Gallery'], ['mine', 'My library'], ['starred', 'Starred']];
const PAGE = 100;

const S = {
  scope: 'all', filters: {}, any: '', sort: 'date', descending: true,
  total: null, pages: new Map(), asked: new Set(), version: 0,
  at: -1, selected: null, current: null, playing: false,
};
let root, grid, body, space, choosing;

export function mount(element) {
  root = $('.explore', element); grid = $('.exgrid', root); body = $('.gbody', root); space = $('.gspace', root);
  buildHead(); buildScopes();
  $('.any', root).addEventListener('input', event => { S.any = event.target.value; searchSoon(); });
  body.addEventListener('scroll', () => requestAnimationFrame(draw));
  choosing = new Choosing($('.chosen', root), $('.several', root), { changed: draw, listed, done: () => search(true) });
  let high = body.clientHeight;
  new ResizeObserver(() => requestAnimationFrame(() => {
    // The player opens over the list: the song that was in view stays there.
    if (S.at >= 0 && inside(S.at, high)) reveal();
    high = body.clientHeight;
    draw();
  })).observe(body);
  document.addEventListener('keydown', keys, true);
  hear('state', onState); hear('starred', onStarred);
  hear('step', ({ by }) => move(by, true));
  const onward = $('[name=onward]', root);
  onward.checked = memory.get('onward') === 'yes';
  onward.addEventListener('change', () => memory.set('onward', onward.checked ? 'yes' : 'no'));
  hear('ended', ({ id }) => { const at = indexOf(id); if (onward.checked && at >= 0 && at < S.total - 1) { S.at = at; move(1); select(S.at, true); } });
  hear('library', () => search(true));
  const wanted = new URLSearchParams(location.search).get('song');
  search(false, wanted);
}

function buildHead() {
  for (const [key, name, className] of COLUMNS) {
    const cell = el('div', { class: 'col ' + (className || ''), role: 'columnheader' });
    if (!name) cell.append(el('span', { class: 'vh', text: key === 'mk' ? 'Playing' : 'Star' }));
    else {
      cell.dataset.key = key;
      cell.append(
        el('button', { class: 'sort cap', onclick: () => sortBy(key) }, name, icon('chev')),
        el('input', {
          class: 'f' + (/\bn\b/.test(className) ? ' n' : ''), 'aria-label': 'Search ' + name, 'data-key': key, autocomplete: 'off', spellcheck: 'false',
          placeholder: key === 'title' ? 'Search titles and lyrics' : 'Search',
          oninput: event => { S.filters[key] = event.target.value; event.target.classList.toggle('on', Boolean(event.target.value)); searchSoon(); },
        }));
    }
    $('.ghead', root).append(cell);
  }
}

function buildScopes() {
  for (const [key, name] of SCOPES) {
    $('.scope', root).append(el('button', {
      'data-key': key, 'aria-pressed': key === S.scope,
      onclick: () => { S.scope = key; $$('.scope button', root).forEach(b => b.setAttribute('aria-pressed', b.dataset.key === key)); search(); },
    }, name, el('span')));
  }
}

function sortBy(key) {
  S.descending = S.sort === key ? !S.descending : key === 'date' || key === 'length';
  S.sort = key;
  search();
}

/* ---------- rows from the server ---------- */
let soon;
const searchSoon = () => { clearTimeout(soon); soon = setTimeout(search, 80); };

function address(offset, limit = PAGE) {
  const query = new URLSearchParams({ scope: S.scope, sort: S.sort, descending: S.descending, offset, limit, any: S.any.trim() });
  for (const [key, value] of Object.entries(S.filters)) if (value.trim()) query.set(key, value.trim());
  return '/api/songs?' + query;
}

/** Ask anew. `keep` leaves the place in the list; `wanted` is an id to select. */
async function search(keep = false, wanted = null) {
  const version = ++S.version, first = keep === true ? Math.floor(Math.floor(body.scrollTop / rowHeight()) / PAGE) * PAGE : 0;
  let data;
  try {
    data = await request(address(first) + (wanted ? '&find=' + encodeURIComponent(wanted) : ''));
  } catch (error) { if (version === S.version) fail(error); return; }
  if (version !== S.version) return;
  S.pages = new Map([[first / PAGE, data.rows]]); S.asked = new Set([first / PAGE]);
  S.total = data.total;
  counts(data);
  if (keep !== true) { body.scrollTop = 0; S.at = -1; }
  for (const cell of $$('.ghead .col[data-key]', root)) cell.setAttribute('aria-sort', cell.dataset.key === S.sort ? (S.descending ? 'descending' : 'ascending') : 'none');
  draw();
  if (wanted) openLink(wanted, data.found);
  else if (keep !== true && S.total && !S.selected) select(0, false);
}

function openLink(id, found) {
  if (found === null || found === undefined) {
    toast('The song of this link is not in these libraries. All other songs are here.');
    if (S.total) select(0, false);
    return;
  }
  S.selected = id; S.at = found;
  reveal(); draw();
  tell('load', { id, play: false });
}

async function need(page) {
  if (S.asked.has(page)) return;
  S.asked.add(page);
  const version = S.version;
  try {
    const data = await request(address(page * PAGE));
    if (version === S.version) { S.pages.set(page, data.rows); draw(); }
  } catch (error) {
    S.asked.delete(page);
    if (version === S.version) toast(error.message, 'Try again', draw);
  }
}

const rowAt = index => { const page = Math.floor(index / PAGE); if (!S.pages.has(page)) { need(page); return null; } return S.pages.get(page)[index % PAGE] || null; };

/** The ids of all songs that the search found. */
async function listed() {
  const ids = [], most = 500;
  for (let offset = 0; offset < S.total; offset += most) {
    const data = await request(address(offset, most));
    ids.push(...data.rows.map(song => song.id));
  }
  return ids;
}

/** Where a song is in the list, as far as it has been fetched; else -1. */
function indexOf(id) {
  for (const [page, rows] of S.pages) { const i = rows.findIndex(song => song.id === id); if (i >= 0) return page * PAGE + i; }
  return -1;
}

function counts(data) {
  $('.count', root).replaceChildren('Listing ', el('b', { text: num(data.total) }), ` of ${num(data.counts.all)} ${data.counts.all === 1 ? 'song' : 'songs'}`);
  for (const button of $$('.scope button', root)) $('span', button).textContent = num(data.counts[button.dataset.key]);
}

function fail(error) {
  space.style.height = '';
  space.replaceChildren(el('div', { class: 'empty' }, el('b', { text: 'The songs cannot be listed.' }), error.message, el('br'), el('button', { class: 'b', text: 'Try again', onclick: () => search() })));
}

/* ---------- drawing ---------- */
const rowHeight = () => (phone.matches ? 58 : 30);

function mixture(text) {
  const box = el('span'), parts = text.split(/\s*\/\s*(?=\d*\.?\d+\s)/).map(part => part.match(/^(\d*\.?\d+)\s+(.*)$/));
  if (parts.length < 2 || parts.some(p => !p)) { box.append(el('span', { class: 'm', text })); return box; }
  for (const [, weight, name] of parts) box.append(el('span', { class: 'w', text: weight }), el('span', { class: 'm', text: name }));
  return box;
}

function empty() {
  const filtered = S.any || Object.values(S.filters).some(Boolean);
  if (filtered) return el('div', { class: 'empty' }, el('b', { text: 'No song matches these searches.' }), 'Your searches are kept while you change one of them.', el('br'), el('button', { class: 'b', text: 'Clear all searches', onclick: clear }));
  if (S.scope === 'starred') return el('div', { class: 'empty' }, el('b', { text: 'No song has a star yet.' }), 'Press S on a song, or the star at the end of its row.');
  return el('div', { class: 'empty' }, el('b', { text: 'No songs yet.' }), 'What you make appears here at once, while it is being made.', el('br'), el('button', { class: 'b', text: 'Make a song', onclick: () => tell('open', { tab: 'create' }) }));
}

function clear() {
  S.filters = {}; S.any = '';
  $$('.ghead .f, .any', root).forEach(input => { input.value = ''; input.classList.remove('on'); });
  search();
}

function draw() {
  if (S.total === null || !body.clientHeight) return;
  const height = rowHeight();
  grid.setAttribute('aria-rowcount', S.total + 1);
  if (!S.total) { space.style.height = ''; space.replaceChildren(empty()); grid.removeAttribute('aria-activedescendant'); return; }
  space.style.height = S.total * height + 'px';
  const from = Math.max(0, Math.floor(body.scrollTop / height) - 4), to = Math.min(S.total, from + Math.ceil(body.clientHeight / height) + 9);
  const rows = [];
  for (let index = from; index < to; index++) rows.push(drawRow(rowAt(index), index, height));
  const focused = space.contains(document.activeElement) && document.activeElement.dataset.id;
  space.replaceChildren(...rows);
  if (focused) $(`.sb[data-id="${CSS.escape(focused)}"]`, space)?.focus({ preventScroll: true });
  if (S.selected && $(`#row-${CSS.escape(S.selected)}`, space)) grid.setAttribute('aria-activedescendant', 'row-' + S.selected);
  else grid.removeAttribute('aria-activedescendant');
}

function drawRow(song, index, height) {
  if (!song) return el('div', { class: 'cols tr wait', role: 'row', 'aria-rowindex': index + 2, style: `top:${index * height}px` });
  const playing = song.id === S.current, chosen = song.id === S.selected;
  const row = el('div', {
    class: 'cols tr' + (chosen ? ' sel' : '') + (playing ? ' play' : '') + (playing && !S.playing ? ' paused' : ''), role: 'row', id: 'row-' + song.id,
    'aria-rowindex': index + 2, 'aria-selected': chosen, style: `top:${index * height}px`,
    onclick: event => { if (!event.target.closest('.st')) press(index, event); },
    ondblclick: event => { if (!event.target.closest('.st') && !choosing.on) select(index, true); },
  });
  const cell = (className, ...content) => row.append(el('div', { class: className, role: 'gridcell' }, ...content));
  if (choosing.on) {
    const box = el('input', { type: 'checkbox', tabindex: -1, 'aria-label': `Choose ${song.title}` });
    box.checked = choosing.has(song.id);
    cell('mk check', box);
  } else cell('mk', playing ? el('span', { class: 'eq', title: S.playing ? 'Playing' : 'In the player' }, el('i'), el('i'), el('i')) : '');
  cell('mo', song.model);
  row.append(el('div', { class: 'co', role: 'gridcell', title: song.meaning || null, 'aria-description': song.meaning || null, text: song.collection }));
  cell('ge', mixture(song.genre || 'unknown'));
  cell('ar', mixture(song.artist || 'unknown'));
  cell('te n', song.temp);
  cell('ti', song.title);
  cell('le n', song.making ? el('span', { class: 'making', text: 'being made' }) : song.state === 'partial' ? el('span', { class: 'q', title: 'Unfinished: what was made is kept and plays', text: mmss(song.seconds) + ' …' }) : mmss(song.seconds));
  cell('da n d', song.date);
  row.append(el('div', { class: 'st', role: 'gridcell' }, el('button', {
    class: 'sb', 'aria-pressed': song.starred, 'aria-label': 'Star', 'data-id': song.id, tabindex: -1, onclick: () => star(song),
  }, icon('star', song.starred ? 'i fill' : 'i'))));
  return row;
}

/* ---------- choosing ---------- */
function select(index, play) {
  const song = rowAt(index);
  if (!song) return;
  S.at = index; S.selected = song.id;
  draw();
  tell('load', { id: song.id, play });
  readdress(linkTo(song.id));
}

/** A press on a row: marks it while several are chosen (with Shift: all from the last one), else selects it. */
function press(index, event) {
  if (!choosing.on) { select(index, phone.matches); return; }
  const from = event.shiftKey && S.at >= 0 ? S.at : index, ids = [];
  for (let i = Math.min(from, index); i <= Math.max(from, index); i++) { const song = rowAt(i); if (song) ids.push(song.id); }
  S.at = index;
  if (event.shiftKey) choosing.mark(ids); else choosing.toggle(ids[0]);
}

function linkTo(id) {
  const url = new URL(location.href);
  url.searchParams.set('song', id);
  return url;
}

/** Was row `index` in view when the list was `height` pixels high? */
const inside = (index, height) => (index + 1) * rowHeight() > body.scrollTop && index * rowHeight() < body.scrollTop + height;

function reveal() {
  const height = rowHeight(), top = S.at * height;
  if (top < body.scrollTop) body.scrollTop = top;
  if (top + height > body.scrollTop + body.clientHeight) body.scrollTop = top + height - body.clientHeight;
}

/** One row up or down; with `load` the player follows (its own next and previous buttons). */
function move(by, load = false) {
  if (!S.total) return;
  const index = clamp((S.at < 0 ? -1 : S.at) + by, 0, S.total - 1), song = rowAt(index);
  S.at = index;
  if (song) S.selected = song.id;
  reveal(); draw();
  if (song && load) { tell('load', { id: song.id, play: S.playing }); readdress(linkTo(song.id)); }
}

async function star(song) {
  const starred = !song.starred;
  tell('starred', { id: song.id, starred });
  try { await request(`/api/songs/${encodeURIComponent(song.id)}/star`, { starred }); search(true); }
  catch (error) { tell('starred', { id: song.id, starred: !starred }); toast(error.message); }
}

async function remove() {
  const song = rowAt(S.at);
  if (!song) return;
  try {
    const { deleted, spared } = await request('/api/songs/delete', { ids: [song.id] });
    if (!deleted.length) { toast(spared[song.id] || 'This song cannot be deleted.'); return; }
    toast(`“${song.title}” was deleted. It stays in the bin until you close the program.`, 'Undo', async () => {
      try { await request('/api/songs/undo', {}); search(true); } catch (error) { toast(error.message); }
    });
    await search(true);
    S.at = clamp(S.at, 0, S.total - 1);
    S.selected = rowAt(S.at)?.id ?? null;
    draw();
  } catch (error) { toast(error.message); }
}

function onStarred({ id, starred }) {
  for (const rows of S.pages.values()) for (const song of rows) if (song.id === id) song.starred = starred;
  draw();
}

function onState({ id, playing }) {
  if (id === S.current && playing === S.playing) return;
  S.current = id; S.playing = playing;
  draw();
}

/* ---------- keys: only while Explore is in view and nobody types ---------- */
const inView = () => Boolean(body && body.clientHeight);

function keys(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || $('dialog[open]')) return;
  if (typing(event.target)) {
    if (event.key === 'Escape') event.target.blur();
    if (event.key === 'ArrowDown' && root.contains(event.target)) { grid.focus(); event.preventDefault(); }
    return;
  }
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (key === '/') {
    const focus = () => $(phone.matches ? '.any' : '.ghead input[data-key=title]', root).focus();
    // At once where it can be: the next key may come before the next frame.
    if (inView()) focus();
    else { tell('open', { tab: 'explore' }); requestAnimationFrame(focus); }
    return stop(event);
  }
  if (!inView()) return;
  const onWidget = event.target.closest('button, a, [role=slider], [role=tab], [role=radio]');
  if (key === 'j' || (key === 'ArrowDown' && !onWidget)) { move(1); return stop(event); }
  if (key === 'k' || (key === 'ArrowUp' && !onWidget)) { move(-1); return stop(event); }
  if (key === 'x' && S.at >= 0) { const song = rowAt(S.at); if (song) { choosing.on = true; choosing.toggle(song.id); } return stop(event); }
  if (key === 'Escape' && choosing.on) { choosing.open(false); return stop(event); }
  if (key === 's' && S.selected) { const song = rowAt(S.at); if (song) star(song); return stop(event); }
  if (key === 'Delete' && S.at >= 0) { remove(); return stop(event); }
  if (key === 'Enter' && !onWidget && S.at >= 0) { select(S.at, true); return stop(event); }
  // Space belongs to the player, unless another song than its own is chosen here.
  if (key === ' ' && !onWidget && S.at >= 0 && S.selected !== S.current) { select(S.at, true); return stop(event); }
}

function stop(event) { event.preventDefault(); event.stopImmediatePropagation(); }
