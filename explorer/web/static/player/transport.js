/**
 * The row of buttons: play, clock, title, levels, loop, star; and the small spectrogram of the closed player.
 * Knows: its buttons and how names of a record read. Does not know: audio or fetching; it asks the player.
 */
import { $, $$, LEVELS, ORIGINAL, el, icon, mmss, num, phone, soundsOf, tell } from '../dom.js';
import { clock, fit } from './tools.js';

/** "0.6 Bossa nova / 0.4 Soul" -> "0.6 Bossa nova and 0.4 Soul"; an empty name is the unknown label. */
export function named(blend, nothing) {
  const names = (blend ?? '').split(/\s\/\s/).map((name) => name.trim()).filter(Boolean);
  return names.length ? names.join(' and ') : nothing;
}

export class Transport {
  constructor(dock, player) {
    this.dock = dock;
    this.player = player;
    const part = (name) => $(`[data-is="${name}"]`, dock);
    this.now = part('now');
    this.length = part('length');
    this.levels = part('levels');
    this.loopLabel = part('loop');
    this.progress = $('.prog', dock);
    this.mini = $('.mini', dock);
    const actions = {
      play: () => player.toggle(),
      prev: () => tell('step', { by: -1 }),
      next: () => tell('step', { by: 1 }),
      loop: () => player.toggleLoop(),
      grow: () => player.open(),
      shut: () => player.open(false),
      open: () => phone.matches && player.open(true),
      recipe: (button) => player.popovers.toggle('recipe', button),
      export: (button) => player.popovers.toggle('exports', button),
    };
    for (const node of $$('[data-do]', dock)) node.addEventListener('click', () => actions[node.dataset.do](node));
    for (const node of $$('[data-star]', dock)) node.addEventListener('click', () => player.star());
    this.mini.addEventListener('pointerdown', (event) => {
      if (!player.sample) return;
      const box = this.mini.getBoundingClientRect();
      player.seek(((event.clientX - box.left) / box.width) * player.sample.duration);
    });
    this.levels.addEventListener('keydown', (event) => this.arrows(event));
    this.showPlaying(false);
    this.opener = $('.trans [data-do="open"]', dock);
    this.opener.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' || !phone.matches) return;
      player.open(true);
      event.preventDefault();
    });
    this.markOpener();
    phone.addEventListener('change', () => this.markOpener());
  }

  /** A button per sound of the song: its levels and, where there is one, the recording. */
  buildLevels(names) {
    const button = (level) => el('button', { role: 'radio', type: 'button', class: `lv-${level}`, 'data-level': level, 'aria-label': level, 'aria-checked': 'false', onclick: () => this.player.setLevel(level) },
      icon(`g-${level}`, 'glyph'), el('span', { class: 'nm', text: level }), el('kbd', { class: 'only-l', 'aria-hidden': 'true', text: level === ORIGINAL ? 0 : LEVELS.indexOf(level) + 1 }));
    if (this.levels.childElementCount !== names.length) this.levels.replaceChildren(...names.map(button));
  }

  /** On phones the title opens the sheet, so it is a button there and plain text elsewhere. */
  markOpener() {
    for (const [name, value] of [['role', 'button'], ['tabindex', '0'], ['title', 'Open the player']]) {
      if (phone.matches) this.opener.setAttribute(name, value);
      else this.opener.removeAttribute(name);
    }
  }

  /** Arrows go round in a radio group, and nowhere else. */
  arrows(event) {
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!by) return;
    const buttons = $$('button', this.levels);
    const next = buttons[(buttons.indexOf(event.target) + by + buttons.length) % buttons.length];
    next.focus();
    next.click();
    event.preventDefault();
    event.stopPropagation();
  }

  show(sample) {
    this.buildLevels(soundsOf(sample));
    const tag = sample.mode === 'reconstruct' ? 'reconstruction' : this.player.making.has(sample.id) ? 'being made' : sample.state !== 'finished' ? 'unfinished' : sample.model === 'pocket' ? 'demo model' : sample.model;
    const about = [named(sample.artist, 'unknown artist'), named(sample.genre, 'unknown genre'), sample.collection].join(', ');
    for (const box of $$('.np', this.dock)) {
      $('.t', box).replaceChildren(el('span', { text: sample.title }), el('span', { class: 'tag', text: tag }));
      $('.s', box).textContent = about;
    }
    this.length.textContent = `/ ${mmss(sample.duration)}`;
    for (const button of $$('[data-star]', this.dock)) {
      button.setAttribute('aria-pressed', String(Boolean(sample.starred)));
      button.replaceChildren(icon('star', sample.starred ? 'i fill' : 'i'));
    }
    this.showLevel();
    this.showLoop();
  }

  showLevel() {
    const { sample, level } = this.player;
    for (const button of $$('button', this.levels)) {
      const name = button.dataset.level;
      const made = sample.levels[name];
      button.setAttribute('aria-checked', String(name === level));
      button.tabIndex = name === level ? 0 : -1;
      button.classList.toggle('none', !made);
      button.title = name === ORIGINAL ? 'the recording itself' : made ? `${num(Math.round(made.codes_per_second))} codes per second` : `no ${name} level ${sample.state === 'finished' ? 'was made' : 'yet'}`;
    }
  }

  showLoop() {
    const { loop, loopOn } = this.player;
    $('[data-do="loop"]', this.dock).setAttribute('aria-pressed', String(loopOn));
    this.loopLabel.textContent = loopOn && loop ? `${loop[0].toFixed(1)} – ${loop[1].toFixed(1)} s` : 'Loop';
  }

  showPlaying(on) {
    const button = $('[data-do="play"]', this.dock);
    button.replaceChildren(icon(on ? 'pause' : 'play', 'i fill'));
    button.setAttribute('aria-label', on ? 'Pause' : 'Play');
    this.dock.classList.toggle('paused', !on);
  }

  showOpen(on) {
    const button = $('[data-do="grow"]', this.dock);
    button.replaceChildren(icon(on ? 'chev' : 'up'));
    button.setAttribute('aria-expanded', String(on));
  }

  paintMini(image, spectrum) {
    const canvas = $('canvas', this.mini);
    if (!canvas.clientWidth) return;
    const [g, width, height] = fit(canvas);
    if (!image) return;
    const { columns, rows, seconds } = spectrum.header;
    g.imageSmoothingQuality = 'high';
    g.drawImage(image, 0, 0, columns, rows, 0, 0, (seconds / this.player.sample.duration) * width, height);
  }

  frame(time) {
    const part = time / (this.player.sample.duration || 1);
    this.now.textContent = clock(time, 1);
    this.progress.style.width = `${part * 100}%`;
    $('.ph', this.mini).style.transform = `translateX(${part * this.mini.clientWidth}px)`;
  }
}
