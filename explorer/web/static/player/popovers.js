/**
 * The two popovers of the player: the recipe of the song, and what can be exported.
 * Knows: how a recipe reads and which files there are. Does not know: how they were made.
 */
import { $, $$, LEVELS, el, phone, soundsOf, tell, toast } from '../dom.js';
import { isDark } from './colour.js';
import { fetchFile } from './data.js';
import { toJson, toLrc, toVtt } from './exports.js';
import { renderAttention, renderLanes, savePicture } from './pictures.js';
import { clock, fileName, save } from './tools.js';
import { named } from './transport.js';

const size = (bytes) => (bytes >= 1e6 ? `${(bytes / 1e6).toFixed(1)} MB` : `${Math.max(1, Math.round(bytes / 1e3))} kB`);

export class Popovers {
  constructor(dock, player) {
    this.dock = dock;
    this.player = player;
    this.open = null; // {name, opener}
    this.boxes = { recipe: $('.pop.recipe', dock), exports: $('.pop.exports', dock) };
    document.addEventListener('pointerdown', (event) => {
      if (this.open && !event.target.closest('.pop, [data-do="recipe"], [data-do="export"]')) this.close();
    });
    this.boxes.exports.addEventListener('keydown', (event) => {
      const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (!by) return;
      const items = $$('[role=menuitem]', this.boxes.exports);
      items[(items.indexOf(event.target) + by + items.length) % items.length].focus();
      event.preventDefault();
      event.stopPropagation();
    });
  }

  toggle(name, opener = $(`[data-do="${name === 'exports' ? 'export' : name}"]`, this.dock)) {
    const was = this.open?.name;
    this.close();
    if (was === name || !this.player.sample) return;
    this.open = { name, opener };
    this.refresh();
    this.boxes[name].hidden = false;
    this.mark(opener, true);
    $('button', this.boxes[name])?.focus({ preventScroll: true });
  }

  /** Closes what is open; `back`: the focus returns to its button. Says whether something was open. */
  close(back = false) {
    if (!this.open) return false;
    const { name, opener } = this.open;
    this.open = null;
    this.boxes[name].hidden = true;
    this.mark(opener, false);
    if (back) opener?.focus();
    return true;
  }

  mark(opener, on) {
    if (opener?.hasAttribute('aria-expanded')) opener.setAttribute('aria-expanded', String(on));
  }

  refresh() {
    if (this.open?.name === 'recipe') this.fillRecipe();
    if (this.open?.name === 'exports') this.fillExports();
  }

  fillRecipe() {
    const { sample } = this.player;
    const list = el('dl', { class: 'kv' });
    for (const [key, value] of recipeRows(sample, this.player.making.has(sample.id))) list.append(el('dt', { text: key }), el('dd', { text: value }));
    const action = (text, mode) => el('button', { class: 'b', type: 'button', text, onclick: () => { this.close(); if (phone.matches) this.player.open(false); tell('recipe', { id: sample.id, mode }); } });
    const copy = el('button', { class: 'b', type: 'button', text: 'Copy recipe', onclick: () => this.copy(JSON.stringify(sample.recipe, null, 1)) });
    const { makes } = this.player;
    const actions = makes ? [action('Same again', 'again'), action('Same style, new lyrics', 'style'), action('Continue this', 'continue')] : [];
    const top = sample.levels.top;
    if (makes && top && (!sample.levels.bottom?.finished || !sample.levels.middle?.finished) && sample.state === 'finished') actions.push(action('Upsample this', 'upsample'));
    this.boxes.recipe.replaceChildren(el('h3', { text: 'Recipe' }), list, el('div', { class: 'acts' }, ...actions, copy));
  }

  async copy(text) {
    this.close(true);
    try {
      await navigator.clipboard.writeText(text);
      toast('The recipe is on the clipboard.');
    } catch {
      save(`${fileName(this.player.sample.title)}.recipe.json`, text, 'application/json');
      toast('The browser keeps its clipboard closed, so the recipe was saved as a file.');
    }
  }

  fillExports() {
    const { sample, lanes, words } = this.player;
    const name = fileName(sample.title);
    const item = (label, kind, run) => el('button', { role: 'menuitem', type: 'button', tabindex: -1, onclick: () => this.run(label, run) }, label, el('span', { text: kind }));
    const rows = [el('div', { class: 'cap', text: 'Sound' })];
    for (const level of soundsOf(sample).toReversed()) {
      const made = sample.levels[level];
      if (made) rows.push(item(`${level}.flac`, size(made.bytes), async () => save(`${name}-${level}.flac`, await fetchFile(made.url), 'audio/flac')));
    }
    if (sample.alignment) {
      rows.push(
        el('div', { class: 'cap', text: 'Words in time' }),
        item('Lyrics', 'LRC', () => save(`${name}.lrc`, toLrc(sample), 'text/plain;charset=utf-8')),
        item('Subtitles', 'VTT', () => save(`${name}.vtt`, toVtt(sample), 'text/vtt;charset=utf-8')),
        item('Every character', 'JSON', () => save(`${name}.alignment.json`, toJson(sample), 'application/json')),
      );
    }
    const picture = (label, ending, make) => ['png', 'svg'].map((kind) => item(label, kind.toUpperCase(), () => savePicture(`${name}-${ending}`, make(), kind)));
    rows.push(el('div', { class: 'cap', text: 'Pictures' }), ...picture('Spectrograms and rows', 'spectra', () => renderLanes(sample, lanes, isDark())));
    if (words.attention) rows.push(...picture('Attention map', 'attention', () => renderAttention(sample, words.attention, isDark())));
    this.boxes.exports.replaceChildren(...rows);
  }

  async run(label, act) {
    this.close(true);
    try {
      await act();
    } catch (error) {
      this.player.alert(`${label} could not be saved: ${error.message}. The song is untouched.`, () => this.run(label, act));
    }
  }
}

/** What the recipe says, in words: [[name, value]]. Works from the record alone. */
export function recipeRows(sample, making = false) {
  const song = sample.recipe?.song ?? {};
  const sampling = sample.recipe?.sampling ?? {};
  const lines = (sample.lyrics ?? '').split('\n').filter((line) => line.trim()).length;
  const temperatures = LEVELS.filter((level) => sampling[level]).map((level) => `${sampling[level].temperature} ${level}`);
  const guided = LEVELS.filter((level) => (sampling[level]?.guidance ?? 1) !== 1).map((level) => `${sampling[level].guidance} ${level}`);
  const filters = LEVELS.flatMap((level) => [
    ...(sampling[level]?.top_k ? [`${level} top-k ${sampling[level].top_k}`] : []),
    ...(sampling[level]?.top_p ? [`${level} top-p ${sampling[level].top_p}`] : []),
  ]);
  const spent = Object.values(sample.levels).reduce((sum, level) => sum + (level.sampling_seconds || 0), 0);
  const place = song.total_seconds ? `, at ${clock(song.offset_seconds ?? 0)} of an imagined ${clock(song.total_seconds)}` : '';
  const day = sample.created ? new Date(sample.created).toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'short' }) : '';
  const rows = [
    ['Model', sample.model + (sample.model === 'pocket' ? ' (demo model)' : '')],
    ['Collection', [sample.collection, sample.meaning].filter(Boolean).join(': ')],
    ['Genre', named(sample.genre, 'unknown')],
    ['Artist', named(sample.artist, 'unknown')],
    ['Lyrics', lines ? `${Array.from(sample.lyrics).length} characters, ${lines} ${lines === 1 ? 'line' : 'lines'}` : 'none'],
    ['Length', `${+(song.seconds ?? sample.seconds).toFixed(1)} s${place}`],
    ['Seed', String(song.seed ?? '–')],
    ['Temperature', temperatures.join(', ') || '–'],
  ];
  if (guided.length) rows.push(['Guidance', guided.join(', ')]);
  if (filters.length) rows.push(['Filter', filters.join(', ')]);
  if (sample.prompt_seconds) rows.push(['Given', `the first ${sample.prompt_seconds.toFixed(1)} s`]);
  const made = [making ? 'now' : day, sample.device, spent ? `${Math.round(spent)} s` : '', making || sample.state === 'finished' ? '' : 'not finished'];
  rows.push(['Made', made.filter(Boolean).join(', ')]);
  rows.push(['Licence', [sample.licence, 'AI-generated'].filter(Boolean).join(', ')]);
  for (const note of sample.notes ?? []) rows.push(['Note', note]);
  return rows;
}
