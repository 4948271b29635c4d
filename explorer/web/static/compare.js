// Two or more sounds on one axis and one colour scale, the difference of two of them, and measures from the server.
import { $, $$, clamp, el, finest, hear, icon, request, soundsOf, tell, toast } from './dom.js';
import { combobox } from './combobox.js';
import { Blind } from './compare/blind.js';
import { diverging, isDark, onTheme, paintColumns, paintLegend, sequential } from './player/colour.js';
import { fetchArray, fetchSample, spectrumUrl } from './player/data.js';
import { renderRows, savePicture, spectrumRow } from './player/pictures.js';
import { drawAxis, fileName, fit, signed, token } from './player/tools.js';

const RANGE = 30, BAND_RANGE = 12, BARS = 40, FLOOR = 60, MOST = 6;
const letter = index => String.fromCharCode(65 + index);
const row = level => ({ sample: null, level, spectrum: null, loudness: undefined, box: null });  // loudness: LUFS, null for silence, undefined until measured
const rows = [row('middle'), row('bottom')];
let root, other = 1, now = { id: null, time: 0, playing: false }, asking = 0, head = null, shown = null;

export function mount(element) {
  root = $('.cmp', element);
  drawPicks();
  $('.add', root).addEventListener('click', add);
  for (const button of $$('[data-save]', root)) button.addEventListener('click', () => savePictures(button.dataset.save));
  new Blind($('.blind', root), () => {
    if (!shown) { toast('Choose two sounds first.'); return null; }
    if (rows[0].loudness === undefined || rows[other].loudness === undefined) { toast('The loudness of both is being measured. Press Begin again in a moment.'); return null; }
    return [0, other].map(index => told(rows[index]));
  });
  hear('state', state => {
    now = { ...now, ...state };
    if (!rows[0].sample && visible()) begin();
    follow();
  });
  hear('tab', ({ name }) => { if (name === 'compare') { if (!rows[0].sample) begin(); else draw(); } });
  new ResizeObserver(() => visible() && draw()).observe(root);
  onTheme(() => visible() && draw());
  if (!rows[0].sample) begin();
}

const visible = () => root.clientWidth > 0;
const told = ({ sample, level, loudness }) => ({ id: sample.id, level, loudness, title: sample.title, url: sample.levels[level].url });

/** What is in the player, its middle against its bottom level, is a good first pair; a recording against its top level too. */
async function begin() {
  let id = now.id || new URLSearchParams(location.search).get('song');
  if (!id) {
    try { id = (await request('/api/choices')).names[0]?.id; } catch { return; }
  }
  if (!id || rows[0].sample) return;
  await choose(rows[0], id);
  await choose(rows[1], id);
}

/* ---------- what is compared ---------- */
function drawPicks() {
  $('.picks', root).replaceChildren(...rows.map((it, index) => {
    const name = letter(index), input = el('input', { class: 'f', 'aria-label': 'Song ' + name, autocomplete: 'off', spellcheck: 'false', placeholder: 'Choose a song' });
    it.box = el('div', { class: 'pick' }, el('b', { text: name }), input, el('div', { class: 'seg', role: 'radiogroup', 'aria-label': 'Level of ' + name }),
      el('button', { class: 'b quiet hear', onclick: () => listen(it) }, icon('play', 'i fill'), 'Hear ' + name),
      index > 1 ? el('button', { class: 'b quiet sq', 'aria-label': 'Remove ' + name, title: 'Remove ' + name, onclick: () => remove(index) }, icon('x')) : '');
    combobox(input, query => '/api/choices?q=' + encodeURIComponent(query), item => choose(it, item.id), 'No song has these words.');
    if (it.sample) entitle(it);
    drawLevels(it);
    return it.box;
  }));
  $('.picks', root).classList.toggle('many', rows.length > 2);
  $('.add', root).hidden = rows.length >= MOST;
}

/** Names the song in its field, unless somebody is typing there. */
function entitle(it) {
  const input = $('input', it.box);
  if (document.activeElement !== input) input.value = `${it.sample.title}, ${it.sample.artist || 'unknown'}`;
}


/** One more sound: the song of the last one at its next level, or what is in the player. */
async function add() {
  const last = rows[rows.length - 1], it = row(last.level);
  rows.push(it);
  drawPicks();
  const free = last.sample && soundsOf(last.sample).find(level => last.sample.levels[level] && !rows.some(one => one.sample?.id === last.sample.id && one.level === level));
  if (free) it.level = free;
  const id = last.sample?.id ?? now.id;
  if (id) await choose(it, id);
  $('input', it.box).focus();
}

function remove(index) {
  rows.splice(index, 1);
  if (other >= rows.length) other = rows.length - 1;
  drawPicks();
  changed();
  $('.add', root).focus();
}

async function choose(it, id) {
  try {
    const sample = await fetchSample(id), there = soundsOf(sample).filter(level => sample.levels[level]);
    if (!there.length) { toast('Nothing of this song can be heard yet.'); return; }
    Object.assign(it, { sample, level: there.includes(it.level) ? it.level : finest(sample) ?? there[0] });
    entitle(it);
    drawLevels(it);
    await load(it);
  } catch (error) { toast(error.message); }
}

function drawLevels(it) {
  const { sample, level: chosen } = it, box = $('.seg', it.box);
  box.replaceChildren(...soundsOf(sample ?? { levels: {} }).map(level => el('button', {
    type: 'button', role: 'radio', class: 'lv-' + level, 'aria-checked': level === chosen, tabindex: level === chosen ? 0 : -1, disabled: sample && !sample.levels[level] ? '' : null,
    onclick: () => { it.level = level; drawLevels(it); $('[aria-checked=true]', box).focus(); if (sample) load(it); },
  }, icon('g-' + level, 'glyph'), level)));
  box.onkeydown = event => {
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key], open = $$('button:not([disabled])', box);
    if (!by) return;
    open[(open.indexOf(document.activeElement) + by + open.length) % open.length].click();
    event.preventDefault(); event.stopPropagation();
  };
}

async function load(it) {
  const wanted = it.sample.id + it.level;
  let spectrum;
  try { spectrum = await fetchArray(spectrumUrl(it.sample.id, it.level)); } catch (error) { toast(error.message); return; }
  if (wanted !== it.sample.id + it.level || !spectrum) return;
  it.spectrum = spectrum;
  changed();
}

function changed() {
  if (rows.every(it => it.spectrum)) { draw(); measure(); }
}

function listen({ sample, level }) {
  if (sample) tell('load', { id: sample.id, level, time: now.time || 0, play: true });
}

/* ---------- pictures ---------- */
/** The difference of two spectra over the stretch that all have: {bytes, wide, seconds, hertz, bands: mean dB of each}. */
function compute() {
  const seconds = Math.min(...rows.map(it => it.spectrum.header.seconds)), { rows: high, hertz } = rows[0].spectrum.header;
  const columns = ({ header }) => Math.max(1, Math.round(seconds / header.seconds * header.columns));
  const [a, b] = [rows[0].spectrum, rows[other].spectrum], wide = Math.min(columns(a), columns(b));
  const at = (spectrum, x) => Math.min(spectrum.header.columns - 1, Math.floor((x + 0.5) / wide * columns(spectrum)));
  const bytes = new Uint8Array(wide * high), bands = new Float64Array(high);
  for (let x = 0; x < wide; x++) {
    const xa = at(a, x) * high, xb = at(b, x) * high;
    for (let y = 0; y < high; y++) {
      const db = (b.bytes[xb + y] - a.bytes[xa + y]) / 255 * FLOOR;
      bytes[x * high + y] = Math.round(127.5 + 127.5 * clamp(db / RANGE, -1, 1));
      bands[y] += db / wide;
    }
  }
  return { bytes, wide, high, seconds, hertz, bands, columns };
}

function draw() {
  if (!visible() || !rows.every(it => it.spectrum)) return;
  shown = compute();
  const { seconds, high, hertz, columns } = shown, box = $('.cmplanes', root);
  box.replaceChildren();
  box.style.setProperty('--lanes', rows.length + 1);
  const lane = (gutter, bytes, width, colours, label) => {
    const canvas = el('canvas', { role: 'img', 'aria-label': label });
    box.append(gutter, el('div', { class: 'lane' }, canvas));
    const [g, w, h] = fit(canvas);
    g.imageSmoothingQuality = 'high';
    g.drawImage(paintColumns(bytes, width, high, colours), 0, 0, w, h);
  };
  rows.forEach(({ level, spectrum, sample }, index) => {
    const width = columns(spectrum), name = letter(index);
    const gutter = el('div', { class: 'gutter plain lv-' + level }, el('b', {}, name + ' ', icon('g-' + level, 'glyph'), el('span', { class: 'only-l', text: level })), el('small', { text: '−60 … 0 dB' }));
    lane(gutter, spectrum.bytes.subarray(0, width * high), width, sequential(), `Spectrogram of ${name}, ${sample.title}, ${level} level.`);
  });
  const sentence = describe(shown.bands, hertz);
  lane(el('div', { class: 'gutter plain' }, minus(), el('small', { text: `−${RANGE} … ${RANGE} dB` })), shown.bytes, shown.wide, diverging(), `Difference of the two spectrograms. ${sentence}`);
  const axis = el('canvas', { 'aria-hidden': 'true' });
  box.append(el('div'), el('div', { class: 'lane ax' }, axis));
  drawAxis(axis, seconds);
  overlay(box, seconds);
  $('.words-of-it', root).textContent = sentence;
  $('.pair', root).textContent = `${letter(other)} minus A`;
  paintLegend($('.key canvas', root), diverging());
  drawBands(shown.bands, hertz, sentence);
}

/** "B minus A"; of more than two sounds one is chosen. */
function minus() {
  if (rows.length === 2) return el('b', { text: 'B minus A' });
  const choice = el('select', { class: 'f', 'aria-label': 'Sound of which A is taken away', onchange: () => { other = Number(choice.value); draw(); $('.cmplanes select', root).focus(); } }, ...rows.slice(1).map((_, i) => el('option', { value: i + 1, text: letter(i + 1) })));
  choice.value = other;
  return el('b', {}, choice, 'minus A');
}

function overlay(box, seconds) {
  head = el('div', { class: 'ph' });
  const over = el('div', { class: 'over', role: 'slider', tabindex: 0, 'aria-label': 'Place in the sounds', 'aria-valuemin': 0, 'aria-valuemax': seconds.toFixed(1) }, head);
  const heard = () => rows.find(it => now.id === it.sample.id && now.level === it.level) ?? rows[0];
  const seek = time => { now.time = clamp(time, 0, seconds); follow(); listen(heard()); };
  over.addEventListener('pointerdown', event => { const r = over.getBoundingClientRect(); seek((event.clientX - r.left) / r.width * seconds); });
  over.addEventListener('keydown', event => {
    const by = { ArrowLeft: -1, ArrowRight: 1, PageUp: -5, PageDown: 5 }[event.key];
    if (by) { seek(now.time + by); event.preventDefault(); event.stopPropagation(); }
  });
  head.dataset.seconds = seconds;
  box.append(over);
  follow();
}

/** The playhead follows what the player tells, when it plays one of the sounds. */
function follow() {
  if (!head) return;
  const seconds = Number(head.dataset.seconds), time = clamp(now.time || 0, 0, seconds);
  head.style.left = time / seconds * 100 + '%';
  head.parentElement.setAttribute('aria-valuenow', time.toFixed(1));
  head.parentElement.setAttribute('aria-valuetext', `${time.toFixed(1)} of ${seconds.toFixed(1)} seconds`);
}

function describe(bands, hertz) {
  const a = rows[0], b = rows[other], name = letter(other);
  if (a.sample.id === b.sample.id && a.level === b.level) return `A and ${name} are the same sound.`;
  const mean = (from, to) => { const chosen = [...bands].filter((_, y) => hertz[y] >= from && hertz[y] < to); return chosen.reduce((sum, v) => sum + v, 0) / (chosen.length || 1); };
  const high = mean(3000, 1e9), low = mean(0, 1000);
  return `Above 3 kHz ${name} has ${Math.abs(high).toFixed(1)} dB ${high >= 0 ? 'more' : 'less'} on average, below 1 kHz ${Math.abs(low).toFixed(1)} dB ${low >= 0 ? 'more' : 'less'}.`;
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

async function savePictures(kind) {
  if (!shown) return;
  const dark = isDark(), { bytes, wide, high, seconds, hertz } = shown;
  const named = rows.map((it, index) => `${letter(index)} is “${it.sample.title}”, ${it.level}`).join('; ');
  const difference = { name: `${letter(other)} minus A`, height: 180, image: paintColumns(bytes, wide, high, diverging(dark)), from: 0, seconds, hertz };
  const pictures = [...rows.map((it, index) => spectrumRow(`${letter(index)} ${it.level}`, it.spectrum, dark)), difference];
  try {
    await savePicture(`${fileName(rows[0].sample.title)}-compared`, renderRows('Comparison', pictures, seconds, `${named}. Spectrograms −60 … 0 dB, difference −${RANGE} … ${RANGE} dB, mel scale.`, dark), kind);
  } catch (error) { toast(`The picture could not be saved: ${error.message}.`); }
}

/* ---------- numbers ---------- */
async function measure() {
  const mine = ++asking, problem = $('.problem', root);
  problem.textContent = '';
  for (const it of rows) it.loudness = undefined;
  const waiting = setTimeout(() => { $('.span', root).textContent = 'measuring'; }, 300);
  try {
    const answer = await request('/api/compare?' + new URLSearchParams(rows.map(it => ['sounds', `${it.sample.id}/${it.level}`])));
    clearTimeout(waiting);
    if (mine !== asking) return;
    $('.span', root).textContent = `0.0 – ${answer.seconds.toFixed(1)} s`;
    const loudness = answer.measures.find(it => it.name === 'Loudness').values;
    rows.forEach((it, index) => { it.loudness = loudness[index]; });
    const text = (value, { unit }, index) => (value === null ? (unit === 'dB' && index ? 'equal' : '–') : signed(value, unit ? 1 : 3));
    $('.measures', root).replaceChildren(
      el('thead', {}, el('tr', {}, el('td'), ...rows.map((_, index) => el('th', { class: 'n', scope: 'col', text: letter(index) })), el('td'))),
      el('tbody', {}, ...answer.measures.map(it => el('tr', {}, el('th', { scope: 'row' }, it.name, el('div', { class: 'qq', text: it.definition })),
        ...it.values.map((value, index) => el('td', { class: 'n', text: text(value, it, index) })), el('td', { class: 'qq', text: it.unit })))));
  } catch (error) { if (mine === asking) { $('.span', root).textContent = ''; problem.textContent = error.message; }
  } finally { clearTimeout(waiting); }
}
