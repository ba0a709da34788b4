"""The log's file, where the kernel does not let root open everything."""

import errno
import os
from pathlib import Path

import pytest

from container.agent.log import Log


def test_a_log_of_another_user_in_a_folder_for_all_is_written_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With Linux's fs.protected_regular, which takes O_CREAT amiss for a file that is there."""
    path, really = tmp_path / "experiment.log", os.open
    path.write_bytes(b"of another experiment\n")

    def protected(name: Path, flags: int, mode: int = 0o777) -> int:
        if flags & os.O_CREAT and name.exists():
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(name))
        return really(name, flags, mode)

    monkeypatch.setattr(os, "open", protected)
    log = Log(path)
    log.write(b"line\n")

    assert log.trouble is None
    assert path.read_bytes() == b"cloud-runner: the log begins\nline\n"
