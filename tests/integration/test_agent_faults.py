"""Whatever happens to a machine with an experiment: it ends itself, and says so where it can."""

import contextlib
import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from tests.integration.agent_machine import (
    INSTANCE,
    NOWHERE,
    RUN,
    Account,
    Machine,
    Notified,
    machine_in,
    serving,
)


@pytest.fixture
def machine(tmp_path: Path, account: Account, notified: Notified) -> Iterator[Machine]:
    """A machine that is not yet armed."""
    with machine_in(tmp_path, account, notified) as machine:
        account.reports()
        yield machine


@contextlib.contextmanager
def hanging() -> Iterator[str]:
    """An address that takes connections and never says anything."""
    with socket.create_server(("127.0.0.1", 0), backlog=100) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_a_supervisor_that_is_killed_is_replaced_and_its_experiment_ended(machine: Machine) -> None:
    machine.ask("arm", machine.terms())
    machine.begin(
        "echo begun; setsid sh -c 'echo $$ > daemon; exec sleep 1000' &\necho 1 > out; sleep 1000",
        results_paths=["out"],
    )
    daemon = int(machine.wait_for_text(machine.home / "work/daemon"))
    machine.wait_for_text(machine.home / "work/out")
    os.kill(machine.supervisor(), signal.SIGKILL)
    told = machine.notice()
    final = machine.account.reports()[-1]["detail"]

    assert (told["status"], told["exit_code"]) == ("error", None)
    assert told["reason"] == "the agent was killed"
    assert daemon not in machine.sandbox.processes()
    stored = machine.account.archive(told["archive"])
    assert stored["out"] == b"1\n"
    assert b"begun\n" in stored["experiment.log"]
    assert (final["state"], final["reason"]) == ("failed", "the agent was killed")
    assert final["archive"] == told["archive"]


def test_where_nobody_can_finish_for_a_killed_supervisor_the_machine_ends_all_the_same(
    machine: Machine,
) -> None:
    machine.ask("arm", machine.terms())
    machine.begin("sleep 1000")
    (machine.home / "order.json").write_text('{"run_id": "4f2')
    os.kill(machine.supervisor(), signal.SIGKILL)
    told = machine.notice()

    assert (told["status"], told["run_id"]) == ("error", RUN)
    assert (told["name"], told["instance"]) == ("acme-machine", INSTANCE)
    assert told["reason"] == "the agent was killed"


def test_notes_that_cannot_be_read_end_the_machine(machine: Machine) -> None:
    machine.ask("arm", machine.terms())
    (machine.home / "state.json").write_text('{"run_id": "4f2')
    told = machine.notice()

    assert (told["status"], told["reason"]) == ("error", "the agent's notes cannot be read")


@pytest.mark.parametrize("network", ["refuses", "hangs"])
def test_without_a_network_the_machine_ends_in_time(
    tmp_path: Path, account: Account, network: str
) -> None:
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(hanging()) if network == "hangs" else NOWHERE
        nobody = Notified(f"{url}/")
        nowhere = {"AWS_ENDPOINT_URL": url, "AWS_EC2_METADATA_DISABLED": "false"}
        nowhere["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = url
        machine = stack.enter_context(machine_in(tmp_path, account, nobody, **nowhere))
        # A call of AWS's may hang for minutes: the watchdog ends a supervisor that waits for it.
        times = {"notify": 3, "slack": 30}
        machine.ask("arm", machine.terms(finish_seconds=8, times=times))
        machine.begin("echo done > out", results_paths=["out"])
        machine.ended()

        assert machine.state()["phase"] == "over"
        assert "the notification: " in machine.said()


def test_what_cannot_be_stored_is_an_error_that_is_told(
    tmp_path: Path, account: Account, notified: Notified
) -> None:
    with machine_in(tmp_path, account, notified) as machine:
        machine.ask("arm", machine.terms())
        machine.begin("true", bucket="of-somebody-else")
        told = machine.notice()
        final = account.reports()[-1]["detail"]

    assert (told["status"], told["exit_code"], told["archive"]) == ("error", 0, None)
    assert told["reason"].startswith("log and results are not stored: ")
    assert (final["state"], final["exit_code"]) == ("failed", 0)


def test_s3_that_comes_back_meanwhile_gets_the_archive(
    tmp_path: Path, account: Account, notified: Notified
) -> None:
    answered: list[str] = []

    class Failing(BaseHTTPRequestHandler):
        """S3 that is down for its first requests."""

        def do_HEAD(self) -> None:
            answered.append("HEAD")
            self.send_response(503 if len(answered) <= 4 else 404)
            self.end_headers()

        def do_PUT(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            answered.append("PUT")
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with (
        serving(Failing) as url,
        machine_in(tmp_path, account, notified, AWS_ENDPOINT_URL_S3=url) as machine,
    ):
        machine.ask("arm", machine.terms(finish_seconds=120))
        machine.begin("true")
        told = machine.notice()

    assert told["status"] == "completed", told
    assert answered[-1] == "PUT"


def test_without_a_log_the_experiment_does_not_start(machine: Machine) -> None:
    machine.log.mkdir(parents=True)
    machine.ask("arm", machine.terms())
    machine.begin("touch started; touch ../started")
    told = machine.notice()
    reports = [one["detail"] for one in machine.account.reports()]

    assert told["status"] == "log unwritable"
    assert told["exit_code"] is None
    assert told["reason"] == "the log could not be written: Is a directory"
    assert not (machine.home / "work/started").exists()
    assert [one["state"] for one in reports] == ["failed"]
    assert reports[0]["reason"] == told["reason"]


@pytest.mark.parametrize("how", ["rm", "mv", "truncate", "mkfifo"])
def test_a_log_that_others_remove_or_rotate_is_told_and_the_experiment_goes_on(
    machine: Machine, how: str
) -> None:
    lost = {
        "rm": "rm $log",
        "mv": "mv $log $log.1; echo other > $log",
        "truncate": ": > $log",
        "mkfifo": "rm $log; mkfifo $log",
    }
    machine.ask("arm", machine.terms())
    machine.begin(
        f"log={machine.log}; echo before; sleep 0.5; {lost[how]}; echo after > out",
        results_paths=["out"],
    )
    told = machine.notice()
    stored = machine.account.archive(told["archive"])

    assert (told["status"], told["exit_code"]) == ("log unwritable", 0)
    assert told["reason"].startswith("the log could not be written: ")
    assert stored["out"] == b"after\n"
    # It is stored whole, from what the agent has still open.
    assert how == "truncate" or b"before\n" in stored["experiment.log"]
    assert machine.account.reports()[-1]["detail"]["state"] == "succeeded"


def test_a_log_that_can_grow_no_more_stops_no_experiment(machine: Machine) -> None:
    machine.ask("arm", machine.terms())
    machine.begin(
        "ulimit -f unlimited; head -c 3000000 /dev/zero | tr '\\0' x; echo; echo end > out",
        before="ulimit -S -f 100",
        results_paths=["out"],
    )
    told = machine.notice()

    assert (told["status"], told["exit_code"]) == ("log unwritable", 0)
    assert told["reason"] == "the log could not be written: File too large"
    assert machine.account.archive(told["archive"])["out"] == b"end\n"


def test_a_full_disk_stops_neither_the_experiment_nor_the_machines_end(machine: Machine) -> None:
    """The disk is one of 2 MiB, in a file system that the machine alone sees."""
    if machine.sandbox.run("unshare --mount true", 10).code:
        pytest.skip("a file system of its own takes root, and a kernel that allows it")
    # What it says then is more than what is left of the log's last block.
    script = "head -c 9999999 /dev/zero > fill; head -c 9999 /dev/zero | tr '\\0' x; exit 7"
    files = {"terms": machine.terms(), "order": machine.order(script)}
    for name, told in files.items():
        (machine.sandbox.root / "tmp" / name).write_text(json.dumps(told))
    done = machine.sandbox.run(
        """
        cp "$CLOUD_RUNNER_ROOT/var/lib/cloud-runner/agent.pyz" "$TMPDIR"
        exec unshare --mount sh -ec '
            mount -t tmpfs -o size=2m none "$CLOUD_RUNNER_ROOT/var"
            folder="$CLOUD_RUNNER_ROOT/var/lib/cloud-runner"
            mkdir -p "$folder"
            cp "$TMPDIR/agent.pyz" "$folder"
            python3 "$folder/agent.pyz" arm < "$TMPDIR/terms"
            python3 "$folder/agent.pyz" begin < "$TMPDIR/order"
        '
        """,
        60,
    )
    told = machine.notice()

    assert done.stdout.endswith(b'{"begun": true}\n'), done.stderr
    assert (told["status"], told["exit_code"]) == ("log unwritable", 7)
    assert told["reason"] == "the log could not be written: No space left on device"
    assert b"the log begins\n" in machine.account.archive(told["archive"])["experiment.log"]
    assert machine.account.reports()[-1]["detail"]["exit_code"] == 7


def test_at_its_deadline_the_machine_stops_its_experiment_and_ends(machine: Machine) -> None:
    machine.ask("arm", machine.terms())
    script = "trap 'echo saved > out; exit 0' TERM; sleep 1000 & touch ready; wait"
    machine.begin(script, results_paths=["out"])
    machine.wait((machine.home / "work/ready").exists, "it does not begin")
    machine.ask("arm", machine.terms(max_seconds=0.2))
    told = machine.notice()

    assert told["status"] == "error"
    assert told["reason"].startswith("the machine's time is over (")
    assert machine.account.archive(told["archive"])["out"] == b"saved\n"


def test_at_its_deadline_a_supervisor_that_hangs_is_not_waited_for(machine: Machine) -> None:
    machine.ask("arm", machine.terms())
    machine.begin("sleep 1000")
    os.kill(machine.supervisor(), signal.SIGSTOP)
    times = {"stop": 0.5, "slack": 0.5}
    machine.ask("arm", machine.terms(max_seconds=0.2, finish_seconds=1, times=times))
    told = machine.notice()

    assert (told["status"], told["run_id"]) == ("error", RUN)
    assert told["reason"].startswith("the machine's time is over (")
    # It is not to end the machine a second time, or to store half of something.
    machine.wait(lambda: machine.sandbox.supervisor is None, "the supervisor lives")


def test_storing_that_takes_too_long_is_not_waited_for(
    tmp_path: Path, account: Account, notified: Notified
) -> None:
    with (
        hanging() as s3,
        machine_in(tmp_path, account, notified, AWS_ENDPOINT_URL_S3=s3) as machine,
    ):
        machine.ask("arm", machine.terms())
        machine.begin("while [ ! -e go ]; do sleep 0.05; done")
        supervisor = machine.supervisor()
        (machine.home / "work/go").touch()
        machine.wait_for_phase("finishing")
        os.kill(supervisor, signal.SIGSTOP)
        machine.ask("arm", machine.terms(finish_seconds=1, times={"slack": 0.5}))
        told = machine.notice()

    assert told["reason"] == "storing and telling took longer than 1 s"


def test_nobody_came(machine: Machine) -> None:
    machine.ask("arm", machine.terms(idle_seconds=0.6))
    told = machine.notice()

    assert (told["status"], told["run_id"], told["archive"]) == ("error", None, None)
    assert told["reason"] == "there was no experiment for 0.01 minutes"
    assert (told["name"], told["instance"], told["minutes"]) == ("acme-machine", INSTANCE, 1)


def test_a_machine_with_nothing_to_do_ends_at_its_deadline(machine: Machine) -> None:
    machine.ask("arm", machine.terms(max_seconds=0.5))
    told = machine.notice()

    assert (told["status"], told["run_id"]) == ("completed", None)
    assert told["reason"].startswith("the machine's time is over (")
    assert told["reason"].endswith("), and no experiment is on it")


def test_a_kept_machine_ends_at_its_deadline(machine: Machine) -> None:
    machine.ask("arm", machine.terms())
    machine.begin("true", afterwards="keep")
    machine.wait_for_phase("over")
    machine.ask("arm", machine.terms(max_seconds=1, idle_seconds=0.1, afterwards="keep"))
    machine.ended()
    first, last = machine.notified.received

    assert (first["status"], first["run_id"]) == ("completed", RUN)
    assert first["reason"].startswith("the machine is kept until 20")
    assert (last["status"], last["run_id"]) == ("completed", None)
    assert last["reason"].startswith("the machine's time is over (")


def test_a_kept_machine_that_is_kept_no_longer_waits_only_for_so_long(machine: Machine) -> None:
    machine.ask("arm", machine.terms(afterwards="keep"))
    machine.begin("true", afterwards="keep")
    machine.wait_for_phase("over")
    machine.ask("arm", machine.terms(idle_seconds=0.6, afterwards="terminate"))
    machine.ended()
    last = machine.notified.received[-1]

    assert (last["status"], last["run_id"]) == ("error", None)
    assert last["reason"] == "there was no experiment for 0.01 minutes"


@pytest.mark.parametrize("begun", [True, False])
def test_a_shutdown_that_does_not_work_is_told_and_other_ways_are_tried(
    machine: Machine, begun: bool
) -> None:
    machine.sandbox.command("shutdown", "#!/bin/sh\necho no >&2; exit 1\n")
    times = {"shutdown": 0.5}
    machine.ask("arm", machine.terms(max_seconds=3600 if begun else 0.2, times=times))
    if begun:
        machine.begin("true")
    machine.ended()
    # It goes on telling until it is off.
    first, second, *_ = machine.notified.received

    assert first["status"] == "completed"
    assert second["status"] == "not terminated"
    assert second["reason"] == "shutdown does not work (attempt 1)"
    assert second["run_id"] == (RUN if begun else None)
    assert machine.sandbox.shutdown_calls[0] == "poweroff -f"


def test_a_shutdown_that_hangs_is_told_as_well(machine: Machine) -> None:
    for name in ("shutdown", "poweroff", "halt"):
        machine.sandbox.command(name, "#!/bin/sh\nexit 0\n")
    machine.ask("arm", machine.terms(max_seconds=0.2, times={"shutdown": 0.5}))
    machine.wait(lambda: len(machine.notified.of("not terminated")) >= 3, "it does not tell")
    reasons = [one["reason"] for one in machine.notified.of("not terminated")]

    assert reasons[:3] == [f"shutdown does not work (attempt {number})" for number in (1, 2, 4)]


def test_a_machine_that_was_rebooted_finishes_what_there_is_and_ends(machine: Machine) -> None:
    machine.ask("arm", machine.terms())
    machine.begin("echo begun; echo 1 > out; sleep 1000", results_paths=["out"])
    machine.wait_for_text(machine.home / "work/out")
    machine.sandbox.power_off()
    machine.sandbox.start()
    told = machine.notice()

    assert told["status"] == "error"
    assert told["reason"] == "the machine was started again meanwhile"
    assert machine.account.archive(told["archive"])["out"] == b"1\n"


def test_a_deadline_survives_a_reboot_and_leaves_time_to_arm_anew(machine: Machine) -> None:
    machine.ask("arm", machine.terms(max_seconds=1, times={"boot": 3600, "tick": 30}))
    machine.sandbox.power_off()
    time.sleep(1)  # its time goes by while it is off
    machine.sandbox.start()
    machine.wait(lambda: machine.ask("check")["watchdog"], "nothing watches")
    early = machine.sandbox.asked_to_end
    machine.ask("arm", machine.terms(max_seconds=3600))
    machine.sandbox.power_off()
    machine.sandbox.start()
    machine.wait(lambda: machine.ask("check")["watchdog"], "nothing watches")

    assert not early
    assert not machine.sandbox.asked_to_end


def test_a_machine_that_was_stopped_after_its_experiment_may_be_started_again(
    machine: Machine,
) -> None:
    machine.ask("arm", machine.terms(afterwards="stop"))
    machine.begin("true", afterwards="stop", run_id="first")
    machine.ended()
    machine.sandbox.power_off()
    machine.sandbox.start()
    machine.ask("arm", machine.terms())
    machine.begin("true", run_id="second")
    machine.ended()

    assert [one["run_id"] for one in machine.notified.received] == ["first", "second"]


def test_a_system_that_shuts_down_lets_the_supervisor_finish(machine: Machine) -> None:
    machine.ask("arm", machine.terms(times={"stop": 0.5}))
    # All are asked to end at once: an experiment that is faster would have ended of its own.
    script = "trap '' TERM; echo begun; echo 1 > out; sleep 1000"
    machine.begin(script, results_paths=["out"])
    machine.wait_for_text(machine.home / "work/out")
    machine.sandbox.power_off(grace_seconds=120)
    (told,) = machine.notified.received

    assert (told["status"], told["reason"]) == ("error", "the machine was shut down")
    assert machine.account.archive(told["archive"])["out"] == b"1\n"


def test_a_spot_machine_that_is_taken_away_stores_what_there_is(
    tmp_path: Path, account: Account, notified: Notified
) -> None:
    taken: list[bool] = []

    class Metadata(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            self._say("a-token")

        def do_GET(self) -> None:
            if not taken or self.headers["X-aws-ec2-metadata-token"] != "a-token":
                self.send_error(404)
            elif self.path == "/latest/meta-data/spot/instance-action":
                self._say('{"action": "terminate", "time": "2026-11-21T18:02:00Z"}')

        def _say(self, text: str) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            pass

    with serving(Metadata) as url:
        asked = {"AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": url}
        with machine_in(tmp_path, account, notified, **asked) as machine:
            machine.ask("arm", machine.terms())
            machine.begin("echo 1 > out; sleep 1000", results_paths=["out"])
            machine.wait_for_text(machine.home / "work/out")
            taken.append(True)
            told = machine.notice()

            assert told["status"] == "error"
            assert told["reason"] == (
                "spot interruption: the machine is taken away (terminate at 2026-11-21T18:02:00Z)"
            )
            assert account.archive(told["archive"])["out"] == b"1\n"


def test_a_watchdog_that_is_killed_is_started_again_by_the_supervisor(machine: Machine) -> None:
    machine.ask("arm", machine.terms())
    machine.begin("sleep 1000")
    first = machine.watchdog()
    os.kill(first, signal.SIGKILL)
    machine.wait(lambda: machine.watchdog() != first and machine.ask("check")["watchdog"], "none")
    os.kill(machine.supervisor(), signal.SIGKILL)

    assert machine.notice()["reason"] == "the agent was killed"


def test_a_supervisor_ends_the_machine_without_its_watchdog_too(machine: Machine) -> None:
    machine.ask("arm", machine.terms())
    os.kill(machine.watchdog(), signal.SIGSTOP)
    machine.begin("true")

    assert machine.notice()["status"] == "completed"
    assert machine.sandbox.shutdown_calls == ["shutdown -h now"]


def test_an_old_watchdog_lives_until_there_is_another_process_to_replace_it(
    machine: Machine,
) -> None:
    machine.ask("arm", machine.terms())
    first = machine.watchdog()
    log = machine.home / "watch.log"
    log.unlink()
    log.mkdir()
    done = machine.call("arm", machine.terms())
    still = machine.watchdog(), machine.ask("check")["watchdog"]
    log.rmdir()
    machine.ask("arm", machine.terms())

    assert done.code == 1
    assert still == (first, True)
    assert machine.watchdog() != first
    assert first not in machine.sandbox.processes()


def test_a_machine_that_is_given_back_ends_no_more(machine: Machine) -> None:
    machine.ask("arm", machine.terms(idle_seconds=60))
    answer = machine.ask("disarm")
    machine.sandbox.start()

    assert answer == {"watchdog": False}
    assert not machine.sandbox.processes()
    check = machine.ask("check")
    assert (check["watchdog"], check["ends_at"]) == (False, None)


def test_a_machine_with_an_experiment_is_not_given_back(machine: Machine) -> None:
    machine.ask("arm", machine.terms())
    machine.begin("sleep 1000")
    done = machine.call("disarm")

    assert (done.code, json.loads(done.stdout)) == (3, {"busy": RUN})
    assert machine.ask("check")["watchdog"]


def test_what_was_never_armed_is_given_back_already(machine: Machine) -> None:
    assert machine.ask("disarm") == {"watchdog": False}


def test_there_is_one_watchdog_at_a_time(machine: Machine) -> None:
    machine.ask("arm", machine.terms())
    first = machine.watchdog()
    second = machine.call("watch")

    assert second.code == 3
    assert machine.watchdog() == first


def test_a_notification_is_tried_again_until_somebody_takes_it(machine: Machine) -> None:
    machine.notified.answers += [500, 429, 200]
    machine.ask("arm", machine.terms(times={"notify": 30}))
    machine.begin("true")
    machine.ended()

    assert len(machine.notified.received) == 3


@pytest.mark.parametrize("status", [302, 404])
def test_a_notification_that_nobody_wants_is_not_sent_again_or_elsewhere(
    machine: Machine, status: int
) -> None:
    machine.notified.answers += [status] * 9
    machine.ask("arm", machine.terms())
    machine.begin("true")
    machine.ended()

    assert len(machine.notified.received) == 1
    assert f"HTTP Error {status}" in machine.said()
