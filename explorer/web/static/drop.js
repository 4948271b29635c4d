/**
 * Files dropped anywhere on the page: a recipe, alone or inside a sound, brings the whole form back.
 * Knows: dragging, and what the server reads in a file. Does not know: the form, which may not be in the page yet.
 */
import { el, request, tell } from './dom.js';

/** Listens on the whole page; what was read is told as `jukebox:dropped`. */
export function listen() {
  const veil = el('div', { class: 'jx veil', hidden: '' }, el('p', { text: 'Drop a sound or a sample.json: the form comes back as it was when it was made.' }));
  (document.querySelector('.gradio-container') || document.body).append(veil);
  const files = (event) => [...(event.dataTransfer?.types ?? [])].includes('Files');
  let hide;
  document.addEventListener('dragover', (event) => {
    if (!files(event) || event.defaultPrevented) return; // a part that takes files itself has answered
    event.preventDefault();
    veil.hidden = false;
    clearTimeout(hide);
    hide = setTimeout(() => { veil.hidden = true; }, 200); // "dragleave" comes at every edge inside the page too
  });
  document.addEventListener('drop', async (event) => {
    veil.hidden = true;
    const file = event.dataTransfer?.files[0];
    if (!file || event.defaultPrevented) return;
    event.preventDefault();
    let read;
    try { read = await take(file); } catch (error) { read = { message: error.message }; }
    tell('open', { tab: 'create' });
    tell('dropped', { name: file.name, ...read });
  });
}

/** {recipe, sound}: the form that the file holds, and the sound that it is; one of them may be missing. */
async function take(file) {
  if (/\.json$/i.test(file.name)) {
    const answer = await request('/api/recipe', undefined, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: await file.text() });
    return answer.form ? { recipe: answer.form } : { message: answer.message };
  }
  const { recipe, ...sound } = await upload(file);
  return { recipe, sound };
}

/** Sends a sound: {token, name, seconds, peaks, recipe: the form it carries or null}. Throws with the server's reason. */
export async function upload(file) {
  const answer = await request(`/api/prompt?name=${encodeURIComponent(file.name)}`, undefined, { method: 'POST', headers: { 'Content-Type': 'application/octet-stream' }, body: file });
  if (!answer.token) throw new Error(answer.message);
  return answer;
}
