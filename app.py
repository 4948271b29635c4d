"""Jukebox Explorer in the browser: ``python app.py``, then open the address that it prints.

Parses options, builds the services, serves. No logic.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys

# Before gradio is imported anywhere: it looks at this once, and nothing may leave this machine.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="app.py", description="Jukebox Explorer: find, hear and make songs.")
    parser.add_argument("--model", default="pocket", metavar="NAME|DIR", help="model that makes new songs (pocket)")
    parser.add_argument("--library", metavar="DIR", help="folder of your songs (your user data folder)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps (auto)")
    parser.add_argument("--precision", default="auto", help="auto, or float32, bfloat16, int8: weights on a CPU (auto)")
    parser.add_argument("--host", default="127.0.0.1", help="address to serve at (127.0.0.1: this machine only)")
    parser.add_argument("--port", type=int, default=7860, help="port to serve at (7860)")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Serve until Ctrl-C. Returns the exit code: 2 where the options cannot work."""
    options = _options(arguments)
    import uvicorn

    from explorer.settings import Settings
    from explorer.web.server import build
    from explorer.web.services import opened

    try:
        settings = Settings.from_environment(options.library, options.device, precision=options.precision)
        with opened(settings, options.model) as services:
            print(f"Jukebox Explorer: http://{options.host}:{options.port}", flush=True)
            # Open pages keep connections; they must not hold up the end of the program.
            config = uvicorn.Config(
                build(services), options.host, options.port, log_level="warning", timeout_graceful_shutdown=1
            )
            with contextlib.suppress(KeyboardInterrupt):
                uvicorn.Server(config).run()
    except ValueError as error:
        print(f"app.py: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
