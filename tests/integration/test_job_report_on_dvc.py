"""The report on real DVC: what it finds between two commits, and what it draws of it."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from container.comparison import Comparison, Differences, Value, compare
from container.pictures import Pictures, draw
from container.processes import Ended
from container.report import Facts, compose, difference_markdown
from container.report_plots import Plot, Plots
from tests.integration.job_site import JOB_ENVIRONMENT, LIMIT_SECONDS, Site, git

PYTHON = str(JOB_ENVIRONMENT / "bin" / "python")
DVC = (str(JOB_ENVIRONMENT / "bin" / "dvc"),)
PNG = b"\x89PNG\r\n\x1a\n"
METRICS_STAGE = (
    "stages:\n  a:\n    cmd: cp in.json m.json\n    deps: [in.json]\n    metrics: [m.json]\n"
)


def run(command: Sequence[str], directory: Path) -> Ended:
    environment = {"PATH": os.environ["PATH"], "DVC_NO_ANALYTICS": "1", "CI": "1"}
    done = subprocess.run(
        command,
        check=False,
        cwd=directory,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        timeout=LIMIT_SECONDS,
    )
    code = done.returncode if done.returncode >= 0 else 128 - done.returncode
    return Ended(code, done.stdout)


def compared(
    site: Site, old: str = "HEAD~1", new: str = "HEAD", python: str | None = PYTHON
) -> Comparison:
    project, folder = site.project, site.root / "images"
    hashes = [git(project, "rev-parse", name) if "HEAD" in name else name for name in (old, new)]
    return compare(run, project, *hashes, python=python, folder=folder, dvc=DVC)


def kept(comparison: Comparison) -> list[tuple[str, str, object]]:
    """The plots, wherever their rows are."""
    return [
        (plot.title, plot.change, plot.spec and json.loads(plot.spec.read_text()))
        for plot in comparison.plots.plots
    ]


def reproduced(site: Site) -> None:
    """Run the stages and commit what they made."""
    site.dvc("repro", "--quiet", "--pull")
    site.dvc("push", "--quiet")
    site.commit({})


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The example project, with the results of its second commit in a third."""
    site = Site.with_example(tmp_path_factory.mktemp("report"))
    reproduced(site)
    return site


@pytest.fixture(scope="module")
def found(example: Site) -> Comparison:
    return compared(example)


@pytest.fixture(scope="module")
def renderer() -> str:
    ended = subprocess.run([PYTHON, "-c", "import vl_convert"], check=False, capture_output=True)
    if ended.returncode:
        pytest.skip(f"{PYTHON} cannot import vl_convert: install container/requirements.txt there")
    return PYTHON


def test_the_examples_metrics_change(found: Comparison) -> None:
    changed = [value for value in found.metrics.values if value.changed]

    assert [value.name for value in changed] == ["accuracy", "log_loss"]
    assert changed[0].old < changed[0].new
    assert changed[1].old > changed[1].new


def test_the_parameter_that_was_changed_before_the_run_is_known(found: Comparison) -> None:
    changed = [value for value in found.params.values if value.changed]

    assert changed == [Value("params.yaml", "featurize.degree", 1, 2)]
    assert found.params.locked


def test_data_that_only_the_remote_has_is_found(example: Site, found: Comparison) -> None:
    site = Site(example.root / "fresh")
    site.root.mkdir()
    git(site.root, "clone", "--quiet", str(example.project), str(site.project))

    again = compared(site)

    assert (again.metrics, again.params) == (found.metrics, found.params)
    assert kept(again) == kept(found)


def test_the_commands_alone_tell_the_same_of_metrics(example: Site, found: Comparison) -> None:
    alone = compared(example, python=None)

    assert alone.metrics == found.metrics
    assert kept(alone) == kept(found)
    assert not any(value.changed for value in alone.params.values)


def test_asking_leaves_the_project_as_it_was(example: Site, found: Comparison) -> None:
    assert git(example.project, "status", "--porcelain", "--ignored=no") == ""


def test_the_comment_of_the_example(example: Site, found: Comparison) -> None:
    facts = Facts(
        ran="dvc repro",
        workspace="team",
        repository="parts",
        branch="main",
        commit=found.old,
        run_id="run1",
        attempt="1",
        try_number=1,
        outcome="succeeded",
        seconds=3.0,
        result_commit=found.new,
        result_branch="main",
    )

    comment = compose(facts, found, Pictures()).comment

    assert "| accuracy | 0.7167 | 0.9167 | ▲ +0.2 (+27.9%) |" in comment
    assert "| featurize.degree | 1 | 2 |" in comment
    assert "Loss while training: changed" in difference_markdown(found, everything=False)


def test_an_unknown_commit_is_a_reason(example: Site) -> None:
    unknown = compared(example, "deadbeef")

    assert unknown.metrics.problem == "DVC says: unknown Git revision 'deadbeef'"
    assert unknown.plots.problem


def test_odd_names_and_values_survive(tmp_path: Path) -> None:
    text = '{"nan": NaN, "inf": Infinity, "k|`[\\n:smile:é": %d, "deep": {"x": 1e-9}, "big": "%s"}'
    site = Site.with_project(tmp_path, {"dvc.yaml": METRICS_STAGE, "in.json": text % (1, "x")})
    reproduced(site)
    site.commit({"in.json": text % (2, "y" * 10_000)})
    reproduced(site)

    metrics = {value.name: value for value in compared(site, "HEAD~2").metrics.values}

    assert set(metrics) == {"nan", "inf", "k|`[\n:smile:é", "deep.x", "big"}
    assert not metrics["nan"].changed
    assert (metrics["k|`[\n:smile:é"].old, metrics["k|`[\n:smile:é"].new) == (1, 2)
    assert metrics["big"].new == "y" * 10_000


def test_400_metrics_are_all_there(tmp_path: Path) -> None:
    numbers = json.dumps({f"m{n:03}": n / 7 for n in range(400)})
    site = Site.with_project(tmp_path, {"dvc.yaml": METRICS_STAGE, "in.json": "{}"})
    reproduced(site)
    site.commit({"in.json": numbers})
    reproduced(site)

    found = compared(site)

    assert len(found.metrics.values) == 400
    assert "There is no baseline" in difference_markdown(found, everything=False)


def test_a_commit_whose_stages_never_ran_is_no_baseline(tmp_path: Path) -> None:
    site = Site.with_project(tmp_path, {"dvc.yaml": METRICS_STAGE, "in.json": '{"a": 1}'})
    reproduced(site)

    found = compared(site)

    assert found.metrics.values == (Value("m.json", "a", None, 1),)
    assert "There is no baseline" in difference_markdown(found, everything=False)


def test_a_metrics_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    files = {"dvc.yaml": "metrics: [m.json]\n", "m.json": "{"}
    site = Site.with_project(tmp_path, files)
    site.commit({"m.json": '{"a": 1}'})

    found = compared(site)

    assert found.metrics.unread == (found.old,)
    assert "could not load some metrics of the commit before" in difference_markdown(
        found, everything=False
    )


def test_a_project_with_nothing_to_compare_says_so(tmp_path: Path) -> None:
    site = Site.with_project(tmp_path, {"a": "1"})
    site.commit({"a": "2"})

    markdown = difference_markdown(compared(site), everything=True)

    assert "This project has no metrics" in markdown
    assert "This project has no parameters" in markdown
    assert "This project has no plots" in markdown


def test_modules_of_the_project_do_not_stand_before_libraries(tmp_path: Path) -> None:
    shadows = {f"{name}.py": "raise SystemExit(9)" for name in ("dvc", "json", "yaml", "rich")}
    files = {"dvc.yaml": METRICS_STAGE, "in.json": '{"a": 1}', **shadows}
    site = Site.with_project(tmp_path, files)
    reproduced(site)

    assert compared(site).metrics.problem == ""


def test_the_examples_plot_becomes_a_picture(
    example: Site, found: Comparison, renderer: str
) -> None:
    made = draw(run, found, example.root / "pictures", pythons=[sys.executable, renderer])

    assert [picture.title for picture in made.drawn] == ["Loss while training"]
    assert made.drawn[0].path.read_bytes().startswith(PNG)
    assert made.left == ()


def plots_of(folder: Path, *specs: object) -> Comparison:
    plots = []
    for n, spec in enumerate(specs):
        file = folder / f"spec-{n}"
        file.write_text(json.dumps(spec))
        plots.append(Plot(f"plot {n}", "new", file))
    return Comparison("a" * 40, "b" * 40, Differences(), Differences(), Plots(tuple(plots)))


GOOD = {"data": {"values": [{"x": 1}]}, "mark": "bar", "encoding": {"x": {"field": "x"}}}


def test_a_wrong_specification_does_not_lose_the_others(tmp_path: Path, renderer: str) -> None:
    comparison = plots_of(tmp_path, GOOD, {"mark": {"type": []}}, [], GOOD)

    made = draw(run, comparison, tmp_path / "pictures", pythons=[renderer])

    assert {"plot 0", "plot 3"} <= {picture.title for picture in made.drawn}
    assert any("plot 2 could not be drawn: " in left for left in made.left)


def test_an_endless_specification_is_given_up(tmp_path: Path, renderer: str) -> None:
    # To see that this fits nowhere, all ways to divide the letters are tried; there are 2**59.
    endless = {
        "data": {"values": [{"x": "a" * 60 + "!"}]},
        "transform": [{"calculate": "test(/^(a+)+$/, datum.x)", "as": "y"}],
        "mark": "point",
        "encoding": {"x": {"field": "y"}},
    }

    made = draw(run, plots_of(tmp_path, endless, GOOD), tmp_path / "pictures", pythons=[renderer])

    assert [picture.title for picture in made.drawn] == ["plot 1"]
    assert made.left == ("plot 0 could not be drawn: it takes longer than 20 s",)


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    """Counts who asks, in `RequestHandlerClass.asked`."""

    class Handler(BaseHTTPRequestHandler):
        asked = 0

        def do_GET(self) -> None:
            type(self).asked += 1
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"[]")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def test_what_a_specification_names_elsewhere_is_not_fetched(
    tmp_path: Path, renderer: str, server: HTTPServer
) -> None:
    address = f"http://127.0.0.1:{server.server_port}/data.json"

    made = draw(
        run,
        plots_of(tmp_path, {**GOOD, "data": {"url": address}}),
        tmp_path / "p",
        pythons=[renderer],
    )

    assert server.RequestHandlerClass.asked == 0  # type: ignore[attr-defined]  # of the class above
    assert made.drawn == ()
    assert address in made.left[0]
