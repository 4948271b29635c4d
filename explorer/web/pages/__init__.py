"""How the parts are put together.

Knows: tabs, title, order. Does not know: data; every part fetches its own from the routes, and other
programs call ``endpoints``.
"""

from __future__ import annotations

import gradio as gr

from explorer.web.components import part
from explorer.web.pages import endpoints
from explorer.web.services import Services


def build(services: Services) -> gr.Blocks:
    """The one page: a bar, the tabs, and the player below them that no change of tab touches."""
    page = gr.Blocks(title="Jukebox Explorer", analytics_enabled=False, fill_height=True, fill_width=True)
    with page:
        part("header")
        with gr.Tabs(elem_id="tabs"):
            with gr.Tab("Explore", id="explore", elem_id="tab-explore", render_children=True):
                part("table")
            with gr.Tab("Create", id="create", elem_id="tab-create", render_children=True):
                part("create")
            with gr.Tab("Compare", id="compare", elem_id="tab-compare", render_children=True):
                part("compare")
            with gr.Tab("Learn", id="learn", elem_id="tab-learn", render_children=True):
                part("learn")
        part("player")
        endpoints.add(services)
    return page
