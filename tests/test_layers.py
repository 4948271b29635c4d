"""Imports run one way: an arrow that runs back is a failure."""

from __future__ import annotations

import ast
from pathlib import Path

import explorer

ROOT = Path(explorer.__file__).parent

RANKS = {
    "durable": 0,
    "settings": 0,
    "transliteration": 0,
    "jukebox": 0,
    "checkpoints": 1,
    "audio": 1,
    "precision": 1,
    "pronunciation": 1,
    "crew": 2,
    "engine": 2,
    "fidelity": 2,
    "benchmark": 3,
    "library": 3,
    "plots": 3,
    "studio": 4,
    "training": 4,
    "web": 5,
    "cli": 6,
    "__main__": 7,
}
"""A module may import from lower ranks and from its own package; equal ranks where listed below."""

SAME_RANK = {("engine", "crew"), ("studio", "library"), ("library", "audio"), ("checkpoints", "transliteration")}

OUTSIDE = {"jukebox": {"torch"}, "checkpoints": {"torch", "safetensors", "numpy"}}
"""What these packages may import besides the standard library."""


def imports() -> list[tuple[str, str, str]]:
    """(file, package that imports, module that is imported) of every import in the tree."""
    found = []
    for file in sorted(ROOT.rglob("*.py")):
        parts = file.relative_to(ROOT).with_suffix("").parts
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{file}: relative import"
                names = [node.module or ""]
            found += [(str(file.relative_to(ROOT)), parts[0], name) for name in names]
    return found


def test_no_arrow_runs_back() -> None:
    wrong = []
    for file, package, name in imports():
        if not name.startswith("explorer.") or package == "__init__":
            continue
        target = name.split(".")[1]
        if target == package or (package, target) in SAME_RANK:
            continue
        if RANKS[target] >= RANKS[package] and target not in ("durable", "settings", "transliteration"):
            wrong.append(f"{file} imports {name}")
    assert not wrong, wrong


def test_only_the_page_knows_gradio_and_only_training_knows_training() -> None:
    for file, package, name in imports():
        if name.split(".")[0] in ("gradio", "fastapi", "starlette", "uvicorn"):
            assert package == "web", file
        if name.startswith("explorer.training"):
            assert package in ("training", "cli"), file
        if name.startswith("explorer.web"):
            assert package in ("web", "cli"), file


def test_the_model_needs_torch_and_the_standard_library_only() -> None:
    import sys

    for file, package, name in imports():
        allowed = OUTSIDE.get(package)
        root = name.split(".")[0]
        if allowed is not None and root not in ("explorer", "__future__"):
            assert root in allowed or root in sys.stdlib_module_names, f"{file} imports {name}"


BUILD_TIME = {"onnx", "onnxruntime", "pyworld", "fluidsynth", "pedalboard", "misaki", "phonemizer"}
"""What only making a corpus needs; ``training.synthesis.tools`` loads it when a song is rendered."""


def test_making_a_corpus_is_apart() -> None:
    for file, _, name in imports():
        assert name.split(".")[0] not in BUILD_TIME, f"{file} imports {name}"
        if name.startswith("explorer.training.synthesis"):
            assert file.startswith("training/synthesis/") or file == "cli/corpus.py", f"{file} imports {name}"
        if file.startswith("training/synthesis/") and name.startswith("explorer."):
            allowed = ("explorer.training.synthesis", "explorer.durable")
            assert name.startswith(allowed), f"{file} imports {name}"
