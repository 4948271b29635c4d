// Small helpers of every component: elements, icons, numbers, requests, and the events between parts. Knows no part.
export const LEVELS = ['top', 'middle', 'bottom'];
/** The recording that a reconstruction was made from: shown and heard beside its levels. */
export const ORIGINAL = 'original';
/** What a record can have, in the order in which it is shown. */
export const soundsOf = sample => (sample.levels[ORIGINAL] ? [ORIGINAL, ...LEVELS] : LEVELS);
/** The most faithful sound of a record that is there; undefined where there is none. */
export const finest = sample => [...LEVELS].reverse().find(level => sample.levels[level]);
export const $ = (selector, root = document) => root.querySelector(selector);
export const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
export const clamp = (x, low = 0, high = 1) => Math.min(high, Math.max(low, x));
export const phone = matchMedia('(max-width: 760px)');

/** An element; `text` becomes textContent, `on…` a listener, null attributes are left out. Never HTML. */
export function el(tag, attributes = {}, ...children) {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === 'text') e.textContent = value;
    else if (name.startsWith('on')) e.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined) e.setAttribute(name, value);
  }
  e.append(...children);
  return e;
}

/** An icon of the sprite in the page's head (see components/header.html). */
export function icon(name, className = 'i') {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('class', className);
  svg.setAttribute('aria-hidden', 'true');
  const use = document.createElementNS(svg.namespaceURI, 'use');
  use.setAttribute('href', '#jx-' + name);
  svg.append(use);
  return svg;
}

/** A level's shape, colour and name together. */
export const levelName = level => el('span', { class: 'lvn lv-' + level }, icon('g-' + level, 'glyph'), level);

/** Accents and case off, for comparing what a person typed: as the library's index does it. */
export const fold = text => text.toUpperCase().toLowerCase().normalize('NFKD').replace(/\p{Mn}/gu, '').replaceAll('ς', 'σ');
export const num = n => n.toLocaleString('en-GB');
export const mmss = (seconds, digits = 0) => {
  const whole = Number(seconds.toFixed(digits)), minutes = Math.floor(whole / 60), rest = (whole - minutes * 60).toFixed(digits);
  return minutes + ':' + (Number(rest) < 10 ? '0' : '') + rest;
};
/** A duration in words: "8 s", "2 min 05 s", "3 h 10 min". */
export const say = seconds => {
  if (seconds > 0 && seconds < 1) return 'less than 1 s';
  const s = Math.round(seconds);
  if (s < 60) return s + ' s';
  if (s < 3600) return Math.floor(s / 60) + ' min ' + String(s % 60).padStart(2, '0') + ' s';
  return Math.floor(s / 3600) + ' h ' + String(Math.floor((s % 3600) / 60)).padStart(2, '0') + ' min';
};

/** Is the keyboard writing text now? Then no key is a command. */
export const typing = target =>
  (/^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) && !/^(checkbox|range|button|radio)$/.test(target.type)) || target.isContentEditable;

/** GET or, with a body, POST JSON. Throws Error with the server's message. */
export async function request(url, body, options = {}) {
  let response;
  try {
    response = await fetch(url, body === undefined ? options
      : { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body), ...options });
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new Error('The program does not answer. Nothing that was finished is lost. Start it again, then reload this page.', { cause: error });
  }
  const data = await response.json().catch(() => ({}));
  if (!response.ok) throw Object.assign(new Error(data.message || (typeof data.detail === 'string' && data.detail) || `The program answered ${response.status}.`), data);
  return data;
}

/* Parts are put into the page one after the other: what is told before anybody hears it waits for its first hearer. */
const LASTING = ['tab', 'jobs', 'theme', 'state'];  // of these, every later hearer gets the latest
const heard = new Set(LASTING), waiting = new Map();
export function tell(name, detail) {
  if (!heard.has(name) || LASTING.includes(name)) waiting.set(name, detail);
  document.dispatchEvent(new CustomEvent('jukebox:' + name, { detail }));
}
export function hear(name, listener) {
  document.addEventListener('jukebox:' + name, event => listener(event.detail));
  heard.add(name);
  if (waiting.has(name)) {
    const detail = waiting.get(name);
    if (!LASTING.includes(name)) waiting.delete(name);
    queueMicrotask(() => listener(detail));
  }
}

/** Gives the page another address without loading it anew; a browser may refuse that to files. */
export function readdress(url) {
  try { history.replaceState(null, '', url); } catch { /* the old address still leads here */ }
}

/**
 * A short message at the bottom, with one action where there is one. A new message takes the place of older ones, but not
 * of an action that may still be wanted: only the same action of something newer does (the last deletion can be undone).
 */
export function toast(message, action, run) {
  let box = $('#jx-toast');
  if (!box) ($('.gradio-container') || document.body).append(box = el('div', { id: 'jx-toast', class: 'jx toasts', role: 'status' }));
  for (const line of [...box.children]) if (!line.dataset.action || line.dataset.action === action) line.remove();
  const line = el('div', { class: 'toast', 'data-action': action ?? '' }, el('span', { text: message }));
  if (action) line.append(el('button', { text: action, onclick: () => { line.remove(); run(); } }));
  box.append(line);
  const over = () => { if (line.matches(':hover, :focus-within')) setTimeout(over, 2000); else line.remove(); };
  setTimeout(over, action ? 15000 : 7000);  // who may press something needs time to read it
}

/** What this browser remembers (theme, chime); failing storage is no failure of the page. */
export const memory = {
  get(key) { try { return localStorage.getItem('jukebox.' + key); } catch { return null; } },
  set(key, value) { try { localStorage.setItem('jukebox.' + key, value); } catch { /* private window */ } },
};
