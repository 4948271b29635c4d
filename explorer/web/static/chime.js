// How a page that nobody looks at says that a job has ended: two soft notes where they are wished for, and the tab's title.
import { memory } from './dom.js';

const NOTES = [523.25, 783.99];  // C5, G5
const ONCE = 'chimed';  // several tabs follow the same jobs: the first one rings
let waiting = '', base = '';

export const wanted = () => memory.get('chime') === 'yes';

/** Ring, if that was asked for and no other tab has done so for this job. */
export function chime(job) {
  if (!wanted() || memory.get(ONCE) === job) return;
  memory.set(ONCE, job);
  ring();
}

/** The two notes; also played when they are switched on, so that one knows what will ring. */
export function ring() {
  const context = new AudioContext();
  NOTES.forEach((hertz, i) => {
    const note = context.createOscillator(), gain = context.createGain(), start = context.currentTime + 0.05 + i * 0.18;
    note.frequency.value = hertz;
    gain.gain.setValueAtTime(0, start);
    gain.gain.linearRampToValueAtTime(0.12, start + 0.02);
    gain.gain.exponentialRampToValueAtTime(0.0005, start + 0.7);
    note.connect(gain).connect(context.destination);
    note.start(start); note.stop(start + 0.75);
    if (i === NOTES.length - 1) note.onended = () => context.close();
  });
}

/** The tab's title while something is made (`words`); else how the last song ended, until somebody looks. */
export function title(name, words) {
  base = name;
  document.title = words ? `${words} · ${name}` : waiting ? `${waiting} · ${name}` : name;
}

/** A job ended; `well`: with a whole song. */
export function ended(well) {
  if (document.hidden) waiting = well ? '✓ Finished' : '! Stopped';
}

document.addEventListener('visibilitychange', () => {
  if (document.hidden || !waiting) return;
  if (document.title.startsWith(waiting)) document.title = base;
  waiting = '';
});
