// A tenth of a second of a song or of one's own recording: sound, codes of the three levels, what each level decodes to;
// what the levels cost and lose; and a short tour of it. The server encodes and measures.
import { $, $$, LEVELS, ORIGINAL, clamp, el, finest, hear, icon, levelName, num, request, tell, toast } from './dom.js';
import { combobox } from './combobox.js';
import { isDark, onTheme, sequential } from './player/colour.js';
import { fetchSample } from './player/data.js';
import { renderRows, savePicture } from './player/pictures.js';
import { capital, clock, drawAxis, fileName, fit, signed, token } from './player/tools.js';

const SECONDS = 0.1;
/** Title, text of (samples per second, samples per code, size of a codebook), and what can be done at the step. */
const STEPS = [
  ['Sound is a long list of numbers', rate => `One second holds ${num(rate)} of them. A neural net that writes music number by number would need far too long, so the song is squeezed first.`],
  ['Three levels squeeze it', (rate, hops) => `The top level keeps one code for ${hops.top} numbers, the middle one for ${hops.middle}, the bottom one for ${hops.bottom}. Wider cells in the picture stand for more sound per code.`, 'Hear the three levels'],
  ['A code is a word for a sound', (rate, hops, book) => `Each level owns a book of ${num(book)} sounds. The net picks the closest entry; the integer is its page. Similar sounds have similar shades here.`],
  ['The top level composes', () => 'It reads genre, artist and lyrics and writes top codes one after another. The two others fill in the detail of its codes; in the published models they never see the words.', 'Hear the sketch, then the song'],
  ['Attention shows where it reads', () => 'While it sings, the top level looks back at the lyrics. The staircase is that look: time from left to right, letters from top to bottom. It gives the karaoke its timing.', 'See and hear it'],
];
let root, song = null, record = null, start = 0, data = null, costs = null, asking = 0, playerId = null, on = 1, level = 'bottom', timer;

export function mount(element) {
  root = $('.learn', element);
  combobox($('.song', root), query => '/api/choices?q=' + encodeURIComponent(query), item => choose(item), 'No song has these words.');
  const range = $('.at input', root);
  range.addEventListener('input', () => { start = Number(range.value); paintRange(range); clearTimeout(timer); timer = setTimeout(load, 60); });
  const file = $('.clip-file', root);
  $('.choose-clip', root).addEventListener('click', () => file.click());
  file.addEventListener('change', () => { if (file.files[0]) send(file.files[0]); file.value = ''; });
  root.addEventListener('dragover', event => { if ([...event.dataTransfer.types].includes('Files')) event.preventDefault(); });
  root.addEventListener('drop', event => { const dropped = event.dataTransfer.files[0]; if (dropped) { event.preventDefault(); event.stopPropagation(); send(dropped); } });
  for (const button of $$('[data-save]', root)) button.addEventListener('click', () => savePictures(button.dataset.save));
  hear('state', state => { playerId = state.id; if (state.level) { level = state.level; drawLevels(); } if (!song && visible()) begin(); });
  hear('tab', ({ name }) => { if (name === 'learn') { if (song) draw(); else begin(); } });
  new ResizeObserver(() => visible() && draw()).observe(root);
  onTheme(() => visible() && draw());
  steps();
  begin();
}

const visible = () => root.clientWidth > 0;
const paintRange = range => range.style.setProperty('--v', (range.value - range.min) / (range.max - range.min || 1) * 100 + '%');

/** What is in the player, else what the address names, else the newest song. */
async function begin() {
  if (song) return;
  let id = playerId || new URLSearchParams(location.search).get('song');
  try { id ||= (await request('/api/choices')).names[0]?.id; } catch (error) { toast(error.message); return; }
  if (id) choose({ id });
  else $('.told', root).textContent = 'There is no song yet. Make one under Create, then look at it here.';
}

async function choose(item) {
  song = item;
  try {
    record = await fetchSample(item.id);
    const range = $('.at input', root);
    $('.song', root).value = record.mode === 'reconstruct' ? record.title : `${record.title}, ${record.artist || 'unknown'}`;
    range.max = Math.max(0, record.seconds - SECONDS).toFixed(2);
    const words = record.alignment && record.alignment.words;
    // A sung word says more than the first moment of a song.
    start = words && words.length ? clamp(words[0][2] + 0.1, 0, Number(range.max)) : Number(range.max) / 2;
    range.value = start; paintRange(range);
    costs = await request('/api/costs/' + encodeURIComponent(item.id));
    drawCosts();
    await load();
  } catch (error) { song = null; toast(error.message); }
}

/** A recording of one's own: the server reads it with the model and puts it into the library. */
async function send(file) {
  const button = $('.choose-clip', root), problem = $('.clip-problem', root), note = $('.clip-note', root);
  problem.textContent = ''; note.textContent = `${file.name} is read by the model …`;
  button.disabled = true;
  try {
    const answer = await request('/api/clips?name=' + encodeURIComponent(file.name), undefined, { method: 'POST', headers: { 'Content-Type': 'application/octet-stream' }, body: file });
    if (!answer.id) throw new Error(answer.message);
    tell('library', {});
    note.textContent = `It is in your library too. ${answer.message}`;
    await choose({ id: answer.id });
  } catch (error) {
    note.textContent = ''; problem.textContent = error.message.replace('The form is kept.', 'What is shown is kept.');
  } finally { button.disabled = false; }
}

async function load() {
  const mine = ++asking;
  try {
    const answer = await request(`/api/learn/${encodeURIComponent(song.id)}?` + new URLSearchParams({ start: start.toFixed(3), seconds: SECONDS }));
    if (mine !== asking) return;
    data = answer;
    steps(); draw();
  } catch (error) { if (mine === asking) toast(error.message); }
}

/* ---------- the steps ---------- */
function steps() {
  const hops = Object.fromEntries(LEVELS.map(name => [name, data?.levels[name]?.hop ?? '–']));
  const act = attributes => el('div', { class: 'act' }, el('button', { class: 'b', type: 'button', ...attributes }));
  const go = to => { on = to; steps(); $$('.steps > li > button', root)[to].focus(); };
  const list = $('.steps', root), focused = $$('button', list).indexOf(document.activeElement);
  list.replaceChildren(...STEPS.map(([title, text, button], i) => {
    const item = el('li', { class: i === on ? 'on' : '' }, el('span', { text: i + 1 }), el('button', { type: 'button', text: title, 'aria-expanded': i === on, onclick: () => go(i) }));
    item.append(el('p', { text: text(data?.sample_rate ?? 44100, hops, data?.codebook ?? 2048) }));
    if (i === 1) item.append(el('div', { class: 'seg hear-levels', role: 'group', 'aria-label': button }));
    if (i === 3) item.append(act({ text: button, onclick: sketch }));
    if (i === 4) item.append(act({ text: button, disabled: record && !record.alignment ? '' : null, onclick: staircase }));
    if (i === 4 && record && !record.alignment) item.append(el('p', { text: 'This one has no words. Choose a song with lyrics to see it.' }));
    if (i === on && i < STEPS.length - 1) item.append(act({ class: 'b text small', text: 'Next step', onclick: () => go(i + 1) }));
    return item;
  }));
  drawLevels();
  if (focused >= 0) $$('button', list)[focused]?.focus({ preventScroll: true });
}

/** The top level, then, three seconds later, the finest at the same place: the switch is the point. */
function sketch() {
  if (!song) return;
  const { id } = song, best = finest(record);
  tell('load', { id, level: 'top', time: start, play: true });
  clearTimeout(timer);
  timer = setTimeout(() => { if (playerId === id) tell('load', { id, level: best }); }, 3000);
}

/** The attention map in the player, from the first word on. */
function staircase() {
  const words = record?.alignment?.words;
  if (words?.length) tell('load', { id: song.id, level: finest(record), time: Math.max(0, words[0][2] - 0.2), play: true, open: true });
}

function drawLevels() {
  const box = $('.hear-levels', root), focused = $$('button', box).indexOf(document.activeElement);
  box.replaceChildren(...LEVELS.map(name => el('button', {
    type: 'button', class: 'lv-' + name, 'aria-pressed': name === level, disabled: data && !data.levels[name] ? '' : null,
    onclick: () => { level = name; drawLevels(); if (song) tell('load', { id: song.id, level: name, time: start, play: true }); },
  }, icon('g-' + name, 'glyph'), name)));
  if (focused >= 0) $$('button', box)[focused].focus({ preventScroll: true });
}

/* ---------- the stretch ---------- */
function draw() {
  if (!visible() || !data) return;
  const box = $('.stretch', root), there = LEVELS.filter(name => data.levels[name]), best = there[there.length - 1];
  box.replaceChildren();
  if (!best) { $('.told', root).textContent = 'Nothing of this song can be heard yet.'; return; }
  $('.where', root).textContent = `from ${clock(data.start, 2)}`;
  const sound = data.original ?? data.levels[best].wave, source = data.original ? 'recording' : `${best} level`;
  const peak = Math.max(0.02, ...sound.map(Math.abs), ...there.flatMap(name => data.levels[name].wave.map(Math.abs)));
  row('', [data.original ? 'Recording' : 'Sound'], `${num(sound.length)} numbers`, 72, (g, w, h) => line(g, w, h, sound, peak, token('--ink'), 1.1), `Waveform of ${SECONDS} seconds of the ${source}.`);
  for (const name of there) {
    const it = data.levels[name];
    row('lv-' + name, [icon('g-' + name, 'glyph'), capital(name)], `${it.codes.length} codes`, 40, (g, w, h) => cells(g, w, h, it), `${it.codes.length} codes of the ${name} level as shaded cells.`);
    row('lv-' + name, [''], 'decoded', 58, (g, w, h) => { line(g, w, h, sound, peak, token('--line'), 2.5); line(g, w, h, it.wave, peak, token('--' + name), 1.2); }, `Sound decoded from the ${name} level, drawn over the ${source}.`);
  }
  const axis = el('canvas', { 'aria-hidden': 'true' });
  box.append(el('div'), el('div', { class: 'lane ax' }, axis));
  drawAxis(axis, data.seconds, data.start);
  const shaded = Object.values(data.levels).every(it => it.shades);
  $('.told', root).textContent = `Each cell is one code, an integer from 0 to ${num(data.codebook - 1)}. ` + (shaded ? 'Its shade shows where the code lies in the codebook. ' : 'Its shade is its number: the codebook of this song’s model is not loaded. ')
    + (data.levels.top && data.levels.bottom ? `One top code covers ${data.levels.top.hop / data.levels.bottom.hop} bottom codes.` : '');
}

function row(className, title, small, height, paint, label) {
  const canvas = el('canvas', { role: 'img', 'aria-label': label });
  $('.stretch', root).append(el('div', { class: 'gutter plain ' + className }, el('b', {}, ...title), el('small', { text: small })), el('div', { class: 'lane strip', style: `height:${height}px` }, canvas));
  paint(...fit(canvas));
}

function line(g, w, h, wave, peak, colour, width) {
  g.strokeStyle = colour; g.lineWidth = width; g.lineJoin = 'round';
  g.beginPath();
  wave.forEach((value, i) => g.lineTo(i / (wave.length - 1 || 1) * w, h / 2 - value / peak * h * 0.46));
  g.stroke();
}

function cells(g, w, h, it, numbered = true) {
  const colours = new Uint8Array(sequential().buffer), width = it.hop / data.sample_rate / data.seconds * w;
  it.codes.forEach((code, k) => {
    const shade = it.shades ? it.shades[k] : code / (data.codebook - 1), c = 4 * Math.round(18 + shade * 225), x = (it.begin - data.start) / data.seconds * w + k * width;
    const rgb = [colours[c], colours[c + 1], colours[c + 2]];
    g.fillStyle = `rgb(${rgb.join(' ')})`;
    g.fillRect(x, 0, width - (width > 5 ? 1 : width > 2.4 ? 0.5 : 0), h);
    if (numbered && width > 24) {
      const light = rgb.map(v => (v / 255) ** 2.2);
      g.fillStyle = 0.21 * light[0] + 0.72 * light[1] + 0.07 * light[2] > 0.2 ? '#111' : '#fff';
      g.font = `9.5px ${token('--sans')}`; g.textAlign = 'center';
      if (x + width / 2 > 8 && x + width / 2 < w - 8) g.fillText(code, x + width / 2, h / 2 + 3);
    }
  });
}

/** Sound, codes and what they decode to, as a picture to keep. */
async function savePictures(kind) {
  if (!data) return;
  const curve = (name, wave, peak) => ({ name, height: 90, values: wave.map(value => clamp(0.5 + value / peak / 2)), from: 0, seconds: data.seconds });
  const there = LEVELS.filter(name => data.levels[name]), best = data.original ?? data.levels[there[there.length - 1]].wave, peak = Math.max(0.02, ...best.map(Math.abs));
  const rows = [curve('Sound', best, peak), ...there.flatMap(name => [codesRow(name), curve('decoded', data.levels[name].wave, peak)])];
  try {
    await savePicture(`${fileName(record.title)}-codes`, renderRows(`${record.title}, from ${clock(data.start, 2)}`, rows, data.seconds, `Codes of ${there.join(', ')}, 0 to ${num(data.codebook - 1)}, shaded.`, isDark()), kind);
  } catch (error) { toast(`The picture could not be saved: ${error.message}.`); }
}

function codesRow(name) {
  const canvas = el('canvas', { width: 2400, height: 40 });
  cells(canvas.getContext('2d'), canvas.width, canvas.height, data.levels[name], false);
  return { name: capital(name), height: 40, image: canvas, from: 0, seconds: data.seconds };
}

/* ---------- the costs ---------- */
function drawCosts() {
  const from = costs.against === ORIGINAL ? 'the recording' : costs.against;
  const head = ['', 'per second', 'kbit/s', 'smaller by', `distance to ${from}`, 'convergence', 'codes in use', 'how often each code is used'];
  const plain = el('tr', {}, el('th', { scope: 'row', text: '16-bit sound' }), el('td', { class: 'n', text: num(costs.sample_rate) }), el('td', { class: 'n', text: costs.kbit.toFixed(1) }), ...Array.from({ length: 5 }, () => el('td')));
  const decibel = value => (value === null ? '' : signed(value, 1) + ' dB');
  const bars = [];
  const rows = costs.rows.map(row => {
    const canvas = el('canvas', { class: 'use', role: 'img', 'aria-label': `Use of the ${row.level} codebook in this song, most used first: ${row.used} codes occur.` });
    bars.push([canvas, row]);
    return el('tr', {}, el('th', { scope: 'row' }, levelName(row.level)), ...[row.per_second.toLocaleString('en-GB', { minimumFractionDigits: 1, maximumFractionDigits: 1 }), row.kbit.toFixed(1), Math.round(row.smaller) + ' ×', decibel(row.distance), decibel(row.convergence), num(row.used)].map(text => el('td', { class: 'n', text })), el('td', {}, canvas));
  });
  $('.costs', root).replaceChildren(el('thead', {}, el('tr', {}, ...head.map((text, i) => el(text ? 'th' : 'td', { class: i && i < 7 ? 'n' : null, text })))), el('tbody', {}, plain, ...rows));
  $('.errors', root).textContent = `Distance: root mean square of the differences in dB. Convergence: size of the difference of magnitudes by the size of ${from}’s, in dB; −20 dB is a tenth.`;
  for (const [canvas, row] of bars) {
    const [g, w, h] = fit(canvas);
    g.fillStyle = token('--' + row.level);
    row.usage.forEach((value, i) => g.fillRect(i * w / row.usage.length, h - Math.max(value > 0 ? 1 : 0, value * h), w / row.usage.length - 0.6, h));
  }
}
