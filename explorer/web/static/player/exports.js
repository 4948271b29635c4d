/**
 * The alignment of lyrics to sound as files: LRC, WebVTT, JSON. Pure functions of a sample's record.
 * Knows: the three text formats. Does not know: the page.
 * Indices count Unicode code points of the lyrics, as Python does, not UTF-16 units.
 */

/** Lines of the lyrics with times: [{text, start, end, confidence, words: [{text, start, end}]}]. Untimed ones are left out. */
export function timedLines(sample) {
  const points = Array.from(sample.lyrics ?? '');
  const cut = (from, to) => points.slice(from, to).join('');
  const words = sample.alignment?.words ?? [];
  return (sample.alignment?.lines ?? [])
    .map(([from, to, start, end, confidence]) => ({
      text: cut(from, to).trim(),
      start,
      end,
      confidence,
      words: words.filter(([a, b]) => a >= from && b <= to).map(([a, b, s, e]) => ({ text: cut(a, b).trim(), start: s, end: e })),
    }))
    .filter((line) => line.text);
}

const pad = (value, width) => String(value).padStart(width, '0');

/** 75.256 -> "01:15.26", hundredths, as LRC has it. */
export function lrcTime(seconds) {
  const hundredths = Math.round(seconds * 100);
  return `${pad(Math.floor(hundredths / 6000), 2)}:${pad(Math.floor(hundredths / 100) % 60, 2)}.${pad(hundredths % 100, 2)}`;
}

/** 75.256 -> "00:01:15.256", thousandths, as WebVTT has it. */
export function vttTime(seconds) {
  const ms = Math.round(seconds * 1000);
  return `${pad(Math.floor(ms / 3_600_000), 2)}:${pad(Math.floor(ms / 60_000) % 60, 2)}:${pad(Math.floor(ms / 1000) % 60, 2)}.${pad(ms % 1000, 3)}`;
}

const oneLine = (text) => String(text ?? '').replace(/\s+/g, ' ').trim();

/** Enhanced LRC: a time per line and, inside it, per word. */
export function toLrc(sample) {
  const head = [`[ti:${oneLine(sample.title)}]`, `[ar:${oneLine(sample.artist)}]`, `[length:${lrcTime(sample.seconds)}]`, '[re:Jukebox Explorer, AI-generated]'];
  const body = timedLines(sample).map((line) => {
    const words = line.words.map((word) => `<${lrcTime(word.start)}>${word.text}`).join(' ');
    return `[${lrcTime(line.start)}]${words || line.text}`;
  });
  return `${[...head, ...body].join('\n')}\n`;
}

const vttText = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** WebVTT with a cue per line and word times inside. */
export function toVtt(sample) {
  const cues = timedLines(sample).map((line, index) => {
    const words = line.words.map((word) => `<${vttTime(word.start)}>${vttText(word.text)}`).join(' ');
    return `${index + 1}\n${vttTime(line.start)} --> ${vttTime(Math.max(line.end, line.start + 0.05))}\n${words || vttText(line.text)}`;
  });
  return `${['WEBVTT', `NOTE ${oneLine(sample.title).replaceAll('-->', '→')}, AI-generated`, ...cues].join('\n\n')}\n`;
}

/** Every character, word and line with its times and confidence. */
export function toJson(sample) {
  const points = Array.from(sample.lyrics ?? '');
  const span = ([from, to, start, end, confidence]) => ({ text: points.slice(from, to).join(''), from, to, start, end, confidence });
  const alignment = sample.alignment ?? { characters: [], words: [], lines: [] };
  const characters = alignment.characters.map(([index, start, end, confidence]) => ({ text: points[index], index, start, end, confidence }));
  return `${JSON.stringify({ id: sample.id, title: sample.title, seconds: sample.seconds, lyrics: sample.lyrics, characters, words: alignment.words.map(span), lines: alignment.lines.map(span) }, null, 1)}\n`;
}
