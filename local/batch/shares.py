"""How slots are shared: what each line has used of them, which decides whose turn it is.

A slot goes to the line whose share has used least of the machine lately, multiplied by the share's
weight: with a weight of 4 it gets a fourth of what a share of weight 1 gets while both have jobs
waiting. What was used counts less and less. So the job of a share that comes new is next, however
many jobs of another share came before it.

Source: Batch's user guide, "Fair-share scheduling policies". AWS does not publish its formula: here
use is seconds of slots, where AWS counts vCPUs, and it decays exponentially. `computeReservation`
reserves nothing, for a tenth of two slots is none. A queue without a policy is one share of weight
1; queues, which mostly have machines of their own in AWS, share this one's slots by the same rule.
"""

import math
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from local.batch.lines import Line
from local.batch.policies import FairShare

# What the start of a try counts, so that of several slots that are free at once not all go to one.
_START_SECONDS: Final = 1.0


@dataclass
class _Used:
    """What ended tries had used at some time, in seconds; when those began that still run."""

    seconds: float = 0.0
    at: float = 0.0
    began: list[float] = field(default_factory=list)

    def faded(self, now: float, decay_seconds: float) -> float:
        return self.seconds * math.exp((self.at - now) / decay_seconds)


class Usage:
    """What each line has used of the slots. It is forgotten when the endpoint ends."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._used: dict[Line, _Used] = defaultdict(_Used)

    def begin(self, line: Line) -> float:
        """A try of this line takes a slot; answer when, which `end` needs."""
        now = self._clock()
        self._used[line].began.append(now)
        return now

    def end(self, line: Line, began: float, policy: FairShare) -> None:
        """The try that began then gives its slot back."""
        now, used = self._clock(), self._used[line]
        used.began.remove(began)
        used.seconds = used.faded(now, policy.decay_seconds) + _START_SECONDS + now - began
        used.at = now

    def weighted(self, line: Line, policy: FairShare) -> float:
        """What a line has used of late, multiplied by its share's weight."""
        if line not in self._used:
            return 0.0
        now, used = self._clock(), self._used[line]
        running = sum(_START_SECONDS + now - began for began in used.began)
        return policy.weight(line.share or "") * (used.faded(now, policy.decay_seconds) + running)
