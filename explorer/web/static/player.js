/**
 * The one player of the page: hears `jukebox:load` and `jukebox:grew`, tells `jukebox:state`.
 * Knows: which song is shown, which level is heard, and how the parts in ./player work together.
 * Does not know: the table, the forms, or how songs are made.
 */
import { $, LEVELS, ORIGINAL, clamp, hear, memory, phone, request, soundsOf, tell, toast } from './dom.js';
import { LockStep, fetchSound } from './player/audio.js';
import { onTheme, paintLegend } from './player/colour.js';
import { attentionUrl, entropyUrl, fetchArray, fetchSample, spectrumUrl, viewUrl } from './player/data.js';
import { showFault } from './player/fault.js';
import { bindKeys } from './player/keys.js';
import { Lanes } from './player/lanes.js';
import { Popovers } from './player/popovers.js';
import { Words } from './player/words.js';
import { Transport } from './player/transport.js';
import { clock } from './player/tools.js';

/** A lane shows that it waits only after this many milliseconds: quick answers do not flicker. */
const PATIENCE = 300;
/** With reduced motion the playhead moves in steps of this many milliseconds. */
const CALM_STEP = 250;

/** `makes`: this page can also make songs, so recipes may be put to use. */
export function mount(element, { makes = true } = {}) {
  return new Player($('.dock', element), makes);
}

export class Player {
  constructor(dock, makes, audio = new LockStep()) {
    const part = (name) => $(`[data-is="${name}"]`, dock);
    this.dock = dock;
    this.makes = makes;
    this.audio = audio;
    this.sample = null;
    this.wanted = LEVELS.includes(memory.get('level')) ? memory.get('level') : 'bottom';
    this.loop = null;
    this.loopOn = false;
    this.making = new Set(); // ids of the samples that jobs are at work on
    this.request = null; // {controller, id, play}: what is being fetched for the song that is shown, and whether to play it then
    this.calm = matchMedia('(prefers-reduced-motion: reduce)');
    const seek = (time) => this.seek(time);
    this.lanes = new Lanes(part('lanes'), {
      seek,
      step: (by) => this.step(by),
      level: (name) => this.setLevel(name),
      loop: (span, finished) => this.markLoop(span, finished),
      point: (time) => this.words.point(time),
      view: (view) => this.fetchView(view, this.request?.controller.signal),
    });
    const map = part('map');
    this.words = new Words({ list: part('lyrics'), map, canvas: $('canvas', map), across: $('.h', map), down: $('.v', map), end: part('end'), caption: part('caption') }, seek, (time) => this.lanes.point(time));
    this.transport = new Transport(dock, this);
    this.popovers = new Popovers(dock, this);
    bindKeys(this);
    this.listen();
    paintLegend($('.legend', dock));
    this.open(!phone.matches, false);
  }

  // ---- the song ----------------------------------------------------------------------------

  /**
   * Shows a sample. `play` starts it, `time` and `level` (of this song only) are where and what to hear, `open` shows
   * the spectrograms and the attention map too.
   */
  async load({ id, play = false, level, time, open = false }) {
    if (open) this.open(true);
    if (this.sample?.id === id && !this.request?.failed) {
      if (level) this.setLevel(level, false);
      if (time !== undefined) this.seek(time);
      if (play) this.play();
      return;
    }
    this.request?.controller.abort();
    const controller = new AbortController();
    const mine = { controller, id, play, failed: false };
    this.request = mine;
    try {
      const sample = await fetchSample(id, controller.signal);
      if (this.request !== mine) return;
      this.show(sample, time ?? 0, level ?? this.wanted);
      await this.fetchParts(sample, mine);
    } catch (error) {
      if (mine !== this.request || error.name === 'AbortError') return;
      mine.failed = true;
      this.alert(`${error.message} What was shown before is kept.`, () => this.load({ id, play, level, time }));
    }
  }

  show(sample, time, level) {
    this.audio.pause();
    this.audio.clear();
    this.alert(null);
    this.sample = sample;
    this.loop = null;
    this.loopOn = false;
    this.audio.seconds = sample.duration;
    this.dock.hidden = false;
    this.level = this.hearable(level);
    this.audio.setLevel(this.level);
    this.audio.seek(time);
    this.lanes.show(sample, soundsOf(sample), this.level);
    this.words.setAttention(null);
    this.words.show(sample);
    this.lanes.setLoop(null);
    this.transport.show(sample);
    this.popovers.close();
    this.paintMini();
    this.frame(true);
    this.tell();
  }

  /** The wanted level, or the finest that has sound: a level is never changed behind the listener's back later. */
  hearable(level) {
    const there = soundsOf(this.sample).filter((name) => this.sample.levels[name]?.seconds > 0);
    return there.includes(level) ? level : there.at(-1) ?? level;
  }

  /** Sound and pictures of a sample; the level that is heard comes first. `old`: the record before it grew. */
  async fetchParts(sample, mine, old = null) {
    const { signal } = mine.controller;
    const changed = soundsOf(sample).filter((name) => sample.levels[name] && sample.levels[name].url !== old?.levels[name]?.url);
    changed.sort((a, b) => (b === this.level) - (a === this.level));
    const pictures = changed.map((name) => this.fetchSpectrum(name, signal));
    // Of a recording nothing was drawn by chance.
    pictures.push(...changed.map((name) => (name === ORIGINAL ? this.lanes.setEntropy(name, null) : this.fetchEntropy(name, signal))));
    if (sample.alignment && !old?.alignment) pictures.push(this.fetchAttention(signal));
    if (changed.includes(this.level)) pictures.push(...this.fetchViews(signal));
    const sounds = new Map();
    for (const name of changed) {
      try {
        const sound = await fetchSound(sample.levels[name].url, signal);
        if (this.request !== mine) return;
        if (old) sounds.set(name, sound);
        else this.audio.setBuffers(new Map([[name, sound]]), sample.duration);
      } catch (error) {
        if (error.name === 'AbortError' || this.request !== mine) return;
        this.alert(`The sound of the ${name} level could not be loaded: ${error.message}. The other levels play.`, () => this.reload());
        continue;
      }
      this.playWanted(mine);
    }
    // All levels that grew together are exchanged at one instant.
    if (sounds.size) this.audio.setBuffers(sounds, sample.duration);
    this.playWanted(mine);
    if (!old) mine.play = false; // nothing more comes that could be waited for
    await Promise.all(pictures);
  }

  /** Plays when that was asked for before the sound of the level was here. */
  playWanted(mine) {
    if (!mine.play || !this.audio.levelEnd()) return;
    mine.play = false;
    this.play();
  }

  async fetchSpectrum(name, signal) {
    const wait = setTimeout(() => this.lanes.waiting(name, true), PATIENCE);
    try {
      const spectrum = await fetchArray(spectrumUrl(this.sample.id, name), signal);
      if (signal.aborted) return;
      if (spectrum) this.lanes.setSpectrum(name, spectrum);
      if (name === this.level) this.paintMini();
    } catch (error) {
      if (!signal.aborted) this.lanes.problem(name, error.message, () => this.fetchSpectrum(name, signal));
    } finally {
      clearTimeout(wait);
      this.lanes.waiting(name, false);
    }
  }

  async fetchEntropy(name, signal) {
    try {
      const entropy = await fetchArray(entropyUrl(this.sample.id, name), signal);
      if (!signal.aborted) this.lanes.setEntropy(name, entropy);
    } catch (error) {
      if (!signal.aborted) this.alert(error.message, () => this.fetchEntropy(name, signal));
    }
  }

  /** The rows that are switched on, for the level that is heard. */
  fetchViews(signal = this.request?.controller.signal) {
    return [...this.lanes.views.on].map((view) => this.fetchView(view, signal));
  }

  async fetchView(view, signal) {
    const { sample, level } = this;
    if (!sample?.levels[level]) return;
    try {
      const array = await fetchArray(viewUrl(sample.id, view, level), signal);
      if (!signal?.aborted && level === this.level) this.lanes.setView(view, array, level);
    } catch (error) {
      if (!signal?.aborted) this.alert(error.message, () => this.fetchView(view, signal));
    }
  }

  async fetchAttention(signal) {
    try {
      const attention = await fetchArray(attentionUrl(this.sample.id), signal);
      if (!signal.aborted) this.words.setAttention(attention);
    } catch (error) {
      if (!signal.aborted) this.alert(error.message, () => this.fetchAttention(signal));
    }
  }

  /** Everything of this song anew, at the same place. */
  reload() {
    const { id } = this.sample;
    const time = this.time;
    const play = this.audio.playing;
    this.sample = null;
    this.load({ id, play, time });
  }

  /** More of a song is on the disk: what is new is added, what plays goes on at the same sample. */
  async grew(id) {
    if (!this.sample || this.sample.id !== id || this.request?.id !== id) return;
    const mine = this.request;
    if (mine.growing) {
      mine.again = true;
      return;
    }
    mine.growing = true;
    try {
      do {
        mine.again = false;
        const sample = await fetchSample(id, mine.controller.signal);
        if (this.request !== mine) return;
        const old = this.sample;
        this.sample = sample;
        this.lanes.update(sample);
        if (sample.alignment && !old.alignment) this.words.show(sample);
        else this.words.sample = sample;
        this.transport.show(sample);
        this.popovers.refresh();
        if (!old.levels[this.level]) this.setLevel(this.hearable(this.wanted), false);
        await this.fetchParts(sample, mine, old);
      } while (mine.again && this.request === mine);
    } catch (error) {
      if (error.name !== 'AbortError') this.alert(`${error.message} What was loaded before goes on.`, () => this.grew(id));
    } finally {
      mine.growing = false;
    }
  }

  // ---- playing -----------------------------------------------------------------------------

  get time() {
    return this.audio.position;
  }

  async play() {
    if (!this.sample) return;
    if (!this.audio.levelEnd()) {
      if (this.sample.levels[this.level]) this.request.play = true;
      else toast(`Nothing of the ${this.level} level can be heard yet.`);
      return;
    }
    const { context } = this.audio;
    this.audio.play();
    if (context.state !== 'suspended') return;
    // Without a press of a key or button browsers hold sound back: then the song waits and says so. After a press a sound
    // device that is slow to wake up is worth waiting for.
    const resumed = context.resume().then(() => true);
    const pressed = navigator.userActivation?.hasBeenActive;
    const started = await (pressed ? resumed : Promise.race([resumed, new Promise((done) => setTimeout(done, 400, false))]));
    if (started || context.state === 'running') return;
    this.audio.pause();
    toast('The browser wants a press first. Press Play to hear it.');
  }

  pause() {
    if (this.request) this.request.play = false;
    this.audio.pause();
  }

  toggle() {
    if (this.audio.playing || this.request?.play) this.pause();
    else this.play();
  }

  seek(time) {
    if (!this.sample) return;
    this.audio.seek(clamp(time, 0, this.sample.duration));
    this.frame(true);
    this.tell();
  }

  step(by) {
    this.seek(this.time + by);
  }

  setLevel(level, remember = true) {
    if (!this.sample || !soundsOf(this.sample).includes(level)) return;
    if (!this.sample.levels[level]) {
      toast(this.sample.state === 'finished' ? `This song has no ${level} level.` : `The ${level} level is not made yet. What is finished can be heard.`);
      return;
    }
    if (remember && LEVELS.includes(level)) {
      this.wanted = level;
      memory.set('level', level);
    }
    const other = level !== this.level;
    this.level = level;
    this.audio.setLevel(level);
    this.lanes.setLevel(level);
    if (other) this.fetchViews();
    this.transport.showLevel();
    this.paintMini();
    this.frame(true);
    this.tell();
  }

  /** A loop from `span` [from, to]; `finished` when the hand has let go. */
  markLoop(span, finished) {
    this.loop = span;
    this.loopOn = true;
    this.lanes.setLoop(span);
    this.transport.showLoop();
    if (!finished) return;
    this.applyLoop();
    if (this.time < this.loop[0] || this.time > this.loop[1]) this.seek(this.loop[0]);
  }

  toggleLoop() {
    if (!this.sample) return;
    this.loopOn = !this.loopOn;
    if (this.loopOn && !this.loop) this.loop = [this.sample.duration * 0.25, this.sample.duration * 0.5];
    this.applyLoop();
  }

  /** `edge` 0: the loop starts here, 1: it ends here. */
  loopEdge(edge) {
    if (!this.sample) return;
    const loop = this.loop ? [...this.loop] : [0, this.sample.duration];
    loop[edge] = this.time;
    if (loop[1] - loop[0] < 0.05) loop[1 - edge] = edge ? 0 : this.sample.duration;
    this.loop = loop;
    this.loopOn = true;
    this.applyLoop();
  }

  applyLoop() {
    const loop = this.loopOn ? this.loop : null;
    this.audio.setLoop(loop);
    this.lanes.setLoop(loop);
    this.transport.showLoop();
    this.frame(true);
  }

  async star() {
    if (!this.sample) return;
    const { id } = this.sample;
    const starred = !this.sample.starred;
    try {
      await request(`/api/songs/${encodeURIComponent(id)}/star`, { starred });
      tell('starred', { id, starred });
    } catch (error) {
      this.alert(`The star could not be kept: ${error.message}`, () => this.star());
    }
  }

  // ---- showing -----------------------------------------------------------------------------

  /** Opens or closes the spectrograms (on phones: the sheet). */
  open(on = !this.dock.classList.contains('open'), repaint = true) {
    this.dock.classList.toggle('open', on);
    this.transport.showOpen(on);
    this.popovers.close();
    if (repaint) this.repaint();
  }

  repaint(themeChanged = false) {
    if (themeChanged) paintLegend($('.legend', this.dock));
    if (!this.sample) return;
    this.lanes.paint(themeChanged);
    this.words.draw();
    this.paintMini();
    this.frame(true);
  }

  paintMini() {
    this.transport.paintMini(this.lanes.image(this.level), this.lanes.rows.get(this.level)?.spectrum);
  }

  frame(forced = false) {
    if (!this.sample) return;
    const { time } = this;
    const now = performance.now();
    if (forced || !this.calm.matches || now - (this.stepped ?? 0) >= CALM_STEP) {
      this.stepped = now;
      this.lanes.frame(time);
      this.transport.frame(time);
    }
    this.words.frame(time, false);
    if (forced || now - (this.announced ?? 0) > 1000) {
      this.announced = now;
      this.lanes.announce(time);
      if (!forced) this.tell();
    }
  }

  run() {
    cancelAnimationFrame(this.raf);
    const tick = () => {
      this.audio.watch();
      this.frame();
      if (this.audio.playing) this.raf = requestAnimationFrame(tick);
    };
    if (this.audio.playing) this.raf = requestAnimationFrame(tick);
    // A hidden tab gets no frames, but its song shall end all the same.
    clearInterval(this.timer);
    if (this.audio.playing) this.timer = setInterval(() => this.audio.watch(), 200);
  }

  tell() {
    tell('state', { id: this.sample.id, playing: this.audio.playing, level: this.level, time: this.time });
  }

  /** What went wrong stays beside the player until it is dealt with. */
  alert(message, retry) {
    if (message) this.dock.hidden = false;
    showFault($('.alert', this.dock), message, retry);
  }

  listen() {
    hear('load', (detail) => this.load(detail));
    hear('grew', ({ id }) => this.grew(id));
    hear('hush', () => this.pause());
    hear('tab', ({ name }) => this.open(name === 'explore' && !phone.matches));
    hear('starred', ({ id, starred }) => {
      if (this.sample?.id !== id) return;
      this.sample.starred = starred;
      this.transport.show(this.sample);
    });
    hear('jobs', (jobs) => {
      const before = this.making.has(this.sample?.id);
      this.making = new Set(jobs.filter((job) => job.active).flatMap((job) => job.sample_ids));
      if (this.sample && this.making.has(this.sample.id) !== before) this.transport.show(this.sample);
    });
    onTheme(() => this.repaint(true));
    this.audio.addEventListener('state', () => {
      this.transport.showPlaying(this.audio.playing);
      this.run();
      this.frame(true);
      this.tell();
    });
    this.audio.addEventListener('end', ({ detail }) => {
      this.frame(true);
      if (detail.reason === 'song') tell('ended', { id: this.sample.id });
      else {
        const there = LEVELS.find((name) => (this.sample.levels[name]?.seconds ?? 0) > this.time + 0.1);
        const on = there ? ` Press ${LEVELS.indexOf(there) + 1} to hear on at the ${there} level.` : '';
        toast(`The ${this.level} level ends here${this.sample.state === 'finished' ? '' : ' for now'}, at ${clock(this.time, 1)}. The finished part is kept.${on}`);
      }
    });
    let pending;
    new ResizeObserver(() => {
      clearTimeout(pending);
      pending = setTimeout(() => this.repaint(), 80);
    }).observe(this.dock);
  }
}

