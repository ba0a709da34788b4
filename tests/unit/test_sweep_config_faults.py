"""What is wrong with the files of a sweep is told at once, with its place and what to write."""

import re
from pathlib import Path

import click
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cli.sweep import spaces_points
from cli.sweep.config import ConfigError, read
from tests.unit.cpu_time import at_most

SPACE = "space: {lr: [0.1, 0.01]}\n"


def told(folder: Path, *texts: str, sets: tuple[str, ...] = ()) -> str:
    """What is said of files that cannot be, without the folder's name."""
    words = []
    for number, text in enumerate(texts, 1):
        (folder / f"f{number}.yaml").write_text(text, encoding="utf-8")
        words.append(f"@{folder}/f{number}.yaml")
    with pytest.raises(ConfigError) as error:
        read(words, sets)
    assert error.value.exit_code == 2
    return error.value.format_message().replace(f"{folder}/", "")


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("a: [1, 2", "f1.yaml:2:1: this is no YAML: did not find expected ',' or ']'"),
        ("a: b: c", "f1.yaml:1:5: this is no YAML: mapping values are not allowed"),
        ("ntrial: 5\n\tx: 1", "f1.yaml:2:1: this is no YAML: found a tab character"),
        ("a: 1\n---\nb: 2", "this is no YAML: but found another document"),
        ("a: \x01", "f1.yaml: this is no YAML"),
        ("a: *b", "this is no YAML: found undefined alias"),
        ("", "f1.yaml: this is empty: write options, as ntrial: 100"),
        ("# only a comment", "f1.yaml: this is empty"),
        ("just words", "f1.yaml: this is no mapping"),
        ("- a\n- b", "f1.yaml: this is no mapping"),
        ("ntrial: 1\nseed: 2\nntrial: 3", "f1.yaml:3: 'ntrial' stands here and on line 1"),
        ("ntrial: !!int 3", "f1.yaml:1: the tag !!int is not known here: leave it out"),
        ("a: !!python/object:os.system {}", "f1.yaml:1: the tag !!python/object:os.system"),
        ("[a, b]: 1", "f1.yaml:1: a key is a word"),
        ("space: &a {x: *a}", "f1.yaml:1: an alias stands inside what it names"),
        ("<<: 3", "<< takes a mapping"),
        ("space: " + "[" * 30 + "]" * 30, "nested deeper than 20"),
        ("space: " + "[" * 50_000, "nested deeper than 20"),
    ],
    ids=lambda text: text[:30],
)
def test_a_file_that_cannot_be_read_is_told_with_its_line(
    text: str, answer: str, tmp_path: Path
) -> None:
    if text.count("[") == 50_000:
        text += "]" * 50_000

    assert answer in told(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (SPACE + "ntrail: 5", "f1.yaml:2: unknown key 'ntrail': write ntrial"),
        (SPACE + "commit_table: x", "unknown key 'commit_table': write commit-table-name"),
        (SPACE + "job-que: x", "unknown key 'job-que': write job_queue"),
        (SPACE + "batch: {targte: x}", "f1.yaml:2: unknown key 'targte': write target"),
        (SPACE + "batch.queue: x", "unknown key 'queue': write job_queue"),
        (SPACE + "tuner.kind: x", "unknown key 'tuner.kind': write tuner"),
        (
            SPACE + "commit-nbest: 1\ncommit_nbest: 1",
            "f1.yaml:3: 'commit_nbest' was said already, by another name (f1.yaml:2)",
        ),
        (SPACE + "ntrial: 1\ntrials: 1", "'trials' was said already, by another name"),
        (SPACE + "batch: {job_def: a, job-def: b}", "'job-def' was said already"),
        ("tuner: grid", "there are no points: write space: {lr: [0.1, 0.01]}"),
        ("space: {}", "a space has parameters"),
        ("space: [1]", "a space has parameters"),
        ("space: ''", "a sweep needs parameters"),
        ("space: lr=range(2,2)", "lr: range(2,2,1) has no points"),
        ("space: {lr: []}", "f1.yaml:1: lr has no values"),
        ("space: {lr: [1, 1]}", "lr has the value 1 twice"),
        ("space: {lr: [[1, 2]]}", "lr: a value is a number, true, false, null or a text"),
        ("space: {lr: [.nan]}", None),
        ("space: {lr: [nan]}", "write 'nan' for the text"),
        ("space: {'l r': [1]}", "no parameter's name"),
        ("space: {lr: '0.1, 0.2', a: 1}", None),
        ("space:\n  lr: 0.1, 0.2", 'f1.yaml:2: lr is one text, "0.1, 0.2": write a list'),
        ("space: {lr: range(1,2)}", '"2)" is what a comma has cut off: put quotes around'),
        ("space:\n  lr: rnage(1,2)", "there is no rnage(…): write range(1,2)"),
        ("space: {lr: {range: [8, 2]}}", "write range(8,2,-1)"),
        ("space: {lr: {range: [2]}}", "write range(START,STOP)"),
        ("space: {lr: {range: 2}}", "range takes a list"),
        ("space: {lr: {rnage: [2, 8]}}", "there is no 'rnage': write range"),
        ("space: {lr: {range: [2, 8], int: [1, 2]}}", "lr takes one of choice, range"),
        ("space: {lr: {int: [1.5, 2]}}", "int takes whole numbers"),
        ("space: {lr: {int: [3, 1]}}", "write [1, 3]"),
        ("space: {lr: {int: [3]}}", "int takes 2 numbers, as {int: [1, 4]}"),
        ("space: {lr: {quniform: [0, 1]}}", "quniform takes 3 numbers"),
        ("space: {lr: {quniform: [0, 1, 0]}}", "step, is above 0"),
        ("space: {lr: {uniform: [1, 1]}}", "lies between two different numbers"),
        ("space: {lr: {uniform: [a, b]}}", '"a" is no number'),
        ("space: {lr: {uniform: ['1', 2]}}", "is no number"),
        ("space: {lr: {loguniform: [0, 1]}}", "loguniform lies above 0"),
        ("space: {lr: {uniform: [0, 1]}}", "random needs a number of points: write ntrial: 100"),
        (
            "space: {lr: {uniform: [0, 1]}}\ntuner: grid",
            "f1.yaml:2: a grid has no end with lr between two numbers",
        ),
        (SPACE + "points: [{a: 1}]", "points: the points are said already, by space: keep one"),
        ("points: []", "points are a list"),
        ("points: [1]", "point 1 is no mapping"),
        ("points: [{a: [1]}]", "point 1, a: a value is a number"),
        ("points: [{a: 1}, {b: 2}, {a: 1}]", "points 1 and 3 are the same"),
        ("points: [{a: 1}]\ntuner: random", "f1.yaml:2: random chooses of a space"),
        ("points: [{a: 1}]\nworkload: [x]", "workload goes with a space"),
        ("points: [{a: 1}, {a: 2}]\nntrial: 1", "a list runs all its 2 points: leave ntrial out"),
        (SPACE + "tuner: list", "f1.yaml:2: a list takes points or points-file"),
        (SPACE + "ntrial: 1", "a grid runs all its 2 points: write tuner: random to try 1"),
        (SPACE + "tuner: bayes", "f1.yaml:2: bayes needs an objective"),
        (
            "space: {a: {uniform: [0, 1]}}\nobjective: x\ntuner: bayes\nntrial: 10001",
            "bayes has at most 10,000 points",
        ),
        (SPACE + "tuner: magic", '"magic" is none of grid, list, random, bayes'),
        ("points-file: nowhere.csv", "nowhere.csv: No such file or directory"),
        (SPACE + "ntrial: 0", "write a whole number from 1 to"),
        (SPACE + "ntrial: 1e3", "ntrial: write a whole number"),
        (SPACE + "ntrial: '5'", "ntrial: write a whole number"),
        (SPACE + "ntrial: [5]", "ntrial: write a whole number"),
        (SPACE + "objective: accuracy loss", '"accuracy" is none of maximize, minimize'),
        (SPACE + "objective: min a b", "is no metric"),
        (SPACE + "objective: min a\ndirection: maximize", "objective says minimize, and direction"),
        (SPACE + "direction: min", "direction needs an objective"),
        (SPACE + "commit-table-name: tuning", "commit-table-name needs an objective"),
        (SPACE + "command: x\nstage: train", "stage is for dvc exp run"),
        (SPACE + 'stage: "train \'a"', "stage: the quote ' before"),
        (SPACE + "time-limit: 90", "write a number and d, h, m or s, as 90m or 90s"),
        (SPACE + "time-limit: soon", "as 90m or 2h"),
        (SPACE + "time-limit: 30s", "is too short: write at least 60s"),
        (SPACE + "budget: 0h", "is too short"),
        (SPACE + "tolerate: 101%", "write a share in whole percent"),
        (SPACE + "tolerate: 0.05", "write a share in whole percent"),
        (SPACE + "memory: 32GB", "memory is a whole number of MiB: write 32768"),
        (SPACE + "retries: 10", "write a whole number from 0 to 9"),
        (SPACE + "commit-log-to: https://x/y", "no address in S3: write s3://BUCKET/FOLDER"),
        (SPACE + "commit-log-to: s3://B", "no address in S3"),
        (SPACE + "inputs: s3://bucket/a b", "no address in S3"),
        (SPACE + "job_def: 'a:b'", "is not a job definition: write NAME, NAME:REVISION or its ARN"),
        (SPACE + "job_def: a:0", "is not a job definition"),
        (SPACE + "batch.job_def: a:latest", 'f1.yaml:2: job_def: "a:latest" is not a job def'),
        (SPACE + "job_queue: a b", "is not a job queue"),
        (SPACE + "outputs: ../x", "leads out of the job's folder"),
        (SPACE + "repository: churn", "is not WORKSPACE/SLUG"),
        (SPACE + "name: [a]", "name: this is a text, not a list"),
        (SPACE + "name: ''", "this is empty"),
        (SPACE + "batch: cpu", "a target is a mapping"),
        (SPACE + "batch: [{target: a}, b]", "a target is a mapping"),
        (SPACE + "batch: [{target: a}, {target: a}]", "the target 'a' stands twice"),
        (SPACE + "batch: [{job_queue: a}, {job_queue: b}]", "each of several targets has a name"),
    ],
    ids=lambda text: str(text)[:60],
)
def test_what_cannot_be_is_told_with_what_to_write(
    text: str, answer: str | None, tmp_path: Path
) -> None:
    if answer is None:  # texts of YAML's that mean nothing but themselves here
        (tmp_path / "f1.yaml").write_text(text, encoding="utf-8")
        assert read([f"@{tmp_path}/f1.yaml"], []) is not None
    else:
        assert answer in told(tmp_path, text)


def test_all_that_is_wrong_is_told_together(tmp_path: Path) -> None:
    answer = told(
        tmp_path,
        "ntrail: 5\nretries: many\nspace: {lr: [], depth: {range: [8, 2]}}\nbudget: 3",
        "tuner: bayes\n  x: 1",
        sets=("commit-log-to=ftp://x", "vcpu=4"),
    )

    lines = answer.splitlines()
    assert lines[0] == "nothing was submitted:"
    assert [
        re.match(r"  (f\d.yaml:[\d:]+|--set [a-z-]+): ", line) is not None for line in lines[1:]
    ] == [True] * 8


def test_a_hundred_faults_are_not_all_told(tmp_path: Path) -> None:
    answer = told(tmp_path, "\n".join(f"x{number}: 1" for number in range(100)))

    assert answer.splitlines()[-1].strip() == "and 80 more"


@pytest.mark.parametrize("space", ["{range: [0, 10000000]}", "range(0,10000000)"])
@pytest.mark.parametrize("tuner", ["grid", "random", "bayes"])
def test_ten_million_points_are_refused_at_once(space: str, tuner: str, tmp_path: Path) -> None:
    with at_most(1):
        answer = told(tmp_path, f"space:\n  seed: {space}\ntuner: {tuner}\nobjective: loss")

    assert "10,000,000 points, and a sweep has at most 100,000" in answer
    assert "tuner: random and ntrial: 1000" in answer


def test_a_list_of_too_many_points_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "p.csv").write_text("a\n" + "\n".join(map(str, range(100_001))))
    (tmp_path / "p.jsonl").write_text("\n".join(f'{{"a": {i}}}' for i in range(100_001)))

    assert "over 100,000 points" in told(tmp_path, "points-file: p.csv")
    assert "over 100,000 points" in told(tmp_path, "points-file: p.jsonl")

    monkeypatch.setattr(spaces_points, "MOST_POINTS", 2)
    assert "this is 3 points" in told(tmp_path, "points: [{a: 1}, {a: 2}, {a: 3}]")


@pytest.mark.parametrize(
    ("content", "answer"),
    [
        ("", "p: this holds no points"),
        ("lr,act\n", "p: this holds no points"),
        ("lr,lr\n1,2", "a name stands twice in the first line"),
        ("l r\n1", "no parameter's name"),
        ("lr;act\n1;2", "no parameter's name"),
        ("lr,act\n1", "line 2 has 1 values for 2 names"),
        ("lr,act\n1,\n", "line 2, act: there is nothing: write null"),
        ("lr\n1\n1", "points 1 and 2 are the same"),
        ("lr\nnan", "line 2, lr: nan is no number"),
        ('lr\n"a', "p: unexpected end of data"),
        ('{"a": 1}\n{"a":', "line 2 is no JSON"),
        ('{"a": 1}\n[1]', "line 2 is no object"),
        ('{"a": [1]}', "line 1, a: a value is a number"),
        ('{"a": NaN}', "line 1 is no JSON"),
        ('{"a": 1e999}', "line 1, a: a value is a number"),
        ('{"a b": 1}', "no parameter's name"),
        ("{}", "p:1: this point has no parameters"),
        ('{"a": ' + "[" * 100_000, "line 1 is no JSON"),
    ],
    ids=lambda text: str(text)[:30],
)
def test_a_file_of_points_that_cannot_be_is_told(content: str, answer: str, tmp_path: Path) -> None:
    (tmp_path / "p").write_text(content, encoding="utf-8")

    assert answer in told(tmp_path, "points-file: p")


def test_files_that_are_not_there_or_no_text_are_told(tmp_path: Path) -> None:
    (tmp_path / "picture.yaml").write_bytes(b"\xff\xd8\xff")
    (tmp_path / "p.csv").write_bytes(b"\xff\xd8\xff")

    with pytest.raises(ConfigError) as error:
        read([f"@{tmp_path}/nowhere.yaml", f"@{tmp_path}/picture.yaml", f"@{tmp_path}"], [])

    message = error.value.format_message()
    assert "nowhere.yaml: No such file or directory" in message
    assert "picture.yaml: this is no UTF-8 text" in message
    assert "Is a directory" in message
    assert "p.csv: this is no UTF-8 text" in told(tmp_path, "points-file: p.csv")


@pytest.mark.parametrize(
    ("words", "sets", "answer"),
    [
        (["sweep.yaml"], [], "'sweep.yaml' is no file: write @FILE, as @sweep.yaml"),
        (["@"], [], "write @FILE"),
        ([], ["ntrial"], "write --set KEY=VALUE"),
        ([], ["=5"], "write --set KEY=VALUE"),
    ],
)
def test_a_word_of_another_form_is_told_as_click_does(
    words: list[str], sets: list[str], answer: str
) -> None:
    with pytest.raises(click.UsageError, match=re.escape(answer)):
        read(words, sets)


def test_an_option_that_is_no_yaml_is_told() -> None:
    with pytest.raises(ConfigError, match="--set space: this is no YAML"):
        read([], ["space=[1"])


def test_aliases_of_aliases_cost_nothing(tmp_path: Path) -> None:
    lines = ["a0: &a0 [1, 2]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 15)]

    with at_most(2):
        assert "unknown key" in told(tmp_path, "\n".join(lines))


@settings(
    max_examples=200,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    text=st.text(
        alphabet="abc:{}[],'\"&*!|>-?#% \n\t01.\\é",
        max_size=80,
    ),
    key=st.sampled_from(["", "space: ", "points: ", "batch: ", "tuner: ", "space: {a: "]),
)
def test_any_file_is_a_sweep_or_is_answered(text: str, key: str, tmp_path: Path) -> None:
    path = tmp_path / "any.yaml"
    path.write_text(key + text, encoding="utf-8")
    try:
        plans = read([f"@{path}"], [])
    except ConfigError as error:
        told = error.format_message()
    else:
        told = plans[0].fingerprint()

    assert told
