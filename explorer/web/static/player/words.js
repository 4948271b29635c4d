/**
 * The lyrics, lit letter by letter from the alignment, and the attention map beside them.
 * Knows: the record's lyrics, alignment times and attention bytes. Does not know: audio or fetching.
 * Indices of the alignment count Unicode code points of the lyrics.
 */
import { clamp, el } from '../dom.js';
import { paintColumns, sequential } from './colour.js';
import { clock, fit, token } from './tools.js';

/** A letter keeps its mark this long after its end, so that short gaps do not flicker. */
const HOLD = 0.08;

export class Words {
  /** `seek(seconds)`; `point(seconds or null)`: what is pointed at here, for the cross-hair of the lanes. */
  constructor({ list, map, canvas, across, down, end, caption }, seek, point) {
    Object.assign(this, { list, map, canvas, across, down, end, caption, seek });
    this.ghost = { down: el('div', { class: 'ghost down', hidden: '' }), across: el('div', { class: 'ghost across', hidden: '' }) };
    map.append(this.ghost.down, this.ghost.across);
    map.addEventListener('pointerdown', (event) => {
      if (!this.sample || event.button) return;
      map.setPointerCapture(event.pointerId);
      this.seekFrom(event);
    });
    map.addEventListener('pointermove', (event) => {
      if (map.hasPointerCapture(event.pointerId)) this.seekFrom(event);
      if (!this.sample || event.pointerType === 'touch') return;
      const box = map.getBoundingClientRect();
      const time = clamp((event.clientX - box.left) / box.width) * this.sample.duration;
      point(time);
      this.point(time, clamp((event.clientY - box.top) / box.height));
    });
    map.addEventListener('pointerleave', () => {
      point(null);
      this.point(null);
    });
    list.addEventListener('pointerover', (event) => {
      const time = Number(event.target.closest?.('button.wd')?.dataset.start);
      if (time >= 0) {
        point(time);
        this.point(time);
      }
    });
    list.addEventListener('pointerleave', () => {
      point(null);
      this.point(null);
    });
  }

  /**
   * The cross-hair at `time`, and at the letter there: the one at the height `y` of the map (0 to 1), or without
   * it the one that is sung then. null takes it away.
   */
  point(time, y) {
    this.pointed?.classList.remove('pt');
    this.pointed = null;
    const { down, across } = this.ghost;
    down.hidden = across.hidden = time === null || !this.sample;
    this.showCaption();
    if (down.hidden) return;
    down.style.left = `${(time / this.sample.duration) * 100}%`;
    const index = y === undefined ? this.letters[this.at(time)]?.index : this.characterAt(y);
    const place = this.characterRow.get(index);
    across.hidden = !place;
    if (!place) return;
    across.style.top = `${place.y * 100}%`;
    this.pointed = this.letters.find((letter) => letter.index === index)?.node ?? null;
    this.pointed?.classList.add('pt');
    const weight = this.weight(time, index);
    if (weight !== null) this.caption.textContent = `${clock(time, 2)}  “${Array.from(this.sample.lyrics)[index]}”  ${weight.toFixed(2)}`;
  }

  /** The character whose place in the map is nearest to the height `y`. */
  characterAt(y) {
    let [best, found] = [Infinity, undefined];
    for (const [index, place] of this.characterRow) {
      const away = Math.abs(place.y - y);
      if (away < best) [best, found] = [away, index];
    }
    return found;
  }

  /** Attention from the sound at `time` to a character, 0 to 1; null where none was kept. */
  weight(time, index) {
    if (!this.attention) return null;
    const { columns, rows, seconds, characters, power } = this.attention.header;
    const [column, row] = [Math.floor((time / seconds) * columns), characters.indexOf(index)];
    if (column < 0 || column >= columns || row < 0) return null;
    return (this.attention.bytes[column * rows + row] / 255) ** (1 / power);
  }

  showCaption() {
    const { sample } = this;
    if (!sample) return;
    this.caption.textContent = sample.alignment ? 'click a word to hear it' : this.lines.length ? (sample.state === 'finished' ? 'not aligned' : 'times come after the top level') : '';
  }

  seekFrom(event) {
    const box = this.map.getBoundingClientRect();
    this.seek(Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)) * this.sample.duration);
  }

  show(sample) {
    this.sample = sample;
    this.letters = []; // in order of time: {node, start, end, line, y}
    this.current = -1;
    this.line = -1;
    this.lines = [];
    this.build();
    this.end.textContent = `${Math.round(sample.duration * 10) / 10} s`;
    this.draw();
    this.frame(this.lastTime ?? 0, true);
  }

  setAttention(attention) {
    this.attention = attention;
    this.draw();
  }

  build() {
    const { sample } = this;
    const points = Array.from(sample.lyrics ?? '');
    const times = new Map((sample.alignment?.characters ?? []).map(([index, start, end]) => [index, { start, end }]));
    this.list.replaceChildren();
    this.characterRow = new Map(); // index of a character -> {line, place 0..1 in its line}
    let line = [];
    const flush = () => {
      if (line.some(({ letter }) => letter.trim())) this.addLine(line, times);
      line = [];
    };
    points.forEach((letter, index) => (letter === '\n' ? flush() : line.push({ letter, index })));
    flush();
    if (!this.lines.length) this.list.append(el('li', { class: 'none', text: 'No words were given to this song.' }));
    this.letters.sort((a, b) => a.start - b.start);
    this.pointed = null;
    this.showCaption();
    this.list.classList.toggle('untimed', !this.letters.length);
    for (const [, place] of this.characterRow) place.y = (place.line + place.part) / Math.max(1, this.lines.length);
    for (const letter of this.letters) letter.y = this.characterRow.get(letter.index).y;
  }

  addLine(line, times) {
    const text = el('span', { class: 'tx' });
    const row = el('li', {}, text);
    const number = this.lines.length;
    let word = null;
    const close = () => {
      if (!word) return;
      const start = word.start;
      const inner = word.letters.map((entry) => entry.node);
      if (start === null) text.append(el('span', { class: 'wd still' }, ...inner));
      else text.append(el('button', { class: 'wd', type: 'button', tabindex: -1, 'data-start': start, onclick: () => this.seek(start) }, ...inner));
      word = null;
    };
    line.forEach(({ letter, index }, place) => {
      this.characterRow.set(index, { line: number, part: (place + 0.5) / line.length });
      if (!letter.trim()) {
        close();
        text.append(' ');
        return;
      }
      word ??= { letters: [], start: null };
      const node = el('span', { class: 'c', text: letter });
      const time = times.get(index);
      if (time) {
        this.letters.push({ node, index, line: number, ...time });
        word.start = Math.min(word.start ?? Infinity, time.start);
      }
      word.letters.push({ node });
    });
    close();
    this.list.append(row);
    this.lines.push(row);
  }

  /** Index in `letters` of the one being sung or last sung at `time`; -1 before the first. */
  at(time) {
    let low = 0;
    let high = this.letters.length - 1;
    let found = -1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      if (this.letters[middle].start <= time) {
        found = middle;
        low = middle + 1;
      } else high = middle - 1;
    }
    return found;
  }

  frame(time, force = false) {
    this.lastTime = time;
    if (!this.sample) return;
    const index = this.at(time);
    const letter = this.letters[index];
    if (force || index !== this.current) {
      const [from, to] = force ? [0, this.letters.length - 1] : [Math.min(this.current, index), Math.max(this.current, index)];
      for (let k = Math.max(0, from); k <= to; k += 1) this.letters[k].node.classList.toggle('on', k <= index);
      this.letters[this.current]?.node.classList.remove('at');
      this.current = index;
      this.turnTo(letter ? letter.line : -1, force);
    }
    letter?.node.classList.toggle('at', time < letter.end + HOLD);
    this.down.style.left = `${(time / this.sample.duration) * 100}%`;
    this.across.hidden = !letter;
    if (letter) this.across.style.top = `${letter.y * 100}%`;
  }

  turnTo(line, force) {
    if (line === this.line && !force) return;
    this.line = line;
    this.lines.forEach((row, k) => { row.className = k < line ? 'done' : k === line ? 'cur' : ''; });
    const row = this.lines[line];
    if (!row || this.list.scrollHeight <= this.list.clientHeight + 1) return;
    this.list.scrollTop = row.offsetTop - this.list.offsetTop - this.list.clientHeight / 2 + row.offsetHeight / 2;
  }

  /** The map: time across, letters down, each line of the lyrics as high as its row in the list. */
  draw() {
    if (!this.sample || !this.canvas.clientWidth) return;
    const [g, width, height] = fit(this.canvas);
    g.fillStyle = token('--sunken');
    g.fillRect(0, 0, width, height);
    const label = this.attention
      ? 'Attention from sound to lyrics: time from left to right, the letters from top to bottom; where the words are sung in order it is a staircase.'
      : this.lines.length ? 'No attention was kept for this song.' : 'No lyrics, so no attention to them.';
    this.canvas.setAttribute('aria-label', label);
    if (!this.attention) return;
    const { columns, rows, seconds, characters } = this.attention.header;
    const right = (seconds / this.sample.duration) * width;
    const spans = new Map(); // line -> [first row of the matrix, last]
    for (let row = 0; row < rows; row += 1) {
      const line = this.characterRow.get(characters[row])?.line;
      if (line === undefined) continue;
      const span = spans.get(line);
      if (span) span[1] = row;
      else spans.set(line, [row, row]);
    }
    const each = height / Math.max(1, this.lines.length);
    const ratio = window.devicePixelRatio || 1;
    const wide = Math.max(1, Math.min(columns, Math.round(right * ratio)));
    g.imageSmoothingQuality = 'high';
    for (const [line, [first, last]] of spans) {
      const high = Math.max(1, Math.min(last - first + 1, Math.round(each * ratio)));
      const bytes = pool(this.attention, first, last + 1, wide, high);
      const image = paintColumns(bytes, wide, high, sequential(), { upwards: false });
      g.drawImage(image, 0, line * each, right, each + 0.5);
    }
  }
}

/** The matrix's rows `first` to `stop` - 1 in wide × high cells, each the largest of what it covers: thin ridges stay visible. */
function pool({ header: { columns, rows }, bytes }, first, stop, wide, high) {
  const pooled = new Uint8Array(wide * high);
  const count = stop - first;
  for (let column = 0; column < columns; column += 1) {
    const x = Math.floor((column * wide) / columns) * high;
    for (let row = 0; row < count; row += 1) {
      const place = x + Math.floor((row * high) / count);
      const value = bytes[column * rows + first + row];
      if (value > pooled[place]) pooled[place] = value;
    }
  }
  return pooled;
}
