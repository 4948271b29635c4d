// A tenth of a second of a song: sound, codes of the three levels, what each level decodes to; and what the levels cost.
import { $, $$, LEVELS, clamp, el, hear, icon, levelName, num, request, tell, toast } from './dom.js';
import { combobox } from './combobox.js';
import { onTheme, sequential } from './player/colour.js';
import { capital, clock, drawAxis, fit, token } from './player/tools.js';

const SECONDS = 0.1;
const STEPS = [
  ['Sound is a long list of numbers', rate => `One second holds ${num(rate)} of them. A neural net that writes music number by number would need far too long, so the song is squeezed first.`],
  ['Three levels squeeze it', (rate, hops) => `The top level keeps one code for ${hops.top} numbers, the middle one for ${hops.middle}, the bottom one for ${hops.bottom}. Wider cells in the picture stand for more sound per code.`, 'Hear the three levels'],
  ['A code is a word for a sound', (rate, hops, book) => `Each level owns a book of ${num(book)} sounds. The net picks the closest entry; the integer is its page. Similar sounds have similar shades here.`],
  ['The top level composes', () => 'It reads genre, artist and lyrics and writes top codes one after another. The two others only fill in detail: they never see the words.'],
  ['Attention shows where it reads', () => 'While it sings, the top level looks back at the lyrics. The staircase in the player is that look, and it gives the karaoke its timing.'],
];
let root, song = null, start = 0, data = null, costs = null, asking = 0, playerId = null, on = 1, level = 'bottom', timer;

export function mount(element) {
  root = $('.learn', element);
  combobox($('.song', root), query => '/api/choices?q=' + encodeURIComponent(query), item => choose(item), 'No song has these words.');
  const range = $('.at input', root);
  range.addEventListener('input', () => { start = Number(range.value); paintRange(range); clearTimeout(timer); timer = setTimeout(load, 60); });
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
    const record = await request('/api/samples/' + encodeURIComponent(item.id)), range = $('.at input', root);
    $('.song', root).value = `${record.title}, ${record.artist || 'unknown'}`;
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
  $('.steps', root).replaceChildren(...STEPS.map(([title, text, button], i) => {
    const item = el('li', { class: i === on ? 'on' : '' }, el('span', { text: i + 1 }), el('button', { type: 'button', text: title, 'aria-expanded': i === on, onclick: () => { on = i; steps(); $$('.steps > li > button', root)[i].focus(); } }));
    item.append(el('p', { text: text(data?.sample_rate ?? 44100, hops, data?.codebook ?? 2048) }));
    if (button) item.append(el('div', { class: 'seg hear-levels', role: 'group', 'aria-label': button }));
    return item;
  }));
  drawLevels();
}

function drawLevels() {
  const box = $('.hear-levels', root);
  box.replaceChildren(...LEVELS.map(name => el('button', {
    type: 'button', class: 'lv-' + name, 'aria-pressed': name === level, disabled: data && !data.levels[name] ? '' : null,
    onclick: () => { level = name; drawLevels(); if (song) tell('load', { id: song.id, level: name, time: start, play: true }); },
  }, icon('g-' + name, 'glyph'), name)));
}

/* ---------- the stretch ---------- */
function draw() {
  if (!visible() || !data) return;
  const box = $('.stretch', root), there = LEVELS.filter(name => data.levels[name]), finest = there[there.length - 1];
  box.replaceChildren();
  if (!finest) { $('.told', root).textContent = 'Nothing of this song can be heard yet.'; return; }
  $('.where', root).textContent = `from ${clock(data.start, 2)}`;
  const sound = data.levels[finest].wave, peak = Math.max(0.02, ...there.flatMap(name => data.levels[name].wave.map(Math.abs)));
  row('', ['Sound'], `${num(sound.length)} numbers`, 72, (g, w, h) => line(g, w, h, sound, peak, token('--ink'), 1.1), `Waveform of ${SECONDS} seconds, as the ${finest} level has it.`);
  for (const name of there) {
    const it = data.levels[name];
    row('lv-' + name, [icon('g-' + name, 'glyph'), capital(name)], `${it.codes.length} codes`, 40, (g, w, h) => cells(g, w, h, it), `${it.codes.length} codes of the ${name} level as shaded cells.`);
    row('lv-' + name, [''], 'decoded', 58, (g, w, h) => { line(g, w, h, sound, peak, token('--line'), 2.5); line(g, w, h, it.wave, peak, token('--' + name), 1.2); }, `Sound decoded from the ${name} level, drawn over the ${finest} level.`);
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

function cells(g, w, h, it) {
  const colours = new Uint8Array(sequential().buffer), width = it.hop / data.sample_rate / data.seconds * w;
  it.codes.forEach((code, k) => {
    const shade = it.shades ? it.shades[k] : code / (data.codebook - 1), c = 4 * Math.round(18 + shade * 225), x = (it.begin - data.start) / data.seconds * w + k * width;
    const rgb = [colours[c], colours[c + 1], colours[c + 2]];
    g.fillStyle = `rgb(${rgb.join(' ')})`;
    g.fillRect(x, 0, width - (width > 5 ? 1 : width > 2.4 ? 0.5 : 0), h);
    if (width > 24) {
      const light = rgb.map(v => (v / 255) ** 2.2);
      g.fillStyle = 0.21 * light[0] + 0.72 * light[1] + 0.07 * light[2] > 0.2 ? '#111' : '#fff';
      g.font = `9.5px ${token('--sans')}`; g.textAlign = 'center';
      if (x + width / 2 > 8 && x + width / 2 < w - 8) g.fillText(code, x + width / 2, h / 2 + 3);
    }
  });
}

/* ---------- the costs ---------- */
function drawCosts() {
  const head = ['', 'per second', 'kbit/s', 'smaller by', `distance to ${costs.finest}`, 'codes in use', 'how often each code is used'];
  const plain = el('tr', {}, el('th', { scope: 'row', text: '16-bit sound' }), el('td', { class: 'n', text: num(costs.sample_rate) }), el('td', { class: 'n', text: costs.kbit.toFixed(1) }), el('td'), el('td'), el('td'), el('td'));
  const bars = [];
  const rows = costs.rows.map(row => {
    const canvas = el('canvas', { class: 'use', role: 'img', 'aria-label': `Use of the ${row.level} codebook in this song, most used first: ${row.used} codes occur.` });
    bars.push([canvas, row]);
    return el('tr', {}, el('th', { scope: 'row' }, levelName(row.level)), ...[row.per_second.toFixed(1), row.kbit.toFixed(1), Math.round(row.smaller) + ' ×', row.distance === null ? '' : row.distance.toFixed(1) + ' dB', num(row.used)].map(text => el('td', { class: 'n', text })), el('td', {}, canvas));
  });
  $('.costs', root).replaceChildren(el('thead', {}, el('tr', {}, ...head.map((text, i) => el(text ? 'th' : 'td', { class: i && i < 6 ? 'n' : null, text })))), el('tbody', {}, plain, ...rows));
  for (const [canvas, row] of bars) {
    const [g, w, h] = fit(canvas);
    g.fillStyle = token('--' + row.level);
    row.usage.forEach((value, i) => g.fillRect(i * w / row.usage.length, h - Math.max(value > 0 ? 1 : 0, value * h), w / row.usage.length - 0.6, h));
  }
}
