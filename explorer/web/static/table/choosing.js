/**
 * Several songs at once: which of them are marked, and what is done with them.
 * Knows: ids. Does not know: rows or how they are drawn; the table asks it and is told by `changed`.
 */
import { $, el, num, request, tell, toast } from '../dom.js';

export class Choosing {
  /**
   * @param {Element} bar where the actions stand while songs are chosen @param {Element} opener its button
   * @param {{changed: () => void, listed: () => Promise<string[]>, done: () => void}} table
   *   `changed`: draw the marks anew; `listed`: the ids of all songs that the search found; `done`: ask for the songs anew
   */
  constructor(bar, opener, table) {
    Object.assign(this, { bar, opener, table, on: false, marked: new Set() });
    opener.addEventListener('click', () => this.open(!this.on));
    const button = (text, act, className = 'b') => el('button', { class: className, type: 'button', text, onclick: () => this.run(act) });
    this.count = el('b', { role: 'status', 'aria-live': 'polite' });
    this.actions = [
      button('Star', () => this.star(true)), button('Take the star away', () => this.star(false)),
      button('Delete, starred ones are spared', () => this.remove()),
    ];
    bar.append(this.count, button('All that are listed', () => this.all(), 'b text small'), button('None', () => this.none(), 'b text small'),
      ...this.actions, el('button', { class: 'b quiet', type: 'button', text: 'Done', onclick: () => this.open(false) }));
    this.show();
  }

  open(on) {
    this.on = on;
    if (!on) this.marked.clear();
    this.show();
    this.table.changed();
    (on ? $('button', this.bar) : this.opener).focus({ preventScroll: true });
  }

  has(id) {
    return this.marked.has(id);
  }

  toggle(id) {
    if (!this.marked.delete(id)) this.marked.add(id);
    this.show();
    this.table.changed();
  }

  mark(ids) {
    for (const id of ids) this.marked.add(id);
    this.show();
    this.table.changed();
  }

  show() {
    this.bar.hidden = !this.on;
    this.opener.setAttribute('aria-pressed', String(this.on));
    const { size } = this.marked;
    this.count.textContent = size ? `${num(size)} chosen` : 'Choose songs';
    for (const action of this.actions) action.disabled = !size;
  }

  async run(act) {
    try { await act(); } catch (error) { toast(error.message); }
  }

  async all() {
    this.mark(await this.table.listed());
  }

  none() {
    this.marked.clear();
    this.show();
    this.table.changed();
  }

  async star(starred) {
    const ids = [...this.marked];
    await request('/api/songs/star', { ids, starred });
    for (const id of ids) tell('starred', { id, starred });
    this.table.done();
  }

  async remove() {
    const { deleted, spared } = await request('/api/songs/delete', { ids: [...this.marked], spare_starred: true });
    for (const id of deleted) this.marked.delete(id);
    this.show();
    const kept = Object.values(spared);
    const starred = kept.filter((reason) => reason.includes('starred')).length;
    const why = [starred && `${num(starred)} starred`, kept.length - starred && `${num(kept.length - starred)} of the gallery or being made`].filter(Boolean).join(' and ');
    const sparing = why ? ` ${why} ${kept.length === 1 ? 'was' : 'were'} spared.` : '';
    if (!deleted.length) toast(`Nothing was deleted.${sparing}`);
    else {
      toast(`${num(deleted.length)} ${deleted.length === 1 ? 'song was' : 'songs were'} deleted.${sparing} They stay in the bin until you close the program.`, 'Undo', async () => {
        try { await request('/api/songs/undo', {}); this.table.done(); } catch (error) { toast(error.message); }
      });
    }
    this.table.done();
  }
}
