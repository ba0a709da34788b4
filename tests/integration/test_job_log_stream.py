"""The job's log with real programs behind it: what reaches its output, its copy, its listener."""

import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SECRET = "t0p-s3cret"
FILTER_FAILED = (
    "[cloud-run] the log's filter failed (RuntimeError): "
    "what programs write from here on is not shown"
)
START = """
import os, signal, subprocess, sys, threading, time
from pathlib import Path
from container import log
from container.log import flowing, say, step, tail
from container.masking import Masks
masks = Masks()
masks.add("t0p-s3cret")
COPY = Path(sys.argv[1])
heard = []
def sh(script):
    subprocess.run(["sh", "-c", script], check=True)
"""


@dataclass(frozen=True)
class Ended:
    """What a program left: its code, its output, and the copy of its log."""

    code: int
    log: str
    errors: str
    copy: str

    @property
    def lines(self) -> list[str]:
        return self.log.splitlines()


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return tmp_path / "job.log"


def command(script: str, copy: Path) -> list[str]:
    return [sys.executable, "-c", START + textwrap.dedent(script), str(copy)]


def run(script: str, copy: Path) -> Ended:
    done = subprocess.run(
        command(script, copy),
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=300,
        check=False,
    )
    kept = copy.read_text(encoding="utf-8") if copy.exists() else ""
    return Ended(done.returncode, done.stdout.decode(), done.stderr.decode(), kept)


def test_our_lines_and_those_of_programs_keep_their_order(copy: Path) -> None:
    ended = run(
        """
        with flowing(masks, COPY, heard.append):
            for number in range(50):
                say(f"before {number}")
                sh(f"echo out {number}; echo err {number} >&2; printf 'no end'")
        say("after")
        assert heard == [line for n in range(50) for line in (f"out {n}", f"err {n}", "no end")]
        """,
        copy,
    )

    expected = [
        line
        for n in range(50)
        for line in (f"[cloud-run] before {n}", f"out {n}", f"err {n}", "no end")
    ]
    assert ended.errors == ""
    assert ended.lines == [*expected, "[cloud-run] after"]
    assert ended.copy.splitlines() == expected


def test_a_step_is_told_in_lines_that_a_machine_reads(copy: Path) -> None:
    ended = run(
        """
        with flowing(masks, COPY, heard.append):
            with step("clone team/parts"):
                say("one\\n\\n  two")
            with step("dvc repro") as progress:
                progress.failed = True
            try:
                with step("push\\ndata"):
                    raise KeyError
            except KeyError:
                pass
        """,
        copy,
    )

    assert [line.partition(" seconds=")[0] for line in ended.lines] == [
        "[cloud-run] clone team/parts: started",
        "[cloud-run] one",
        "[cloud-run]",
        "[cloud-run]   two",
        "[cloud-run] clone team/parts: done",
        "[cloud-run] dvc repro: started",
        "[cloud-run] dvc repro: failed",
        "[cloud-run] push data: started",
        "[cloud-run] push data: failed",
    ]
    assert re.fullmatch(r"\[cloud-run\] clone team/parts: done seconds=\d+\.\d", ended.lines[4])


def test_no_secret_gets_through_whoever_writes_it_and_where(copy: Path) -> None:
    ended = run(
        """
        os.chdir(COPY.parent)
        with flowing(masks, COPY, heard.append):
            say("ours t0p-s3cret")
            sh("echo out t0p-s3cret; echo err t0p-s3cret >&2; printf t0p-; sleep 0.3; echo s3cret")
            sh("sh -c '(sleep 0.2; echo grandchild t0p-s3cret; touch done) &'")
            sh("while ! test -e done; do sleep 0.05; done")
            print("print t0p-s3cret")
        say("afterwards t0p-s3cret")
        assert not any("s3cret" in line for line in heard), heard
        raise ValueError("t0p-s3cret")
        """,
        copy,
    )

    assert ended.code == 1
    assert SECRET not in ended.log + ended.copy
    assert ended.lines == [
        "[cloud-run] ours ***",
        "out ***",
        "err ***",
        "***",
        "grandchild ***",
        "print ***",
        "[cloud-run] afterwards ***",
    ]


def test_an_exception_is_shown_with_its_secrets_hidden(copy: Path) -> None:
    ended = run(
        """
        with flowing(masks, COPY, heard.append):
            say("working")
            raise ValueError("t0p-s3cret")
        """,
        copy,
    )

    assert ended.code == 1
    assert ended.errors.splitlines()[0] == "Traceback (most recent call last):"
    assert ended.errors.splitlines()[-1] == "ValueError: ***"
    assert ended.lines == ["[cloud-run] working"]


def test_a_program_that_stays_behind_does_not_keep_us(copy: Path, tmp_path: Path) -> None:
    # It stays for longer than `run` waits.
    ended = run(
        f"""
        begun = Path({str(tmp_path / "begun")!r})
        with flowing(masks, COPY, heard.append):
            left = subprocess.Popen(["sh", "-c", f"echo early; touch {{begun}}; exec sleep 1000"])
            while not begun.exists():
                time.sleep(0.02)
        say("left")
        left.kill()
        left.wait()
        """,
        copy,
    )

    assert ended.lines == ["early", "[cloud-run] left"]


def test_a_program_that_never_stops_writing_does_not_keep_us_either(copy: Path) -> None:
    ended = run(
        """
        with flowing(masks, None, heard.append):
            left = subprocess.Popen(["yes", "t0p-s3cret"])
            while not heard:
                time.sleep(0.02)
        say("left")
        left.kill()
        left.wait()
        """,
        copy,
    )

    assert set(ended.lines[:-1]) == {"***"}
    assert ended.lines[-1] == "[cloud-run] left"


def test_all_that_was_written_before_the_end_is_shown(copy: Path) -> None:
    ended = run(
        """
        with flowing(masks, COPY, heard.append):
            sh("seq 200000; printf end")
        """,
        copy,
    )

    assert ended.lines == [*map(str, range(1, 200001)), "end"]
    assert ended.copy == ended.log


def test_the_tail_is_what_programs_wrote_last_though_it_was_only_just_written(copy: Path) -> None:
    ended = run(
        """
        with flowing(masks, COPY, heard.append):
            for number in range(20):
                say("not this")
                sh(f"seq 3000; echo t0p-s3cret; printf 'failed {number}.'")
                assert tail(3) == ["3000", "***", f"failed {number}."], tail(3)
            assert tail(0) == []
            assert len(tail(10 ** 6)) == 400
        assert tail(1) == ["failed 19."]
        """,
        copy,
    )

    assert (ended.code, ended.errors) == (0, "")


def test_a_listener_may_say_something_right_behind_the_line_it_hears(copy: Path) -> None:
    ended = run(
        """
        def hear(line):
            if line.startswith("Running"):
                say(f"stage {line.split()[-1]}")
        with flowing(masks, COPY, hear):
            sh("echo Running stage one; seq 3; echo Running stage two; echo 4")
        """,
        copy,
    )

    assert ended.lines == [
        *("Running stage one", "[cloud-run] stage one", "1", "2", "3"),
        *("Running stage two", "[cloud-run] stage two", "4"),
    ]


def test_a_listener_that_fails_is_not_asked_again(copy: Path) -> None:
    ended = run(
        """
        def hear(line):
            raise LookupError("t0p-s3cret")
        with flowing(masks, COPY, hear):
            sh("seq 3")
        """,
        copy,
    )

    assert ended.lines == [
        "1",
        "[cloud-run] following the log failed (LookupError): it goes on alone",
        "2",
        "3",
    ]


def test_if_the_filter_fails_nothing_is_shown_but_that(copy: Path) -> None:
    ended = run(
        """
        class Broken(Masks):
            def hide(self, text, before=""):
                if "boom" in text:
                    raise RuntimeError(text)
                return super().hide(text, before)
        with flowing(Broken(), COPY, heard.append):
            sh("echo fine")
            say("still here")
            sh("echo boom t0p-s3cret")
            time.sleep(0.5)
            sh("seq 100000; echo t0p-s3cret")  # a full pipe would make it wait for ever
            say("the end")
        """,
        copy,
    )

    assert ended.code == 0
    assert ended.lines == [
        "fine",
        "[cloud-run] still here",
        FILTER_FAILED,
        "[cloud-run] the end",
    ]


def test_a_reader_that_goes_away_ends_nothing(copy: Path) -> None:
    script = """
        with flowing(masks, COPY, heard.append):
            sh("seq 100000")
            say("the end")
        """

    job = subprocess.Popen(command(script, copy), cwd=ROOT, stdout=subprocess.PIPE)
    assert job.stdout is not None
    job.stdout.read(10)
    job.stdout.close()

    assert job.wait(timeout=300) == 0
    assert copy.read_text().splitlines() == [*map(str, range(1, 100001)), "[cloud-run] the end"]


def test_without_a_standard_output_the_copy_is_still_kept(copy: Path) -> None:
    closing = ["sh", "-c", 'exec "$@" >&- 2>&-', "sh"]
    script = """
        with flowing(masks, COPY, heard.append):
            say("ours")
            sh("echo theirs")
        """

    done = subprocess.run([*closing, *command(script, copy)], cwd=ROOT, timeout=300, check=False)

    assert done.returncode == 0
    assert copy.read_text() == "[cloud-run] ours\ntheirs\n"


def test_a_copy_that_cannot_be_written_is_told_once(copy: Path) -> None:
    ended = run(
        """
        with flowing(masks, Path("/dev/full"), heard.append):
            sh("seq 3")
            say("ours")
        with flowing(masks, Path("/nowhere/job.log"), heard.append):
            sh("seq 2")
        """,
        copy,
    )

    assert sorted(ended.lines) == sorted(
        [
            "[cloud-run] the log's copy ends here: No space left on device",
            *("1", "2", "3", "[cloud-run] ours"),
            "[cloud-run] the log is not kept in a file: No such file or directory",
            *("1", "2"),
        ]
    )


def test_a_signal_wakes_the_main_thread_and_its_handler_may_speak(copy: Path) -> None:
    script = """
        woken = []
        def note(*_):
            woken.append(1)
            say("SIGTERM")
        signal.signal(signal.SIGTERM, note)
        with flowing(masks, COPY, heard.append):
            child = subprocess.Popen(["sh", "-c", "echo ready; exec sleep 1000"])
            while not woken:
                signal.pause()
            child.kill()
            child.wait()
        """

    job = subprocess.Popen(command(script, copy), cwd=ROOT, stdout=subprocess.PIPE)
    assert job.stdout is not None
    assert job.stdout.readline() == b"ready\n"
    time.sleep(0.2)  # let it come to rest in `pause`
    job.send_signal(signal.SIGTERM)
    rest, _ = job.communicate(timeout=300)

    assert job.returncode == 0
    assert rest == b"[cloud-run] SIGTERM\n"


def test_a_fork_of_ours_writes_into_the_same_log_and_ends_nothing(copy: Path) -> None:
    ended = run(
        """
        import warnings
        warnings.simplefilter("ignore")  # of a fork beside threads, which is what this is about
        with flowing(masks, COPY, heard.append):
            say("before")
            if os.fork() == 0:
                say("from the fork t0p-s3cret")
                sys.exit()
            os.wait()
            say("after")
        """,
        copy,
    )

    assert ended.lines == [
        "[cloud-run] before",
        "[cloud-run] from the fork ***",
        "[cloud-run] after",
    ]


def test_the_descriptors_are_as_they_were_and_programs_inherit_no_others(copy: Path) -> None:
    ended = run(
        """
        def descriptors():
            return {n: os.readlink(f"/proc/self/fd/{n}") for n in (1, 2)}
        before = descriptors()
        with flowing(masks, COPY, heard.append):
            assert descriptors() != before
            subprocess.run(["ls", "/proc/self/fd"], close_fds=False, check=True)
        assert descriptors() == before
        """,
        copy,
    )

    assert (ended.code, ended.errors) == (0, "")
    assert ended.lines == ["0", "1", "2", "3"]  # the last is the folder that ls reads


def test_threads_of_ours_may_speak_at_once(copy: Path) -> None:
    ended = run(
        """
        def speak(name):
            for number in range(300):
                say(f"{name} {number}")
        with flowing(masks, COPY, heard.append):
            threads = [threading.Thread(target=speak, args=(name,)) for name in "abc"]
            for thread in threads:
                thread.start()
            sh("seq 20000")
            for thread in threads:
                thread.join()
        """,
        copy,
    )

    ours = [line for line in ended.lines if line.startswith("[cloud-run] ")]
    assert [line for line in ended.lines if line not in set(ours)] == [*map(str, range(1, 20001))]
    for name in "abc":
        expected = [f"[cloud-run] {name} {number}" for number in range(300)]
        assert [line for line in ours if line in set(expected)] == expected


@pytest.mark.parametrize("python", ["3.9", "3.10", "3.11", "3.12", "3.13"])
def test_it_runs_on_every_python_that_the_machine_has(python: str, copy: Path) -> None:
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = [*versions.glob(f"{python}.*/bin/python")]
    if not found:
        pytest.skip(f"no Python {python} here")
    script = (
        'with flowing(masks, COPY, heard.append):\n    sh("echo t0p-s3cret")\n    say("ours")\n'
    )

    done = subprocess.run(
        [found[0], "-c", START + script, copy],
        cwd=ROOT,
        capture_output=True,
        timeout=300,
        check=True,
    )

    assert done.stdout.decode().splitlines() == ["***", "[cloud-run] ours"]
