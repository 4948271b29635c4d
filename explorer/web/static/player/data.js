/**
 * Fetches what the player shows: a sample's record (its lead sheet in it), its spectra, attention and entropy.
 * Knows: the addresses and the byte format of the server's arrays. Does not know: the page or audio.
 *
 * An array is a little-endian uint32 (length of the header), the header as JSON, then one byte per cell in column
 * order. Every failure is an Error with a sentence for the user.
 */

/** @returns {Promise<object>} the record of one sample as `GET /api/samples/{id}` gives it; an original counts as a level */
export async function fetchSample(id, signal) {
  const response = await fetch(`/api/samples/${encodeURIComponent(id)}`, { signal, cache: 'no-cache' });
  if (response.status === 404) throw new Error('This song is not in the library any more.');
  if (!response.ok) throw new Error(await reason(response, 'The song could not be read'));
  const sample = await response.json();
  if (sample.original) sample.levels.original = sample.original;
  return sample;
}

/**
 * @returns {Promise<{header: object, bytes: Uint8Array} | null>} null where the sample has no such array
 * Spectra: header {columns, rows, seconds, hertz: [centre of each row], decibel: [lowest, highest]}.
 * Attention: {columns, rows, seconds, power, characters: [index in the lyrics of each row]}.
 * Chroma: {columns, rows: 12, seconds}. Onsets: {columns, rows: 1, seconds, decibel: highest, onsets: [seconds]}.
 * Entropy: {columns, rows: 1, seconds, bits: highest, given: seconds at the beginning that have none}.
 */
export async function fetchArray(url, signal) {
  const response = await fetch(url, { signal, cache: 'no-cache' });
  if (response.status === 404) return null;
  if (!response.ok) throw new Error(await reason(response, 'A picture could not be read'));
  return parseArray(await response.arrayBuffer());
}

export function parseArray(buffer) {
  if (buffer.byteLength < 4) throw new Error('A picture arrived empty.');
  const length = new DataView(buffer).getUint32(0, true);
  if (4 + length > buffer.byteLength) throw new Error('A picture arrived damaged.');
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  const bytes = new Uint8Array(buffer, 4 + length);
  if (bytes.length !== header.columns * header.rows) throw new Error('A picture arrived incomplete.');
  return { header, bytes };
}

/** @returns {Promise<ArrayBuffer>} a sound file as it is */
export async function fetchFile(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(await reason(response, 'it could not be fetched'));
  return response.arrayBuffer();
}

export const spectrumUrl = (id, level) => `/api/samples/${encodeURIComponent(id)}/spectrum/${level}`;
/** `view`: chroma or onsets */
export const viewUrl = (id, view, level) => `/api/samples/${encodeURIComponent(id)}/${view}/${level}`;
export const entropyUrl = (id, level) => `/api/samples/${encodeURIComponent(id)}/entropy/${level}`;
export const attentionUrl = (id) => `/api/samples/${encodeURIComponent(id)}/attention`;

async function reason(response, what) {
  let detail = `the server answered ${response.status}`;
  try {
    const body = await response.json();
    if (typeof body.detail === 'string') detail = body.detail;
  } catch {
    // The answer has no JSON body; the status alone is the reason.
  }
  return `${what}: ${detail}`;
}
