"""Building, resuming, the manifest, the checker, the command, and the corpus that is a fixture."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import soundfile

from explorer.cli import main
from explorer.training.corpus import Corpus
from explorer.training.synthesis import tools
from explorer.training.synthesis.build import Order, build, plan
from explorer.training.synthesis.check import check_corpus
from explorer.training.synthesis.errors import SynthesisError
from explorer.training.synthesis.lyrics import SPLITS
from explorer.training.synthesis.manifest import MANIFEST, generator_hash, write_manifest
from explorer.training.synthesis.performance import Recording
from explorer.training.synthesis.score import Score
from explorer.training.synthesis.song import write_song
from tests.training.synthesis.making import beep, make_beeper

FIXTURE = Path(__file__).parent / "fixture"
ORDER = Order(seed=2, hours=0.011, song_seconds=12.0)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("corpus") / "songs"
    list(build(out, ORDER, make_beeper))
    write_manifest(out, ORDER, {})
    return out


def contents(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


def test_a_built_corpus_is_sound_and_can_be_read(corpus: Path, tmp_path: Path) -> None:
    found = check_corpus(corpus)
    assert found.faults == [] and set(found.songs) == set(SPLITS)
    assert found.seconds["train"] >= ORDER.hours * 3600
    songs = Corpus.open(corpus / "train", tmp_path)
    assert songs.sample_rate == 22_050 and len(songs.songs) == found.songs["train"]
    manifest = json.loads((corpus / MANIFEST).read_text())
    assert manifest["seed"] == 2 and manifest["splits"]["train"]["songs"] == found.songs["train"]
    assert manifest["generator sha256"] == generator_hash()
    assert set(manifest["splits"]["train"]["sha256"]) == {p.name for p in (corpus / "train").iterdir()}


def test_two_processes_make_the_same_files(corpus: Path, tmp_path: Path) -> None:
    out = tmp_path / "again"
    states = list(build(out, ORDER, make_beeper, workers=2))
    assert states[-1].songs == states[-1].of_songs and states[-1].left_seconds == pytest.approx(0, abs=1e-6)
    write_manifest(out, ORDER, {})
    assert contents(out) == contents(corpus)


def test_a_stopped_build_goes_on(corpus: Path, tmp_path: Path) -> None:
    out = tmp_path / "again"
    left = 2

    def breaks_down(score: Score, seed: int) -> Recording:
        nonlocal left
        left -= 1
        if left < 0:
            raise KeyboardInterrupt
        return beep(score, seed)

    with pytest.raises(KeyboardInterrupt):
        list(build(out, ORDER, lambda: breaks_down))
    records = list(out.rglob("*_*.json"))
    assert len(records) == 2 and check_corpus(out).faults == []
    # killed while a song was written: its sound is there, or part of it, and no record
    (out / "train" / ".x.part").write_bytes(b"half")
    records[0].unlink()
    states = list(build(out, ORDER, make_beeper))
    assert states[0].songs == 1
    assert not (out / "train" / ".x.part").exists()
    write_manifest(out, ORDER, {})
    assert contents(out) == contents(corpus)
    assert len(list(build(out, ORDER, make_beeper))) == 1


def test_more_hours_add_songs_and_another_seed_is_refused(tmp_path: Path) -> None:
    small, large = Order(2, 0.004, 12.0), Order(2, 0.011, 12.0)
    names = [{song.name for song in plan(order)} for order in (small, large)]
    assert names[0] < names[1]
    out = tmp_path / "songs"
    list(build(out, small, make_beeper))
    assert next(build(out, large, make_beeper)).songs == len(names[0])
    for other in (Order(3, 0.011, 12.0), Order(2, 0.001, 12.0), Order(2, 0.011)):
        with pytest.raises(SynthesisError, match="choose another folder"):
            next(build(out, other, make_beeper))
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("dear")
    with pytest.raises(SynthesisError, match="not empty"):
        next(build(tmp_path / "full", small, make_beeper))
    (out / "plan.json").write_text("{}")
    with pytest.raises(SynthesisError, match="not the plan"):
        next(build(out, small, make_beeper))
    with pytest.raises(SynthesisError, match="no songs"):
        plan(Order(2, 0.0))


def test_the_check_names_faults(tmp_path: Path) -> None:
    out = tmp_path / "songs"
    list(build(out, ORDER, make_beeper))
    paths = [p for p in sorted((out / "train").glob("*.json")) if json.loads(p.read_text())["lyrics"]]
    record = json.loads(paths[0].read_text())
    record["chars"][3][1] = -1.0
    record["words"].pop()
    record["split"] = "crossings"
    paths[0].write_text(json.dumps(record))
    validation = next((out / "validation").glob("*.json"))
    stolen = json.loads(validation.read_text())
    stolen["lyrics"] = record["lyrics"]
    validation.write_text(json.dumps(stolen))
    paths[-1].write_text("{")
    soundfile.write(out / "train" / "alone.ogg", [0.0] * 100, 22_050)
    faults = "\n".join(check_corpus(out).faults)
    for words in (
        "run back",
        "timed words",
        "belongs in crossings",
        "share the line",
        "cannot be read",
        "without a record",
    ):
        assert words in faults
    with pytest.raises(SynthesisError, match="not a corpus"):
        check_corpus(tmp_path)


def test_the_command_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str], corpus: Path) -> None:
    out = ["--out", str(tmp_path / "songs")]
    for arguments, words in (
        ([], "--out and --hours"),
        ([*out, "--hours", "-1"], "--hours must be"),
        ([*out, "--hours", "1", "--song-seconds", "3"], "--song-seconds must be"),
        (["--check", str(tmp_path)], "not a corpus"),
    ):
        assert main(["train", "corpus", *arguments]) == 2
        assert words in capsys.readouterr().err
    assert main(["train", "corpus", "--check", str(corpus)]) == 0
    assert "no faults" in capsys.readouterr().out
    assert main(["train", "corpus", "--check", str(corpus), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["faults"] == []


def test_missing_packages_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tools, "missing_modules", lambda: ["pyworld"])
    monkeypatch.setenv("JUKEBOX_HOME", str(tmp_path))
    assert main(["train", "corpus", "--out", str(tmp_path / "songs"), "--hours", "1"]) == 2
    error = capsys.readouterr().err
    assert "pyworld not installed" in error and "Traceback" not in error
    assert not (tmp_path / "songs").exists()


def test_paper_needs_no_build_time_package() -> None:
    import subprocess

    code = "import sys; from explorer.training.synthesis import build, check, song; song.write_song(1, 1)"
    code += "; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert not loaded & {"pyworld", "onnx", "onnxruntime", "fluidsynth", "pedalboard", "pyloudnorm", "torch", "gradio"}


@pytest.mark.skipif(not FIXTURE.is_dir(), reason="the fixture has not been built")
def test_the_fixture_is_a_corpus(tmp_path: Path) -> None:
    found = check_corpus(FIXTURE)
    assert found.faults == [] and set(found.songs) == set(SPLITS)
    assert 100 < sum(found.seconds.values()) < 160
    assert sum(p.stat().st_size for p in FIXTURE.rglob("*") if p.is_file()) < 1.5e6
    for split in SPLITS:
        corpus = Corpus.open(FIXTURE / split, tmp_path)
        assert corpus.sample_rate == 22_050


@pytest.mark.skipif(bool(tools.missing_modules()), reason="what renders songs is not installed")
def test_a_song_is_really_rendered(tmp_path: Path) -> None:
    from explorer.settings import Settings
    from explorer.training.synthesis.files import song_record
    from explorer.training.synthesis.performance import Performer

    try:
        made = tools.prepare(Settings.from_environment().home / "synthesis", Path(tools.VOICES_FILE))
    except SynthesisError as error:
        pytest.skip(str(error))
    score = write_song(1, 1, 12.0)
    first, second = (Performer(made).perform(score, 1) for _ in range(2))
    assert (first.audio == second.audio).all()
    assert -18 < first.lufs < -14 and abs(first.audio).max() < 0.98
    record = song_record(score, first, 1, len(first.audio) / 22_050, first.lufs)
    assert "".join(c for c, _, _ in record["chars"]) == record["lyrics"]
