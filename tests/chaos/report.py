"""What a storm was, and what is left after it, in two tables and a sentence."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cli.shown import table
from tests.chaos.evidence import Evidence
from tests.chaos.invariants import Verdict
from tests.chaos.settling import Recovery
from tests.chaos.storm import Strike

# What the emulator says once of a batch of messages whose worker died; then comes its output.
_DIED_AT_WORK = re.compile(r"ESM: Lambda \S+ failed .*errorMessage=Worker process died")
_KILLED = 137


@dataclass(frozen=True)
class Report:
    """All that there is to tell; `problems` is what is wrong, and empty if nothing is."""

    strikes: Sequence[Strike]
    away_seconds: Mapping[str, float]
    died_at_work: int
    recovery: Recovery
    seen: Evidence
    verdicts: Sequence[Verdict]

    @property
    def problems(self) -> list[str]:
        """What is wrong."""
        said = [] if self.recovery.quiet else ["it has not become quiet"]
        return [
            *said,
            *self.recovery.broken,
            *(text for one in self.verdicts for text in one.wrong),
        ]

    def lines(self) -> Iterator[str]:
        """The report as it is shown."""
        yield from table(("FAULT", "TIMES", "WHAT CAME OF IT"), list(self._faults()))
        yield ""
        rows = [(one.what, str(one.looked_at), str(len(one.wrong))) for one in self.verdicts]
        yield from table(("WHAT MUST HOLD", "LOOKED AT", "WRONG"), rows)

    def _faults(self) -> Iterator[tuple[str, str, str]]:
        times = Counter(strike.fault for strike in self.strikes)
        hit = Counter(s.hit.rpartition(" ")[2] for s in self.strikes if s.fault == "function")
        which = ", ".join(f"{function} {n}" for function, n in hit.most_common())
        came = f"{self.died_at_work} batches of messages cut off; {which}"
        yield "function worker killed", str(times["function"]), came
        jobs = [job for some in self.seen.jobs.values() for job in some]
        killed = sum(job["container"].get("exitCode") == _KILLED for job in jobs)
        yield "job killed", str(times["job"]), f"{killed} runs failed with exit code {_KILLED}"
        again = sum(len(job["attempts"]) - 1 for job in jobs if job["attempts"])
        away = self.away_seconds
        came = f"away for {away['Batch']:.0f} s in all; {again} tries of jobs lost and made again"
        yield "Batch killed", str(times["Batch"]), came
        resent = sum(one["attempt"] > 1 for one in self.seen.deliveries)
        came = f"away for {away['Bitbucket']:.0f} s in all; {resent} webhooks sent again"
        yield "Bitbucket killed", str(times["Bitbucket"]), came
        recovery = self.recovery
        lost = recovery.untold + recovery.unanswered
        came = (
            f"{recovery.untold} told to nobody, {recovery.unanswered} three times in vain; "
            "all replayed"
        )
        yield "push that was never answered 202", str(lost), came
        letters = ", ".join(f"{name} {n}" for name, n in recovery.redriven.most_common())
        yield "dead letter", str(recovery.redriven.total()), f"all redriven; {letters or 'none'}"


def died_at_work(log: Path) -> int:
    """How many batches of messages were cut off by the death of the worker that had them."""
    with log.open(encoding="utf-8", errors="replace") as lines:
        return sum(_DIED_AT_WORK.search(line) is not None for line in lines)
