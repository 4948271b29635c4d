/**
 * The lead sheet of a song: bars, chords and notes that its top level was told, on the time axis of the lanes.
 * Knows: where each of them goes, and how they read. Does not know: the lanes around it, audio, fetching.
 *
 * A sheet is {key, bar, beats, first, chords: [one per bar], notes: [[begin, end, MIDI number]] or null}, in seconds.
 */
import { el } from '../dom.js';
import { fit, token } from './tools.js';

const NAMES = ['C', 'D♭', 'D', 'E♭', 'E', 'F', 'G♭', 'G', 'A♭', 'A', 'B♭', 'B'];
/** Pixels above the notes, in which chords are written; and how wide a letter of them is taken to be. */
const STRIP = 13;
const LETTER = 7;
/** Fewer semitones than this look like a wide range otherwise. */
const NARROWEST = 12;

const noteName = (midi) => `${NAMES[midi % 12]}${Math.floor(midi / 12) - 1}`;

/** "Bbm" -> "B♭m" */
const printed = (name) => name.replace(/^([A-G])b/, '$1♭');

const tempo = ({ beats, bar }) => Math.round((60 * beats) / bar);

/** What is drawn on `width` by `height` pixels that show `seconds`: {bars: [x], chords: [{x, text}], notes: [{x, y, width, height}]}. */
export function layOut({ bar, first, chords, notes }, seconds, width, height) {
  const at = (time) => (time / seconds) * width;
  const names = chords.flatMap((text, i) => {
    const parts = text.split(' ').filter(Boolean);
    return parts.map((name, half) => ({ time: first + (i + half / parts.length) * bar, text: name }));
  });
  const placed = [];
  let before = null;
  for (const { time, text } of names) {
    const x = Math.max(0, at(time));
    const last = placed.at(-1);
    // A chord that goes on is not written again, and none over another.
    if (text !== before && x < width && !(last && x < last.x + LETTER * (last.text.length + 1))) placed.push({ x, text: printed(text) });
    before = text;
  }
  const sung = (notes ?? []).map(([, , midi]) => midi);
  const [low, high] = [Math.min(...sung), Math.max(...sung)];
  const range = Math.max(NARROWEST, high - low);
  const foot = (low + high - range) / 2;
  const step = (height - STRIP) / (range + 1);
  return {
    bars: chords.map((_, i) => at(first + i * bar)).filter((x) => x >= 0 && x < width),
    chords: placed,
    notes: (notes ?? []).map(([begin, end, midi]) => ({
      x: at(begin), y: height - (midi - foot + 1) * step, width: Math.max(1.5, at(end - begin) - 0.75), height: Math.max(2, step),
    })),
  };
}

/** The row of the sheet among the lanes; without a sheet there is none. */
export class SheetRow {
  constructor() {
    this.sheet = null;
    this.note = el('small');
    this.gutter = el('div', { class: 'gutter plain', hidden: '' }, el('b', { text: 'Lead sheet' }), this.note);
    this.canvas = el('canvas', { role: 'img' });
    this.lane = el('div', { class: 'lane view sheet', hidden: '' }, this.canvas);
  }

  set(sheet) {
    this.sheet = sheet;
    this.gutter.hidden = this.lane.hidden = !sheet;
    if (!sheet) return;
    this.note.textContent = `${printed(sheet.key)}, ${tempo(sheet)}`;
    this.note.title = `${tempo(sheet)} beats a minute`;
    this.canvas.setAttribute('aria-label', describe(sheet));
  }

  paint(seconds) {
    if (!this.sheet) return;
    const [g, width, height] = fit(this.canvas);
    if (!width || !seconds) return;
    const { bars, chords, notes } = layOut(this.sheet, seconds, width, height);
    g.fillStyle = token('--paper');
    g.fillRect(0, 0, width, height);
    g.fillStyle = token('--line');
    for (const x of bars) g.fillRect(Math.round(x), 0, 1, height);
    g.fillStyle = token('--ink-2');
    g.font = `11px ${token('--sans')}`;
    for (const { x, text } of chords) g.fillText(text, x + 3, 10);
    g.fillStyle = token('--top');
    for (const note of notes) g.fillRect(note.x, note.y, note.width, note.height);
  }

  /** What is told at a time, where the pointer is on the row; else empty. */
  read(clientY, time) {
    const box = this.canvas.getBoundingClientRect();
    return this.sheet && clientY >= box.top && clientY < box.bottom ? readSheet(this.sheet, time) : '';
  }
}

/** Chord and note at a time, in words; empty where none is told. */
function readSheet({ bar, first, chords, notes }, time) {
  const place = (time - first) / bar;
  const parts = (chords[Math.floor(place)] ?? '').split(' ');
  const chord = parts[Math.floor((place - Math.floor(place)) * parts.length)];
  const note = notes?.find(([begin, end]) => begin <= time && time < end);
  return [chord && `chord ${printed(chord)}`, note && `sing ${noteName(note[2])}`].filter(Boolean).join(', ');
}

/** The whole sheet for those who hear the page. */
function describe(sheet) {
  const chords = sheet.chords.filter(Boolean).map((bar) => bar.split(' ').map(printed).join(' '));
  const told = [`${tempo(sheet)} beats a minute`, printed(sheet.key)];
  if (chords.length) told.push(`chords ${chords.slice(0, 4).join(', ')}${chords.length > 4 ? ' and so on' : ''}`);
  if (sheet.notes?.length) {
    const sung = sheet.notes.map(([, , midi]) => midi);
    told.push(`${sheet.notes.length} ${sheet.notes.length === 1 ? 'note' : 'notes'} to sing from ${noteName(Math.min(...sung))} to ${noteName(Math.max(...sung))}`);
  }
  return `Lead sheet, what the top level was told: ${told.join('; ')}.`;
}
