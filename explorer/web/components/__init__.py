"""The parts of the page: markup here, scripts and styles in ``../static``.

Knows: where a part's files are and how its script starts. Does not know: any single part.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import gradio as gr

FOLDER = Path(__file__).parent
STATIC = FOLDER.parent / "static"


def markup(name: str) -> str:
    """The HTML of a part, without values."""
    return (FOLDER / f"{name}.html").read_text(encoding="utf-8")


def part(name: str) -> gr.HTML:
    """A ``gr.HTML`` with markup from ``components/<name>.html`` and behaviour from ``static/<name>.js``.

    The module's ``mount(element)`` is called once, when the markup is in the page; until then it is
    not shown, so that no press goes nowhere. Markup holds no values: everything that comes from
    people or files is put in by the script as text.
    """
    import gradio as gr  # here, because it takes seconds and an exported page needs none of it

    return gr.HTML(
        html_template=markup(name),
        js_on_load=(
            f"import('/ui/{name}.js').then(module => {{ module.mount(element); element.dataset.mounted = 'yes'; }});"
        ),
        apply_default_css=False,
        elem_id=f"part-{name}",
    )
