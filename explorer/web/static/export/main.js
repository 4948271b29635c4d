/**
 * An exported page: the program's own table and player, and a shelf of files where the program has its server.
 * Knows: which parts there are. Does not know: what they do.
 */
import { bar } from '../bar.js';
import { $ } from '../dom.js';
import { mount as mountPlayer } from '../player.js';
import { mount as mountTable } from '../table.js';
import { Shelf } from './shelf.js';

const { songs, made } = self.jukebox.songs;
const shelf = new Shelf(songs);
self.fetch = (url, options) => shelf.answer(url, options);

bar($('#part-header'), { without: ['Del'] });
$('.dev').textContent = `AI-generated songs, exported ${new Date(made).toLocaleDateString('en-GB', { dateStyle: 'medium' })}`;
mountPlayer($('#part-player'), { makes: false });
mountTable($('#part-table'));
