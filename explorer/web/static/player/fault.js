/**
 * A message about what went wrong, with a way to try again; it stays until it is dealt with.
 * Knows: its box. Does not know: what was tried.
 */
import { el, icon } from '../dom.js';

/** Fills `box`, or hides it when there is no message. */
export function showFault(box, message, retry) {
  box.hidden = !message;
  if (!message) return;
  const close = () => { box.hidden = true; };
  box.replaceChildren(
    el('span', { text: message }),
    el('button', { class: 'b', type: 'button', text: 'Try again', onclick: () => { close(); retry(); } }),
    el('button', { class: 'b quiet sq', type: 'button', 'aria-label': 'Close this message', onclick: close }, icon('x')),
  );
}
