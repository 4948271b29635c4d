"""A corpus of seconds, and its codes by the tests' model, made once for a file of tests."""

from __future__ import annotations

import pytest

from explorer.jukebox.config import LEVELS
from explorer.training.codes import CorpusCodes
from explorer.training.corpus import Corpus
from tests.tiny import tiny_jukebox
from tests.training.making import write_corpus


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    folder = tmp_path_factory.mktemp("corpus")
    return Corpus.open(write_corpus(folder / "train"), folder / "cache")


@pytest.fixture(scope="module")
def codes(corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> CorpusCodes:
    return CorpusCodes.encode(corpus, tiny_jukebox()._vqvae, LEVELS, tmp_path_factory.mktemp("codes"))
