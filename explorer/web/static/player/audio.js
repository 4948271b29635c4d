/**
 * Plays all levels of one song in lock-step and lets one of them be heard.
 * Knows: Web Audio, sample positions, loops. Does not know: the page, the server or lyrics.
 *
 * Every level is a source that is started at the same instant of the context's clock at the same offset, through its
 * own gain of 0 or 1; switching levels only moves the gains, so the position cannot slip and the gain stays 1. Shorter
 * levels (still being made) are padded with silence to the song's length, so that loops wrap alike in all of them.
 */
import { clamp } from '../dom.js';

/** Rate of decoding and playing: one for all songs, so that every sound is resampled once, well, when it is decoded. */
export const RATE = 48_000;
/** Seconds over which a switch fades linearly: the levels are versions of one sound, so their gains add up to 1. */
export const FADE = 0.006;
/** How far ahead of the clock a new set of sources is scheduled, in seconds. */
const LEAD = 0.03;

export class LockStep extends EventTarget {
  /**
   * @param {() => BaseAudioContext} makeContext called at the first play, because browsers want a person to press
   *   something first; an OfflineAudioContext serves to measure with
   * Events: "state" (playing or not), "end" {reason: "song" | "level"}.
   */
  constructor(makeContext = () => new AudioContext({ sampleRate: RATE, latencyHint: 'interactive' })) {
    super();
    this.makeContext = makeContext;
    this.clear();
  }

  get context() {
    if (!this.made) {
      this.made = this.makeContext();
      this.master = this.made.createGain();
      this.master.connect(this.made.destination);
    }
    return this.made;
  }

  /** Forgets the song. */
  clear() {
    this.stopSources();
    this.levels = new Map(); // level -> {buffer (padded), seconds, gain}
    this.seconds = 0;
    this.level = null;
    this.playing = false;
    this.loop = null; // [from, to]
    this.anchor = { time: 0, offset: 0 }; // while playing: song position `offset` at context time `time`
    this.paused = 0;
  }

  /**
   * Sets or replaces the sound of some levels; what plays goes on at the same sample.
   * @param {Map<string, AudioBuffer>} buffers decoded sounds @param {number} seconds the finished song's length
   */
  setBuffers(buffers, seconds) {
    const longest = Math.max(0, ...[...buffers.values()].map((b) => b.duration), ...[...this.levels.values()].map((l) => l.seconds));
    const total = Math.max(seconds || 0, longest);
    const grown = total !== this.seconds;
    this.seconds = total;
    for (const [level, entry] of this.levels) {
      if (grown && !buffers.has(level)) entry.buffer = this.pad(entry.buffer);
    }
    for (const [level, buffer] of buffers) {
      const entry = this.levels.get(level) ?? {};
      entry.seconds = buffer.duration;
      entry.buffer = this.pad(buffer);
      this.levels.set(level, entry);
    }
    if (this.playing) this.reschedule();
  }

  newGain(level) {
    const gain = this.context.createGain();
    gain.gain.value = level === this.level ? 1 : 0;
    gain.connect(this.master);
    return gain;
  }

  pad(buffer) {
    const frames = Math.round(this.seconds * buffer.sampleRate);
    if (buffer.length >= frames) return buffer;
    const padded = new AudioBuffer({ numberOfChannels: buffer.numberOfChannels, length: frames, sampleRate: buffer.sampleRate });
    for (let channel = 0; channel < buffer.numberOfChannels; channel += 1) {
      padded.copyToChannel(buffer.getChannelData(channel), channel);
    }
    return padded;
  }

  /** Where `level` ends, in seconds: the whole song, or as far as it has been made. 0 when there is no sound of it. */
  levelEnd(level = this.level) {
    return this.levels.get(level)?.seconds ?? 0;
  }

  /** Song position in seconds that is emitted at context time `time`. */
  positionAt(time) {
    if (!this.playing) return this.paused;
    const past = time - this.anchor.time;
    const raw = this.anchor.offset + (this.anchor.seamless ? past : Math.max(0, past));
    if (this.loop && this.anchor.offset < this.loop[1] && raw >= this.loop[1]) {
      const [from, to] = this.loop;
      return from + ((raw - from) % (to - from));
    }
    return clamp(raw, 0, this.seconds);
  }

  /**
   * The instant of the context's clock that is heard now. The clock itself runs in steps of a device buffer and ahead of
   * the loudspeaker; the output timestamp says when which instant came out, and time since then fills the steps.
   */
  heardTime() {
    const { currentTime, outputLatency, state } = this.context;
    const stamp = state === 'running' ? this.context.getOutputTimestamp?.() : null;
    if (stamp?.performanceTime > 0) {
      const heard = stamp.contextTime + (performance.now() - stamp.performanceTime) / 1000;
      // A device that just woke up gives old stamps: those are not believed.
      if (heard > currentTime - 0.5 && heard < currentTime + 0.05) return heard;
    }
    return currentTime - (Number.isFinite(outputLatency) ? clamp(outputLatency, 0, 0.5) : 0);
  }

  /** Song position that is heard now. */
  get position() {
    return this.playing ? this.positionAt(this.heardTime()) : this.paused;
  }

  /** Which level is heard. The others run on silently at the same sample. */
  setLevel(level) {
    if (level === this.level) return;
    for (const [name, entry] of this.levels) {
      if (!entry.gain) continue; // never played yet: the gain is made right when it is
      const now = this.context.currentTime;
      const target = name === level ? 1 : 0;
      const { gain } = entry.gain;
      gain.cancelScheduledValues(now);
      if (this.playing) {
        gain.setValueAtTime(name === this.level ? 1 : 0, now);
        gain.linearRampToValueAtTime(target, now + FADE);
      } else gain.setValueAtTime(target, now);
    }
    this.level = level;
  }

  /** Starts at the present position (from the loop's or song's start when it stands at the end). */
  play() {
    if (this.playing || !this.levels.size) return;
    if (this.paused >= Math.min(this.seconds, this.levelEnd()) - 0.01) this.paused = 0;
    this.playing = true;
    this.schedule(this.paused);
    this.dispatchEvent(new CustomEvent('state'));
  }

  pause() {
    if (!this.playing) return;
    this.paused = this.position;
    this.playing = false;
    this.stopSources();
    this.dispatchEvent(new CustomEvent('state'));
  }

  seek(seconds) {
    const target = clamp(seconds, 0, this.seconds);
    if (this.playing) this.schedule(target);
    else this.paused = target;
  }

  /** [from, to] in seconds, or null. What plays jumps to the loop's start only when it stands behind its end. */
  setLoop(loop) {
    const here = this.playing ? this.positionAt(this.startTime()) : this.paused;
    this.loop = loop && loop[1] - loop[0] >= 0.05 ? [clamp(loop[0], 0, this.seconds), clamp(loop[1], 0, this.seconds)] : null;
    if (!this.playing) return;
    if (this.loop && here >= this.loop[1]) this.schedule(this.loop[0]);
    else this.schedule(here, true);
  }

  /** New sources for the same sound at the same sample. */
  reschedule() {
    this.schedule(this.positionAt(this.startTime()), true);
  }

  /** The next instant at which sources can start together, on a sample of the clock. */
  startTime() {
    const rate = this.context.sampleRate;
    return Math.ceil((this.context.currentTime + LEAD) * rate) / rate;
  }

  /** `seamless`: the old sources lead into the new ones without a jump, so the clock may be read across the seam. */
  schedule(offset, seamless = false) {
    const rate = this.context.sampleRate;
    const time = this.startTime();
    const start = Math.round(offset * rate) / rate;
    this.stopSources(time);
    this.anchor = { time, offset: start, seamless };
    for (const [name, entry] of this.levels) {
      const source = this.context.createBufferSource();
      source.buffer = entry.buffer;
      if (this.loop && start < this.loop[1]) {
        source.loop = true;
        [source.loopStart, source.loopEnd] = this.loop;
      }
      source.connect((entry.gain ??= this.newGain(name)));
      source.start(time, Math.min(start, entry.buffer.duration));
      entry.source = source;
    }
  }

  stopSources(time = 0) {
    for (const entry of this.levels?.values() ?? []) {
      if (!entry.source) continue;
      const source = entry.source;
      source.onended = () => source.disconnect();
      source.stop(time);
      entry.source = null;
    }
  }

  /** To be called often while playing: stops at the end of the song or of a level that is still being made. */
  watch() {
    if (!this.playing) return;
    // A level that is still being fetched is silent and joins in: the song goes on.
    const end = this.levels.has(this.level) ? Math.min(this.seconds, this.levelEnd()) : this.seconds;
    if (this.position < end - 0.002) return;
    this.pause();
    this.paused = end;
    const reason = end < this.seconds - 0.05 ? 'level' : 'song';
    this.dispatchEvent(new CustomEvent('end', { detail: { reason } }));
  }
}

/**
 * Fetches and decodes one level at RATE; nothing is normalised.
 * Errors say which file and why.
 */
export async function fetchSound(url, signal) {
  const response = await fetch(url, { signal });
  if (!response.ok) throw new Error(`the server answered ${response.status} for ${url}`);
  const bytes = await response.arrayBuffer();
  try {
    return await new OfflineAudioContext(1, 1, RATE).decodeAudioData(bytes);
  } catch {
    throw new Error(`this browser cannot decode ${url.split('?')[0].split('/').pop()}`);
  }
}
