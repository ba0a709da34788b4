"""What a machine does at boot and every few minutes, run here with commands that stand for AWS."""

import json
import os
import shutil
import subprocess
import time
import zipfile
from pathlib import Path

import pytest

from tests.contracts.compute_stack import Deployment
from tests.integration.booted_machine import Machine, machine_in

WORKS = "print('works')"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return machine_in(tmp_path, "disk")


def _output(folder: Path) -> str:
    done = subprocess.run(
        ["python3", folder / "job.pyz"], capture_output=True, text=True, check=True, timeout=120
    )
    return done.stdout.strip()


def test_the_first_fetch_brings_a_program_that_anybody_may_read_and_run(machine: Machine) -> None:
    machine.upload(WORKS)
    done = machine.fetch()

    assert done.returncode == 0, done.stderr
    assert _output(machine.current) == "works"
    assert machine.current.is_symlink()
    assert {machine.current.resolve().name} == machine.versions
    assert machine.current.resolve().stat().st_mode & 0o777 == 0o755
    assert (machine.current / "job.pyz").stat().st_mode & 0o777 == 0o644


def test_an_unchanged_program_is_not_fetched_again(machine: Machine) -> None:
    machine.upload(WORKS)
    machine.fetch()
    done = machine.fetch()

    assert done.returncode == 0, done.stderr
    assert machine.calls.count("get-object") == 1


def test_a_changed_program_is_for_new_jobs_and_old_ones_keep_theirs(machine: Machine) -> None:
    machine.upload(WORKS)
    machine.fetch()
    mounted = machine.current.resolve()
    machine.upload("print('works better')")
    done = machine.fetch()

    assert done.returncode == 0, done.stderr
    assert _output(machine.current) == "works better"
    assert _output(mounted) == "works"
    assert machine.versions == {mounted.name, machine.current.resolve().name}


def test_a_version_goes_a_month_after_another_one_came(machine: Machine) -> None:
    machine.upload(WORKS)
    machine.fetch()
    first = machine.current.resolve()
    long_ago = time.time() - 40 * 86400
    os.utime(first, (long_ago, long_ago))
    machine.upload("print('second')")
    machine.fetch()
    just_replaced = first.exists()
    os.utime(first, (long_ago, long_ago))
    machine.upload("print('third')")
    machine.fetch()

    assert just_replaced
    assert not first.exists()
    assert len(machine.versions) == 2


def test_the_program_goes_back_to_an_earlier_one(machine: Machine) -> None:
    for code in (WORKS, "print('worse')", WORKS):
        machine.upload(code)
        machine.fetch()

    assert _output(machine.current) == "works"
    assert len(machine.versions) == 2


@pytest.mark.parametrize("damage", ["cut off", "no zip", "no program"])
def test_a_broken_program_is_refused_and_the_old_one_stays(machine: Machine, damage: str) -> None:
    machine.upload(WORKS)
    machine.fetch()
    machine.upload("print('never')")
    key = machine.site / "bucket/program/job.pyz"
    if damage == "no zip":
        key.write_text("<html>")
    if damage == "no program":
        with zipfile.ZipFile(key, "w") as packed:
            packed.writestr("other.py", "")
    done = machine.fetch(**({"SITE_BYTES": "40"} if damage == "cut off" else {}))

    assert done.returncode != 0
    assert done.stderr
    assert _output(machine.current) == "works"
    assert len(machine.versions) == 1
    assert not list(machine.program.glob("new.*"))


def test_a_program_that_was_refused_is_fetched_again(machine: Machine) -> None:
    machine.upload(WORKS)
    refused = machine.fetch(SITE_BYTES="40")
    done = machine.fetch()

    assert refused.returncode != 0
    assert done.returncode == 0, done.stderr
    assert _output(machine.current) == "works"


def test_while_s3_is_away_the_program_stays_and_the_fetch_fails(machine: Machine) -> None:
    machine.upload(WORKS)
    machine.fetch()
    (machine.site / "away").touch()
    done = machine.fetch()

    assert done.returncode != 0
    assert _output(machine.current) == "works"


def test_a_machine_becomes_fit_for_jobs(machine: Machine) -> None:
    machine.upload(WORKS)
    done = machine.run("cloud-runner-machine")
    cache = machine.site / "cache"
    told = json.loads((machine.current / "machine.json").read_text())

    assert done.returncode == 0, done.stderr
    assert told == {"instanceType": "g5.xlarge", "region": "eu-west-1", "lifeCycle": "spot"}
    assert cache.stat().st_mode & 0o7777 == 0o2775
    assert f"install -d -g 10001 -m 2775 {cache}" in machine.calls
    assert "ip rule add priority 100 to 169.254.169.254 uidrange 1-4294967294 prohibit" in (
        machine.calls
    )
    assert not any(call.startswith(("mount", "dnf")) for call in machine.calls)
    docker = json.loads((machine.site / "docker/daemon.json").read_text())
    assert docker == {"userland-proxy": False, "no-new-privileges": True}
    assert "systemctl restart docker" in machine.calls


def test_a_machine_that_boots_without_s3_is_not_fit_and_tries_again(machine: Machine) -> None:
    machine.upload(WORKS)
    (machine.site / "away").touch()
    first = machine.run("cloud-runner-machine")
    had_a_program = machine.current.exists()
    (machine.site / "away").unlink()
    second = machine.run("cloud-runner-machine")

    assert first.returncode != 0
    assert not had_a_program
    assert second.returncode == 0, second.stderr
    assert _output(machine.current) == "works"


def test_a_shared_cache_is_mounted_or_the_machine_is_not_fit(tmp_path: Path) -> None:
    machine = machine_in(tmp_path, "efs")
    machine.upload(WORKS)
    (machine.site / "no-mount").touch()
    without = machine.run("cloud-runner-machine")
    had_a_program = machine.current.exists()
    (machine.site / "no-mount").unlink()
    mounted = machine.run("cloud-runner-machine")
    (call,) = (call for call in machine.calls if call.startswith("mount "))

    assert without.returncode != 0
    assert not had_a_program
    assert machine.site.joinpath("cache").stat().st_mode & 0o7777 == 0o755
    assert mounted.returncode == 0, mounted.stderr
    assert call == (
        "mount -t efs -o tls,iam,noresvport,accesspoint=@CacheAccessPoint @CacheFileSystem "
        f"{machine.site}/cache"
    )


def test_the_agent_starts_after_the_machine_is_fit_or_not_at_all() -> None:
    written = Deployment({"StopSeconds": "80"}).boot_files
    agent = written["/etc/systemd/system/ecs.service.d/cloud-runner.conf"].splitlines()

    assert "Requires=cloud-runner-machine.service" in agent
    assert "After=cloud-runner-machine.service" in agent
    assert "AssertPathExists=/var/lib/cloud-runner/program/current/job.pyz" in agent
    assert written["/etc/ecs/ecs.config"].splitlines() == [
        "ECS_ENABLE_SPOT_INSTANCE_DRAINING=true",
        "ECS_CONTAINER_STOP_TIMEOUT=80s",
    ]


def _in_a_network_of_its_own(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["unshare", "--net", "bash", "-ec", script],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_only_root_reaches_the_metadata_service() -> None:
    possible = "ip link add inner type veth peer name outer; ip rule list"
    if shutil.which("unshare") is None or _in_a_network_of_its_own(possible).returncode:
        pytest.skip("a network of its own takes root, and a kernel that allows it")
    script = Deployment({}).boot_files["/usr/local/sbin/cloud-runner-machine"]
    rules = "\n".join(line for line in script.splitlines() if line.startswith("ip rule "))
    route = "ip route get {} uid {} &> /dev/null && echo {} {} || true"
    asked = [
        route.format(address, user, address, user)
        for address in ("169.254.169.254", "169.254.170.2")
        for user in (0, 1, 10001, 65534)
    ]
    network = """
        ip link add inner type veth peer name outer
        ip address add 10.0.0.2/24 dev inner
        ip link set inner up
        ip link set outer up
        ip route add default via 10.0.0.1
    """
    done = _in_a_network_of_its_own("\n".join([network, rules, rules, *asked]))

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "169.254.169.254 0",
        "169.254.170.2 0",
        "169.254.170.2 1",
        "169.254.170.2 10001",
        "169.254.170.2 65534",
    ]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here")
def test_systemd_reads_the_units(tmp_path: Path) -> None:
    units = []
    for path, text in Deployment({}).boot_files.items():
        if path.endswith((".service", ".timer")):
            unit = tmp_path / Path(path).name
            # It looks whether the program of a unit is there.
            unit.write_text(text.replace("/usr/local/sbin/cloud-runner-program", "/bin/true"))
            units.append(unit)
    done = subprocess.run(
        ["systemd-analyze", "verify", *units],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert len(units) == 3
    assert (done.returncode, done.stderr) == (0, "")
