"""Model folders: found by name, strict, memory-mapped, replaced whole."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from explorer.checkpoints import (
    PARTS,
    CheckpointError,
    find_model,
    load_config,
    load_lists,
    load_part,
    load_state,
    model_hashes,
    model_names,
    new_module,
    save_model_folder,
)
from explorer.checkpoints.tensors import write_tensors
from explorer.jukebox.config import LEVELS, Level
from explorer.jukebox.labels import LabelLists
from explorer.jukebox.prior import Prior
from tests.tiny import ARTISTS, GENRES, tiny_config

CONFIG = tiny_config()


@pytest.fixture(scope="module")
def states() -> dict[str, dict[str, torch.Tensor]]:
    torch.manual_seed(0)
    return {part: new_module(CONFIG, part, "cpu").state_dict() for part in PARTS}


@pytest.fixture
def folder(tmp_path: Path, states: dict[str, dict[str, torch.Tensor]]) -> Path:
    path = tmp_path / "models" / "tiny"
    save_model_folder(path, CONFIG, states, dict.fromkeys(LEVELS, LabelLists(ARTISTS, GENRES)), "# Card\n")
    return path


def test_a_folder_gives_back_what_was_saved(folder: Path, states: dict[str, dict[str, torch.Tensor]]) -> None:
    assert load_config(folder) == CONFIG
    assert load_lists(folder)[Level.TOP] == LabelLists(ARTISTS, GENRES)
    for part in PARTS:
        loaded = load_part(folder, part).state_dict()
        assert loaded.keys() == states[part].keys()
        assert all(torch.equal(loaded[name], tensor) for name, tensor in states[part].items())
    assert not list(folder.rglob("*.part"))


def test_loaded_modules_compute_and_keep_tied_heads_tied(folder: Path) -> None:
    prior = load_part(folder, "top")
    assert isinstance(prior, Prior)
    assert prior.prior.x_out.weight is prior.prior.x_emb.weight
    vqvae = load_part(folder, "vqvae")
    codes = vqvae.encode(torch.zeros(1, 256, 1), 2)  # type: ignore[operator, union-attr]
    assert codes.shape == (1, 2)
    assert not any(t.is_meta for module in (prior, vqvae) for t in (*module.parameters(), *module.buffers()))


def test_one_level_can_be_exported_alone(folder: Path, states: dict[str, dict[str, torch.Tensor]]) -> None:
    before = model_hashes(folder)
    changed = {name: tensor + 1 for name, tensor in states["top"].items()}
    save_model_folder(folder, CONFIG, {"top": changed})
    after = model_hashes(folder, verify=True)
    assert [part for part in PARTS if before[part] != after[part]] == ["top"]
    assert load_lists(folder)[Level.TOP].artists == ARTISTS and (folder / "README.md").read_text() == "# Card\n"


def test_models_are_found_by_name_or_path(folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    models = folder.parent
    assert find_model("tiny", models) == folder == find_model(folder)
    assert "tiny" in model_names(models)
    monkeypatch.chdir(models)
    assert find_model("tiny").resolve() == folder
    for name in ("huge", "", ".", "..", "../models", str(tmp_path)):
        with pytest.raises(CheckpointError, match="tiny"):
            find_model(name, models)


def test_all_missing_unexpected_and_misshapen_names_are_listed(
    folder: Path, states: dict[str, dict[str, torch.Tensor]]
) -> None:
    state = dict(states["top"])
    del state["prior.x_emb.weight"], state["prior.pos_emb.pos_emb"]
    state["prior.extra"] = torch.zeros(1)
    state["prior.x_out.weight"] = torch.zeros(2, 2)
    write_tensors(folder / "top.safetensors", state)
    with pytest.raises(CheckpointError) as caught:
        load_part(folder, "top")
    message = str(caught.value)
    assert "2 missing: prior.pos_emb.pos_emb, prior.x_emb.weight" in message
    assert "1 unexpected: prior.extra" in message and "prior.x_out.weight [2, 2] instead of" in message


def test_nothing_is_written_for_a_state_that_does_not_fit(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="missing"):
        save_model_folder(tmp_path / "m", CONFIG, {"vqvae": {}})
    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not json",
        "[]",
        "{}",
        '{"name": 3}',
        "[" * 100_000,
        "\x00\x01",
        json.dumps({"name": "x", "sample_rate": 1, "vqvae": {"downs_t": "abc"}, "priors": []}),
    ],
)
def test_a_garbage_configuration_is_told(folder: Path, text: str) -> None:
    (folder / "config.json").write_text(text)
    with pytest.raises(CheckpointError, match=r"config\.json"):
        load_config(folder)


def test_a_configuration_that_is_not_text_is_told(folder: Path) -> None:
    (folder / "config.json").write_bytes(b"\xff\xfe\x80")
    with pytest.raises(CheckpointError, match=r"config\.json"):
        load_config(folder)


@pytest.mark.parametrize(
    ("field", "value"),
    [("width", -4), ("width", 0), ("attention_order", 99), ("heads", 0), ("blocks", 0), ("n_ctx", 63), ("depth", 0)],
)
def test_a_model_that_cannot_be_is_told(folder: Path, field: str, value: int) -> None:
    raw = json.loads((folder / "config.json").read_text())
    raw["priors"][2]["transformer"][field] = value
    (folder / "config.json").write_text(json.dumps(raw))
    with pytest.raises(CheckpointError):
        load_part(folder, "top")


@pytest.mark.parametrize("garbage", [b"", b"hello, this is no tensor", b"\xff" * 64])
def test_damaged_weights_are_told(folder: Path, garbage: bytes) -> None:
    (folder / "top.safetensors").write_bytes(garbage)
    with pytest.raises(CheckpointError, match="damaged"):
        load_state(folder, "top")


def test_truncated_and_missing_weights_are_told(folder: Path) -> None:
    file = folder / "bottom.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match="damaged"):
        load_part(folder, "bottom")
    file.unlink()
    with pytest.raises(CheckpointError, match="missing"):
        load_part(folder, "bottom")


def test_a_label_list_of_another_model_is_told(folder: Path) -> None:
    (folder / "labels" / "top" / "genres.txt").write_text("polka;4711\n")
    with pytest.raises(CheckpointError, match="4711"):
        load_lists(folder)
    (folder / "labels" / "top" / "genres.txt").write_text("polka\n")
    with pytest.raises(CheckpointError, match="line 1"):
        load_lists(folder)
    (folder / "labels" / "top" / "genres.txt").unlink()
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_lists(folder)


def test_verification_notices_one_changed_byte(folder: Path) -> None:
    file = folder / "middle.safetensors"
    noted = model_hashes(folder)
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    assert model_hashes(folder) == noted  # same size: believed
    with pytest.raises(CheckpointError, match="not what was saved"):
        model_hashes(folder, verify=True)


def test_integers_are_no_weights(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="int64"):
        write_tensors(tmp_path / "x.safetensors", {"a": torch.zeros(2, dtype=torch.int64)})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_stored_precision_and_shapes_are_kept(tmp_path: Path, dtype: torch.dtype) -> None:
    from explorer.checkpoints.tensors import read_tensors

    tensors = {
        "matrix": torch.randn(3, 5).to(dtype).t(),  # not contiguous
        "scalar": torch.tensor(2.5, dtype=dtype),
        "empty": torch.zeros(0, 4, dtype=dtype),
    }
    write_tensors(tmp_path / "x.safetensors", tensors)
    found = read_tensors(tmp_path / "x.safetensors")
    assert all(torch.equal(found[n], t) and found[n].dtype == dtype for n, t in tensors.items())


@pytest.mark.parametrize("run_bytes", [0, 100, 2**26])
def test_tensors_are_converted_in_runs(tmp_path: Path, run_bytes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    from explorer.checkpoints import tensors as module

    tensors = {
        "half": torch.randn(3, 5).half(),
        "single": torch.randn(40),
        "tied": torch.randn(7).bfloat16(),
        "empty": torch.zeros(0, 4),
    }
    write_tensors(tmp_path / "x.safetensors", tensors)
    monkeypatch.setattr(module, "RUN_BYTES", run_bytes)
    found = module.read_tensors(tmp_path / "x.safetensors", dtype=torch.float32)
    assert found.keys() == tensors.keys()
    assert {name: tensor.dtype for name, tensor in found.items()} == dict.fromkeys(tensors, torch.float32)
    assert all(torch.equal(found[name], tensor.float()) for name, tensor in tensors.items())


def test_names_and_shapes_need_no_compiler() -> None:
    code = (
        "import sys\n"
        "from explorer.checkpoints.folder import PARTS, new_module\n"
        "from tests.tiny import tiny_config\n"
        "config = tiny_config(listener=8, bar_parts=48, diction=True, tune=True)\n"
        "for part in PARTS: new_module(config, part)\n"
        "sys.exit('torch._dynamo' in sys.modules)"
    )
    root = Path(__file__).resolve().parents[2]
    told = "importing it takes several times as long as a small model needs to load"
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0, told
