"""What the embedded stack needs of the machine, told before anything starts."""

import sys

import pytest

from local.layout import StackError, Tools


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_another_system_than_linux_is_told_what_to_do(
    platform: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", platform)

    with pytest.raises(StackError, match="jobs need Linux: on macOS or Windows, use a virtual"):
        Tools().check()
