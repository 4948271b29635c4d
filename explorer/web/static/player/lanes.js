/**
 * The spectrograms, the ribbon of uncertainty, the lead sheet, further rows and the playhead on one time axis.
 * Knows: pictures, pointer and keys on them. Does not know: audio, fetching, lyrics.
 * It asks for nothing by itself: the player hands in arrays and times, and is told by `on` callbacks
 * {seek(seconds), loop([from, to]), level(name), point(seconds or null), view(name)}.
 */
import { LEVELS, clamp, el, icon, num } from '../dom.js';
import { paintColumns, sequential } from './colour.js';
import { SheetRow } from './sheet.js';
import { capital, clock, drawAxis, fit, hertz, signed, token } from './tools.js';
import { VIEWS, Views } from './views.js';

const TICKS = [500, 2000, 8000];

export class Lanes {
  constructor(box, on) {
    this.box = box;
    this.on = on;
    this.rows = new Map(); // level -> {gutter, lane, canvas, spectrum, image}
    this.entropy = new Map(); // level -> {header, bytes}
    this.views = new Views((view) => on.view(view));
    this.seconds = 0;
    this.drag = null;
    this.over = el('div', { class: 'over', role: 'slider', tabindex: 0, 'aria-label': 'Place in the song', 'aria-valuemin': 0, 'aria-valuemax': 0, 'aria-valuenow': 0 });
    this.head = el('div', { class: 'ph' });
    this.hair = el('div', { class: 'xh', hidden: '' });
    this.mark = el('div', { class: 'loop', hidden: '' });
    this.readout = el('div', { class: 'readout', hidden: '' });
    this.over.append(this.mark, this.hair, this.head, this.readout);
    this.listen();
  }

  /** Lays out a lane per level. `sample` is the record, `level` the one that is heard. */
  show(sample, levels, level) {
    this.sample = sample;
    this.level = level;
    this.seconds = sample.duration;
    this.rows.clear();
    this.entropy.clear();
    this.ribbon = el('canvas', { role: 'img' });
    this.axis = el('canvas', { 'aria-hidden': 'true' });
    const ribbonGutter = el('div', { class: 'gutter plain' },
      el('b', {}, el('span', { class: 'only-l', text: 'Uncertainty' }), el('span', { class: 'only-s', text: 'Bits' })), this.bitsNote = el('small'));
    this.box.replaceChildren(ribbonGutter, el('div', { class: 'lane rib' }, this.ribbon));
    this.box.style.setProperty('--lanes', levels.length);
    for (const name of levels) this.addRow(name);
    this.sheet = new SheetRow();
    this.box.append(this.sheet.gutter, this.sheet.lane, ...this.views.build(), this.views.switches, el('div', { class: 'lane ax' }, this.axis), this.over);
    this.over.setAttribute('aria-valuemax', this.seconds.toFixed(1));
    this.setLevel(level);
    this.update(sample);
  }

  addRow(name) {
    const gutter = el('button', { class: `gutter lv-${name}`, type: 'button', 'data-level': name, 'aria-pressed': 'false', title: `Hear ${name}`, onclick: () => this.on.level(name) },
      el('b', {}, icon(`g-${name}`, 'glyph'), capital(name)), el('small'), el('small'));
    const canvas = el('canvas', { role: 'img' });
    const lane = el('div', { class: `lane lv-${name}`, 'data-level': name }, el('div', { class: 'hatch' }), canvas);
    this.box.append(gutter, lane);
    this.rows.set(name, { gutter, lane, canvas, spectrum: null, image: null });
  }

  /** The record changed (a song grows): rates, length and the marks "middle to here". */
  update(sample) {
    this.sample = sample;
    this.seconds = sample.duration;
    this.over.setAttribute('aria-valuemax', this.seconds.toFixed(1));
    this.sheet.set(sample.sheet);
    this.views.notes = sample.sheet?.notes ?? [];
    for (const [name, row] of this.rows) {
      const level = sample.levels[name];
      const [rate, bits] = row.gutter.querySelectorAll('small');
      rate.textContent = level?.codes_per_second ? `${num(Math.round(level.codes_per_second))} ${LEVELS.includes(name) ? 'codes' : 'values'}/s` : '';
      bits.textContent = level?.kbit_per_second ? `${level.kbit_per_second.toFixed(1)} kbit/s` : '';
      this.markEnd(name, row);
    }
    this.paint();
  }

  markEnd(name, row) {
    row.lane.querySelectorAll('.made').forEach((node) => node.remove());
    const done = this.sample.levels[name]?.seconds ?? 0;
    if (done >= this.seconds - 0.05) return;
    const part = this.seconds ? done / this.seconds : 0;
    const text = done > 0 ? `${name} to here, ${clock(done, 1)}` : this.sample.state === 'finished' ? `no ${name} level was made` : `${name} is not made yet`;
    row.lane.append(el('div', { class: part > 0.6 ? 'made flip' : 'made', style: `left:${part * 100}%` }, el('span', { text })));
  }

  setLevel(level) {
    this.level = level;
    for (const [name, row] of this.rows) row.gutter.setAttribute('aria-pressed', String(name === level));
    this.drawRibbon();
  }

  setSpectrum(name, spectrum) {
    const row = this.rows.get(name);
    if (!row) return;
    row.spectrum = spectrum;
    row.image = null;
    row.lane.classList.remove('waiting');
    this.problem(name, null);
    this.drawRow(name, row);
  }

  /** A lane that could not be filled says so itself; `retry` is called by its button. */
  problem(name, message, retry) {
    const { lane } = this.rows.get(name) ?? {};
    if (!lane) return;
    lane.querySelector('.fault')?.remove();
    if (message) lane.append(el('div', { class: 'fault', role: 'alert' }, el('span', { text: message }), el('button', { class: 'b', type: 'button', text: 'Try again', onclick: retry })));
  }

  /** The hatch of a lane whose picture takes long. */
  waiting(name, on) {
    this.rows.get(name)?.lane.classList.toggle('waiting', on);
  }

  setEntropy(name, entropy) {
    this.entropy.set(name, entropy);
    if (name === this.level) this.drawRibbon();
  }

  /** Everything again: after a change of size or theme. */
  paint(themeChanged = false) {
    for (const [name, row] of this.rows) {
      if (themeChanged) row.image = null;
      this.drawRow(name, row);
    }
    if (this.axis) drawAxis(this.axis, this.seconds);
    this.sheet?.paint(this.seconds);
    this.views.paint(this.seconds);
    this.drawRibbon();
  }

  /** The painted spectrum of a level in the present theme, one pixel per cell; null before it is here. */
  image(name) {
    const row = this.rows.get(name);
    if (!row?.spectrum) return null;
    const { columns, rows } = row.spectrum.header;
    row.image ??= paintColumns(row.spectrum.bytes, columns, rows, sequential());
    return row.image;
  }

  drawRow(name, row) {
    const [g, width, height] = fit(row.canvas);
    const { spectrum } = row;
    row.lane.querySelectorAll('.hz').forEach((node) => node.remove());
    if (!spectrum || !width) return;
    const { columns, rows, seconds, start, hertz: centres } = spectrum.header;
    g.imageSmoothingQuality = 'high';
    g.drawImage(this.image(name), 0, 0, columns, rows, (start / this.seconds) * width, 0, (seconds / this.seconds) * width, height);
    for (const f of TICKS) {
      const above = centres.findIndex((centre) => centre >= f);
      if (above <= 0) continue;
      const place = above - (centres[above] - f) / (centres[above] - centres[above - 1]) + 0.5;
      row.lane.append(el('span', { class: 'hz', style: `top:${100 - (place / rows) * 100}%`, text: f < 1000 ? `${f} Hz` : `${f / 1000} kHz` }));
    }
    const done = this.sample.levels[name]?.seconds ?? 0;
    const length = done < this.seconds - 0.05 ? `${clock(done, 1)} finished of ${this.seconds.toFixed(1)} seconds` : `${this.seconds.toFixed(1)} seconds`;
    row.canvas.setAttribute('aria-label', `Spectrogram, ${name} level, ${length}, up to ${hertz(centres.at(-1))}, mel scale, −60 to 0 dB.`);
  }

  drawRibbon() {
    if (!this.ribbon) return;
    const [g, width, height] = fit(this.ribbon);
    const entropy = this.entropy.get(this.level);
    this.bitsNote.textContent = entropy ? `0 – ${+entropy.header.bits.toFixed(1)} bit` : entropy === null ? 'not kept' : '';
    const text = entropy ? `Uncertainty of the ${this.level} level in bits per code, from 0 to ${entropy.header.bits}: how freely each code was chosen.` : `No uncertainty was kept for the ${this.level} level.`;
    this.ribbon.setAttribute('aria-label', text);
    if (!entropy || !width || !entropy.bytes.length) return;
    const { seconds, given } = entropy.header;
    const end = (seconds / this.seconds) * width;
    // The part that was given and not drawn has no uncertainty: the ribbon begins behind it.
    const first = Math.round((given / seconds) * entropy.bytes.length);
    if (first >= entropy.bytes.length) return;
    const left = (given / this.seconds) * width;
    const points = Math.max(2, Math.min(entropy.bytes.length - first, Math.floor((end - left) / 1.5)));
    const level = (i) => {
      const many = entropy.bytes.length - first;
      const from = first + Math.floor((i / points) * many);
      const to = Math.max(from + 1, first + Math.floor(((i + 1) / points) * many));
      let sum = 0;
      for (let k = from; k < to; k += 1) sum += entropy.bytes[k];
      return height - (sum / (to - from) / 255) * (height - 2);
    };
    const line = () => {
      for (let i = 0; i < points; i += 1) g.lineTo(left + ((i + 0.5) / points) * (end - left), level(i));
    };
    g.fillStyle = g.strokeStyle = token(`--${this.level}`) || token('--ink-2');
    g.globalAlpha = 0.28;
    g.beginPath();
    g.moveTo(left, height);
    line();
    g.lineTo(end, height);
    g.fill();
    g.globalAlpha = 1;
    g.lineWidth = 1;
    g.beginPath();
    line();
    g.stroke();
  }

  /** Chroma or onsets of `level`, or null while they are fetched. */
  setView(view, array, level) {
    this.views.set(view, array, level, this.seconds);
  }

  /** The cross-hair at a time that is pointed at elsewhere; null takes it away. */
  point(time) {
    this.hair.hidden = time === null;
    this.readout.hidden = true;
    if (time !== null) this.hair.style.left = `${(time / this.seconds) * 100}%`;
  }

  /** Moves the playhead; cheap enough for every frame. */
  frame(time) {
    const part = this.seconds ? time / this.seconds : 0;
    this.head.style.transform = `translateX(${part * this.over.clientWidth}px)`;
  }

  /** For those who hear the page: not on every frame, a reader would never fall silent. */
  announce(time) {
    this.over.setAttribute('aria-valuenow', time.toFixed(1));
    this.over.setAttribute('aria-valuetext', `${time.toFixed(1)} of ${this.seconds.toFixed(1)} seconds, ${this.level} level`);
  }

  setLoop(loop) {
    this.mark.hidden = !loop;
    if (!loop || !this.seconds) return;
    this.mark.style.left = `${(loop[0] / this.seconds) * 100}%`;
    this.mark.style.width = `${((loop[1] - loop[0]) / this.seconds) * 100}%`;
  }

  timeAt(event) {
    const box = this.over.getBoundingClientRect();
    return clamp((event.clientX - box.left) / box.width) * this.seconds;
  }

  listen() {
    const { over } = this;
    over.addEventListener('pointerdown', (event) => {
      if (event.button) return;
      over.setPointerCapture(event.pointerId);
      this.drag = { from: this.timeAt(event), x: event.clientX, loop: event.shiftKey };
      if (!event.shiftKey) this.on.seek(this.drag.from);
    });
    over.addEventListener('pointermove', (event) => {
      const time = this.timeAt(event);
      if (this.drag?.loop) {
        if (Math.abs(event.clientX - this.drag.x) > 4) this.on.loop([Math.min(time, this.drag.from), Math.max(time, this.drag.from)], false);
      } else if (this.drag) this.on.seek(time);
      if (event.pointerType !== 'touch') this.hover(event, time);
    });
    const release = (event) => {
      const { drag } = this;
      this.drag = null;
      if (!drag?.loop) return;
      const time = this.timeAt(event);
      if (Math.abs(event.clientX - drag.x) > 4) this.on.loop([Math.min(time, drag.from), Math.max(time, drag.from)], true);
      else this.on.seek(drag.from);
    };
    over.addEventListener('pointerup', release);
    over.addEventListener('pointercancel', () => { this.drag = null; });
    over.addEventListener('pointerleave', () => {
      this.point(null);
      this.on.point(null);
    });
    over.addEventListener('keydown', (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const step = { ArrowLeft: -1, ArrowRight: 1, ArrowDown: -1, ArrowUp: 1, PageUp: -5, PageDown: 5 }[event.key];
      if (step) this.on.step(step);
      else if (event.key === 'Home') this.on.seek(0);
      else if (event.key === 'End') this.on.seek(this.seconds);
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
  }

  /** Time, pitch and dB of all levels, and bits, under the pointer. */
  hover(event, time) {
    const box = this.over.getBoundingClientRect();
    const parts = [clock(time, 2)];
    for (const row of this.rows.values()) {
      const lane = row.canvas.getBoundingClientRect();
      const down = event.clientY - lane.top;
      const header = row.spectrum?.header;
      if (down < 0 || down >= lane.height || !header) continue;
      const band = clamp(Math.floor((1 - down / lane.height) * header.rows), 0, header.rows - 1);
      const values = [...this.rows].map(([name, { spectrum }]) => `${name} ${decibelAt(spectrum, time, band)}`);
      parts.push(hertz(header.hertz[band]), `${values.join('  ')} dB`);
    }
    parts.push(this.sheet.read(event.clientY, time));
    for (const view of VIEWS) {
      const lane = this.views.rows.get(view).canvas.getBoundingClientRect();
      const down = event.clientY - lane.top;
      if (down >= 0 && down < lane.height) parts.push(this.views.read(view, time, down / lane.height));
    }
    const entropy = this.entropy.get(this.level);
    const column = entropy ? Math.floor((time / entropy.header.seconds) * entropy.header.columns) : -1;
    if (column >= 0 && column < entropy.header.columns) parts.push(`${((entropy.bytes[column] / 255) * entropy.header.bits).toFixed(1)} bit`);
    this.point(time);
    this.on.point(time);
    this.readout.hidden = false;
    const x = (time / this.seconds) * box.width;
    this.readout.textContent = parts.filter(Boolean).join('   ');
    this.readout.style.top = `${clamp(event.clientY - box.top + 14, 0, box.height - 26)}px`;
    const width = this.readout.offsetWidth;
    this.readout.style.left = `${x + width + 14 > box.width ? Math.max(0, x - width - 10) : x + 10}px`;
  }
}

function decibelAt(spectrum, time, band) {
  if (!spectrum) return '–';
  const { columns, rows, seconds, decibel: [low, high] } = spectrum.header;
  const column = Math.floor((time / seconds) * columns);
  if (column < 0 || column >= columns) return '–';
  const byte = spectrum.bytes[column * rows + band];
  return byte === 0 ? `≤${signed(low)}` : signed(low + (byte / 255) * (high - low));
}
