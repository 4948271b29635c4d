/**
 * Blind listening: two sounds as X and Y, in an order that chance decides anew in every trial.
 * Knows: trials, choices and their CSV; plays both in lock-step, the louder one turned down to the loudness of the
 * other. Does not know: pictures or measures. The names stay hidden until the last trial.
 */
import { $, el, hear, memory, tell, toast, typing } from '../dom.js';
import { LockStep, fetchSound } from '../player/audio.js';
import { save } from '../player/tools.js';

const TRIALS = 12;
const SIDES = ['X', 'Y'];
const STORED = 'blind';
const COLUMNS = ['trial', 'time', 'x_id', 'x_level', 'y_id', 'y_level', 'x_gain_db', 'y_gain_db', 'choice', 'chosen_id', 'chosen_level'];

export class Blind {
  /** `pair()` gives [{id, level, title, loudness}, the same of the other] of what stands as A and B; null: not yet. */
  constructor(box, pair, makeAudio = () => new LockStep()) {
    this.box = box;
    this.pair = pair;
    this.audio = makeAudio();
    this.choices = read();
    this.running = null; // {sounds: [A, B], order: index of X, trial}
    this.audio.addEventListener('state', () => this.draw());
    hear('state', ({ playing }) => { if (playing) this.audio.pause(); });
    hear('tab', ({ name }) => { if (name !== 'compare') this.audio.pause(); });
    document.addEventListener('keydown', (event) => this.key(event));
    this.draw();
  }

  key(event) {
    const side = event.key.toUpperCase();
    if (!this.running || !SIDES.includes(side) || event.ctrlKey || event.metaKey || event.altKey) return;
    if (!this.box.clientWidth || typing(event.target) || document.querySelector('dialog[open]')) return;
    this.hear(side);
    event.preventDefault();
  }

  async begin() {
    const sounds = this.pair();
    if (!sounds) return;
    if (sounds[0].id === sounds[1].id && sounds[0].level === sounds[1].level) {
      toast('A and B are the same sound. Choose two that differ, then listen blind.');
      return;
    }
    const button = $('.begin', this.box);
    button.disabled = true;
    try {
      const buffers = await Promise.all(sounds.map(({ url }) => fetchSound(url)));
      // Only down, never up: nothing can clip.
      const loudness = sounds.map((sound) => sound.loudness);
      const least = Math.min(...loudness.filter((value) => value !== null));
      const gains = loudness.map((value) => (value === null || loudness.includes(null) ? 0 : least - value));
      this.audio.clear();
      this.running = { sounds, buffers: buffers.map((buffer, i) => scaled(buffer, gains[i])), gains, trial: 0 };
      this.next();
      this.hear('X');
    } catch (error) {
      toast(`The blind test could not begin: ${error.message}. Nothing was lost.`);
      button.disabled = false;
    }
  }

  next() {
    const { buffers } = this.running;
    const first = Math.random() < 0.5 ? 0 : 1;
    Object.assign(this.running, { order: [first, 1 - first], trial: this.running.trial + 1 });
    const seconds = Math.min(...buffers.map((buffer) => buffer.duration));
    const place = this.audio.position;
    const { playing } = this.audio;
    this.audio.pause();
    this.audio.clear();
    this.audio.setBuffers(new Map(SIDES.map((side, i) => [side, buffers[this.running.order[i]]])), seconds);
    this.audio.setLevel('X');
    this.audio.seek(place);
    if (playing) this.audio.play();
    this.draw();
  }

  /** Both run in lock-step: this only says which one is heard. */
  hear(side) {
    tell('hush', {});
    this.audio.setLevel(side);
    this.audio.play();
    this.watch();
    this.draw();
  }

  /** Goes round: who compares listens again and again. */
  watch() {
    clearInterval(this.timer);
    this.timer = setInterval(() => {
      if (!this.audio.playing) { clearInterval(this.timer); return; }
      if (this.audio.position >= this.audio.seconds - 0.05) this.audio.seek(0);
    }, 50);
  }

  choose(choice) {
    const { sounds, order, gains, trial } = this.running;
    const [x, y] = order.map((index) => ({ ...sounds[index], gain: gains[index] }));
    const chosen = { X: x, Y: y }[choice];
    this.choices.push({
      trial, time: new Date().toISOString(), x_id: x.id, x_level: x.level, y_id: y.id, y_level: y.level,
      x_gain_db: x.gain.toFixed(2), y_gain_db: y.gain.toFixed(2), choice: choice ?? 'none', chosen_id: chosen?.id ?? '', chosen_level: chosen?.level ?? '',
    });
    memory.set(STORED, JSON.stringify(this.choices));
    this.running.votes = [...(this.running.votes ?? []), chosen ? sounds.findIndex((sound) => sound.id === chosen.id && sound.level === chosen.level) : null];
    if (trial < TRIALS) { this.next(); return; }
    this.audio.pause();
    this.ended = { sounds, votes: this.running.votes };
    this.running = null;
    this.draw();
  }

  stop() {
    this.audio.pause();
    this.running = null;
    this.draw();
  }

  draw() {
    const { running } = this;
    const head = el('header', {}, el('h2', { class: 'cap', text: 'Blind listening' }), el('span', { class: 'qq', text: running ? `trial ${running.trial} of ${TRIALS}` : `${TRIALS} short trials` }));
    const rows = running ? this.drawTrial() : this.drawRest();
    const focused = this.box.contains(document.activeElement) && document.activeElement.dataset.key;
    this.box.replaceChildren(head, ...rows, this.foot());
    if (focused) $(`[data-key="${focused}"]`, this.box)?.focus();
  }

  drawTrial() {
    const { trial } = this.running;
    const dots = el('div', { class: 'dots', 'aria-hidden': 'true' }, ...Array.from({ length: TRIALS }, (_, i) => el('i', { class: i + 1 < trial ? 'd' : i + 1 === trial ? 'c' : '' })));
    const big = (side) => {
      const heard = this.audio.playing && this.audio.level === side;
      return el('button', { class: 'b x', type: 'button', 'data-key': side, 'aria-pressed': String(heard), onclick: () => this.hear(side) }, side, el('small', { text: heard ? 'playing' : `press ${side} to hear` }));
    };
    const vote = (text, choice) => el('button', { class: 'b', type: 'button', 'data-key': text, text, onclick: () => this.choose(choice) });
    return [dots,
      el('p', { text: 'Which one do you prefer? Both play from the same place at the same loudness. Names stay hidden until the end.' }),
      el('div', { class: 'two' }, ...SIDES.map(big)),
      el('div', { class: 'votes' }, vote('Prefer X', 'X'), vote('No difference', null), vote('Prefer Y', 'Y'), el('button', { class: 'b text small', type: 'button', text: 'Stop', onclick: () => this.stop() }))];
  }

  drawRest() {
    const begin = el('button', { class: 'b begin', type: 'button', 'data-key': 'begin', text: this.ended ? 'Listen again' : 'Begin', onclick: () => this.begin() });
    if (!this.ended) return [el('p', { text: 'Hear A and B without knowing which is which, at the same loudness, and say which you prefer.' }), begin];
    const { sounds, votes } = this.ended;
    const count = (index) => votes.filter((vote) => vote === index).length;
    const name = ({ title, level }) => `${title}, ${level}`;
    const said = `A (${name(sounds[0])}) was preferred ${times(count(0))}, B (${name(sounds[1])}) ${times(count(1))}, no difference ${times(count(null))}.`;
    return [el('p', { role: 'status', text: said }), begin];
  }

  foot() {
    const { length } = this.choices;
    const foot = el('p', { class: 'hint foot' }, el('span', { text: 'Choices stay on this machine.' }));
    if (length) {
      foot.append(el('span', {},
        el('button', { class: 'b text small', type: 'button', text: `Save ${length} ${length === 1 ? 'choice' : 'choices'} as CSV`, onclick: () => save('blind-listening.csv', csv(this.choices), 'text/csv;charset=utf-8') }), '  ',
        el('button', { class: 'b text small', type: 'button', text: 'Forget', onclick: () => this.forget() })));
    }
    return foot;
  }

  forget() {
    const before = this.choices;
    const keep = (choices) => { this.choices = choices; memory.set(STORED, JSON.stringify(choices)); this.draw(); };
    keep([]);
    toast('The choices were forgotten.', 'Undo', () => keep(before));
  }
}

const times = (n) => (n === 1 ? 'once' : `${n} times`);

function read() {
  try {
    const stored = JSON.parse(memory.get(STORED) ?? '[]');
    return Array.isArray(stored) ? stored : [];
  } catch {
    return []; // what another version wrote
  }
}

function csv(choices) {
  const cell = (value) => (/[",\n]/.test(String(value)) ? `"${String(value).replaceAll('"', '""')}"` : String(value));
  return `${[COLUMNS, ...choices.map((choice) => COLUMNS.map((name) => choice[name] ?? ''))].map((row) => row.map(cell).join(',')).join('\r\n')}\r\n`;
}

/** The same sound, `decibel` louder (less than 0: softer). */
function scaled(buffer, decibel) {
  const factor = 10 ** (decibel / 20);
  const copy = new AudioBuffer({ numberOfChannels: buffer.numberOfChannels, length: buffer.length, sampleRate: buffer.sampleRate });
  for (let channel = 0; channel < buffer.numberOfChannels; channel += 1) copy.copyToChannel(buffer.getChannelData(channel).map((value) => value * factor), channel);
  return copy;
}
