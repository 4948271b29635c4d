"""ES modules as one classic script.

Browsers load no modules from files, so a page that is opened from a disk needs a classic script.

Knows: the two forms of import and export that the page's modules use, ``import { a, b as c } from
'./x.js';`` and ``export`` before a declaration. Every module becomes a function that is called once,
after those it imports from, and returns what it exports. Any other form is refused.
Does not know: what the modules do.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

_IMPORT = re.compile(r"^import \{([^{}]+)\} from '(\.\.?/[\w./-]+\.js)';$", re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|class|const) ([\w$]+))", re.MULTILINE)
_OTHER = re.compile(r"^(?:import|export)\b.*|\bimport\s*[.(].*", re.MULTILINE)


class BundleError(ValueError):
    """A module that cannot be bundled."""


def bundle(root: Path, entry: str) -> str:
    """The module ``entry`` of the folder ``root`` and all that it needs, as one script."""
    pieces: dict[str, str] = {}
    _add(root, entry, pieces, ())
    return "'use strict';\n(() => {\nconst modules = {};\n" + "".join(pieces.values()) + "})();\n"


def _add(root: Path, name: str, pieces: dict[str, str], waiting: tuple[str, ...]) -> None:
    """Put ``name`` into ``pieces`` behind everything it imports from."""
    if name in pieces:
        return
    if name in waiting:
        raise BundleError(f"{name} imports itself through {waiting[-1]}.")
    source = (root / name).read_text(encoding="utf-8")

    def imported(found: re.Match[str]) -> str:
        other = posixpath.normpath(posixpath.join(posixpath.dirname(name), found[2]))
        _add(root, other, pieces, (*waiting, name))
        return f"const {{{found[1].replace(' as ', ': ')}}} = modules['{other}'];"

    exported = _EXPORT.findall(source)
    body = _EXPORT.sub("", _IMPORT.sub(imported, source))
    if other := _OTHER.search(body):
        raise BundleError(f"{name} has a form that is not known here: {other[0]}")
    pieces[name] = f"\nmodules['{name}'] = (() => {{\n{body.strip()}\nreturn {{ {', '.join(exported)} }};\n}})();\n"
