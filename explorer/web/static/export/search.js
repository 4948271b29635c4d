/**
 * The songs of an exported page: searched, sorted and counted as the program's library does it.
 * Knows: the rows as they are shown, with their lyrics. Does not know: the page, files, sound.
 *
 * Every box narrows; inside a box every word must be the beginning of a word there, blind to case and accents.
 */
import { fold, mmss } from '../dom.js';

const COLUMNS = ['model', 'collection', 'genre', 'artist', 'temp', 'title', 'length', 'date'];
const SCOPES = { all: () => true, gallery: song => !song.mine, mine: song => song.mine, starred: song => song.starred };
const KEYS = { temp: song => Number(song.temp), length: song => song.seconds, date: song => song.created };

const tokens = text => fold(text).split(/[^\p{L}\p{N}\p{Co}]+/u).filter(Boolean);

export class Listing {
  /** @param {object[]} songs rows of the table, newest first, each with `lyrics` and `created`; `starred` may change */
  constructor(songs) {
    this.songs = songs;
    this.words = new Map(); // song -> column -> lists of words
  }

  /** @param {URLSearchParams} query what the table asks `/api/songs` for @returns {object} what it gets there */
  search(query) {
    const scope = SCOPES[query.get('scope')] ?? SCOPES.all;
    const wanted = COLUMNS.map(column => [[column], phrases(query.get(column))]);
    wanted.push([COLUMNS, phrases(query.get('any'))]);
    const inScope = this.sorted(this.songs.filter(scope), query);
    const found = inScope.filter(song => wanted.every(([columns, all]) => all.every(phrase => this.holds(song, columns, phrase))));
    const offset = Number(query.get('offset')) || 0;
    const answer = {
      total: found.length,
      counts: Object.fromEntries(Object.entries(SCOPES).map(([name, inside]) => [name, this.songs.filter(inside).length])),
      rows: found.slice(offset, offset + (Number(query.get('limit')) || 100)),
    };
    if (query.has('find')) {
      const place = inScope.findIndex(song => song.id === query.get('find'));
      answer.found = place < 0 ? null : place;
    }
    return answer;
  }

  /** Equal keys keep the order of the list: newest first. */
  sorted(songs, query) {
    const name = query.get('sort') ?? 'date';
    const way = query.get('descending') === 'false' ? 1 : -1;
    const key = KEYS[name] ?? (song => fold(song[name] ?? ''));
    const keyed = songs.map(song => [key(song), song]);
    keyed.sort(([a], [b]) => (a < b ? -way : a > b ? way : 0));
    return keyed.map(([, song]) => song);
  }

  holds(song, columns, phrase) {
    if (!this.words.has(song)) this.words.set(song, Object.fromEntries(COLUMNS.map(column => [column, texts(song, column).map(tokens)])));
    const words = this.words.get(song);
    return columns.some(column => words[column].some(list => contains(list, phrase)));
  }
}

/** What a search in a column reads: what is shown there; in titles also the lyrics. */
function texts(song, column) {
  if (column === 'length') return [mmss(song.seconds)];
  return column === 'title' ? [song.title, song.lyrics] : [song[column]];
}

/** What was typed as lists of words; "0.98" is two words that follow each other. */
const phrases = typed => (typed ?? '').split(/[\s"]+/).map(tokens).filter(phrase => phrase.length);

/** Whether the words of `phrase` follow each other in `list`, the last one as the beginning of a word. */
function contains(list, phrase) {
  const last = phrase.length - 1;
  return list.some((_, at) => phrase.every((word, k) => (k === last ? list[at + k]?.startsWith(word) : list[at + k] === word)));
}
