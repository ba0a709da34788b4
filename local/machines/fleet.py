"""The machines that there are, by the id of their instance."""

import threading
from base64 import b64decode
from collections.abc import Callable, Iterator
from typing import Any

from local.machines.machine import Inside, Machine
from local.machines.states import Ending
from local.machines.troubles import Subject, Troubles

# The inside of the instance with an id.
MakeInside = Callable[[str], Inside]


class Fleet:
    """Launches machines and finds them again; safe to use from several threads."""

    def __init__(self, make_inside: MakeInside, troubles: Troubles, grace: float) -> None:
        self.lock = threading.RLock()
        self.troubles = troubles
        self._make_inside = make_inside
        self._grace = grace
        self._machines: dict[str, Machine] = {}

    def launch(self, instance: Any) -> None:
        """Bring one of moto's instances to life."""
        inside = self._make_inside(instance.id)
        machine = Machine(instance, inside, self.troubles, self.lock, self._grace)
        self._machines[instance.id] = machine
        machine.launch(b64decode(str(instance.user_data or "")))

    def find(self, instance_id: str) -> Machine | None:
        """The machine with an id."""
        return self._machines.get(instance_id)

    def subject(self, instance_id: str) -> Subject:
        """Whom a trouble of a machine would have to name."""
        return self._machines[instance_id].subject

    def __iter__(self) -> Iterator[Machine]:
        return iter(list(self._machines.values()))

    def start(self, instance_id: str) -> None:
        """Start one that is stopped."""
        self._machines[instance_id].start()

    def end(self, instance_id: str, ending: Ending) -> None:
        """Let one end."""
        self._machines[instance_id].end(ending)

    def leave(self) -> None:
        """End all of them at once."""
        for machine in self:
            machine.leave()
