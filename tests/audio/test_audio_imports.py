"""Everything but resampling works where torchaudio cannot be imported."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path


def test_only_resampling_needs_torchaudio(tmp_path: Path) -> None:
    code = """
        import sys
        class Blocked:
            def find_spec(self, name, path=None, target=None):
                if name.split(".")[0] == "torchaudio":
                    raise OSError("libtorch_cuda.so: cannot open shared object file")
        sys.meta_path.insert(0, Blocked())
        from pathlib import Path
        import numpy as np
        import explorer.audio.analysis, explorer.audio.metrics, explorer.audio.spectra
        import explorer.library, explorer.plots
        from explorer.audio.files import AudioError, read_audio, write_flac
        path = Path(sys.argv[1]) / "a.flac"
        write_flac(path, np.zeros(4410), 44100)
        assert len(read_audio(path, 44100)) == 4410
        try:
            read_audio(path, 22050)
        except AudioError as error:
            assert "torchaudio" in str(error) and "44,100" in str(error), error
            print("told")
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), str(tmp_path)], capture_output=True, text=True, timeout=120
    )
    assert done.stdout.strip() == "told", done.stderr


def test_slow_libraries_are_not_imported_at_start() -> None:
    code = """
        import sys
        import explorer.audio.files, explorer.audio.analysis, explorer.audio.metrics, explorer.audio.spectra
        import explorer.library, explorer.plots
        print([name for name in ("librosa", "matplotlib", "torchaudio", "pyloudnorm") if name in sys.modules])
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr
