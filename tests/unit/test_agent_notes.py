"""What the agent writes down, and how it counts its time, whatever happens to disk and clock."""

import errno
import json
import os
import stat
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from container.agent import clock, ending, place, records
from container.agent.bounded import bounded
from container.agent.locks import Lock
from container.agent.log import Log
from container.agent.records import NotGiven, Order, Terms, parse

TERMS = Terms("m", "i-1", "eu-west-1", 3600, None, "terminate", None, times={"boot": 900})


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A machine's disk, and its first boot."""
    monkeypatch.setenv("CLOUD_RUNNER_ROOT", str(tmp_path))
    boots(tmp_path, "first")
    place.settle()
    yield tmp_path
    clock.boot.cache_clear()


def boots(root: Path, name: str) -> None:
    path = root / "proc/sys/kernel/random/boot_id"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{name}\n")
    clock.boot.cache_clear()


@pytest.fixture
def clocks_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    """However busy the machine is, no time passes between two looks at a clock."""
    now, tick = time.time(), clock.tick()
    monkeypatch.setattr(time, "time", lambda: now)
    monkeypatch.setattr(clock, "tick", lambda: tick)


def fills_up(monkeypatch: pytest.MonkeyPatch, full: Callable[[], bool]) -> None:
    """Let the disk be full as long as that says so."""
    sync = os.fsync

    def fsync(descriptor: int) -> None:
        if full():
            raise OSError(errno.ENOSPC, "No space left on device")
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)


@pytest.mark.usefixtures("clocks_stand")
def test_terms_count_from_when_they_are_set() -> None:
    armed = TERMS.armed()

    assert armed.ends_tick - clock.tick() == pytest.approx(3600)
    assert armed.ends_at - time.time() == pytest.approx(3600)
    assert armed.carried_over() is armed


@pytest.mark.usefixtures("clocks_stand")
def test_a_clock_that_is_set_changes_no_end_in_the_same_boot(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    armed = TERMS.armed()
    monkeypatch.setattr(time, "time", lambda: armed.ends_at + 999_999)

    assert armed.carried_over().ends_tick - clock.tick() == pytest.approx(3600)


@pytest.mark.usefixtures("clocks_stand")
@pytest.mark.parametrize(
    ("passed", "left"),
    [
        (600, 3000),
        # Enough for somebody to arm it anew.
        (3599, 900),
        (999_999, 900),
        # The clock is wrong: there is never more than there was.
        (-999_999, 3600),
    ],
)
def test_an_end_is_kept_through_a_reboot(
    root: Path, monkeypatch: pytest.MonkeyPatch, passed: float, left: float
) -> None:
    armed = TERMS.armed()
    now = time.time() + passed
    monkeypatch.setattr(time, "time", lambda: now)
    boots(root, "second")
    carried = armed.carried_over()

    assert carried.ends_tick - clock.tick() == pytest.approx(left)
    assert carried.ends_at == armed.ends_at
    # Not counted again by a watchdog that is started again.
    assert carried.carried_over() is carried


def test_terms_that_were_stored_are_read_again() -> None:
    armed = TERMS.armed()
    records.keep(armed)

    assert records.terms() == armed


def test_what_is_missing_is_named_and_what_is_unknown_left_out() -> None:
    told = {"name": None, "instance": "i-1", "max_seconds": 1, "new": 1}
    with pytest.raises(NotGiven, match="terms: afterwards, idle_seconds, notify, region missing"):
        parse(Terms, told)
    with pytest.raises(NotGiven, match="order: a JSON object is wanted"):
        parse(Order, [])

    told |= {"afterwards": "stop", "idle_seconds": None, "notify": None, "region": "eu-west-1"}
    assert parse(Terms, told).finish_seconds == 900


@pytest.mark.parametrize("text", ["", "{", "[]", '{"run_id": "r"}', "\0" * 100])
def test_a_state_that_is_half_there_is_lost_and_no_state_is_none(text: str) -> None:
    assert records.state() is None
    (place.home() / "state.json").write_text(text)

    state = records.state()
    assert state is not None
    assert state.phase == "lost"


def test_a_note_is_replaced_at_once_or_not_at_all(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records.enter("running", "run", "stop")
    before = records.state()
    place.reserve().unlink()
    fills_up(monkeypatch, lambda: True)
    with pytest.raises(OSError, match="No space left"):
        records.enter("over", "run", "stop")

    assert records.state() == before
    assert sorted(path.name for path in place.home().iterdir()) == ["state.json", "work"]


def test_on_a_full_disk_the_reserve_makes_room_for_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    fills_up(monkeypatch, lambda: place.reserve().exists())
    records.enter("over", "run", "stop")

    state = records.state()
    assert state is not None
    assert state.phase == "over"
    assert not place.reserve().exists()


def test_notes_are_for_their_owner_alone() -> None:
    place.write("order.json", {"a": 1})
    path = place.home() / "order.json"

    assert json.loads(path.read_text()) == {"a": 1}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_lock_tells_who_holds_it() -> None:
    lock = Lock("agent")
    assert lock.holder() is None
    taken = lock.take()

    assert taken
    assert lock.holder() == os.getpid()
    assert not Lock("agent").take(seconds=0.1)
    assert lock.wait_for_holder(0.1)
    assert not lock.wait_for_holder(0.1, held=False)


def test_a_log_is_new_and_whole(root: Path) -> None:
    path = root / "var/tmp/log"
    path.parent.mkdir(parents=True)
    path.write_text("of another experiment\n")
    log = Log(path)
    log.write(b"one\n")
    log.look()
    path.unlink()
    log.write(b"two\n")
    log.look()

    with log.reader() as reader:
        reader.seek(0)
        assert reader.read() == b"cloud-runner: the log begins\none\ntwo\n"
    assert log.trouble == "No such file or directory"


def test_a_log_is_a_file(root: Path) -> None:
    os.mkfifo(root / "pipe")
    (root / "link").symlink_to("/etc/passwd")
    for name in ("pipe", "link", "proc"):
        with pytest.raises(OSError, match=r".+"):
            Log(root / name)


@pytest.mark.parametrize("refused", [RuntimeError("can't start new thread"), MemoryError()])
def test_where_no_thread_is_to_be_had_work_is_done_all_the_same(
    monkeypatch: pytest.MonkeyPatch, refused: Exception
) -> None:
    def start(_: threading.Thread) -> None:
        raise refused

    monkeypatch.setattr(threading.Thread, "start", start)

    assert bounded(lambda: "done", 1) == "done"


def test_without_the_memory_to_ask_anybody_the_kernel_is_asked(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "sbin").mkdir()
    (root / "sbin/shutdown").touch(mode=0o755)
    (root / "proc/sysrq-trigger").touch()

    def run(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(MemoryError):
        ending.force()

    assert (root / "proc/sysrq-trigger").read_bytes() == b"o"
