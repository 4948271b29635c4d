"""The corpus generator: songs with words, tunes, bands and singing, made from a seed.

One song goes through the modules in this order; each knows nothing of those after it:

``catalogue``  which artist, genre, kind and split a song number has
``lyrics``     lines from the word bank (``bank``), rhymed by sound (``pronunciation``)
``form``       verses, choruses, bridges, where each line stands in bars
``tune``       a note for each syllable, over ``harmony``
``band``       what drums, bass and accompaniment play, from ``patterns`` and ``artists``
``song``       all of this together: a ``Score``, made without any build-time package
``performance`` the score as sound: ``speech`` → ``singing``, ``instruments``, ``mixing``
``labels``     when each phone, character and word is sung
``build``      many songs in parallel into a folder; ``manifest`` and ``check`` say what it holds
"""
