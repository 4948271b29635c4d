/**
 * Plots for saving: the spectrograms and the attention map with axes, labels and legend, as canvas and SVG.
 * Knows: drawing onto a canvas of its own. Does not know: the page's layout.
 * The SVG holds the picture's cells as one embedded image and axes and words as real text.
 */
import { paintColumns, sequential } from './colour.js';
import { axisStep, capital, clock } from './tools.js';

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
    this.g.fillStyle = this.soft;
    this.g.fillRect(x, y, 1, height);
    this.pieces.push(`<rect x="${x}" y="${y}" width="1" height="${height}" fill="${this.soft}"/>`);
  }

  timeAxis(seconds, x, y, width) {
    const step = axisStep(seconds, width);
    for (let i = 0; i * step <= seconds + 1e-6; i += 1) {
      const place = x + ((i * step) / seconds) * width;
      this.tick(place, y, 4);
      this.text(clock(i * step, step < 1 ? 1 : 0), place, y + 16, { size: 11, anchor: 'middle', soft: true });
    }
  }
}

const escape = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

/** The lanes of `rows` (level -> {spectrum}) on one time axis and one scale. */
export function renderLanes(sample, rows, dark) {
  const shown = [...rows].filter(([, { spectrum }]) => spectrum);
  if (!shown.length) throw new Error('there is no spectrogram yet');
  const picture = new Picture(WIDTH, 44 + shown.length * (LANE + 8) + 44, dark, `${sample.title}: spectrograms, −60 to 0 dB`);
  picture.text(sample.title, 16, 26, { size: 15, bold: true });
  const width = WIDTH - LEFT - 20;
  shown.forEach(([level, { spectrum }], index) => {
    const { columns, rows: bands, seconds, start, hertz } = spectrum.header;
    const y = 44 + index * (LANE + 8);
    const image = paintColumns(spectrum.bytes, columns, bands, sequential(dark));
    picture.text(capital(level), 16, y + 14, { bold: true });
    for (const f of [500, 2000, 8000]) {
      const band = hertz.findIndex((centre) => centre >= f);
      if (band > 0) picture.text(f < 1000 ? `${f} Hz` : `${f / 1000} kHz`, LEFT - 6, y + LANE * (1 - (band + 0.5) / bands) + 4, { size: 10, anchor: 'end', soft: true });
    }
    picture.image(image, LEFT + Math.max(0, start / sample.duration) * width, y, Math.min(1, seconds / sample.duration) * width, LANE);
  });
  const bottom = 44 + shown.length * (LANE + 8) - 6;
  picture.timeAxis(sample.duration, LEFT, bottom, width);
  picture.text('−60 dB … 0 dB, mel scale, one scale for all levels. AI-generated.', 16, bottom + 36, { size: 11, soft: true });
  return picture;
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

export function toSvg(picture) {
  const { width, height, title, paper, pieces } = picture;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="${FONT}" role="img" aria-label="${escape(title)}"><rect width="${width}" height="${height}" fill="${paper}"/>${pieces.join('')}</svg>\n`;
}
