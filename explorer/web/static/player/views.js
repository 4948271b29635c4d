/**
 * Rows below the spectrograms that can be switched on: chroma and onsets of the level that is heard.
 * Knows: how these two arrays are painted and put into words. Does not know: fetching, audio, the lanes around it.
 */
import { clamp, el, memory } from '../dom.js';
import { paintColumns, sequential } from './colour.js';
import { fit, token } from './tools.js';

const PITCHES = ['C', 'C♯', 'D', 'D♯', 'E', 'F', 'F♯', 'G', 'G♯', 'A', 'A♯', 'B'];
export const VIEWS = ['chroma', 'onsets'];
const NAMES = { chroma: 'Chroma', onsets: 'Onsets' };

export class Views {
  /** @param {(view: string) => void} wanted called when a row is switched on: its array is needed */
  constructor(wanted) {
    this.wanted = wanted;
    this.on = new Set((memory.get('rows') ?? '').split(' ').filter((name) => VIEWS.includes(name)));
    this.rows = new Map();
    this.switches = el('div', { class: 'gutter plain switches', role: 'group', 'aria-label': 'Further rows' }, ...VIEWS.map((view) =>
      el('button', { type: 'button', 'data-view': view, 'aria-pressed': String(this.on.has(view)), text: view, onclick: () => this.toggle(view) })));
  }

  /** The rows' elements for the grid of lanes; arrays of the song before are forgotten. */
  build() {
    this.rows.clear();
    this.notes = [];
    return VIEWS.flatMap((view) => {
      const note = el('small');
      const gutter = el('div', { class: 'gutter plain' }, el('b', { text: NAMES[view] }), note);
      const canvas = el('canvas', { role: 'img' });
      const lane = el('div', { class: `lane view ${view}` }, el('div', { class: 'hatch' }), canvas);
      gutter.hidden = lane.hidden = !this.on.has(view);
      this.rows.set(view, { gutter, lane, canvas, note, array: null });
      return [gutter, lane];
    });
  }

  toggle(view) {
    const shown = !this.on.has(view);
    if (shown) this.on.add(view);
    else this.on.delete(view);
    memory.set('rows', [...this.on].join(' '));
    this.switches.querySelector(`[data-view="${view}"]`).setAttribute('aria-pressed', String(shown));
    const row = this.rows.get(view);
    if (!row) return;
    row.gutter.hidden = row.lane.hidden = !shown;
    if (shown) this.wanted(view);
  }

  /** `array` {header, bytes} of `level`; null while it is fetched or where there is none. */
  set(view, array, level, seconds) {
    const row = this.rows.get(view);
    if (!row) return;
    row.array = array;
    row.level = level;
    this.draw(view, seconds);
  }

  draw(view, seconds) {
    const row = this.rows.get(view);
    if (row.lane.hidden) return;
    const [g, width, height] = fit(row.canvas);
    row.canvas.setAttribute('aria-label', row.array ? describe(view, row, this.notes) : `${NAMES[view]}: not here yet.`);
    row.note.textContent = row.array ? row.level : '';
    if (!row.array || !width || !seconds) return;
    const { header, bytes } = row.array;
    const right = (header.seconds / seconds) * width;
    const left = (header.start / seconds) * width;
    if (view === 'chroma') {
      g.imageSmoothingEnabled = false;
      g.drawImage(paintColumns(bytes, header.columns, header.rows, sequential()), 0, 0, header.columns, header.rows, left, 0, right, height);
      this.outline(g, seconds, width, height / header.rows);
      return;
    }
    g.fillStyle = token('--paper');
    g.fillRect(0, 0, Math.min(width, right), height);
    g.fillStyle = token('--field');
    const wide = right / header.columns;
    for (let x = 0; x < header.columns; x += 1) {
      const high = (bytes[x] / 255) * (height - 1);
      g.fillRect(left + x * wide, height - high, Math.max(0.5, wide), high);
    }
    g.fillStyle = token('--ink');
    for (const time of header.onsets) g.fillRect((time / seconds) * width, 0, 1, height);
  }

  /** The notes that were to be sung: there the pitch class should be strong. `step`: pixels of one. */
  outline(g, seconds, width, step) {
    g.strokeStyle = token('--ink');
    g.lineWidth = 1;
    for (const [begin, end, midi] of this.notes) {
      const [x, right] = [begin, end].map((time) => Math.round((time / seconds) * width) + 0.5);
      g.strokeRect(x, Math.round((PITCHES.length - 1 - (midi % 12)) * step) + 0.5, Math.max(1, right - x - 1), Math.round(step) - 1);
    }
  }

  paint(seconds) {
    for (const view of this.rows.keys()) this.draw(view, seconds);
  }

  /** What is under the pointer, in words; empty where nothing is. `part` 0 at the top, 1 at the bottom of the row. */
  read(view, time, part) {
    const array = this.rows.get(view)?.array;
    if (!array) return '';
    const { columns, rows, seconds, decibel } = array.header;
    const column = Math.floor((time / seconds) * columns);
    if (column < 0 || column >= columns) return '';
    if (view === 'onsets') return `rises ${((array.bytes[column] / 255) * decibel).toFixed(1)} dB`;
    const pitch = clamp(Math.floor((1 - part) * rows), 0, rows - 1);
    return `${PITCHES[pitch]} ${(array.bytes[column * rows + pitch] / 255).toFixed(2)}`;
  }
}

function describe(view, { array, level }, notes) {
  const { header, bytes } = array;
  if (view === 'onsets') {
    const many = header.onsets.length;
    return `Onsets, ${level} level: ${many} ${many === 1 ? 'beginning' : 'beginnings'} of notes or strokes; bars show how fast the level rises.`;
  }
  const sums = PITCHES.map((_, pitch) => {
    let sum = 0;
    for (let x = 0; x < header.columns; x += 1) sum += bytes[x * header.rows + pitch];
    return sum;
  });
  const strongest = sums.indexOf(Math.max(...sums));
  return `Chroma, ${level} level: the strength of the twelve pitch classes over time, C at the bottom${notes.length ? ', with the notes that were to be sung outlined' : ''}${sums[strongest] ? `; ${PITCHES[strongest]} is the strongest` : ''}.`;
}
