// The program's bar: what device is at work, how far the running job is; and the tabs' names for scripts.
import { bar } from './bar.js';
import { title } from './chime.js';
import { $, el, hear, memory, request, say, tell } from './dom.js';
import { listen } from './drop.js';
import { follow } from './jobs.js';

const TITLE = 'Jukebox Explorer';

export function mount(element) {
  bar(element);
  $('.brand', element).addEventListener('click', event => { event.preventDefault(); openTab('explore'); });
  const chip = $('.jobchip', element);
  chip.addEventListener('click', () => { openTab('create'); requestAnimationFrame(() => ($('.create .job:not([hidden])') ?? $('.create .queue-box'))?.scrollIntoView({ block: 'nearest' })); });
  hear('open', ({ tab }) => openTab(tab));
  // The form may not be in the page yet: its tab is drawn when it is first opened.
  hear('recipe', ({ id, mode }) => { if (!$('#create-form')) memory.set('pending-recipe', JSON.stringify({ id, mode })); openTab('create'); });
  hear('jobs', jobs => showJobs(chip, jobs));
  document.addEventListener('click', event => {
    const tab = event.target.closest('#tabs [role=tab]');
    if (tab) requestAnimationFrame(() => entered(tab.dataset.tabId));
  });
  // Somebody may have chosen a tab before this script was here.
  tell('tab', { name: $('#tabs [role=tab][aria-selected=true]')?.dataset.tabId ?? 'explore' });
  const query = new URLSearchParams(location.search), tab = location.hash.slice(1) || (['genre', 'artist', 'lyrics', 'seed'].some(name => query.has(name)) ? 'create' : '');
  if (tab && tab !== 'explore') openTab(tab);
  listen();
  follow();
  request('/api/about').then(about => {
    const box = $('.dev', element);
    box.textContent = about.device; box.title = about.reason;
  }).catch(() => { /* the table says that the program does not answer */ });
}

function openTab(name) {
  const button = $(`#tabs [role=tab][data-tab-id="${CSS.escape(name)}"]`);
  if (!button) return;
  if (button.getAttribute('aria-selected') !== 'true') button.click();
}

function entered(name) {
  const url = new URL(location.href);
  url.hash = name;
  history.replaceState(null, '', url);
  tell('tab', { name });
}

function showJobs(chip, jobs) {
  const running = jobs.find(job => job.state === 'running'), active = jobs.filter(job => job.active).length, stopped = jobs.filter(job => job.state === 'interrupted').length;
  chip.hidden = !active && !stopped;
  chip.classList.toggle('idle', !active);
  title(TITLE, running && running.seconds_left !== null ? `${say(running.seconds_left)} left` : '');
  if (!active) { $('span', chip).replaceChildren(`${stopped} ${stopped === 1 ? 'song' : 'songs'} to resume`); return; }
  const left = !running ? 'waiting' : running.seconds_left === null ? 'measuring' : say(running.seconds_left) + ' left';
  $('span', chip).replaceChildren(el('span', { class: 'only-l', text: active > 1 ? `Making 1 of ${active}, ` : 'Making a song, ' }), left);
}
