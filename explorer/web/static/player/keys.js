/**
 * Keys of the player. They rest while somebody types, and where another part has already answered.
 * Knows: which key means what. Does not know: what the player does then.
 */
import { LEVELS, ORIGINAL, typing } from '../dom.js';

/** Parts that use arrows, Home and End for themselves. */
const OWN_ARROWS = '[role=slider],[role=radiogroup],[role=tablist],[role=menu],[role=listbox],[role=combobox],select,input';
/** Things that Space presses. */
const PRESSED = 'button,a[href],summary,input,select,[role=button],[role=tab],[role=radio],[role=checkbox],[role=menuitem],[role=option]';

export function bindKeys(player) {
  document.addEventListener('keydown', (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || !player.sample) return;
    const target = event.target instanceof Element ? event.target : document.body;
    if (event.key === 'Escape') {
      if (player.popovers.close(true)) event.preventDefault();
      return;
    }
    if (typing(target) || target.closest('[role=textbox],[role=searchbox],[role=combobox],dialog') || document.querySelector('dialog[open]')) return;
    const arrows = !target.closest(OWN_ARROWS);
    const act = {
      ' ': () => (target.closest(PRESSED) ? false : player.toggle()),
      0: () => (player.sample.levels[ORIGINAL] ? player.setLevel(ORIGINAL) : false),
      1: () => player.setLevel(LEVELS[0]),
      2: () => player.setLevel(LEVELS[1]),
      3: () => player.setLevel(LEVELS[2]),
      ArrowLeft: () => (arrows ? player.step(-1) : false),
      ArrowRight: () => (arrows ? player.step(1) : false),
      Home: () => (arrows ? player.seek(0) : false),
      End: () => (arrows ? player.seek(player.sample.duration) : false),
      l: () => player.toggleLoop(),
      '[': () => player.loopEdge(0),
      ']': () => player.loopEdge(1),
      p: () => player.open(),
      r: () => player.popovers.toggle('recipe'),
    }[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (act && act() !== false) event.preventDefault();
  });
}
