"""What the files and options of a sweep ask for."""

from pathlib import Path

import pytest

from cli.sweep.config import Plan, differences, read
from cli.sweep.domains import Between
from cli.sweep.options import LEFT_ASIDE, OPTIONS
from shared.space import parse

LORIEN = """
batch:
    target: llvm -mcpu=skylake-avx512 -libs=cblas
    job_queue: tuning-c5-job-queue
    job_def: tuning-job-cpu:1
    job_bucket: saved-tuning-logs/job-queue
tuner: random
ntrial: 16
test: 1
repeat: 10
min: 1
commit-nbest: 20
commit-table-name: tuning
commit-log-to: saved-tuning-logs/x86-skylake
"""
SPACE = "space: {lr: [0.1, 0.01], depth: {range: [2, 8]}}"


class Files:
    """Files of a sweep in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, *texts: str, sets: tuple[str, ...] = ()) -> list[Plan]:
        words = []
        for number, text in enumerate(texts, 1):
            path = self.folder / f"file{number}.yaml"
            path.write_text(text, encoding="utf-8")
            words.append(f"@{path}")
        return read(words, sets)

    def one(self, *texts: str, sets: tuple[str, ...] = ()) -> Plan:
        (plan,) = self(*texts, sets=sets)
        return plan


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def test_a_file_in_loriens_form_runs_as_it_stands(files: Files) -> None:
    workloads = "objective: min latency\nworkload:\n- '!!python/object:x {a: [1, 2]}'\n- two\n"

    plan = files.one(LORIEN, workloads, sets=("space.tile=[1, 2, 4, 8, 16, 32, 64, 128, 256]",))

    assert (plan.target, plan.job_queue, plan.job_def) == (
        "llvm -mcpu=skylake-avx512 -libs=cblas",
        "tuning-c5-job-queue",
        "tuning-job-cpu:1",
    )
    assert (plan.strategy, plan.trials, plan.objective, plan.direction) == (
        "random",
        16,
        "latency",
        "minimize",
    )
    assert (plan.commit_table, plan.nbest) == ("tuning", 20)
    assert plan.log_to == "s3://saved-tuning-logs/x86-skylake"
    assert plan.space is not None
    assert plan.space.size == 18
    assert plan.left_aside == ("min", "repeat", "test")
    assert plan.name == "file1"


def test_keys_with_a_dot_are_the_same(files: Files) -> None:
    nested = files.one(LORIEN, "objective: min x", SPACE)
    dotted = files.one(
        "batch.target: llvm -mcpu=skylake-avx512 -libs=cblas\n"
        "batch.job-queue: tuning-c5-job-queue\nbatch.job_def: 'tuning-job-cpu:1'\n"
        + LORIEN[LORIEN.index("tuner") :],
        "objective: min x",
        "space.lr: [0.1, 0.01]\nspace.depth: {range: [2, 8]}",
    )

    assert dotted == nested


def test_each_target_has_a_plan_with_a_queue_of_its_own(files: Files) -> None:
    cpu, gpu = files(
        "batch:\n- {target: cpu, job_queue: a, job_def: d:3}\n- {target: cuda, job_queue: b}\n"
        + SPACE,
        sets=("batch.job_def=other",),
    )

    assert (cpu.target, cpu.job_queue, cpu.job_def) == ("cpu", "a", "other")
    assert (gpu.target, gpu.job_queue, gpu.job_def) == ("cuda", "b", "other")
    assert cpu.space == gpu.space


def test_every_option_finds_its_place(files: Files) -> None:
    plan = files.one(
        """
        space: lr=0.1,0.01 depth=range(2,8)
        tuner: bayes
        ntrial: 1_0
        objective: accuracy
        direction: max
        command: python3 train.py {args}
        job_queue: arn:aws:batch:eu-west-1:123456789012:job-queue/gpu
        job_def: arn:aws:batch:eu-west-1:123456789012:job-definition/tuner:7
        concurrency: 50
        retries: 2
        time-limit: 1h30m
        budget: 20h
        tolerate: 5%
        gpus: 0
        memory: 8192
        vcpus: 4
        inputs: s3://bucket/data/
        outputs: out
        commit-table-name: tuning
        commit-nbest: 5
        commit-log-to: s3://bucket/logs/
        name: 2026
        repository: Team/Churn
        ref: 7e12345
        seed: 7
        """
    )

    assert plan == Plan(
        strategy="bayes",
        trials=10,
        space=plan.space,
        seed=7,
        objective="accuracy",
        name="2026",
        job_queue="arn:aws:batch:eu-west-1:123456789012:job-queue/gpu",
        job_def="arn:aws:batch:eu-west-1:123456789012:job-definition/tuner:7",
        command="python3 train.py {args}",
        repository="team/churn",
        ref="7e12345",
        concurrency=50,
        retries=2,
        time_limit_seconds=5400,
        budget_seconds=72_000,
        tolerate_percent=5,
        gpus=0,
        memory_mib=8192,
        vcpus=4,
        input_uri="s3://bucket/data/",
        output_dir="out",
        commit_table="tuning",
        nbest=5,
        log_to="s3://bucket/logs",
    )
    assert plan.space is not None
    assert dict(plan.space.parameters) == dict(parse("lr=0.1,0.01 depth=range(2,8)").parameters)


def test_a_bayesian_search_does_not_send_all_at_once(files: Files) -> None:
    bayes = files.one(SPACE, "tuner: bayes\nobjective: x")
    told = files.one(SPACE, "tuner: bayes\nobjective: x\nconcurrency: 200")

    assert (bayes.concurrency, told.concurrency, files.one(SPACE).concurrency) == (10, 200, None)


def test_later_files_win_and_options_win_over_all(files: Files) -> None:
    plan = files.one(
        "ntrial: 1\ntuner: random\nseed: 1\nspace: {a: [1, 2], b: [1, 2]}",
        "trials: 2\nspace: {b: [3, 4, 5]}\nretries: 3",
        "retries: null",
        sets=("strategy=random", "trials=3"),
    )

    assert (plan.trials, plan.seed, plan.retries) == (3, 1, 0)
    assert plan.space is not None
    assert plan.space.size == 6


def test_the_forms_of_a_space(files: Files) -> None:
    plan = files.one(
        """
        ntrial: 5
        space:
          listed: [0.1, 1e-2, 3, "3", on, no, true, null, 007, 2026-11-21, 1:30]
          chosen: {choice: [relu, tanh]}
          alone: resnet
          ranged: {range: [2, 8]}
          stepped: {range: [0, 0.5, 0.1]}
          called: range(2, 8, 2)
          even: {linspace: [0, 1, 5]}
          ratio: {logspace: [1e-5, 1, 6]}
          whole: {int: [1, 4]}
          multiple: {quniform: [0, 1, 0.25]}
          between: {uniform: [-5, 10]}
          powers: {loguniform: [1e-5, 1]}
        """
    )

    assert plan.strategy == "random"
    assert plan.space is not None
    found = {
        name: domain
        if isinstance(domain, Between)
        else [domain.at(index) for index in range(domain.size)]
        for name, domain in plan.space.parameters.items()
    }
    assert found == {
        "listed": [0.1, 0.01, 3, "3", "on", "no", True, None, "007", "2026-11-21", "1:30"],
        "chosen": ["relu", "tanh"],
        "alone": ["resnet"],
        "ranged": [2, 3, 4, 5, 6, 7],
        "stepped": [0.0, 0.1, 0.2, 0.3, 0.4],
        "called": [2, 4, 6],
        "even": [0.0, 0.25, 0.5, 0.75, 1.0],
        "ratio": [1e-05, 0.0001, 0.001, 0.01, 0.1, 1.0],
        "whole": [1, 2, 3, 4],
        "multiple": [0.0, 0.25, 0.5, 0.75, 1.0],
        "between": Between(-5.0, 10.0),
        "powers": Between(1e-05, 1.0, log=True),
    }


def test_points_may_be_written_out(files: Files) -> None:
    plan = files.one("points: [{lr: 1e-3, act: 'on'}, {trees: 5}, {lr: 1e-3, act: null}]")

    assert (plan.strategy, plan.trials, plan.space) == ("list", 3, None)
    assert plan.points == ({"lr": 0.001, "act": "on"}, {"trees": 5}, {"lr": 0.001, "act": None})


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("p.csv", '\ufefflr,act\n0.1,"a, b"\n\n1e-5,null\n'),
        ("p.csv", 'lr,act\r\n0.1,"a, b"\r\n1e-5,NULL'),
        ("p.jsonl", '{"lr": 0.1, "act": "a, b"}\n\n{"lr": 1e-5, "act": null}'),
    ],
)
def test_points_may_stand_in_a_file_beside_the_one_that_names_it(
    name: str, content: str, files: Files
) -> None:
    (files.folder / name).write_text(content, encoding="utf-8", newline="")

    plan = files.one(f"points-file: {name}")

    assert plan.points == ({"lr": 0.1, "act": "a, b"}, {"lr": 1e-05, "act": None})


def test_anchors_and_merges_are_yamls(files: Files) -> None:
    plan = files.one(
        "space: {a: &few [1, 2], b: *few}\nbatch: {<<: {target: cpu, job_queue: q}, target: gpu}"
    )

    assert (plan.target, plan.job_queue, plan.trials) == ("gpu", "q", 4)


def test_a_fingerprint_changes_with_what_decides_about_points_and_results(files: Files) -> None:
    first = files.one(SPACE, "tuner: random\nntrial: 5\nseed: 1\nretries: 1")
    same = files.one(SPACE, "tuner: random\nntrial: 8\nseed: 1\nretries: 2\nbudget: 1h\nvcpus: 2")
    other = files.one(
        SPACE.replace("0.01", "0.02"), "tuner: random\nntrial: 5\nseed: 2\ncommand: python3 x.py"
    )

    assert first.fingerprint() == same.fingerprint()
    assert differences(first.fingerprint(), other.fingerprint()) == ["command", "seed", "space.lr"]


def test_the_table_of_options_names_every_key_once() -> None:
    names = [name for option in OPTIONS for name in (option.name, *option.other)]
    spelled = [name.replace("_", "-") for name in (*names, *LEFT_ASIDE)]

    assert len(set(spelled)) == len(spelled)
    assert all(option.takes and option.meaning.endswith((".", ";", "0.")) for option in OPTIONS)
