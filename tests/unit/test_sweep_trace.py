"""The trace of a sweep: what a killed process has left is what the next one goes on with."""

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cli.sweep.trace import Trace, look
from cli.sweep.trace_state import Finished, Target, TracedWave, TraceError
from shared.space import Point
from tests.unit.cpu_time import at_most

TARGETS = [Target("s1", '{"seed": "1", "space.lr": "a"}')]
POINTS: list[Point] = [{"lr": 0.1, "act": "tanh"}, {"lr": 1e-05, "act": "é"}]


def written(path: Path) -> bytes:
    """A trace of a sweep of two waves."""
    with Trace.open(path, TARGETS) as trace:
        trace.note("wave", wave=1, target=0, points=POINTS, run_id="r1")
        trace.note("sent", wave=1)
        trace.note("ended", wave=1, results=[Finished("ok", 0.5, 1.5, "k").as_json(0)])
        trace.note("wave", wave=2, target=0, points=POINTS[:1], run_id="r2")
        trace.note("ended", wave=1, results=[Finished("failed", None, 2.0).as_json(1)])
        trace.note("over", wave=1)
    return path.read_bytes()


def test_what_was_noted_is_known_to_the_next_process(tmp_path: Path) -> None:
    path = tmp_path / "sweep.trace"
    written(path)

    with Trace.open(path, [Target("another id", TARGETS[0].fingerprint)]) as trace:
        state = trace.state

    assert state.targets == TARGETS
    assert state.waves == {
        1: TracedWave(0, POINTS, "r1", sent=True, over=True),
        2: TracedWave(0, POINTS[:1], "r2"),
    }
    assert state.finished == {
        (1, 0): Finished("ok", 0.5, 1.5, "k"),
        (1, 1): Finished("failed", None, 2.0),
    }
    assert [one.ok for one in state.finished.values()] == [True, False]
    assert state.outcome is None
    assert look(path) == state


def test_a_sweep_that_is_extended_is_not_finished_any_more(tmp_path: Path) -> None:
    with Trace.open(tmp_path / "t", TARGETS) as trace:
        trace.note("finished", outcome="complete")
        assert trace.state.outcome == "complete"

        trace.note("wave", wave=1, target=0, points=POINTS, run_id="r1")

        assert trace.state.outcome is None


def test_lines_of_a_kind_that_is_not_known_say_nothing(tmp_path: Path) -> None:
    with Trace.open(tmp_path / "t", TARGETS) as trace:
        trace.note("note of a later version", wave=9)

    assert look(tmp_path / "t").waves == {}


@settings(max_examples=60)
@given(data=st.data())
def test_a_trace_that_is_cut_anywhere_is_gone_on_with(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("cut") / "t"
    content = written(path)
    cut = data.draw(st.integers(0, len(content)))
    path.write_bytes(content[:cut])
    whole = content[:cut].count(b"\n")

    with Trace.open(path, TARGETS) as trace:
        trace.note("wave", wave=7, target=0, points=POINTS, run_id="r7")

    lines = [json.loads(line) for line in path.read_bytes().splitlines()]
    assert len(lines) == max(1, whole) + 1
    assert lines[-1]["wave"] == 7
    assert path.read_bytes().startswith(content[:cut][: content[:cut].rfind(b"\n") + 1])


def test_a_character_that_was_cut_in_two_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "t"
    content = written(path)
    path.write_bytes(content + '{"kind":"ended","é'.encode()[:-1])

    with Trace.open(path, TARGETS):
        pass

    assert path.read_bytes() == content


@pytest.mark.parametrize("content", [b"", b"{", b'{"kind":"sw', b'{"kind":"sweep","at":"2026'])
def test_a_file_that_is_empty_or_was_hardly_begun_becomes_a_trace(
    content: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "t"
    path.write_bytes(content)

    with Trace.open(path, TARGETS) as trace:
        assert trace.state.targets == TARGETS

    assert look(path).targets == TARGETS


@pytest.mark.parametrize(
    "content",
    [
        b"notes",
        b"notes\n",
        b"\n",
        b"\xff\xfe\x00",
        b"{}\n",
        b"[]\n",
        b'{"kind":"wave"}\n',
        b'{"kind":"sweep"}\n',
        b'{"kind":"sweep","targets":[{}]}\n',
        b'{"kind":"sweep","at":"x","targets":[1]}\n',
        b'{"kind":"sweep","at":"x","targets":[]}\n{"kind":"sent","wave":1}\n',
        (
            b'{"kind":"sweep","targets":[{"sweep_id":"s","fingerprint":"{}"}]}\n'
            b'{"kind":"ended","wave":1,"results":[[0,"ok"]]}\n'
        ),
        b'{"kind":"sweep",' + b"[" * 100_000 + b"\n",
    ],
    ids=lambda content: repr(content[:40]),
)
def test_a_file_that_is_no_trace_is_refused_by_its_name_and_kept(
    content: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "precious.txt"
    path.write_bytes(content)

    with pytest.raises(TraceError, match=r"precious\.txt is no trace of a sweep"):
        Trace.open(path, TARGETS)

    assert path.read_bytes() == content


def test_the_trace_of_another_sweep_is_refused_and_what_differs_is_named(tmp_path: Path) -> None:
    path = tmp_path / "t"
    content = written(path)
    other = Target("s2", '{"seed": "2", "space.lr": "a", "space.depth": "b"}')

    with pytest.raises(TraceError, match=r"which differs in seed, space\.depth: name another"):
        Trace.open(path, [other])
    with pytest.raises(TraceError, match="another number of targets, 1 and not 2"):
        Trace.open(path, [*TARGETS, other])

    assert path.read_bytes() == content


def test_a_second_process_is_told_that_there_is_a_first(tmp_path: Path) -> None:
    path = tmp_path / "t"
    with (
        Trace.open(path, TARGETS),
        pytest.raises(TraceError, match="another process is at the trace"),
    ):
        Trace.open(path, TARGETS)

    with Trace.open(path, TARGETS) as second:
        assert second.state.targets == TARGETS


def test_a_full_disk_is_said_and_leaves_no_half_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "t"
    with Trace.open(path, TARGETS) as trace:
        before = path.read_bytes()
        real = os.pwrite
        calls = 0

        def filling(descriptor: int, content: bytes, place: int) -> int:
            nonlocal calls
            calls += 1
            if calls == 2:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return real(descriptor, content[:10], place)

        monkeypatch.setattr(os, "pwrite", filling)
        with pytest.raises(TraceError, match="the disk is full: nothing was added to the trace"):
            trace.note("wave", wave=1, target=0, points=POINTS, run_id="r1")
        assert path.read_bytes() == before
        assert trace.state.waves == {}

        monkeypatch.setattr(os, "pwrite", real)
        trace.note("wave", wave=1, target=0, points=POINTS, run_id="r1")

    assert look(path).waves[1].points == POINTS


def test_a_disk_that_fails_later_leaves_no_line_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with Trace.open(tmp_path / "t", TARGETS) as trace:
        before = (tmp_path / "t").read_bytes()
        monkeypatch.setattr(os, "fsync", failing)

        with pytest.raises(TraceError, match="Input/output error"):
            trace.note("over", wave=1)

        assert (tmp_path / "t").read_bytes() == before


def test_a_place_where_no_file_can_be_is_said(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="No such file or directory"):
        Trace.open(tmp_path / "nowhere/t", TARGETS)
    with pytest.raises(TraceError, match="Is a directory"):
        Trace.open(tmp_path, TARGETS)
    with pytest.raises(TraceError, match="No such file or directory"):
        look(tmp_path / "t")


def test_a_trace_of_100_000_lines_is_read_in_seconds(tmp_path: Path) -> None:
    path = tmp_path / "t"
    lines: list[dict[str, Any]] = [
        {"kind": "sweep", "targets": [TARGETS[0].as_json()]},
        {
            "kind": "wave",
            "wave": 1,
            "target": 0,
            "points": [{"i": i} for i in range(10_000)],
            "run_id": "r",
        },
    ]
    lines += [
        {
            "kind": "ended",
            "wave": 1,
            "results": [Finished("ok", i / 7, 1.0, "k" * 60).as_json(i % 10_000)],
        }
        for i in range(100_000)
    ]
    path.write_text("\n".join(json.dumps(line, separators=(",", ":")) for line in lines) + "\n")

    with at_most(20), Trace.open(path, TARGETS) as trace:
        state = trace.state

    assert len(state.finished) == 10_000
