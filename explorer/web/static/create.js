// The form of a new song. Knows: what was typed (kept in this browser until it is changed) and what the server says to it.
// The server checks and plans; this file shows its messages beside the fields and submits.
import { $, $$, LEVELS, clamp, el, hear, icon, memory, mmss, request, say, tell, toast } from './dom.js';
import { blend } from './blend.js';
import { combobox } from './combobox.js';
import { own, panels } from './jobs.js';
import { prompt } from './prompt.js';
import { forecast, truth } from './receive.js';

const DRAWING = ['temperature', 'guidance', 'top_k', 'top_p'];
const FIELDS = ['genre', 'artist', 'lyrics', 'seconds', 'seed', 'takes', 'total'];
const TICKS = ['instrumental', 'sequential'];
let root, extra = { offset: 0, stop: 'bottom', mode: 'generate', parent: null, said: '' }, form = {}, mixer, audio, plan = null, asking = 0, timer, busy = false;

const seed = () => String(Math.floor(Math.random() * 100000));

export function mount(element) {
  root = $('.create', element);
  for (const name of FIELDS) form[name] = $(`[name=${name}]`, root);
  for (const name of TICKS) form[name] = $(`[name=${name}]`, root);
  samplingTable(); stopChoice();
  const suggest = (kind, query) => `/api/names?kind=${kind}&q=${encodeURIComponent(query)}`;
  combobox(form.genre, query => suggest('genre', query));
  combobox(form.artist, query => suggest('artist', query) + '&genre=' + encodeURIComponent(form.genre.value));
  mixer = blend($('.blend', root), form, suggest, changed);
  audio = prompt(root, changed, (recipe, name) => toast(`${name} carries the recipe it was made with.`, 'Bring the form back', () => { fill({ ...recipe, prompt: null }); changed(); }));
  hear('dropped', dropped);
  panels(root, again);
  place();
  root.addEventListener('input', changed); root.addEventListener('change', changed);
  $('.secs-range', root).addEventListener('input', event => { form.seconds.value = event.target.value; });
  $('.generate', root).addEventListener('click', generate);
  $('.more', root).addEventListener('click', () => more($('.col-more', root).hidden));
  $('.dice', root).addEventListener('click', () => { form.seed.value = seed(); changed(); });
  $('.begin-anew', root).addEventListener('click', () => { Object.assign(extra, { mode: 'generate', parent: null, said: '' }); changed(); });
  $('.usual', root).addEventListener('click', usual);
  $$('[data-add]', root).forEach(button => button.addEventListener('click', () => mixer.add(button.dataset.add)));
  root.addEventListener('keydown', event => { if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) generate(); });
  hear('recipe', ({ id, mode }) => again(id, mode));
  hear('tab', ({ name }) => { if (name === 'create') { audio.draw(); check(); } });
  let active = 0;
  hear('jobs', jobs => {  // what has ended has measured this machine: the forecast knows better now
    const before = active;
    active = jobs.filter(job => job.active).length;
    if (active < before) check();
  });
  restore();
  const pending = memory.get('pending-recipe');
  if (pending) { memory.set('pending-recipe', ''); const { id, mode } = JSON.parse(pending); again(id, mode); }
}

/* ---------- what the form says ---------- */
function samplingTable() {
  const head = ['Level', 'Temperature', 'Guidance', 'Top-k', 'Top-p'];
  $('.sampling', root).replaceChildren(
    el('thead', {}, el('tr', {}, ...head.map((text, i) => el('th', { scope: 'col', class: i ? 'n' : null, text })))),
    el('tbody', {}, ...LEVELS.map(level => el('tr', {}, el('th', { scope: 'row', class: 'lv-' + level }, icon('g-' + level, 'glyph'), ' ' + level),
      ...DRAWING.map(name => el('td', { class: 'n' }, el('input', { class: 'f num', name: `${name}-${level}`, 'aria-label': `${name.replace('_', '-')}, ${level}`, inputmode: 'decimal', autocomplete: 'off' })))))));
}

function usual() {
  const before = values();
  request('/api/form').then(({ sampling }) => {
    fillSampling(sampling); changed();
    toast('Sampling is at the model\'s own values. Your other choices are kept.', 'Undo', () => { fillSampling(before.sampling); changed(); });
  }).catch(error => show('sampling', error.message));
}

function stopChoice() {
  $('.stop', root).replaceChildren(...LEVELS.map(level => el('button', { type: 'button', role: 'radio', class: 'lv-' + level, 'data-level': level, onclick: () => { extra.stop = level; drawStop(); changed(); } }, icon('g-' + level, 'glyph'), level)));
  $('.stop', root).addEventListener('keydown', event => {
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!by) return;
    extra.stop = LEVELS[(LEVELS.indexOf(extra.stop) + by + 3) % 3];
    drawStop(); changed(); $('[aria-checked=true]', event.currentTarget).focus();
    event.preventDefault(); event.stopPropagation();
  });
  drawStop();
}

const drawStop = () => $$('.stop button', root).forEach(button => { const on = button.dataset.level === extra.stop; button.setAttribute('aria-checked', on); button.tabIndex = on ? 0 : -1; });

/** Everything in the form, as typed: the server reads and judges it. */
function values() {
  const sampling = Object.fromEntries(LEVELS.map(level => [level, Object.fromEntries(DRAWING.map(name => [name, $(`[name=${name}-${level}]`, root).value]))]));
  return {
    ...Object.fromEntries(FIELDS.map(name => [name, form[name].value])), ...Object.fromEntries(TICKS.map(name => [name, form[name].checked])),
    offset: extra.offset, stop: extra.stop, mode: extra.mode, parent: extra.parent, said: extra.said, sampling, prompt: audio.value(),
  };
}

function fillSampling(table) {
  for (const level of LEVELS) for (const [name, value] of Object.entries(table?.[level] || {})) $(`[name=${name}-${level}]`, root).value = value;
}

function fill(data) {
  for (const name of FIELDS) if (data[name] !== undefined && data[name] !== null) form[name].value = data[name];
  for (const name of TICKS) if (data[name] !== undefined) form[name].checked = data[name];
  for (const name of ['offset', 'stop', 'mode', 'parent', 'said']) if (data[name] !== undefined) extra[name] = data[name];
  fillSampling(data.sampling);
  audio.set(data.prompt || null);
  drawStop();
}

/** What this browser remembers and what the link says at once; what is still empty then, from the server. */
function restore() {
  let draft = null;
  try { draft = JSON.parse(memory.get('draft')); } catch { /* an old or broken draft: begin anew */ }
  const query = new URLSearchParams(location.search), linked = {};
  for (const name of FIELDS) if (query.has(name)) linked[name] = query.get(name);
  fill({ seconds: '12', takes: '1', seed: seed(), ...draft, ...linked });
  if (draft) { changed(); return; }
  const touched = new Set(Object.keys(linked)), note = event => touched.add(event.target.name);
  root.addEventListener('input', note);
  request('/api/form').then(start => {
    touched.add(document.activeElement.name);  // whoever is in a field is about to write there
    fill(Object.fromEntries(Object.entries(start).filter(([name]) => !touched.has(name))));
  }).catch(error => show('form', error.message)).finally(() => { root.removeEventListener('input', note); changed(); });
}

/* ---------- asking the server what it thinks ---------- */
function changed() {
  form.lyrics.disabled = form.instrumental.checked;
  const seconds = Number(form.seconds.value), range = $('.secs-range', root);
  if (Number.isFinite(seconds)) range.value = seconds;
  range.style.setProperty('--v', (range.value - range.min) / (range.max - range.min) * 100 + '%');
  memory.set('draft', JSON.stringify({ ...values(), lyrics: form.lyrics.value.slice(0, 100000) }));
  $('.from', root).hidden = extra.mode === 'generate' || Boolean(audio.value());
  $('.from span', root).textContent = extra.said;
  mixer.draw(); drawPlace(); summary();
  clearTimeout(timer);
  timer = setTimeout(check, 250);
}

async function check() {
  const mine = ++asking;
  const late = setTimeout(() => $('.col-side', root).classList.add('stale'), 300);
  try {
    const answer = await request('/api/plan', values());
    if (mine !== asking) return;
    plan = answer;
    for (const box of $$('.err', root)) show(box.dataset.for, plan.problems[box.dataset.for] || '', plan.fixes?.[box.dataset.for]);
    $('.lyrics-note', root).textContent = plan.lyrics_note;
    if (plan.truth) truth(root, plan);
    $('.truth', root).classList.toggle('stale', !plan.truth);
    $('.forecast', root).hidden = !plan.forecast;
    if (plan.forecast) forecast(root, plan, way);
    drawPlace(); summary();
  } catch (error) {
    if (mine === asking) show('form', error.message);
  } finally {
    clearTimeout(late);
    if (mine === asking) $('.col-side', root).classList.remove('stale');
  }
}

/** A message beside its field; `fix` {label, set: {field: value}} is offered as a button. */
function show(field, message, fix) {
  const box = $(`.err[data-for=${field}]`, root);
  if (box.textContent === message && !fix) return;
  box.replaceChildren(message);
  if (message && fix) box.append(el('button', { class: 'b', text: fix.label, onclick: () => { fill(fix.set); changed(); } }));
  const input = form[field];
  if (input && input.setAttribute) { input.setAttribute('aria-invalid', Boolean(message)); }
}

/** One of the forecast's alternatives, put into the form. */
function way({ remedy, value }) {
  if (remedy === 'fewer takes') form.takes.value = value;
  if (remedy === 'stop earlier') { extra.stop = value; drawStop(); }
  if (remedy === 'shorter') form.seconds.value = value;
  changed();
}

function summary() {
  const takes = form.takes.value === '1' ? 'One take' : `${form.takes.value} takes`, f = plan && plan.forecast;
  $('.summary', root).textContent = !f ? '' : f.seconds === null ? `${takes}. The speed of this machine is measured with the first song.`
    : `${takes} in about ${say(f.seconds)}.` + (f.first_sound_seconds === null ? '' : ` First sound after ${say(f.first_sound_seconds)}.`);
  const open = !$('.col-more', root).hidden, set = name => LEVELS.map(level => $(`[name=${name}-${level}]`, root).value).join(' / ');
  const from = extra.offset ? `, from ${mmss(extra.offset)}` : '', how = { generate: '', primed: ', begins with your audio', continue: ', goes on from a song', upsample: ', finer levels of a song', again: ', begins as that song did' }[audio.value() ? 'primed' : extra.mode];
  $('.more-sum', root).textContent = open ? 'Closing keeps everything you set.' : `Seed ${form.seed.value}, ${takes.toLowerCase()}, temperatures ${set('temperature')}, guidance ${set('guidance')}${from}, ${extra.stop === 'bottom' ? 'all three levels' : 'stops after ' + extra.stop}${how}.`;
}

/* ---------- making ---------- */
async function generate() {
  if (busy) return;
  busy = true;
  const button = $('.generate', root);
  button.disabled = true;
  try {
    const answer = await request('/api/jobs', values());
    if (answer.job) begun(answer); else refused(answer);
  } catch (error) { show('form', error.message);
  } finally { busy = false; button.disabled = false; }
}

function begun({ job, position }) {
  own(job);
  toast(position > 1 ? `Number ${position} in the queue. You can go on listening.` : 'It begins now. You can go on listening, or close this page.');
  form.seed.value = seed();
  Object.assign(extra, { mode: 'generate', parent: null, said: '' });
  changed();
  if ($('.job', root).getBoundingClientRect().top > innerHeight) $('.col-side', root).scrollIntoView({ behavior: 'smooth' });
}

function refused({ problems, fixes }) {
  for (const box of $$('.err', root)) show(box.dataset.for, problems[box.dataset.for] || '', fixes[box.dataset.for]);
  const first = FIELDS.find(name => problems[name]);
  if (['seed', 'takes', 'total'].includes(first)) more(true);
  if (first) form[first].focus();
}

/** Bring a sample's recipe into the form: again (new seed), style (no lyrics), continue, upsample. */
async function again(id, mode) {
  tell('open', { tab: 'create' });
  try {
    const { form: recipe, said } = await request(`/api/recipe/${encodeURIComponent(id)}?mode=${encodeURIComponent(mode)}`);
    const before = values();
    fill({ ...recipe, said, prompt: null, seed: mode === 'exact' ? recipe.seed : seed() });
    changed();
    toast(said, 'Undo', () => { fill(before); changed(); });
    if (mode === 'style') form.lyrics.focus();
  } catch (error) { toast(error.message); }
}

/** A file was dropped on the page: a recipe, alone or in a sound, makes the whole form as it was; else it is a beginning. */
function dropped({ name, recipe, sound, message }) {
  if (!recipe) {
    more(true);
    if (sound) audio.use(sound); else show('prompt', message);
    return;
  }
  const before = values(), back = () => { fill(before); changed(); };
  fill({ ...recipe, said: '', prompt: null });
  changed();
  if (!sound) { toast(`The form is as ${name} says.`, 'Undo', back); return; }
  toast(`The form is as it was when ${name} was made, its seed too.`, 'Begin with its sound instead', () => { back(); more(true); audio.use(sound); });
}

function more(open) {
  $('.col-more', root).hidden = !open;
  root.classList.toggle('more-open', open);
  if (open) $('.col-more', root).append($('.forecast', root)); else $('.col-side', root).append($('.forecast', root));
  const button = $('.more', root);
  button.setAttribute('aria-expanded', open);
  button.textContent = open ? 'Fewer choices' : 'More choices';
  audio.draw(); drawPlace(); summary();
}

/* ---------- place in the imagined song ---------- */
const total = () => Number(form.total.value) || (plan && plan.total_seconds) || 180;
const pieceLength = () => clamp(Number(form.seconds.value) || 0, 0, total());

function drawPlace() {
  const block = $('.blk', root), all = total(), length = pieceLength();
  const at = clamp(Number(extra.offset) || 0, 0, Math.max(0, all - length)), text = $('.tl .tx', root);
  extra.offset = at;
  block.style.left = at / all * 100 + '%'; block.style.width = length / all * 100 + '%';
  text.textContent = `${mmss(at)} – ${mmss(at + length)}`; text.style.left = clamp((at + length / 2) / all * 100, 8, 92) + '%';
  for (const [name, value] of Object.entries({ 'aria-valuemin': 0, 'aria-valuemax': Math.max(0, all - length).toFixed(0), 'aria-valuenow': at.toFixed(0), 'aria-valuetext': text.textContent })) block.setAttribute(name, value);
}

function place() {
  const line = $('.tl', root), block = $('.blk', root);
  const move = event => { const box = line.getBoundingClientRect(); extra.offset = Math.max(0, Math.round((event.clientX - box.left) / box.width * total() - pieceLength() / 2)); changed(); };
  line.addEventListener('pointerdown', event => { line.setPointerCapture(event.pointerId); move(event); });
  line.addEventListener('pointermove', event => { if (event.buttons) move(event); });
  block.addEventListener('keydown', event => {
    const by = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -Infinity, End: Infinity }[event.key];
    if (!by) return;
    extra.offset = clamp((Number(extra.offset) || 0) + by, 0, Math.max(0, total() - pieceLength()));
    changed(); event.preventDefault(); event.stopPropagation();
  });
}
