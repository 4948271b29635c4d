/**
 * Answers of an exported page: the addresses of the program's server, from files beside the page.
 * Knows: which address is in which file, and how a file is read where fetch() may not: as a script that puts its
 * value into `self.jukebox` under its name. Does not know: the parts that ask.
 *
 * Nothing leaves the browser. Stars stay in it.
 */
import { memory } from '../dom.js';
import { Listing } from './search.js';

/** Files of songs that are kept in memory, in the order of their last use: a song has up to five. */
const KEPT = 20;

export class Shelf {
  /** @param {object[]} songs the list as `songs.js` holds it */
  constructor(songs) {
    this.listing = new Listing(songs);
    this.songs = new Map(songs.map((song) => [song.id, song]));
    this.files = new Map(); // name -> promise of its value
    this.stars = new Map(JSON.parse(memory.get('stars') ?? '[]'));
    for (const [id, starred] of this.stars) if (this.songs.has(id)) this.songs.get(id).starred = starred;
  }

  /** Takes the place of fetch(): a Response to what the parts of the page ask for. */
  async answer(url, { body, signal } = {}) {
    const { pathname, searchParams } = new URL(url, 'http://shelf');
    const [, kind, ...path] = pathname.replace(/^\/api/, '').split('/').map(decodeURIComponent);
    const answer = await this.find(kind, path, { search: searchParams, body: body && JSON.parse(body) });
    signal?.throwIfAborted();
    return answer;
  }

  async find(kind, [id, part, level], { search, body }) {
    if (kind === 'songs' && !id) return json(this.listing.search(search));
    if (kind === 'songs' && id === 'delete') return json({ deleted: [], spared: Object.fromEntries(body.ids.map((one) => [one, 'Songs of an exported page cannot be deleted.'])) });
    if (kind === 'songs' && id === 'star') return json(body.ids.map((one) => this.star(this.songs.get(one), body.starred)).at(-1));
    const song = this.songs.get(id);
    if (!song) return json({ detail: 'There is no such song.' }, 404);
    if (kind === 'songs') return json(this.star(song, body.starred));
    try {
      if (kind === 'media') return new Response(bytes((await this.read(`${id}/${part.replace('.flac', '')}`)).sound));
      const { record, files } = await this.read(`${id}/record`);
      if (!part) return json({ ...record, starred: song.starred });
      const file = level ?? part;
      const packed = files.includes(file) && (await this.read(`${id}/${file}`))[part];
      return packed ? new Response(inflated(packed)) : json({ detail: 'This song has no such part.' }, 404);
    } catch (error) {
      return json({ detail: `${error.message}. Copy the whole folder.` }, 500);
    }
  }

  star(song, starred) {
    song.starred = starred;
    this.stars.set(song.id, starred);
    memory.set('stars', JSON.stringify([...this.stars]));
    return { starred };
  }

  /** The value of `songs/<name>.js`. */
  read(name) {
    const file = this.files.get(name) ?? load(name);
    this.files.delete(name);
    this.files.set(name, file);
    file.catch(() => this.files.delete(name));
    if (this.files.size > KEPT) this.files.delete(this.files.keys().next().value);
    return file;
  }
}

function load(name) {
  return new Promise((resolve, reject) => {
    const script = document.createElement('script');
    const missing = () => reject(new Error(`The file songs/${name}.js cannot be read`));
    script.src = `songs/${name}.js`;
    script.onerror = missing;
    script.onload = () => {
      const value = self.jukebox[name];
      delete self.jukebox[name];
      if (value) resolve(value);
      else missing();
    };
    script.addEventListener('load', () => script.remove());
    document.head.append(script);
  });
}

const json = (value, status = 200) => new Response(JSON.stringify(value), { status });
const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
const inflated = (text) => new Blob([bytes(text)]).stream().pipeThrough(new DecompressionStream('deflate'));
