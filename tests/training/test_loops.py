"""The loops: resumed runs repeat an uninterrupted one, conditioning is what sampling gives."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from explorer.checkpoints.folder import new_module
from explorer.jukebox.config import LEVELS, Level, Vocabulary
from explorer.jukebox.following import Listener
from explorer.jukebox.labels import UNKNOWN, LabelLists
from explorer.jukebox.lyrics import alphabet
from explorer.jukebox.prior import NOT_TOLD, Prior
from explorer.jukebox.rows import window_lyric_indices
from explorer.jukebox.tune import LOWEST, REST
from explorer.jukebox.vqvae import VQVAE
from explorer.training import codes as codes_module
from explorer.training import runs as runs_module
from explorer.training.codes import CorpusCodes
from explorer.training.corpus import Corpus, CorpusSong
from explorer.training.examples import ExampleMaker
from explorer.training.listening import ListenerTraining, begun_tokens, evaluate_listener, train_listener
from explorer.training.prior import PriorTraining, evaluate_prior, train_prior
from explorer.training.teacher import DIMENSIONS, Teaching
from explorer.training.vqvae import VQVAETraining, train_vqvae
from tests.tiny import ARTISTS, GENRES, tiny_config, tiny_jukebox

LISTS = LabelLists(ARTISTS, GENRES)


def test_songs_are_encoded_once(corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vqvae, asked = tiny_jukebox()._vqvae, []

    def audio(song: CorpusSong, start: int = 0, samples: int | None = None) -> np.ndarray:
        asked.append(song.name)
        return Corpus.audio(corpus, song, start, samples)

    monkeypatch.setattr(corpus, "audio", audio)
    few = CorpusCodes.encode(corpus.thinned(2), vqvae, (Level.TOP,), tmp_path)
    assert not asked  # ``thinned`` is another corpus
    every = CorpusCodes.encode(corpus, vqvae, (Level.TOP,), tmp_path)
    assert asked == ["b_00"]
    np.testing.assert_array_equal(every.song(2, Level.TOP), few.song(1, Level.TOP))
    CorpusCodes.encode(corpus, vqvae, (Level.TOP,), tmp_path)
    assert asked == ["b_00"]


def test_songs_that_were_encoded_are_kept_when_a_run_is_killed(
    corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vqvae, asked = tiny_jukebox()._vqvae, []

    def audio(song: CorpusSong, start: int = 0, samples: int | None = None) -> np.ndarray:
        asked.append(song.name)
        if asked == ["a_00", "b_00"]:
            raise KeyboardInterrupt
        return Corpus.audio(corpus, song, start, samples)

    monkeypatch.setattr(codes_module, "SONGS_A_FILE", 1)
    monkeypatch.setattr(corpus, "audio", audio)
    with pytest.raises(KeyboardInterrupt):
        CorpusCodes.encode(corpus, vqvae, (Level.TOP,), tmp_path)
    again = CorpusCodes.encode(corpus, vqvae, (Level.TOP,), tmp_path)
    assert asked == ["a_00", "b_00", "b_00", "c_00"]
    whole = CorpusCodes.encode(corpus.thinned(1), vqvae, (Level.TOP,), tmp_path / "another")
    for index in range(3):
        np.testing.assert_array_equal(again.song(index, Level.TOP), whole.song(index, Level.TOP))


def losses(path: Path) -> list[str]:
    with (path / "log.csv").open() as source:
        return [",".join(v for k, v in row.items() if k != "seconds") for row in csv.DictReader(source)]


def taught(corpus: Corpus) -> Teaching:
    """Any numbers will do."""
    frames = np.random.default_rng(3).standard_normal((len(corpus.songs) * 300, DIMENSIONS))
    return Teaching(frames, {song.name: (300 * i, 300 * (i + 1)) for i, song in enumerate(corpus.songs)})


class Killed(Exception):
    pass


def killed_after(monkeypatch: pytest.MonkeyPatch, saves: int) -> None:
    """The run saves at every log row and dies right after its n-th save."""
    monkeypatch.setattr(runs_module.RunFolder, "save_due", lambda self, minutes=4.0: True)
    save = runs_module.RunFolder.save
    count = 0

    def save_and_die(self: runs_module.RunFolder, state: dict[str, object]) -> None:
        nonlocal count
        save(self, state)
        count += 1
        if count == saves:
            raise Killed

    monkeypatch.setattr(runs_module.RunFolder, "save", save_and_die)


def test_an_interrupted_vqvae_run_repeats_the_whole_one(
    corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tiny_config().vqvae
    training = VQVAETraining(
        Level.TOP, steps=8, batch=2, clip_samples=4096, log_every=2, evaluate_every=4, warmup=2, mel=0.5, hearing=0.3
    )
    teachings = (taught(corpus), taught(corpus))
    whole = train_vqvae(config, training, corpus, corpus, tmp_path / "whole", teachings)
    with monkeypatch.context() as patch:
        killed_after(patch, 2)
        with pytest.raises(Killed):
            train_vqvae(config, training, corpus, corpus, tmp_path / "cut", teachings)
    again = train_vqvae(config, training, corpus, corpus, tmp_path / "cut", teachings)
    assert losses(tmp_path / "cut") == losses(tmp_path / "whole")
    for name, tensor in whole.state_dict().items():
        assert torch.equal(tensor, again.state_dict()[name]), name
    assert (tmp_path / "cut" / "plot.png").stat().st_size > 1000


def new_prior(level: Level, listener: int | None = None) -> Prior:
    torch.manual_seed(0)
    # a model that follows its lyrics is told bars and tune here, too, and what is sung in the middle
    told = {"bar_parts": 12, "diction": True, "tune": True} if listener else {}
    prior = new_module(tiny_config(listener=listener, **told), level.value, "cpu")
    assert isinstance(prior, Prior)
    return prior


def trained_prior(
    codes: CorpusCodes, level: Level, training: PriorTraining, path: Path, listener: int | None = None
) -> Prior:
    prior = new_prior(level, listener)
    maker = ExampleMaker(codes, prior, level, LISTS, 0.2)
    return train_prior(prior, training, maker, ExampleMaker(codes, prior, level, LISTS, 0.0), path)


@pytest.mark.parametrize(
    ("level", "listener"), [(Level.TOP, None), (Level.TOP, 8), (Level.MIDDLE, 8), (Level.BOTTOM, None)]
)
def test_an_interrupted_prior_run_repeats_the_whole_one(
    level: Level, listener: int | None, codes: CorpusCodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = {"guided_attention": 0.5, "recognition": 0.2, "lead": 0.8} if level is Level.TOP else {}
    training = PriorTraining(level, steps=6, batch=2, log_every=2, evaluate_every=6, warmup=2, **words)
    whole = trained_prior(codes, level, training, tmp_path / "whole", listener)
    with monkeypatch.context() as patch:
        killed_after(patch, 1)
        with pytest.raises(Killed):
            trained_prior(codes, level, training, tmp_path / "cut", listener)
    again = trained_prior(codes, level, training, tmp_path / "cut", listener)
    assert losses(tmp_path / "cut") == losses(tmp_path / "whole")
    for name, tensor in whole.state_dict().items():
        assert torch.equal(tensor, again.state_dict()[name]), name


def test_a_listener_learns_what_is_sung_and_an_interrupted_run_repeats_the_whole_one(
    codes: CorpusCodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    letters = alphabet(Vocabulary.V3)
    ids = {character: number for number, character in enumerate(letters, start=1)}
    training = ListenerTraining(steps=120, batch=4, clip_codes=48, warmup=5, garbled=0.0, log_every=20)

    def trained(path: Path) -> Listener:
        torch.manual_seed(0)
        return train_listener(Listener(32, 16, letters), training, codes, codes, ids, path)

    whole = trained(tmp_path / "whole")
    with monkeypatch.context() as patch:
        killed_after(patch, 2)
        with pytest.raises(Killed):
            trained(tmp_path / "cut")
    again = trained(tmp_path / "cut")
    assert losses(tmp_path / "cut") == losses(tmp_path / "whole")
    for name, tensor in whole.state_dict().items():
        assert torch.equal(tensor, again.state_dict()[name]), name
    figures = evaluate_listener(whole, codes, ids)
    assert figures["nats"] < figures["blind_nats"] - 0.1
    # what it has counted: shares of sounds, and lines that end sooner or later
    assert whole.share.sum() == pytest.approx(1.0) and 0 < float(whole.moves[ids["a"]]) < 0.9


def test_begun_tokens_are_those_whose_time_has_come(corpus: Corpus) -> None:
    song = next(song for song in corpus.songs if song.characters)
    begun = begun_tokens(song, 200, 128, corpus.sample_rate)
    assert (np.diff(begun) >= 0).all() and begun[-1] <= len(song.characters)
    for code in (0, 50, 199):
        passed = [c for c in song.characters if round(c.start * corpus.sample_rate / 128) <= code]
        assert begun[code] == len(passed)


def test_a_run_tells_how_far_it_is(codes: CorpusCodes, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "explorer.training")
    training = PriorTraining(Level.BOTTOM, steps=4, batch=1, log_every=2, evaluate_every=9)
    trained_prior(codes, Level.BOTTOM, training, tmp_path / "run")
    first, last = (record.getMessage() for record in caplog.records)
    assert re.fullmatch(r"step 2 of 4, loss \d+\.\d{3}", first)
    assert re.fullmatch(r"step 4 of 4, loss \d+\.\d{3}, 0 min left", last)


def test_other_settings_need_another_folder(codes: CorpusCodes, tmp_path: Path) -> None:
    training = PriorTraining(Level.BOTTOM, steps=2, batch=1, log_every=1, evaluate_every=9)
    trained_prior(codes, Level.BOTTOM, training, tmp_path / "run")
    with pytest.raises(ValueError, match="differs in seed"):
        trained_prior(codes, Level.BOTTOM, replace(training, seed=2), tmp_path / "run")
    with pytest.raises(ValueError, match="differs in recognition"):
        trained_prior(codes, Level.BOTTOM, replace(training, recognition=0.2), tmp_path / "run")
    trained_prior(codes, Level.BOTTOM, replace(training, steps=3, clip_norm=0.5), tmp_path / "run")
    record = json.loads((tmp_path / "run" / "settings.json").read_text())
    assert record["changes"] == [{"after_step": 2, "from": {"clip_norm": 1.0, "steps": 2}}]
    assert record["settings"]["steps"] == 3


def test_learning_uses_labels_lyrics_and_times(codes: CorpusCodes, tmp_path: Path) -> None:
    training = PriorTraining(
        Level.TOP, steps=150, batch=4, log_every=50, evaluate_every=150, warmup=10, peak_rate=3e-3,
        guided_attention=0.5, recognition=0.2, lead=1.0, label_dropout=0.0,
    )  # fmt: skip
    prior = new_prior(Level.TOP)
    maker = ExampleMaker(codes, prior, Level.TOP, LISTS, 0.0)
    before = evaluate_prior(prior, maker, 2)
    after = evaluate_prior(train_prior(prior, training, maker, maker, tmp_path), maker, 2)
    assert after["music_bits"] < before["music_bits"] - 0.5
    assert after["music_bits"] < after["wrong_labels_bits"]
    assert after["guide_nats"] < before["guide_nats"]


def test_examples_are_what_sampling_would_give(corpus: Corpus, codes: CorpusCodes) -> None:
    prior = new_prior(Level.TOP)
    maker = ExampleMaker(codes, prior, Level.TOP, LISTS, 0.0)
    random = np.random.default_rng(0)
    for _ in range(30):
        example = maker.draw(random)
        batch = maker.collate([example])
        assert batch.codes.shape == (1, prior.config.n_ctx) and batch.sung is not None
        excerpt, song = example.excerpt, corpus.songs[example.excerpt.song]
        assert song.lyrics[excerpt.first_character :].startswith(excerpt.lyrics)
        first = excerpt.start // prior.hop + example.start
        assert batch.codes[0].tolist() == codes.song(excerpt.song, Level.TOP)[first : first + 64].tolist()
        assert int(batch.labels.total_length[0]) == excerpt.stop - excerpt.start
        assert int(batch.labels.offset[0]) == example.start * prior.hop
        # every code at which a character is sung points to that character's column
        indices = window_lyric_indices(prior, example.labels, example.start)
        for code, column in enumerate(batch.sung[0].tolist()):
            if column < 0:
                continue
            second = (first + code + 0.5) * prior.hop / corpus.sample_rate
            character = song.characters[excerpt.first_character + indices[column]]
            assert character.start - 0.02 <= second <= character.end + 0.02


def test_names_are_left_out_together_as_often_as_each_alone_and_words_with_both(codes: CorpusCodes) -> None:
    maker = ExampleMaker(codes, new_prior(Level.TOP), Level.TOP, LISTS, 0.25)
    random, told, wordless = np.random.default_rng(0), Counter[tuple[bool, bool]](), 0
    for _ in range(400):
        example = maker.draw(random)
        labels = example.labels
        names = labels.artists[0][0] == UNKNOWN, labels.genres[0][0] == UNKNOWN
        told[names] += 1
        if example.excerpt.lyrics and not labels.lyric_tokens:
            assert names == (True, True)
            wordless += 1
    assert len(told) == 4 and all(60 < count < 140 for count in told.values())
    assert 0.25 < wordless / told[True, True] < 0.8


def test_a_window_is_shown_other_codes_in_some_places_and_learns_the_right_ones(codes: CorpusCodes) -> None:
    prior = new_prior(Level.TOP)
    maker = ExampleMaker(codes, prior, Level.TOP, LISTS, 0.0, misheard=0.6)
    plain = ExampleMaker(codes, prior, Level.TOP, LISTS, 0.0)
    shares = []
    for step in range(20):
        batch, same = maker.batch(4, 1, step), plain.batch(4, 1, step)
        assert batch.shown is not None and same.shown is None
        torch.testing.assert_close(batch.codes, same.codes)
        shares += (batch.shown != batch.codes).float().mean(1).tolist()
        assert set(batch.shown.flatten().tolist()) <= set(batch.codes.flatten().tolist())
    # 0.3 on average, but in these few notes a code is often replaced by its like
    assert max(shares) <= 0.75 and min(shares) < 0.1 and 0.08 < sum(shares) / len(shares) < 0.32
    conditioning = prior.condition(batch.labels)
    expected = prior.loss(batch.codes, conditioning).music
    assert prior.loss(batch.codes, conditioning, shown=batch.shown).music != expected
    # the last code is predicted, not heard
    last = batch.codes.clone()
    last[:, -1] = 0
    torch.testing.assert_close(prior.loss(batch.codes, conditioning, shown=last).music, expected)


def test_an_upsampler_is_told_what_is_sung_where_it_looks(corpus: Corpus, codes: CorpusCodes) -> None:
    prior = new_prior(Level.MIDDLE, 8)
    maker = ExampleMaker(codes, prior, Level.MIDDLE, LISTS, 0.2)
    random, told = np.random.default_rng(0), 0
    for _ in range(60):
        example = maker.draw(random)
        sung = maker.collate([example]).labels.sung
        assert sung is not None
        if not example.labels.lyric_tokens:
            assert not sung.letters.any()
            continue
        excerpt, song = example.excerpt, corpus.songs[example.excerpt.song]
        letters = alphabet(Vocabulary.V3)
        for code in (0, 64, 127):
            now = (excerpt.start // prior.hop + example.start + code) * prior.hop / corpus.sample_rate
            its = song.characters[excerpt.first_character : excerpt.first_character + len(excerpt.lyrics)]
            begun = [c.text for c in its if round(c.start * corpus.sample_rate / prior.hop) * prior.hop
                     <= round(now * corpus.sample_rate)]  # fmt: skip
            token = int(sung.letters[0, sung.places[0, code]])
            assert token == (letters.index(begun[-1].lower()) + 1 if begun else 0)
            told += bool(begun)
    assert told > 20


def test_the_ground_is_told_of_the_excerpt_and_left_out_now_and_then(corpus: Corpus, codes: CorpusCodes) -> None:
    prior = new_prior(Level.TOP, 8)
    maker = ExampleMaker(codes, prior, Level.TOP, LISTS, 0.2)
    random, told = np.random.default_rng(0), 0
    for _ in range(200):
        example = maker.draw(random)
        song, ground = corpus.songs[example.excerpt.song], example.labels.ground
        rows = maker.collate([example]).labels.ground
        assert rows is not None and (ground is None) is (int(rows.keys[0]) == 0)
        if ground is not None:
            assert song.lyrics and example.labels.artists
            assert ground.first == 0.5 * corpus.sample_rate - example.excerpt.start
            told += 1
        elif example.excerpt.lyrics and not example.labels.lyric_tokens:
            assert example.labels.artists[0][0] == example.labels.genres[0][0] == UNKNOWN
    # two songs of three have one; a fifth is left out, and most of the nameless fifth
    assert 0.3 < told / 200 < 0.65
    figures = evaluate_prior(prior, maker, 1)
    assert figures["without_ground_bits"] != figures["music_bits"]


def test_the_tune_is_told_of_the_excerpt_with_the_ground_and_left_out_now_and_then(
    corpus: Corpus, codes: CorpusCodes
) -> None:
    prior = new_prior(Level.TOP, 8)
    maker = ExampleMaker(codes, prior, Level.TOP, LISTS, 0.2)
    random, told, grounds = np.random.default_rng(0), 0, 0
    for _ in range(200):
        example = maker.draw(random)
        song, labels = corpus.songs[example.excerpt.song], example.labels
        rows = maker.collate([example]).labels.tune
        assert rows is not None and (labels.tune is None) is not bool(rows.told[0])
        grounds += labels.ground is not None
        if labels.tune is not None:
            assert labels.ground is not None and labels.lyric_tokens
            told += 1
            # what is told at a code is the note of its time in the song
            samples = torch.arange(example.start, example.start + prior.config.n_ctx).float() * prior.hop
            for sample, note in zip(samples.tolist(), rows.notes_at(samples[None])[0].tolist(), strict=True):
                second = (example.excerpt.start + sample) / corpus.sample_rate
                sung = [midi for begin, end, midi in song.notes if begin <= second < end]
                assert note == (2 + sung[0] - LOWEST if sung else REST)
    assert 0.65 < told / grounds < 0.95
    figures = evaluate_prior(prior, maker, 1)
    assert figures["without_tune_bits"] not in (figures["music_bits"], figures["without_ground_bits"])


def test_the_level_above_is_left_out_with_both_names_only(codes: CorpusCodes) -> None:
    prior = new_prior(Level.BOTTOM)
    maker = ExampleMaker(codes, prior, Level.BOTTOM, LISTS, 0.25)
    random, nameless, alone = np.random.default_rng(0), 0, 0
    for _ in range(200):
        example = maker.draw(random)
        names = example.labels.artists[0][0], example.labels.genres[0][0]
        nameless += names == (UNKNOWN, UNKNOWN)
        upper = maker.collate([example]).upper
        assert upper is not None
        assert bool((upper == NOT_TOLD).all()) is not example.above and bool((upper >= 0).all()) is example.above
        if not example.above:
            assert names == (UNKNOWN, UNKNOWN)
            alone += 1
    assert 0.4 < alone / nameless < 0.9


def test_upsampler_examples_line_up_with_the_level_above(codes: CorpusCodes) -> None:
    prior = new_prior(Level.BOTTOM)
    maker = ExampleMaker(codes, prior, Level.BOTTOM, LISTS, 0.0)
    batch = maker.batch(3, seed=1, step=5)
    assert batch.upper is not None and batch.upper.shape[1] * prior.upsampling == prior.config.n_ctx
    again = maker.batch(3, seed=1, step=5)
    assert torch.equal(batch.codes, again.codes) and torch.equal(batch.upper, again.upper)
    assert not torch.equal(batch.codes, maker.batch(3, seed=1, step=6).codes)
    example = maker.fixed(2)[1]
    middle = codes.song(example.excerpt.song, Level.MIDDLE)
    found = maker.collate([example]).upper
    assert found is not None
    first = example.start // prior.upsampling
    assert found[0].tolist() == middle[first : first + found.shape[1]].tolist()


def test_codes_are_those_of_the_whole_song(corpus: Corpus, codes: CorpusCodes) -> None:
    vqvae = tiny_jukebox()._vqvae
    assert isinstance(vqvae, VQVAE)
    song = corpus.songs[0]
    audio = torch.from_numpy(corpus.audio(song, 0, song.samples // 128 * 128)).view(1, -1, 1)
    for level in LEVELS:
        assert codes.song(0, level).tolist() == vqvae.encode(audio, level.index)[0].tolist()
