/**
 * Plots for saving: rows on one time axis, and the attention map, with labels and legend, as canvas and SVG.
 * Knows: drawing onto a canvas of its own. Does not know: the page's layout.
 * The SVG holds a picture's cells as one embedded image, and curves, axes and words as themselves.
 */
import { paintColumns, sequential } from './colour.js';
import { layOut } from './sheet.js';
import { axisStep, capital, clock, save } from './tools.js';

const INK = { false: ['#fbfbf9', '#17181b', '#50535a'], true: ['#131417', '#ececea', '#b0b3b9'] };
const FONT = 'Inter, system-ui, sans-serif';
const WIDTH = 1400;
const LEFT = 86;
const LANE = 180;

/** A plot as a list of pieces {image | text | line}, drawn on a canvas at once; `toSvg` writes the same pieces. */
class Picture {
  constructor(width, height, dark, title) {
    [this.paper, this.ink, this.soft] = INK[dark];
    Object.assign(this, { width, height, title, pieces: [] });
    this.canvas = document.createElement('canvas');
    this.canvas.width = width * 2;
    this.canvas.height = height * 2;
    this.g = this.canvas.getContext('2d');
    this.g.scale(2, 2);
    this.g.fillStyle = this.paper;
    this.g.fillRect(0, 0, width, height);
  }

  image(source, x, y, width, height, [sx, sy, sw, sh] = [0, 0, source.width, source.height]) {
    this.g.imageSmoothingQuality = 'high';
    this.g.drawImage(source, sx, sy, sw, sh, x, y, width, height);
    let part = source;
    if (sw !== source.width || sh !== source.height) {
      part = document.createElement('canvas');
      part.width = sw;
      part.height = sh;
      part.getContext('2d').drawImage(source, sx, sy, sw, sh, 0, 0, sw, sh);
    }
    this.pieces.push(`<image x="${x}" y="${y}" width="${width}" height="${height}" preserveAspectRatio="none" href="${part.toDataURL('image/png')}"/>`);
  }

  text(words, x, y, { size = 12, anchor = 'start', bold = false, soft = false } = {}) {
    this.g.font = `${bold ? 600 : 400} ${size}px ${FONT}`;
    this.g.fillStyle = soft ? this.soft : this.ink;
    this.g.textAlign = { start: 'left', middle: 'center', end: 'right' }[anchor];
    this.g.fillText(words, x, y);
    this.pieces.push(`<text x="${x}" y="${y}" font-size="${size}" text-anchor="${anchor}" font-weight="${bold ? 600 : 400}" fill="${soft ? this.soft : this.ink}">${escape(words)}</text>`);
  }

  tick(x, y, height) {
    this.box(x, y, 1, height, this.soft);
  }

  box(x, y, width, height, colour) {
    this.g.fillStyle = colour;
    this.g.fillRect(x, y, width, height);
    this.pieces.push(`<rect x="${x}" y="${y}" width="${width}" height="${height}" fill="${colour}"/>`);
  }

  /** What the song was told, as in its lane. */
  sheet(sheet, seconds, x, y, width, height) {
    const { bars, chords, notes } = layOut(sheet, seconds, width, height);
    for (const bar of bars) this.tick(x + bar, y, height);
    for (const chord of chords) this.text(chord.text, x + chord.x + 3, y + 10, { size: 11, soft: true });
    for (const note of notes) this.box(x + note.x, y + note.y, note.width, note.height, this.ink);
  }

  /** A curve of `values` (0 to 1) filled down to its foot. */
  area(values, x, y, width, height) {
    const points = values.map((value, i) => [x + ((i + 0.5) / values.length) * width, y + (1 - value) * height]);
    const path = [[x, y + height], ...points, [x + width, y + height]];
    this.g.fillStyle = this.soft;
    this.g.beginPath();
    for (const point of path) this.g.lineTo(...point);
    this.g.fill();
    this.pieces.push(`<polygon fill="${this.soft}" points="${path.map(([a, b]) => `${a.toFixed(1)},${b.toFixed(1)}`).join(' ')}"/>`);
  }

  timeAxis(seconds, x, y, width) {
    const step = axisStep(seconds, width);
    for (let i = 0; i * step <= seconds + 1e-6; i += 1) {
      const place = x + ((i * step) / seconds) * width;
      this.tick(place, y, 4);
      this.text(step < 0.1 ? `${Math.round(i * step * 1000)} ms` : clock(i * step, step < 1 ? 1 : 0), place, y + 16, { size: 11, anchor: 'middle', soft: true });
    }
  }
}

const escape = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

/**
 * Rows on one time axis of `seconds`. A row is {name, height} with either {image, from, seconds, hertz?}, a painted
 * picture and the centres of its bands, or {values, from, seconds, marks?}, a curve from 0 to 1 and times to mark, or
 * {sheet}, bars, chords and notes.
 */
export function renderRows(title, rows, seconds, note, dark) {
  if (!rows.length) throw new Error('there is no picture yet');
  const picture = new Picture(WIDTH, 44 + rows.reduce((sum, row) => sum + row.height + 8, 0) + 44, dark, title);
  picture.text(title, 16, 26, { size: 15, bold: true });
  const width = WIDTH - LEFT - 20;
  let y = 44;
  for (const row of rows) {
    const [left, wide] = row.sheet ? [LEFT, width] : [LEFT + Math.max(0, row.from / seconds) * width, Math.min(1, row.seconds / seconds) * width];
    picture.text(row.name, 16, y + 14, { bold: true });
    if (row.sheet) picture.sheet(row.sheet, seconds, LEFT, y, width, row.height);
    else if (row.image) picture.image(row.image, left, y, wide, row.height);
    else picture.area(row.values, left, y, wide, row.height);
    for (const f of row.hertz ? [500, 2000, 8000] : []) {
      const band = row.hertz.findIndex((centre) => centre >= f);
      if (band > 0) picture.text(f < 1000 ? `${f} Hz` : `${f / 1000} kHz`, LEFT - 6, y + row.height * (1 - (band + 0.5) / row.hertz.length) + 4, { size: 10, anchor: 'end', soft: true });
    }
    for (const time of row.marks ?? []) picture.tick(LEFT + (time / seconds) * width, y, row.height);
    y += row.height + 8;
  }
  picture.timeAxis(seconds, LEFT, y - 6, width);
  picture.text(`${note} AI-generated.`, 16, y + 30, { size: 11, soft: true });
  return picture;
}

/** A spectrum as a row. */
export function spectrumRow(name, { header, bytes }, dark, height = LANE) {
  const image = paintColumns(bytes, header.columns, header.rows, sequential(dark));
  return { name, height, image, from: header.start, seconds: header.seconds, hertz: header.hertz };
}

/** What the lanes of a song show: uncertainty, spectrograms, the lead sheet, and further rows that are switched on. */
export function renderLanes(sample, lanes, dark) {
  const rows = [];
  const entropy = lanes.entropy.get(lanes.level);
  if (entropy?.bytes.length) rows.push({ name: 'Uncertainty', height: 46, values: thinned(entropy.bytes), from: 0, seconds: entropy.header.seconds });
  for (const [level, { spectrum }] of lanes.rows) if (spectrum) rows.push(spectrumRow(capital(level), spectrum, dark));
  if (sample.sheet) rows.push({ name: 'Lead sheet', height: 84, sheet: sample.sheet });
  for (const [view, { array, lane }] of lanes.views.rows) {
    if (!array || lane.hidden) continue;
    const { header, bytes } = array;
    const place = { name: capital(view), from: header.start, seconds: header.seconds };
    if (view === 'onsets') rows.push({ ...place, height: 46, values: thinned(bytes), marks: header.onsets });
    else rows.push({ ...place, height: 84, image: paintColumns(bytes, header.columns, header.rows, sequential(dark)) });
  }
  const bits = entropy ? ` Uncertainty of the ${lanes.level} level, 0 to ${+entropy.header.bits.toFixed(1)} bit.` : '';
  return renderRows(sample.title, rows, sample.duration, `−60 dB … 0 dB, mel scale, one scale for all levels.${bits}`, dark);
}

/** Bytes as 0 to 1, averaged to as many points as can be seen. */
function thinned(bytes, most = WIDTH) {
  const count = Math.min(most, bytes.length);
  return Array.from({ length: count }, (_, i) => {
    const [from, to] = [Math.floor((i / count) * bytes.length), Math.floor(((i + 1) / count) * bytes.length)];
    let sum = 0;
    for (let k = from; k < to; k += 1) sum += bytes[k];
    return sum / (to - from) / 255;
  });
}

/** The attention map: time across, characters of the lyrics down. */
export function renderAttention(sample, attention, dark) {
  const { columns, rows, seconds } = attention.header;
  const picture = new Picture(900, 700, dark, `${sample.title}: attention to the lyrics`);
  picture.text(sample.title, 16, 26, { size: 15, bold: true });
  const image = paintColumns(attention.bytes, columns, rows, sequential(dark), { upwards: false });
  picture.image(image, 60, 44, Math.min(1, seconds / sample.duration) * 820, 580);
  picture.timeAxis(sample.duration, 60, 628, 820);
  picture.text('letters', 52, 60, { size: 11, anchor: 'end', soft: true });
  picture.text('Shade: attention weight to the power 0.7, from 0 to 1. AI-generated.', 16, 676, { size: 11, soft: true });
  return picture;
}

function toSvg(picture) {
  const { width, height, title, paper, pieces } = picture;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="${FONT}" role="img" aria-label="${escape(title)}"><rect width="${width}" height="${height}" fill="${paper}"/>${pieces.join('')}</svg>\n`;
}

/** Hands a picture to the browser's downloads; `kind` is "png" or "svg". */
export async function savePicture(name, picture, kind) {
  if (kind === 'svg') {
    save(`${name}.svg`, toSvg(picture), 'image/svg+xml');
    return;
  }
  const blob = await new Promise((done) => { picture.canvas.toBlob(done, 'image/png'); });
  if (!blob) throw new Error('the picture is too large for this browser');
  save(`${name}.png`, blob);
}
