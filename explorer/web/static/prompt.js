// The audio that a song begins with: choose, drop or record it, see and hear it, choose the part. The server decides whether it is sound.
import { $, clamp, tell } from './dom.js';
import { upload } from './drop.js';
import { fetchSound } from './player/audio.js';
import { canRecord, record, toWav } from './record.js';

/** {value(), set(value), draw(), use(audio)}; value is {token, name, seconds, from, to, peaks} or null. `offer(form, name)`: a file carried a recipe. */
export function prompt(root, changed, offer) {
  const box = $('.prompt', root), input = $('.audio-file', root), from = $('[name=from]', root), to = $('[name=to]', root), error = $('.err[data-for=prompt]', root);
  const recordButton = $('.record-audio', root), hearButton = $('.hear-prompt', root);
  let now = null, recording = null, heard = null;

  async function send(file) {
    error.textContent = '';
    $('.choose-audio', root).disabled = true;
    try {
      const { recipe, ...audio } = await upload(file);
      use(audio);
      if (recipe) offer(recipe, audio.name);
    } catch (problem) { error.textContent = problem.message;
    } finally { $('.choose-audio', root).disabled = false; input.value = ''; }
  }

  /** A sound that the server has: the song begins with its first seconds, as long as nobody chooses otherwise. */
  function use(audio) {
    stopHearing();
    now = audio; from.value = '0'; to.value = Math.min(audio.seconds, 12).toFixed(1);
    show(); changed();
  }

  /* ---------- recording ---------- */
  async function toggleRecording() {
    if (recording) { recording.stop(); return; }
    error.textContent = '';
    tell('hush', {});
    try {
      const began = performance.now();
      recording = await record(async blob => {
        clearInterval(clock); recording = null; label();
        try { send(await toWav(blob, 'recording.wav')); } catch { error.textContent = 'Nothing was recorded. The form is kept. Try again, or choose a file.'; }
      });
      const label = () => { recordButton.textContent = recording ? `Stop, ${((performance.now() - began) / 1000).toFixed(0)} s` : 'Record'; };
      const clock = setInterval(label, 250);
      label();
    } catch (problem) { recording = null; error.textContent = problem.message; }
  }

  /* ---------- hearing the part ---------- */
  function stopHearing() {
    if (!heard) return;
    const { context } = heard;
    heard = null; hearButton.textContent = 'Hear this part';
    context.close();
  }

  async function hearPart() {
    if (heard) { stopHearing(); return; }
    tell('hush', {});
    const context = new AudioContext(), mine = heard = { context };
    hearButton.textContent = 'Stop';
    try {
      const source = context.createBufferSource();
      source.buffer = await fetchSound(`/api/prompt/${encodeURIComponent(now.token)}`);
      if (heard !== mine) return;
      const start = Number(from.value) || 0, stop = Number(to.value) || now.seconds;
      source.connect(context.destination);
      source.onended = () => { if (heard === mine) stopHearing(); };
      source.start(0, start, Math.max(0.05, stop - start));
    } catch (problem) { if (heard === mine) stopHearing(); error.textContent = `The part cannot be heard: ${problem.message}. It can be used all the same.`; }
  }

  /* ---------- showing ---------- */
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
  recordButton.hidden = !canRecord();
  recordButton.addEventListener('click', toggleRecording);
  hearButton.addEventListener('click', hearPart);
  $('.remove-audio', root).addEventListener('click', () => { stopHearing(); now = null; error.textContent = ''; show(); changed(); });
  for (const field of [from, to]) field.addEventListener('input', draw);
  const wave = $('.wave', root);
  wave.style.touchAction = 'none';
  // A hand near an edge of the part moves that edge; elsewhere it draws a new part.
  let anchor = null;
  const time = event => { const r = wave.getBoundingClientRect(); return clamp((event.clientX - r.left) / r.width) * now.seconds; };
  wave.addEventListener('pointerdown', event => {
    const at = time(event), reach = 8 / wave.clientWidth * now.seconds, [start, stop] = [Number(from.value) || 0, Number(to.value) || now.seconds];
    anchor = Math.abs(at - start) < reach ? stop : Math.abs(at - stop) < reach ? start : at;
    wave.setPointerCapture(event.pointerId);
  });
  wave.addEventListener('pointermove', event => {
    if (anchor === null || !event.buttons) return;
    const other = time(event);
    if (Math.abs(other - anchor) < 0.05) return;
    from.value = Math.min(anchor, other).toFixed(1); to.value = Math.max(anchor, other).toFixed(1);
    draw();
  });
  wave.addEventListener('pointerup', () => { anchor = null; changed(); });
  document.addEventListener('jukebox:theme', draw);
  show();

  return {
    value: () => now && { ...now, from: from.value, to: to.value },
    set(value) { stopHearing(); now = value && value.token ? value : null; if (now) { from.value = now.from ?? '0'; to.value = now.to ?? now.seconds.toFixed(1); } show(); },
    draw, use,
  };
}
