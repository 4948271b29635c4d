/**
 * An exported page: the program's own table and player, and a shelf of files where the program has its server.
 * Knows: which parts there are. Does not know: what they do.
 */
import { bar } from '../bar.js';
import { $, el } from '../dom.js';
import { mount as mountPlayer } from '../player.js';
import { mount as mountTable } from '../table.js';
import { Shelf } from './shelf.js';

const { songs, made } = self.jukebox.songs;
const shelf = new Shelf(songs);
self.fetch = (url, options) => shelf.answer(url, options);

bar($('#part-header'), { without: ['Del', 'X  Y'] });
const day = new Date(made).toLocaleDateString('en-GB', { dateStyle: 'medium' });
$('.dev').replaceChildren('AI-generated', el('span', { class: 'only-l', text: ` songs, exported ${day}` }));
$('.dev').classList.remove('only-l');
mountPlayer($('#part-player'), { makes: false });
mountTable($('#part-table'));
