/**
 * Files dropped anywhere on the page: a recipe, alone or inside a sound, brings the whole form back.
 * Knows: dragging, and what the server reads in a file. Does not know: the form; it hands over what was read.
 */
import { el, request } from './dom.js';

/**
 * @param {{recipe: (form: object, name: string, audio: object | null) => void, sound: (audio: object) => void,
 *   failed: (message: string) => void}} to `recipe`: the file held one (`audio`: and is a sound besides);
 *   `sound`: it is only a sound
 */
export function listen(to) {
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
  document.addEventListener('drop', (event) => {
    veil.hidden = true;
    const file = event.dataTransfer?.files[0];
    if (!file || event.defaultPrevented) return;
    event.preventDefault();
    take(file, to);
  });
}

async function take(file, to) {
  try {
    if (/\.json$/i.test(file.name)) {
      const answer = await request('/api/recipe', undefined, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: await file.text() });
      if (answer.form) to.recipe(answer.form, file.name, null);
      else to.failed(answer.message);
      return;
    }
    const { recipe, ...audio } = await upload(file);
    if (recipe) to.recipe(recipe, audio.name, audio);
    else to.sound(audio);
  } catch (error) {
    to.failed(error.message);
  }
}

/** Sends a sound: {token, name, seconds, peaks, recipe: the form it carries or null}. Throws with the server's reason. */
export async function upload(file) {
  const answer = await request(`/api/prompt?name=${encodeURIComponent(file.name)}`, undefined, { method: 'POST', headers: { 'Content-Type': 'application/octet-stream' }, body: file });
  if (!answer.token) throw new Error(answer.message);
  return answer;
}
