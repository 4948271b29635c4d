/**
 * One colour map per theme for spectrograms, attention and codes, and a diverging one for differences.
 * Knows: OKLab and which theme is on. Does not know: what is painted with it.
 * Lightness is linear in OKLab from the page's colour (least) to ink (light theme) or cream (dark theme), and it
 * is never rescaled per clip or level.
 */
import { clamp } from '../dom.js';

function lch(lightness, chroma, hue) {
  const angle = (hue * Math.PI) / 180;
  const [a, b] = [chroma * Math.cos(angle), chroma * Math.sin(angle)];
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ].map((c) => Math.round(255 * clamp(c <= 0.0031308 ? 12.92 * c : 1.055 * c ** (1 / 2.4) - 0.055)));
}

/** Whether the page is dark: Gradio's class, or data-theme on the root. */
export function isDark() {
  const root = document.documentElement;
  if (root.dataset.theme) return root.dataset.theme === 'dark';
  return root.classList.contains('dark') || document.body.classList.contains('dark');
}

const table = (colour) => {
  const bytes = new Uint8ClampedArray(256 * 4);
  for (let i = 0; i < 256; i += 1) bytes.set([...colour(i), 255], i * 4);
  return new Uint32Array(bytes.buffer);
};

const made = new Map();
const once = (name, build) => {
  if (!made.has(name)) made.set(name, build());
  return made.get(name);
};

/** 256 packed RGBA values, least to most. */
export function sequential(dark = isDark()) {
  return once(`sequential ${dark}`, () =>
    table((i) => {
      const t = i / 255;
      const bow = Math.sin(Math.PI * t);
      return dark
        ? lch(0.185 + 0.785 * t, 0.008 + 0.165 * bow ** 1.4, 284 + 154 * t)
        : lch(0.978 - 0.8 * t, 0.005 + 0.17 * bow ** 1.7, 74 - 152 * t);
    }),
  );
}

/** 256 packed RGBA values: blue (less), the page's colour in the middle, orange (more). */
export function diverging(dark = isDark()) {
  return once(`diverging ${dark}`, () =>
    table((i) => {
      const t = (i - 127.5) / 127.5;
      const k = Math.abs(t);
      return dark ? lch(0.2 + 0.6 * k, 0.15 * k, t < 0 ? 245 : 50) : lch(0.975 - 0.5 * k, 0.17 * k, t < 0 ? 250 : 42);
    }),
  );
}

/**
 * A canvas of width × height pixels from bytes in column order (byte [x * height + y]), y upwards:
 * the order in which the server sends spectra and attention.
 */
export function paintColumns(bytes, width, height, colours, { upwards = true } = {}) {
  const canvas = document.createElement('canvas');
  canvas.width = Math.max(1, width);
  canvas.height = Math.max(1, height);
  if (!width || !height) return canvas;
  const context = canvas.getContext('2d');
  const image = context.createImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  for (let x = 0; x < width; x += 1) {
    for (let y = 0; y < height; y += 1) {
      pixels[(upwards ? height - 1 - y : y) * width + x] = colours[bytes[x * height + y]];
    }
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

/** The legend: the whole map from left to right on a one-pixel-high canvas. */
export function paintLegend(canvas, colours = sequential()) {
  const width = canvas.width;
  const ramp = Uint8Array.from({ length: width }, (_, x) => Math.round((x / (width - 1)) * 255));
  canvas.getContext('2d').drawImage(paintColumns(ramp, width, 1, colours), 0, 0);
}

/** Calls `changed` whenever the theme's class or attribute changes; returns a function that stops it. */
export function onTheme(changed) {
  let dark = isDark();
  const observer = new MutationObserver(() => {
    if (isDark() === dark) return;
    dark = isDark();
    changed(dark);
  });
  for (const node of [document.documentElement, document.body]) {
    observer.observe(node, { attributes: true, attributeFilter: ['class', 'data-theme'] });
  }
  return () => observer.disconnect();
}
