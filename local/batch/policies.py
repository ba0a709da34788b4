"""Scheduling policies: what the use of a share counts.

Limits are those of botocore's Batch model of 2016-08-10, `FairsharePolicy` and `ShareAttributes`.
"""

from typing import Annotated, Final

from pydantic import Field

from local.batch.shapes import Shape, Tagged

# What 0 seconds of decay mean, says the model.
_LEAST_DECAY_SECONDS: Final = 600


class ShareWeight(Shape):
    """The weight of a share, or with `*` at its end of all shares whose names begin so."""

    share_identifier: str
    weight_factor: Annotated[float, Field(ge=0.0001, le=999.9999)] = 1.0

    def covers(self, share: str) -> bool:
        """Whether it is this share's weight."""
        name = self.share_identifier
        return share.startswith(name[:-1]) if name.endswith("*") else share == name


class FairShare(Shape):
    """What a policy says; what it does not say is None."""

    share_decay_seconds: Annotated[int | None, Field(ge=0, le=604_800)] = None
    compute_reservation: Annotated[int | None, Field(ge=0, le=99)] = None
    share_distribution: tuple[ShareWeight, ...] | None = None

    @property
    def decay_seconds(self) -> int:
        """How long what a share has used counts against it."""
        return max(self.share_decay_seconds or 0, _LEAST_DECAY_SECONDS)

    def weight(self, share: str) -> float:
        """How much the use of a share counts: 1 where the policy does not name it.

        >>> sweeps = ShareWeight(share_identifier="sweep*", weight_factor=4)
        >>> policy = FairShare(share_distribution=(sweeps,))
        >>> policy.weight("sweep4f2a"), policy.weight("commits")
        (4.0, 1.0)
        """
        covering = (one for one in self.share_distribution or () if one.covers(share))
        return next((one.weight_factor for one in covering), 1.0)


class SchedulingPolicy(Tagged):
    """How a queue's jobs share its machines."""

    name: str
    arn: str
    fairshare_policy: FairShare | None = None
