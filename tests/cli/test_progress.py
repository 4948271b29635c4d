"""What the command line shows while something takes long."""

from __future__ import annotations

import logging

import pytest

from explorer.cli.common import shown_log


def test_a_packages_log_is_shown_as_progress_and_only_meanwhile(capsys: pytest.CaptureFixture[str]) -> None:
    log = logging.getLogger("explorer.training.anything")
    with shown_log("explorer.training"):
        log.info("step %d of %d", 2, 4)
        log.debug("not meant for people")
        logging.getLogger("explorer.library").info("of another package")
    log.info("too late")
    assert capsys.readouterr().err == "step 2 of 4\n"
