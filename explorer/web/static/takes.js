// The takes of the job that ended last, side by side: pictures, play, star, and what can be done with the chosen one.
import { $, $$, el, finest, hear, icon, num, request, tell, toast } from './dom.js';
import { paintColumns, sequential } from './player/colour.js';
import { fetchArray, fetchSample, spectrumUrl } from './player/data.js';
import { fit } from './player/tools.js';

let chosen = 0, ids = [], starred = new Set();

/** Show the takes of `job` in `root`; `again(id, mode)` brings one's recipe into the form. Null hides them. */
export function drawTakes(root, job, again) {
  const box = $('.made', root);
  box.hidden = !job;
  if (!job || box.dataset.job === job.id) return;
  box.dataset.job = job.id;
  ids = [...job.sample_ids]; chosen = 0; starred = new Set();
  $('.takes', box).replaceChildren(...ids.map((id, i) => take(box, id, ids.length > 1 ? 'Take ' + (i + 1) : 'The song', i, again)));
  $('.keep-starred', box).onclick = () => keepStarred(box, again);
  note(box, again);
}

/** What can be done with the take that was chosen. */
function note(box, again) {
  const id = ids[chosen], title = ids.length > 1 ? `With take ${chosen + 1}:` : 'With it:';
  $$('.take', box).forEach((item, i) => item.classList.toggle('on', ids.length > 1 && i === chosen));
  $('.keep-starred', box).hidden = ids.length < 2 || !starred.size;
  const act = (text, mode) => el('button', { class: 'b text small', type: 'button', text, onclick: () => again(id, mode) });
  const acts = [act('Same again, new seed', 'again'), act('Same style, new lyrics', 'style'), act('Continue this', 'continue')];
  const line = $('.made-note', box);
  line.replaceChildren(title, ...acts);
  fetchSample(id).then(record => {
    if (id === ids[chosen] && record.levels.top?.finished && !record.levels.bottom?.finished) line.append(act('Upsample this', 'upsample'));
  }).catch(() => { /* deleted meanwhile: the table says so */ });
}

/** To the bin with the takes that have no star. */
async function keepStarred(box, again) {
  try {
    const { deleted } = await request('/api/songs/delete', { ids, spare_starred: true });
    const gone = new Set(deleted);
    $$('.take', box).forEach(item => { item.hidden = gone.has(item.dataset.id); });
    chosen = Math.max(0, ids.findIndex(id => !gone.has(id)));
    note(box, again); tell('library', {});
    toast(`${num(deleted.length)} ${deleted.length === 1 ? 'take was' : 'takes were'} deleted, starred ones were spared. They stay in the bin until you close the program.`, 'Undo', async () => {
      try {
        await request('/api/songs/undo', {});
        $$('.take', box).forEach(item => { item.hidden = false; });
        tell('library', {});
      } catch (error) { toast(error.message); }
    });
  } catch (error) { toast(error.message); }
}

/** One take: its picture, play, star. */
function take(box, id, name, index, again) {
  const canvas = el('canvas', { role: 'img', 'aria-label': `Spectrogram of take ${index + 1}` });
  const play = () => { chosen = index; note(box, again); tell('load', { id, play: true }); };
  const star = el('button', { class: 'b quiet sq', 'aria-label': `Star take ${index + 1}`, 'aria-pressed': 'false', onclick: async () => {
    const on = star.getAttribute('aria-pressed') !== 'true';
    try { await request(`/api/songs/${encodeURIComponent(id)}/star`, { starred: on }); tell('starred', { id, starred: on }); tell('library', {}); } catch (error) { toast(error.message); }
  } });
  const mark = on => {
    star.setAttribute('aria-pressed', on); star.replaceChildren(icon('star', on ? 'i fill' : 'i'));
    if (on) starred.add(id); else starred.delete(id);
    if (box.dataset.job && ids.includes(id)) $('.keep-starred', box).hidden = ids.length < 2 || !starred.size;
  };
  mark(false);
  hear('starred', detail => { if (detail.id === id) mark(detail.starred); });
  canvas.addEventListener('click', play);
  const paint = async () => {
    const record = await fetchSample(id);
    mark(record.starred);
    const level = finest(record), picture = level && await fetchArray(spectrumUrl(id, level));
    if (!picture || !canvas.isConnected) return;
    const draw = () => { if (!canvas.clientWidth) return; const [g, w, h] = fit(canvas); g.drawImage(paintColumns(picture.bytes, picture.header.columns, picture.header.rows, sequential()), 0, 0, w, h); };
    draw();
    new ResizeObserver(draw).observe(canvas);
    hear('theme', draw);
  };
  paint().catch(error => canvas.setAttribute('aria-label', error.message));
  return el('div', { class: 'take', 'data-id': id }, canvas, el('div', {}, el('b', { style: 'font-weight:500', text: name }), el('span', {}, el('button', { class: 'b quiet sq', 'aria-label': `Play take ${index + 1}`, onclick: play }, icon('play', 'i fill')), star)));
}
