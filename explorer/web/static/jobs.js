// Follows the server's jobs for the whole page, however often it is reloaded; and draws the panels of the Create tab.
// Jobs belong to the server: this only asks, shows, and passes on Cancel, Resume and Remove.
import { $, LEVELS, clamp, el, hear, icon, levelName, memory, num, request, say, tell, toast } from './dom.js';
import { chime, ended as titled, ring, wanted } from './chime.js';
import { drawTakes } from './takes.js';

const QUICK = 500, CALM = 3000;
let known = { revision: -1, jobs: [] }, timer, audible = new Map(), player = { id: null, playing: false }, mine = new Set(), failures = 0;

/** Start following; called once, by the bar. */
export function follow() {
  hear('state', state => { player = state; });
  document.addEventListener('visibilitychange', () => { if (!document.hidden) now(); });
  now();
}

/** The job ids that were started in this tab: their first sound is put into the player. */
export const own = id => { mine.add(id); now(); };
export const current = () => known.jobs;

function now() { clearTimeout(timer); poll(); }

async function poll() {
  try {
    const answer = await request(`/api/jobs?revision=${known.revision}`);
    failures = 0;
    if (answer.jobs) { for (const job of answer.jobs) job.title = job.title.replace(/[\s,;.:]+$/, ''); const before = known; known = answer; report(before.jobs, answer.jobs, before.revision === -1); }
  } catch { if (++failures === 3) toast('The program does not answer. What was finished is on disk. Start it again; this page goes on by itself.'); }
  clearTimeout(timer);
  timer = setTimeout(poll, known.jobs.some(job => job.active) && !document.hidden ? QUICK : CALM);
}

/** Tell the rest of the page what is new: grown samples, changed lists, finished jobs. */
function report(before, after, first) {
  const old = new Map(before.map(job => [job.id, job]));
  let listing = before.length !== after.length;
  for (const job of after) {
    const was = old.get(job.id);
    if (!was || was.state !== job.state || was.sample_ids.length !== job.sample_ids.length) listing = true;
    if (job.active || (was && was.active)) grown(job, first);
    if (was && was.active && !job.active && !first) ended(job);
  }
  if (listing && !first) tell('library', {});
  tell('jobs', after);
}

function grown(job, first) {
  const size = job.levels.map(level => level.finished_seconds).join(), had = audible.get(job.id);
  const key = size + job.state;
  if (had === key) return;
  audible.set(job.id, key);
  if (first || !job.sample_ids.length) return;
  if (mine.has(job.id) && !player.playing && job.levels.some(level => level.finished_seconds > 0) && player.id !== job.sample_ids[0] && !job.shown) {
    mine.delete(job.id);
    tell('load', { id: job.sample_ids[0], play: false, level: 'top' });
  }
  for (const id of job.sample_ids) tell('grew', { id });
}

function ended(job) {
  titled(job.state === 'finished');
  chime(job.id);
  if (job.state === 'finished') toast(`“${job.title}” is finished.`, 'Play', () => tell('load', { id: job.sample_ids[0], play: true }));
  else if (job.message) toast(job.message);
}

/* ---------- the panels ---------- */
export function panels(root, again) {
  const act = async (job, what) => {
    try { await request(`/api/jobs/${encodeURIComponent(job.id)}/${what}`, {}); now(); } catch (error) { toast(error.message); }
  };
  let shown = null;
  const bell = $('[name=chime]', root);
  bell.checked = wanted();
  bell.addEventListener('change', event => { event.stopPropagation(); memory.set('chime', bell.checked ? 'yes' : 'no'); if (bell.checked) ring(); });
  $('.hear', root).addEventListener('click', () => shown && tell('load', { id: shown.sample_ids[0], play: true, level: best(shown) }));
  $('.cancel', root).addEventListener('click', () => shown && act(shown, 'cancel'));
  const draw = jobs => {
    const running = jobs.find(job => job.state === 'running') || null;
    shown = running;
    $('.job', root).hidden = !running;
    if (running) drawJob(root, running);
    drawQueue(root, jobs.filter(job => job.state === 'waiting' || job.resumable), act);
    drawTakes(root, jobs.find(job => job.state === 'finished') ?? null, again);
  };
  hear('jobs', draw);
  draw(known.jobs);
}

/** The finest level that has begun to sound at the start. */
const best = job => [...LEVELS].reverse().find(name => job.levels.some(level => level.level === name && level.finished_seconds > 0)) || 'top';

function drawJob(root, job) {
  $('.job-title', root).textContent = job.title;
  $('.job-facts', root).textContent = `${job.takes === 1 ? '1 take' : job.takes + ' takes'}, ${say(job.elapsed)} so far` + (job.seconds_left === null ? '' : `, ${say(job.seconds_left)} left`);
  $('.hear', root).disabled = !job.sample_ids.length || !job.levels.some(level => level.finished_seconds > 0);
  $('.cancel', root).disabled = job.cancelling;
  $('.cancel', root).textContent = job.cancelling ? 'Stopping' : 'Cancel';
  const bars = $('.bars', root);
  bars.replaceChildren(...job.levels.filter(level => level.state !== 'skipped').map(bar));
  const note = job.cancelling ? 'Stopping after this step. Every finished window is kept.'
    : job.message || (job.preview_seconds === null ? 'The first sound comes with the first window. You can close this page.' : 'Every finished window is on disk. You can close this page.');
  if ($('.job-note', root).textContent !== note) $('.job-note', root).textContent = note;
}

function bar(level) {
  const share = level.codes ? clamp(level.codes_done / level.codes) : level.state === 'finished' || level.state === 'given' ? 1 : 0;
  const left = level.state === 'finished' ? 'finished' : level.state === 'given' ? 'given' : level.state === 'waiting' ? (level.seconds_left === null ? 'waiting' : say(level.seconds_left)) : level.seconds_left === null ? 'measuring' : say(level.seconds_left) + ' left';
  const words = level.windows ? `${num(level.windows_done)} of ${num(level.windows)} windows` : 'windows';
  return el('div', { class: 'lvp lv-' + level.level }, levelName(level.level),
    el('div', { class: 'seggy', style: `--w:${level.windows > 48 ? 1 : Math.max(1, level.windows)}`, role: 'progressbar', 'aria-label': `${level.level}, windows done`, 'aria-valuemin': 0, 'aria-valuemax': Math.max(1, level.windows), 'aria-valuenow': level.windows_done }, el('i', { style: `width:${share * 100}%` })),
    el('span', { class: 'n' }, level.windows ? `${num(level.windows_done)} of ${num(level.windows)}` : '–', el('span', { class: 'only-l', text: words.replace(/^.*(?= windows)/, '') })),
    el('span', { class: 'n q', text: left }));
}

function drawQueue(root, jobs, act) {
  $('.queue-box', root).hidden = !jobs.length;
  const item = job => {
    const button = (label, what) => el('button', { class: 'b', text: label, 'data-job': job.id, onclick: () => act(job, what) });
    const drop = (label, what) => el('button', { class: 'b quiet sq', 'aria-label': `${label} ${job.title}`, title: label, onclick: () => act(job, what) }, icon('x'));
    const waiting = job.state === 'waiting';
    return el('li', { class: waiting ? null : 'bad' },
      waiting ? el('span', { class: 'q', text: job.position ?? '' }) : el('span', { class: 'no' }, icon('ask')),
      el('span', {}, job.title, waiting ? el('span', { class: 'qq', text: `  ${job.takes === 1 ? '1 take' : job.takes + ' takes'}` }) : el('p', { class: 'hint', text: job.message || `${job.state[0].toUpperCase() + job.state.slice(1)}. Every finished window is kept.` })),
      waiting ? el('span', { class: 'q', text: job.seconds_left === null ? '' : say(job.seconds_left) }) : button('Resume', 'resume'),
      waiting ? drop('Cancel', 'cancel') : drop('Remove from this list (the song stays)', 'remove'));
  };
  $('.queue', root).replaceChildren(...jobs.map(item));
}
