"""What a storm was, and what is left after it, in two tables and a sentence.

A storm that did not blow shows nothing, so that is a problem as well.
"""

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
# In a storm that long some worker dies with messages in its hands.
_LONG = 100
# A push whose webhook the storm kept away is rare: more than so many, and one in so many, are not.
_FEW_UNANSWERED = 3
_RARELY = 10


@dataclass(frozen=True)
class Report:
    """All that there is to tell; `problems` is what is wrong, and empty if nothing is."""

    planned: int
    kinds: Sequence[str]
    strikes: Sequence[Strike]
    away_seconds: Mapping[str, float]
    died_at_work: int
    recovery: Recovery
    seen: Evidence
    verdicts: Sequence[Verdict]

    @property
    def problems(self) -> list[str]:
        """What is wrong: with the storm itself, and with what it left."""
        said = [] if self.recovery.quiet else ["it has not become quiet"]
        return [
            *self._too_mild(),
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

    def sentence(self) -> str:
        """How many of everything there are; the truth of a run is the status that is shown last."""
        seen = self.seen
        jobs = sum(len(some) for some in seen.jobs.values())
        shown = Counter(
            str(one["writes"][-1]["state"]) for some in seen.statuses.values() for one in some
        )
        states = ", ".join(f"{n} {state}" for state, n in sorted(shown.items())) or "none"
        return (
            f"{len(seen.pushed)} pushed, {len(seen.records)} records, {jobs} jobs; "
            f"statuses: {states}"
        )

    def _too_mild(self) -> Iterator[str]:
        """Why the storm shows nothing, or less than it should."""
        pushed = len(self.seen.pushed)
        if pushed != self.planned:
            yield f"{pushed} of {self.planned} pushes were made"
        struck = {strike.fault for strike in self.strikes}
        yield from (f"no {kind} was killed" for kind in self.kinds if kind not in struck)
        if self.died_at_work == 0 and self.planned >= _LONG:
            yield "no batch of messages was cut off by the death of a worker"
        if self._unanswered > max(_FEW_UNANSWERED, self.planned // _RARELY):
            yield f"{self._unanswered} of {pushed} pushes were never answered 202"

    @property
    def _unanswered(self) -> int:
        return self.recovery.untold + self.recovery.unanswered

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
        came = (
            f"{recovery.untold} told to nobody, {recovery.unanswered} three times in vain; "
            "all replayed"
        )
        yield "push that was never answered 202", str(self._unanswered), came
        letters = ", ".join(f"{name} {n}" for name, n in recovery.redriven.most_common())
        came = f"sent back or, where they go nowhere, dropped; {letters or 'none'}"
        yield "dead letter", str(recovery.redriven.total()), came


def died_at_work(log: Path) -> int:
    """How many batches of messages were cut off by the death of the worker that had them."""
    with log.open(encoding="utf-8", errors="replace") as lines:
        return sum(_DIED_AT_WORK.search(line) is not None for line in lines)
