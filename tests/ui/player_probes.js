/** What the browser tests of the player measure inside the page: put into every page of theirs as `probes`. */
(() => {
  const rest = (ms) => new Promise((done) => setTimeout(done, ms));

  /** The player's own playing code rendered offline, with switches and growth, compared with what was put in. */
  async function renderOffline() {
    const { LockStep, RATE, FADE } = await import('/ui/player/audio.js');
    const noise = (seed, seconds) => {
      const buffer = new AudioBuffer({ numberOfChannels: 1, length: Math.round(seconds * RATE), sampleRate: RATE });
      const data = buffer.getChannelData(0);
      let state = seed;
      for (let i = 0; i < data.length; i += 1) {
        state = (state * 1664525 + 1013904223) % 4294967296;
        data[i] = state / 4294967296 - 0.5;
      }
      return buffer;
    };
    const context = new OfflineAudioContext(1, 2 * RATE, RATE);
    const audio = new LockStep(() => context);
    const whole = { top: noise(1, 3), middle: noise(2, 3), bottom: noise(3, 3) };
    const cut = new AudioBuffer({ numberOfChannels: 1, length: 2 * RATE, sampleRate: RATE });
    cut.copyToChannel(whole.middle.getChannelData(0).subarray(0, 2 * RATE), 0);
    audio.setBuffers(new Map([['top', whole.top], ['middle', cut]]), 3);
    audio.setLevel('top');
    audio.seek(0.5);
    audio.play();
    const positions = {};
    const at = (time, act) => context.suspend(time).then(() => {
      act();
      positions[time] = audio.positionAt(context.currentTime);
      context.resume();
    });
    at(0.8, () => audio.setLevel('middle'));
    at(1.1, () => audio.setBuffers(new Map([['middle', whole.middle], ['bottom', whole.bottom]]), 3));
    at(1.5, () => audio.setLevel('bottom'));
    const out = (await context.startRendering()).getChannelData(0);
    const start = Math.round(RATE * 0.03);
    const check = (level, from, to) => {
      const source = whole[level].getChannelData(0);
      let [worst, heard, made] = [0, 0, 0];
      for (let i = Math.round(from * RATE); i < Math.round(to * RATE); i += 1) {
        const expected = source[i - start + 0.5 * RATE];
        worst = Math.max(worst, Math.abs(out[i] - expected));
        heard += out[i] ** 2;
        made += expected ** 2;
      }
      return { worst, gain: Math.sqrt(heard / made) };
    };
    return {
      positions,
      top: check('top', 0.04, 0.8),
      middle: check('middle', 0.8 + 2 * FADE, 1.5),
      bottom: check('bottom', 1.5 + 2 * FADE, 2),
    };
  }

  /** A tape at the running player's output: where in the level's sound the recorded stretch is found, and its gain. */
  async function recordSwitches() {
    const { audio } = player;
    const code = `registerProcessor('tape', class extends AudioWorkletProcessor {
      process([input]) { if (input[0]) this.port.postMessage([currentFrame, input[0].slice()]); return true; } })`;
    await audio.context.audioWorklet.addModule(URL.createObjectURL(new Blob([code], { type: 'text/javascript' })));
    const tape = new AudioWorkletNode(audio.context, 'tape');
    const frames = [];
    tape.port.onmessage = ({ data }) => frames.push(data);
    audio.master.connect(tape);
    tape.connect(audio.context.destination);
    const rate = audio.context.sampleRate;
    player.play();
    await rest(500);
    const result = [];
    for (const level of ['bottom', 'middle', 'top', 'bottom']) {
      if (level !== player.level) player.setLevel(level);
      await rest(150);
      frames.length = 0;
      while (frames.length < 60) await rest(20);
      const [first] = frames[8];
      const heard = new Float32Array(4096);
      for (const [frame, block] of frames) if (frame >= first && frame + 128 <= first + 4096) heard.set(block, frame - first);
      const said = audio.positionAt(first / rate);
      const source = audio.levels.get(level).buffer.getChannelData(0);
      const centre = Math.round(said * rate);
      let best = [-1, 0];
      for (let lag = -2400; lag <= 2400; lag += 1) {
        let [dot, power] = [0, 0];
        for (let i = 0; i < 1024; i += 1) {
          const value = source[centre + lag + i] ?? 0;
          dot += value * heard[i];
          power += value * value;
        }
        if (dot / power > best[0]) best = [dot / power, lag];
      }
      let [out, made] = [0, 0];
      for (let i = 0; i < 4096; i += 1) {
        out += heard[i] ** 2;
        made += (source[centre + best[1] + i] ?? 0) ** 2;
      }
      result.push({ level, milliseconds: (best[1] / rate) * 1000, gain: Math.sqrt(out / made), said });
    }
    player.pause();
    return result;
  }

  /** While playing and switching, at every frame that the player draws: the sound's place before and after, the playhead's, letters lit. */
  async function followPlaying() {
    const seen = [];
    const draw = player.frame;
    player.frame = (...how) => {
      const from = player.audio.position;
      draw.apply(player, how);
      const to = player.audio.position; // later than `from` by what drawing took on this machine
      const x = new DOMMatrix(player.lanes.head.style.transform).m41;
      const head = (x / player.lanes.over.clientWidth) * player.sample.duration;
      seen.push({ from, to, head, lit: document.querySelectorAll('.lyr .c.on').length });
    };
    player.play();
    for (const level of ['middle', 'top', 'bottom', 'top', 'middle']) {
      await rest(500);
      player.setLevel(level);
    }
    player.pause();
    player.frame = draw;
    return seen;
  }

  /** Places in the song while a loop plays. */
  async function goRound() {
    const seen = [];
    player.seek(1.2);
    player.play();
    for (let i = 0; i < 40; i += 1) {
      await rest(40);
      seen.push(player.time);
    }
    player.pause();
    return seen;
  }

  /** [clock, place in the song] while a song grows under the running player. */
  async function growWhilePlaying() {
    const pairs = [];
    document.dispatchEvent(new CustomEvent('jukebox:grew', { detail: { id: player.sample.id } }));
    const until = performance.now() + 2000;
    while (performance.now() < until) {
      const clock = player.audio.context.currentTime;
      pairs.push([clock, player.audio.positionAt(clock)]);
      await rest(15);
    }
    return pairs;
  }

  window.probes = { renderOffline, recordSwitches, followPlaying, goRound, growWhilePlaying };
})();
