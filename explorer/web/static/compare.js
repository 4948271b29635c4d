// Two sounds, or two levels of one, on one axis and one colour scale; their difference; and measures from the server.
import { $, $$, LEVELS, clamp, el, hear, icon, request, tell, toast } from './dom.js';
import { combobox } from './combobox.js';
import { diverging, onTheme, paintColumns, sequential } from './player/colour.js';
import { fetchArray, fetchSample, spectrumUrl } from './player/data.js';
import { drawAxis, fit, signed, token } from './player/tools.js';

const RANGE = 30, BAND_RANGE = 12, BARS = 40, FLOOR = 60;
const sides = { a: { sample: null, level: 'middle', spectrum: null }, b: { sample: null, level: 'bottom', spectrum: null } };
let root, now = { id: null, time: 0, playing: false }, asking = 0, head = null;

export function mount(element) {
  root = $('.cmp', element);
  for (const side of ['a', 'b']) {
    const box = $(`.pick[data-side=${side}]`, root);
    combobox($('input', box), query => '/api/choices?q=' + encodeURIComponent(query), item => choose(side, item.id), 'No song has these words.');
    $('.hear', box).addEventListener('click', () => listen(side));
    levels(side);
  }
  hear('state', state => {
    now = { ...now, ...state };
    if (!sides.a.sample && visible()) begin();
    follow();
  });
  hear('tab', ({ name }) => { if (name === 'compare') { if (!sides.a.sample) begin(); else draw(); } });
  new ResizeObserver(() => visible() && draw()).observe(root);
  onTheme(() => visible() && draw());
  if (!sides.a.sample) begin();
}

const visible = () => root.clientWidth > 0;

/** What is in the player, its middle against its bottom level, is a good first pair. */
async function begin() {
  let id = now.id || new URLSearchParams(location.search).get('song');
  if (!id) {
    try { id = (await request('/api/choices')).names[0]?.id; } catch { return; }
  }
  if (!id || sides.a.sample) return;
  await choose('a', id);
  await choose('b', id);
}

async function choose(side, id) {
  try {
    const sample = await fetchSample(id), there = LEVELS.filter(level => sample.levels[level]);
    if (!there.length) { toast('Nothing of this song can be heard yet.'); return; }
    Object.assign(sides[side], { sample, level: there.includes(sides[side].level) ? sides[side].level : there[there.length - 1] });
    $(`.pick[data-side=${side}] input`, root).value = `${sample.title}, ${sample.artist || 'unknown'}`;
    levels(side);
    await load(side);
  } catch (error) { toast(error.message); }
}

function levels(side) {
  const { sample, level: chosen } = sides[side], box = $(`.pick[data-side=${side}] .seg`, root);
  box.replaceChildren(...LEVELS.map(level => el('button', {
    type: 'button', role: 'radio', class: 'lv-' + level, 'aria-checked': level === chosen, tabindex: level === chosen ? 0 : -1, disabled: sample && !sample.levels[level] ? '' : null,
    onclick: () => { sides[side].level = level; levels(side); $('[aria-checked=true]', box).focus(); load(side); },
  }, icon('g-' + level, 'glyph'), level)));
  box.onkeydown = event => {
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key], open = $$('button:not([disabled])', box);
    if (!by) return;
    open[(open.indexOf(document.activeElement) + by + open.length) % open.length].click();
    event.preventDefault(); event.stopPropagation();
  };
}

async function load(side) {
  const it = sides[side], wanted = it.sample.id + it.level;
  const spectrum = await fetchArray(spectrumUrl(it.sample.id, it.level));
  if (wanted !== it.sample.id + it.level) return;
  it.spectrum = spectrum;
  if (sides.a.spectrum && sides.b.spectrum) { draw(); measure(); }
}

function listen(side) {
  const { sample, level } = sides[side];
  if (sample) tell('load', { id: sample.id, level, time: now.time || 0, play: true });
}

/* ---------- pictures ---------- */
/** Both spectra cut to the stretch that both have: [columns, seconds]. */
function common() {
  const [a, b] = [sides.a.spectrum, sides.b.spectrum];
  const seconds = Math.min(a.header.seconds, b.header.seconds);
  return { rows: a.header.rows, seconds, hertz: a.header.hertz, columns: spectrum => Math.max(1, Math.round(seconds / spectrum.header.seconds * spectrum.header.columns)) };
}

function draw() {
  if (!visible() || !sides.a.spectrum || !sides.b.spectrum) return;
  const { rows, seconds, hertz, columns } = common(), box = $('.cmplanes', root);
  const wide = Math.min(columns(sides.a.spectrum), columns(sides.b.spectrum));
  const at = (spectrum, x) => Math.min(spectrum.header.columns - 1, Math.floor((x + 0.5) / wide * columns(spectrum)));
  const difference = new Uint8Array(wide * rows), bands = new Float64Array(rows);
  for (let x = 0; x < wide; x++) {
    const xa = at(sides.a.spectrum, x) * rows, xb = at(sides.b.spectrum, x) * rows;
    for (let y = 0; y < rows; y++) {
      const db = (sides.b.spectrum.bytes[xb + y] - sides.a.spectrum.bytes[xa + y]) / 255 * FLOOR;
      difference[x * rows + y] = Math.round(127.5 + 127.5 * clamp(db / RANGE, -1, 1));
      bands[y] += db / wide;
    }
  }
  box.replaceChildren();
  const row = (name, className, small, bytes, width, colours, label) => {
    const canvas = el('canvas', { role: 'img', 'aria-label': label });
    box.append(el('div', { class: 'gutter plain ' + className }, el('b', {}, ...name), el('small', { text: small })), el('div', { class: 'lane' }, canvas));
    const [g, w, h] = fit(canvas);
    g.imageSmoothingQuality = 'high';
    g.drawImage(paintColumns(bytes, width, rows, colours), 0, 0, w, h);
  };
  for (const side of ['a', 'b']) {
    const { level, spectrum, sample } = sides[side], width = columns(spectrum), letter = side.toUpperCase();
    row([letter + ' ', icon('g-' + level, 'glyph'), el('span', { class: 'only-l', text: level })], 'lv-' + level, '−60 … 0 dB', spectrum.bytes.subarray(0, width * rows), width, sequential(), `Spectrogram of ${letter}, ${sample.title}, ${level} level.`);
  }
  const sentence = describe(bands, hertz);
  row(['B minus A'], '', `−${RANGE} … ${RANGE} dB`, difference, wide, diverging(), `Difference of the two spectrograms. ${sentence}`);
  const axis = el('canvas', { 'aria-hidden': 'true' });
  box.append(el('div'), el('div', { class: 'lane ax' }, axis));
  drawAxis(axis, seconds);
  overlay(box, seconds);
  $('.words-of-it', root).textContent = sentence;
  drawBands(bands, hertz, sentence);
}

function overlay(box, seconds) {
  head = el('div', { class: 'ph' });
  const over = el('div', { class: 'over', role: 'slider', tabindex: 0, 'aria-label': 'Place in both sounds', 'aria-valuemin': 0, 'aria-valuemax': seconds.toFixed(1) }, head);
  const seek = time => { now.time = clamp(time, 0, seconds); follow(); listen(now.id === sides.a.sample.id && now.level === sides.a.level ? 'a' : 'b'); };
  over.addEventListener('pointerdown', event => { const r = over.getBoundingClientRect(); seek((event.clientX - r.left) / r.width * seconds); });
  over.addEventListener('keydown', event => {
    const by = { ArrowLeft: -1, ArrowRight: 1, PageUp: -5, PageDown: 5 }[event.key];
    if (by) { seek(now.time + by); event.preventDefault(); event.stopPropagation(); }
  });
  head.dataset.seconds = seconds;
  box.append(over);
  follow();
}

/** The playhead follows what the player tells, when it plays one of the two. */
function follow() {
  if (!head) return;
  const seconds = Number(head.dataset.seconds), time = clamp(now.time || 0, 0, seconds);
  head.style.left = time / seconds * 100 + '%';
  head.parentElement.setAttribute('aria-valuenow', time.toFixed(1));
  head.parentElement.setAttribute('aria-valuetext', `${time.toFixed(1)} of ${seconds.toFixed(1)} seconds`);
}

function describe(bands, hertz) {
  const { a, b } = sides;
  if (a.sample.id === b.sample.id && a.level === b.level) return 'A and B are the same sound.';
  const mean = (from, to) => { const chosen = [...bands].filter((_, y) => hertz[y] >= from && hertz[y] < to); return chosen.reduce((sum, v) => sum + v, 0) / (chosen.length || 1); };
  const high = mean(3000, 1e9), low = mean(0, 1000);
  return `Above 3 kHz B has ${Math.abs(high).toFixed(1)} dB ${high >= 0 ? 'more' : 'less'} on average, below 1 kHz ${Math.abs(low).toFixed(1)} dB ${low >= 0 ? 'more' : 'less'}.`;
}

function drawBands(bands, hertz, sentence) {
  const canvas = $('.bands', root), [g, w, h] = fit(canvas), middle = h / 2 - 6, per = bands.length / BARS, colours = new Uint8Array(diverging().buffer);
  g.strokeStyle = token('--field');
  g.beginPath(); g.moveTo(0, middle + 0.5); g.lineTo(w, middle + 0.5); g.stroke();
  for (let i = 0; i < BARS; i++) {
    const part = bands.slice(Math.floor(i * per), Math.floor((i + 1) * per)), db = part.reduce((sum, v) => sum + v, 0) / part.length;
    const height = clamp(Math.abs(db) / BAND_RANGE) * (middle - 1), c = 4 * Math.round(127.5 + 127.5 * clamp((db > 0 ? 0.45 : -0.45) + db / 30, -1, 1));
    g.fillStyle = `rgb(${colours[c]} ${colours[c + 1]} ${colours[c + 2]})`;
    g.fillRect(i * w / BARS + 1, db > 0 ? middle - height : middle + 1, w / BARS - 2, height);
  }
  g.fillStyle = token('--ink-3'); g.font = `11px ${token('--sans')}`; g.textAlign = 'center';
  for (const f of [200, 500, 1000, 2000, 4000, 8000]) {
    const y = hertz.findIndex(centre => centre >= f);
    if (y >= 0) g.fillText(f < 1000 ? f : f / 1000 + 'k', (y + 0.5) / bands.length * w, h - 1);
  }
  canvas.setAttribute('aria-label', sentence);
}

/* ---------- numbers ---------- */
async function measure() {
  const mine = ++asking, { a, b } = sides;
  $('.problem', root).textContent = '';
  try {
    const answer = await request('/api/compare?' + new URLSearchParams({ a: a.sample.id, b: b.sample.id, a_level: a.level, b_level: b.level }));
    if (mine !== asking) return;
    $('.span', root).textContent = `0.0 – ${answer.seconds.toFixed(1)} s`;
    const text = (value, unit) => (value === null ? '' : signed(value, Math.abs(value) < 1 && !unit ? 3 : 1) + (unit ? ' ' + unit : ''));
    $('.measures', root).replaceChildren(
      el('thead', {}, el('tr', {}, el('td'), ...['A', 'B', 'distance'].map(name => el('th', { class: 'n', scope: 'col', text: name })))),
      el('tbody', {}, ...answer.measures.map(m => el('tr', {}, el('th', { scope: 'row' }, m.name, el('div', { class: 'qq', text: m.definition })),
        el('td', { class: 'n', text: text(m.a, '') }), el('td', { class: 'n', text: text(m.b, '') }), el('td', { class: 'n', text: m.distance === null ? (answer.measures[1].distance === 0 ? 'equal' : '–') : text(m.distance, m.unit) })))));
  } catch (error) { if (mine === asking) $('.problem', root).textContent = error.message; }
}
