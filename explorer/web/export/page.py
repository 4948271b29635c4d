"""The page of an export: one HTML file with its styles and its script, the same for every library.

Knows: which of the program's own parts an exported page consists of. Holds no text of people: that
is in the songs' files, and the script puts it in as text.
Does not know: songs.
"""

from __future__ import annotations

from explorer.web.components import STATIC, markup
from explorer.web.export.bundle import bundle
from explorer.web.theme import token_css

STYLES = ("frame.css", "base.css", "table.css", "player.css", "export/export.css")
_PARTS = ("header", "table", "player")
_POLICY = (
    "default-src 'none'; script-src 'self' file:; style-src 'self' file: 'unsafe-inline'; "
    "img-src 'self' file: data: blob:; base-uri 'none'; form-action 'none'"
)
"""Scripts and styles beside the page only, and no connection to anybody, whatever a song may say."""


def page_files() -> dict[str, bytes]:
    """Files of the page: name in the export -> content."""
    texts = {
        "index.html": _html(),
        "ui/tokens.css": token_css() + "\n",
        "ui/page.js": bundle(STATIC, "export/main.js"),
    }
    copies = {f"ui/{_base(name)}": (STATIC / name).read_bytes() for name in (*STYLES, "icon.svg")}
    return {name: text.encode() for name, text in texts.items()} | copies


def _base(name: str) -> str:
    return name.rpartition("/")[2]


def _html() -> str:
    styles = "\n".join(f'<link rel="stylesheet" href="ui/{_base(name)}">' for name in ("tokens.css", *STYLES))
    parts = "\n".join(f'<div id="part-{name}">\n{markup(name)}</div>' for name in _PARTS)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<title>Jukebox Explorer</title>
<link rel="icon" href="ui/icon.svg" type="image/svg+xml">
{styles}
</head>
<body>
<noscript>The songs are listed and played by a script of this page. Please allow it.</noscript>
{parts}
<script src="songs.js"></script>
<script src="ui/page.js"></script>
</body>
</html>
"""
