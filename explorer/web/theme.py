"""Colours, type and the Gradio theme.

Knows: the design tokens, once, and which of Gradio's variables they stand for.
Does not know: any component.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import gradio as gr

LIGHT: dict[str, str] = {
    "paper": "#fbfbf9",
    "raised": "#ffffff",
    "sunken": "#f2f2ee",
    "line": "#e2e2dc",
    "field": "#85878c",
    "ink": "#17181b",
    "ink-2": "#50535a",
    "ink-3": "#676a71",
    "now": "#bf3a0c",
    "now-wash": "#bf3a0c12",
    "top": "#6d45c2",
    "middle": "#1c64ad",
    "bottom": "#0a7263",
    "bad": "#a8123b",
    "warn": "#7a5600",
    "good": "#0a7263",
    "shadow": "0 1px 2px #0000000d, 0 8px 28px #00000021",
    "case": "#ffffffcc",
}
"""Accent ("now") means what happens now and nothing else; each level has one colour."""

DARK: dict[str, str] = {
    "paper": "#131417",
    "raised": "#1b1c20",
    "sunken": "#1d1f23",
    "line": "#2b2d32",
    "field": "#767981",
    "ink": "#ececea",
    "ink-2": "#b0b3b9",
    "ink-3": "#92959c",
    "now": "#ff8152",
    "now-wash": "#ff81521a",
    "top": "#b79bff",
    "middle": "#7ab4f7",
    "bottom": "#57c8b2",
    "bad": "#ff8ba3",
    "warn": "#e0b354",
    "good": "#57c8b2",
    "shadow": "0 1px 2px #0006, 0 10px 32px #000a",
    "case": "#000000b3",
}

SANS = ("Inter", "system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "sans-serif")
"""Fonts of the system only: nothing is fetched."""


def token_css() -> str:
    """The tokens as CSS variables: ``:root`` for light, ``.dark`` (set by Gradio) for dark."""

    def block(selector: str, scheme: str, tokens: dict[str, str]) -> str:
        lines = "".join(f"--{name}:{value};" for name, value in tokens.items())
        return f"{selector}{{color-scheme:{scheme};{lines}}}"

    fonts = ", ".join(f'"{name}"' if " " in name else name for name in SANS)
    shape = f":root{{--sans:{fonts};--row:30px;--gut:98px;--pad:20px;--r:4px;}}"
    return block(":root", "light", LIGHT) + block(".dark", "dark", DARK) + shape


def theme() -> gr.themes.Base:
    """Gradio's own variables in terms of the tokens, for what little Gradio draws itself."""
    import gradio as gr  # here, because it takes seconds and the tokens need none of it

    base = gr.themes.Base(font=list(SANS), font_mono=list(SANS))
    both = {
        "body_background_fill": "var(--paper)",
        "body_text_color": "var(--ink)",
        "body_text_color_subdued": "var(--ink-2)",
        "background_fill_primary": "var(--paper)",
        "background_fill_secondary": "var(--sunken)",
        "border_color_primary": "var(--line)",
        "border_color_accent": "var(--now)",
        "color_accent_soft": "var(--now-wash)",
        "block_background_fill": "transparent",
        "block_shadow": "none",
        "input_background_fill": "var(--sunken)",
        "input_border_color": "var(--field)",
        "button_primary_background_fill": "var(--ink)",
        "button_primary_text_color": "var(--paper)",
        "button_secondary_background_fill": "transparent",
        "button_secondary_text_color": "var(--ink)",
        "link_text_color": "var(--ink)",
    }
    values = {**both, **{f"{name}_dark": value for name, value in both.items()}}
    values |= {"color_accent": "var(--now)", "block_border_width": "0px", "input_border_width": "0 0 1px"}
    return base.set(**values)
