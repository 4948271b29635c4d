"""Make sure that there is a Chromium for the tests of the page: ``python tests/ui/install_browser.py``.

Takes the system's where there is one; otherwise installs Debian's package (as root on Debian and
its relatives), or else lets playwright install its own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys


def chromium() -> str | None:
    """The browser that the tests will use: CHROMIUM, the system's, or (None) playwright's own."""
    return os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


def main() -> int:
    if chromium():
        print(f"browser: {chromium()}")
        return 0
    if shutil.which("apt-get") and os.geteuid() == 0:
        quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "-qq"], check=True, env=quiet)
        subprocess.run(["apt-get", "install", "-y", "-qq", "chromium"], check=True, env=quiet)
        return 0
    return subprocess.run([sys.executable, "-m", "playwright", "install", "--with-deps", "chromium"]).returncode


if __name__ == "__main__":
    sys.exit(main())
