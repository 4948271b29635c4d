"""The parts of the page: markup here, scripts and styles in ``../static``.

Knows: where a part's files are and how its script starts. Does not know: any single part.
"""

from __future__ import annotations

from pathlib import Path

import gradio as gr

FOLDER = Path(__file__).parent


def part(name: str) -> gr.HTML:
    """A ``gr.HTML`` with markup from ``components/<name>.html`` and behaviour from ``static/<name>.js``.

    The module's ``mount(element)`` is called once, when the markup is in the page; until then it is
    not shown, so that no press goes nowhere. Markup holds no values: everything that comes from
    people or files is put in by the script as text.
    """
    return gr.HTML(
        html_template=(FOLDER / f"{name}.html").read_text(encoding="utf-8"),
        js_on_load=(
            f"import('/ui/{name}.js').then(module => {{ module.mount(element); element.dataset.mounted = 'yes'; }});"
        ),
        apply_default_css=False,
        elem_id=f"part-{name}",
    )
