"""What the job's benchmark reads off a log and off a cache, and how it compares."""

from tests.benchmarks.job_bare import commands
from tests.benchmarks.job_bytes import came
from tests.benchmarks.job_speed import ratios, steps

LOG = """\
[cloud-run] clone team/parts: started
[cloud-run] clone team/parts: done seconds=0.2
Running stage 'train':
[cloud-run] no step: done seconds=9.9 or so
[cloud-run] push data: failed seconds=1.0
[cloud-run] push data: done seconds=0.5
train: done seconds=7.0
"""


def test_steps_are_read_from_the_programs_own_lines_about_what_went_well() -> None:
    assert steps(LOG) == {"clone team/parts": 0.2, "push data": 0.5}


def test_a_ratio_is_one_of_runs_that_followed_each_other() -> None:
    # The second round met a busy machine, on both sides.
    middle, least, greatest = ratios([1.0, 30.0, 1.2], [1.0, 20.0, 1.0])

    assert (middle, least, greatest) == (1.2, 1.0, 1.5)


def test_what_a_stage_has_made_did_not_come_from_the_remote() -> None:
    assert (
        came({"files/md5/aa/1", "files/md5/bb/2"}, {"files/md5/aa/1": 5, "files/md5/cc/3": 7}) == 5
    )


def test_the_bare_commands_bring_results_to_safety_before_they_look_at_them() -> None:
    for experiment in (False, True):
        listed = commands("http://host/team/parts.git", "c" * 40, "train", experiment=experiment)

        names = [command.name for command in listed]
        assert names.index("dvc push") < names.index("git push")
        assert [command.report for command in listed] == sorted(
            command.report for command in listed
        )
        assert listed[2].words[-1] == "train"
