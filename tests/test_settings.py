"""Folders: where they are, and never inside the program's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from explorer.settings import CHECKOUT, Settings, SettingsError


def test_folders_come_from_the_option_then_the_environment_then_the_platform(tmp_path: Path) -> None:
    plain = Settings.from_environment(environ={})
    assert plain.library == plain.home / "library" and not plain.home.is_relative_to(CHECKOUT)
    named = Settings.from_environment(environ={"JUKEBOX_HOME": str(tmp_path / "home")})
    assert named.home == tmp_path / "home" and named.models == tmp_path / "home" / "models"
    apart = Settings.from_environment(tmp_path / "songs", environ={"JUKEBOX_HOME": str(tmp_path / "home")})
    assert apart.library == tmp_path / "songs" and apart.jobs.parent == apart.library
    assert apart.models == named.models and not list(tmp_path.iterdir()), "nothing may be created"


def test_nothing_of_the_users_lies_inside_the_program(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="inside the program"):
        Settings.from_environment(CHECKOUT / "mine", environ={})
    with pytest.raises(SettingsError, match="inside the program"):
        Settings.from_environment(environ={"JUKEBOX_HOME": str(CHECKOUT)})
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(SettingsError, match="is a file"):
        Settings.from_environment(file, environ={})


def test_devices_and_threads_are_checked() -> None:
    with pytest.raises(SettingsError, match="tpu"):
        Settings.from_environment(device="tpu", environ={})
    with pytest.raises(SettingsError, match="at least 1"):
        Settings.from_environment(threads=0, environ={})
    assert Settings.from_environment(device="cuda:1", threads=3, environ={}).threads == 3
