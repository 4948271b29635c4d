/**
 * What several parts of the player need besides ../dom.js: clocks, canvases, saving files.
 * Knows: the DOM. Does not know: songs, audio or the server.
 */
import { el } from '../dom.js';

/** 75.25 -> "1:15", with `digits` decimals "1:15.2" (rounded down, so that a clock never runs ahead). */
export function clock(seconds, digits = 0) {
  const scale = 10 ** digits;
  const whole = Math.floor(Math.max(0, seconds) * scale + 1e-6) / scale;
  const minutes = Math.floor(whole / 60);
  const rest = whole - minutes * 60;
  return `${minutes}:${rest < 10 ? '0' : ''}${rest.toFixed(digits)}`;
}

/** A number with a true minus sign. */
export const signed = (value, digits = 0) => value.toFixed(digits).replace('-', '−');

export const capital = (word) => word[0].toUpperCase() + word.slice(1);

export const hertz = (f) => (f < 1000 ? `${Math.round(f)} Hz` : `${(f / 1000).toFixed(2)} kHz`);

/** A colour token as the page has it now. */
export const token = (name, node = document.body) => getComputedStyle(node).getPropertyValue(name).trim();

/** Sizes a canvas to its box at the screen's pixel ratio: [context in CSS pixels, width, height]. */
export function fit(canvas) {
  const ratio = window.devicePixelRatio || 1;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  canvas.width = Math.max(1, Math.round(width * ratio));
  canvas.height = Math.max(1, Math.round(height * ratio));
  const context = canvas.getContext('2d');
  context.scale(ratio, ratio);
  return [context, width, height];
}

/** Steps of a time axis that leave room for the labels: seconds between two of them. */
export function axisStep(seconds, width) {
  const most = Math.max(2, Math.floor(width / 56));
  return [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 20, 30, 60, 120].find((step) => seconds / step <= most) ?? 300;
}

/** A time axis below lanes of `seconds`; `origin` is the time at its left end. */
export function drawAxis(canvas, seconds, origin = 0) {
  const [g, width] = fit(canvas);
  if (!(seconds > 0) || !width) return;
  g.font = `11px ${token('--sans')}`;
  g.fillStyle = token('--ink-3');
  g.strokeStyle = token('--field');
  const step = axisStep(seconds, width);
  const digits = step < 1 ? 1 : 0;
  // Of less than a second only the way from its left end can be read: milliseconds.
  const label = (time) => (step < 0.1 ? `${Math.round(time * 1000)} ms` : clock(origin + time, digits));
  for (let i = 0; i * step <= seconds + 1e-6; i += 1) {
    const x = ((i * step) / seconds) * width;
    const last = x > width - 16;
    g.beginPath();
    g.moveTo(Math.min(width - 0.5, x + 0.5), 0);
    g.lineTo(Math.min(width - 0.5, x + 0.5), 4);
    g.stroke();
    g.textAlign = i === 0 ? 'left' : last ? 'right' : 'center';
    g.fillText(label(i * step), i === 0 ? 0 : last ? width : x, 15);
  }
}

/** Hands a file that was made in the page to the browser's downloads. */
export function save(name, content, type) {
  const url = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type }));
  download(name, url);
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

function download(name, url) {
  const link = el('a', { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
}

/** A title as a safe file name. */
export const fileName = (title) =>
  (title.normalize('NFKC').replace(/[^\p{L}\p{N}]+/gu, '-').replace(/^-+|-+$/g, '').slice(0, 60) || 'song').toLowerCase();
