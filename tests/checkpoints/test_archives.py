"""Official archives become folders; anything else is refused unexecuted."""

from __future__ import annotations

import dataclasses
import os
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import torch

from explorer.checkpoints import PARTS, CheckpointError, load_config, load_lists, load_part, model_hashes, new_module
from explorer.checkpoints.archives import convert_archive, import_model, read_archive, read_published_lists
from explorer.checkpoints.tensors import read_tensors
from explorer.jukebox import presets
from explorer.jukebox.config import LEVELS, Level
from explorer.jukebox.labels import LabelLists
from tests.tiny import ARTISTS, GENRES, tiny_config

CONFIG = tiny_config()
LISTS = dict.fromkeys(LEVELS, LabelLists(ARTISTS, GENRES))
ROOT = Path(__file__).resolve().parents[2]


def state(part: str) -> dict[str, torch.Tensor]:
    torch.manual_seed(1)
    return dict(new_module(CONFIG, part, "cpu").state_dict())


def save(path: Path, model: object, zipped: bool = True) -> Path:
    torch.save({"model": model, "step": 7}, path, _use_new_zipfile_serialization=zipped)
    return path


@pytest.fixture
def archives(tmp_path: Path) -> dict[str, Path]:
    return {part: save(tmp_path / f"{part}.pth.tar", state(part)) for part in PARTS}


def test_a_whole_model_is_imported(archives: dict[str, Path], tmp_path: Path) -> None:
    folder = tmp_path / "models" / "mine"
    folder.parent.mkdir()
    import_model(CONFIG, archives, LISTS, folder, "card")
    assert load_config(folder) == CONFIG and load_lists(folder)[Level.TOP].genres == GENRES
    for part in PARTS:
        found = load_part(folder, part).state_dict()
        assert all(torch.equal(found[name], tensor) for name, tensor in state(part).items())
    assert set(model_hashes(folder, verify=True)) == set(PARTS)
    with pytest.raises(CheckpointError, match="exists already"):
        import_model(CONFIG, archives, LISTS, folder)


def test_a_failed_import_leaves_nothing(archives: dict[str, Path], tmp_path: Path) -> None:
    archives["top"].write_bytes(archives["top"].read_bytes()[:1000])
    (tmp_path / "models").mkdir()
    with pytest.raises(CheckpointError, match="truncated"):
        import_model(CONFIG, archives, LISTS, tmp_path / "models" / "mine")
    assert not list((tmp_path / "models").iterdir())
    del archives["middle"]
    with pytest.raises(CheckpointError, match="missing: middle"):
        import_model(CONFIG, archives, LISTS, tmp_path / "models" / "mine")


@pytest.mark.parametrize("zipped", [True, False])
def test_both_file_formats_prefixes_spellings_and_half_precision(tmp_path: Path, zipped: bool) -> None:
    original = state("middle")
    stored = {}
    for name, tensor in original.items():
        respelled = name.replace(".0.blocks.", ".0.model.") if name.startswith("conditioner_blocks") else name
        stored[f"module.{respelled}"] = tensor.half() if name.endswith(".w") else tensor
    assert any(".0.model.1.model.3." in name for name in stored)
    archive = save(tmp_path / "a.pth.tar", stored, zipped)
    convert_archive(archive, CONFIG, "middle", tmp_path / "middle.safetensors")
    found = read_tensors(tmp_path / "middle.safetensors")
    assert found.keys() == original.keys()
    for name, tensor in original.items():
        assert found[name].dtype == (torch.float16 if name.endswith(".w") else torch.float32)
        assert torch.equal(found[name].float(), tensor.half().float() if name.endswith(".w") else tensor)


def test_every_missing_and_unexpected_name_is_listed(tmp_path: Path) -> None:
    model = state("top")
    del model["prior.x_emb.weight"]
    model["prior.surprise"] = torch.zeros(1)
    archive = save(tmp_path / "a.pth.tar", model)
    with pytest.raises(CheckpointError, match=r"missing: prior\.x_emb\.weight.*unexpected: prior\.surprise"):
        convert_archive(archive, CONFIG, "top", tmp_path / "top.safetensors")
    with pytest.raises(CheckpointError, match="instead of"):
        convert_archive(save(tmp_path / "b.pth.tar", {**state("top"), "prior.x_emb.weight": torch.zeros(1)}),
                        CONFIG, "top", tmp_path / "top.safetensors")  # fmt: skip
    assert not (tmp_path / "top.safetensors").exists()


# ------------------------------------------------------------------------------------ hostile input


class Evil:
    """Would create a file when it is unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"touch {self.target}",)


@pytest.mark.parametrize("zipped", [True, False])
def test_code_in_an_archive_is_refused_and_not_run(tmp_path: Path, zipped: bool) -> None:
    target = tmp_path / "owned"
    archive = save(tmp_path / "evil.pth.tar", {"x": torch.zeros(1), "y": Evil(target)}, zipped)
    with pytest.raises(CheckpointError, match="refused") as caught:
        read_archive(archive)
    assert "system" in str(caught.value) and not target.exists()


def test_a_bare_pickle_with_code_is_refused_and_not_run(tmp_path: Path) -> None:
    target, archive = tmp_path / "owned", tmp_path / "evil.pth.tar"
    archive.write_bytes(pickle.dumps({"model": Evil(target)}))
    with pytest.raises(CheckpointError, match="evil"):
        read_archive(archive)
    assert not target.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"just some text, no archive\n" * 50,
        b"PK\x03\x04 no directory",
        b"\x80\x02.",
        b"\x89PNG\r\n",
        b"\x1f\x8b\x08",
    ],
)
def test_other_files_are_told_apart_from_archives(tmp_path: Path, content: bytes) -> None:
    archive = tmp_path / "lyrics.pth.tar"
    archive.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"lyrics\.pth\.tar"):
        read_archive(archive)


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.99])
def test_truncated_archives_are_told(tmp_path: Path, zipped: bool, share: float) -> None:
    archive = save(tmp_path / "a.pth.tar", state("bottom"), zipped)
    data = archive.read_bytes()
    archive.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(CheckpointError, match="truncated"):
        read_archive(archive)


def test_a_zip_of_something_else_is_told(tmp_path: Path) -> None:
    archive = tmp_path / "a.pth.tar"
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("readme.txt", "hello")
    with pytest.raises(CheckpointError, match=r"a\.pth\.tar"):
        read_archive(archive)


@pytest.mark.parametrize(
    "content",
    [{"step": 1}, {"model": {}}, {"model": {"a": 3}}, {"model": {"a": torch.zeros(1, dtype=torch.int64)}}, [1]],
)
def test_archives_without_weights_are_told(tmp_path: Path, content: object) -> None:
    torch.save(content, tmp_path / "a.pth.tar")
    with pytest.raises(CheckpointError, match=r"a\.pth\.tar"):
        read_archive(tmp_path / "a.pth.tar")


def test_a_missing_file_and_a_folder_are_told(tmp_path: Path) -> None:
    for path in (tmp_path / "none.pth.tar", tmp_path):
        with pytest.raises(CheckpointError, match="exist"):
            read_archive(path)


def test_published_lists_are_read_by_the_rules_of_each_level(tmp_path: Path) -> None:
    for version, kind, text in (
        ("v2", "artist", "unknown;0\n;0\nqueen;70\n"),
        ("v2", "genre", "rock;8\n"),
        ("v3", "artist", "queen;1\nqueen;1910\n"),
        ("v3", "genre", "rock;40\n"),
    ):
        (tmp_path / f"{version}_{kind}_ids.txt").write_text(text)
    lists = read_published_lists(tmp_path, presets.RELEASED["1b_lyrics"])
    assert lists[Level.TOP].artists["queen"] == 1910 and lists[Level.BOTTOM].artists["queen"] == 70
    (tmp_path / "v2_genre_ids.txt").unlink()
    with pytest.raises(CheckpointError, match="v2_genre_ids"):
        read_published_lists(tmp_path, presets.RELEASED["5b"])


# -------------------------------------------------------------------------------------------- memory

MEASURE = """
import dataclasses, resource, sys
from pathlib import Path
from explorer.checkpoints.archives import convert_archive
from tests.checkpoints.test_archives import large_config
convert_archive(Path(sys.argv[1]), large_config(1), "top", Path(sys.argv[3]))  # what the first use imports and keeps
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
convert_archive(Path(sys.argv[2]), large_config(24), "top", Path(sys.argv[3]))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def large_config(depth: int):
    """A top level of about 13 MB per layer."""
    top = CONFIG.prior(Level.TOP)
    wide = dataclasses.replace(
        top.transformer, width=1024, depth=depth, heads=4, attention_order=2, blocks=8, m_attn=0.25
    )
    prior = dataclasses.replace(top, transformer=wide, lyrics=None, alignment_layer=None, alignment_head=None)
    return dataclasses.replace(CONFIG, priors=(CONFIG.priors[0], CONFIG.priors[1], prior))


@pytest.mark.skipif(sys.platform != "linux", reason="counts memory in Linux units")
def test_converting_needs_less_memory_than_the_archive(tmp_path: Path) -> None:
    for depth in (1, 24):
        shapes = {name: tensor.shape for name, tensor in new_module(large_config(depth), "top").state_dict().items()}
        save(tmp_path / f"{depth}.pth.tar", {name: torch.zeros(shape) for name, shape in shapes.items()})
    size = (tmp_path / "24.pth.tar").stat().st_size
    assert size > 250e6
    run = subprocess.run(
        [sys.executable, "-c", MEASURE, tmp_path / "1.pth.tar", tmp_path / "24.pth.tar", tmp_path / "out.safetensors"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert int(run.stdout) * 1024 < 0.7 * size  # mapped pages are given back every 128 MB
