// The audio that a song begins with: choose or drop a file, see it, choose the part. The server decides whether it is sound.
import { $, request } from './dom.js';

/** {value(), set(value), draw()}; value is {token, name, seconds, from, to, peaks} or null. `offer(form, name)`: a file carried a recipe. */
export function prompt(root, changed, offer) {
  const box = $('.prompt', root), input = $('.audio-file', root), from = $('[name=from]', root), to = $('[name=to]', root), error = $('.err[data-for=prompt]', root);
  let now = null;

  async function send(file) {
    error.textContent = '';
    $('.choose-audio', root).disabled = true;
    try {
      const response = await fetch('/api/prompt?name=' + encodeURIComponent(file.name), { method: 'POST', headers: { 'Content-Type': 'application/octet-stream' }, body: file });
      const answer = await response.json().catch(() => ({}));
      if (!response.ok || !answer.token) throw new Error(answer.message || `The program answered ${response.status}.`);
      const { recipe, ...kept } = answer;
      now = kept; from.value = '0'; to.value = Math.min(answer.seconds, 12).toFixed(1);
      show(); changed();
      if (recipe) offer(recipe, answer.name);
    } catch (problem) {
      error.textContent = problem instanceof TypeError ? 'The file could not be sent. The form is kept.' : problem.message;
    } finally { $('.choose-audio', root).disabled = false; input.value = ''; }
  }

  /** What was dropped: a recipe fills the form, everything else should be sound. */
  async function take(file) {
    if ($('.col-more', root).hidden) $('.more', root).click();
    if (!/\.json$/i.test(file.name)) { send(file); return; }
    try {
      const answer = await request('/api/recipe', undefined, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: await file.text() });
      if (answer.form) offer(answer.form, file.name); else error.textContent = answer.message;
    } catch (problem) { error.textContent = problem.message; }
  }

  function show() {
    box.hidden = !now; $('.prompt-none', root).hidden = Boolean(now);
    $('.choose-audio', root).textContent = now ? 'Choose another file' : 'Choose a file';
    if (now) { $('.prompt-note', root).textContent = `${now.name}, ${now.seconds.toFixed(1)} s`; draw(); }
  }

  function draw() {
    const canvas = $('.wave canvas', root);
    if (!now || !canvas.clientWidth) return;
    const ratio = devicePixelRatio || 1, width = canvas.clientWidth, height = canvas.clientHeight;
    canvas.width = width * ratio; canvas.height = height * ratio;
    const g = canvas.getContext('2d'), style = getComputedStyle(canvas), start = Number(from.value) || 0, stop = Number(to.value) || now.seconds;
    g.scale(ratio, ratio);
    for (let x = 0; x < width; x += 2) {
      const time = x / width * now.seconds, peak = now.peaks[Math.floor(x / width * now.peaks.length)] * height / 2 * 0.95;
      g.fillStyle = style.getPropertyValue(time >= start && time <= stop ? '--ink' : '--field');
      g.fillRect(x, height / 2 - peak, 1, Math.max(1, peak * 2));
    }
    const trim = $('.trim', root);
    trim.style.left = start / now.seconds * 100 + '%'; trim.style.width = Math.max(0, stop - start) / now.seconds * 100 + '%';
    canvas.setAttribute('aria-label', `Waveform of ${now.name}, ${now.seconds.toFixed(1)} seconds. Seconds ${start.toFixed(1)} to ${stop.toFixed(1)} are used.`);
  }

  $('.choose-audio', root).addEventListener('click', () => input.click());
  input.addEventListener('change', () => input.files[0] && send(input.files[0]));
  $('.remove-audio', root).addEventListener('click', () => { now = null; error.textContent = ''; show(); changed(); });
  for (const field of [from, to]) field.addEventListener('input', draw);
  const wave = $('.wave', root);
  wave.style.touchAction = 'none';
  let anchor = null;
  const time = event => { const r = wave.getBoundingClientRect(); return Math.min(1, Math.max(0, (event.clientX - r.left) / r.width)) * now.seconds; };
  wave.addEventListener('pointerdown', event => { anchor = time(event); wave.setPointerCapture(event.pointerId); });
  wave.addEventListener('pointermove', event => {
    if (anchor === null || !event.buttons) return;
    const other = time(event);
    if (Math.abs(other - anchor) < 0.05) return;
    from.value = Math.min(anchor, other).toFixed(1); to.value = Math.max(anchor, other).toFixed(1);
    draw();
  });
  wave.addEventListener('pointerup', () => { anchor = null; changed(); });
  document.addEventListener('jukebox:theme', draw);
  root.addEventListener('dragover', event => { if ([...event.dataTransfer.types].includes('Files')) event.preventDefault(); });
  root.addEventListener('drop', event => { const file = event.dataTransfer.files[0]; if (file) { event.preventDefault(); take(file); } });
  show();

  return {
    value: () => now && { ...now, from: from.value, to: to.value },
    set(value) { now = value && value.token ? value : null; if (now) { from.value = now.from ?? '0'; to.value = now.to ?? now.seconds.toFixed(1); } show(); },
    draw,
  };
}
