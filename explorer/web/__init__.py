"""The page: the only package that imports gradio.

Knows: how services are shown and operated in a browser. Does not know: how songs are made.

How the pieces talk. ``server.build`` puts JSON routes (``routes``, ``media``), static files
(``/ui/...`` = ``explorer/web/static``) and the Gradio page (``pages``) into one FastAPI app.
Every component is a ``gr.HTML`` subclass whose ``js_on_load`` imports one module of ``/ui`` and
calls its ``mount(element)``; shared helpers are in ``static/dom.js``, shared styles in
``static/base.css``, tokens in ``theme.py``. Components speak through events on ``document``:

* ``jukebox:load``   {id, play, level?, time?, open?}: show (and play) a sample in the player, its pictures opened
* ``jukebox:hush``   {}: another part is about to make a sound, the player pauses
* ``jukebox:state``  {id, playing, level, time}: the player tells what it does
* ``jukebox:grew``   {id}: more of a sample that is being made is on disk
* ``jukebox:ended``  {id}: the player reached the end of a song
* ``jukebox:step``   {by}: the song before (-1) or after (+1) in the table, asked by the player
* ``jukebox:starred`` {id, starred}: a star was set somewhere
* ``jukebox:theme``  {dark}: the colours changed, canvases repaint
* ``jukebox:tab``    {name}: a tab became visible
* ``jukebox:open``   {tab}: bring a tab to the front
* ``jukebox:jobs``   the list of jobs, whenever it changed
* ``jukebox:library`` {}: the list of songs changed
* ``jukebox:dropped`` {name, recipe?, sound?, message?}: what was read in a file that fell on the page
* ``jukebox:recipe`` {id, mode}: put this sample's recipe into the form (exact, again, style, continue, upsample)

``export`` writes table and player as a folder that needs no server; its data answer the same routes.

What is told before anybody hears it waits for its first hearer; of state, tab, jobs and theme every
later hearer gets the latest.
"""
