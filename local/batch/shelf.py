"""Resources of one kind, kept by name."""

import itertools
from collections.abc import Callable
from typing import Generic, TypeVar

from local.batch.arns import name_in
from local.batch.shapes import Tagged
from local.batch.store import Store

Resource = TypeVar("Resource", bound=Tagged)


class Shelf(Generic[Resource]):
    """Resources by name, stored, in the order in which they were made."""

    def __init__(
        self, store: Store, kind: str, shape: type[Resource], name: Callable[[Resource], str]
    ) -> None:
        self._store = store
        self._kind = kind
        self._name = name
        loaded = [shape.model_validate_json(body) for body in store.load(kind)]
        self._found = {name(one): one for one in loaded}
        self._next = itertools.count()
        self._positions = {key: next(self._next) for key in self._found}

    def put(self, resource: Resource) -> None:
        """Add or replace a resource."""
        key = self._name(resource)
        self._store.save([(self._kind, key, resource)])
        self._found[key] = resource
        if key not in self._positions:
            self._positions[key] = next(self._next)

    def remove(self, resource: Resource) -> None:
        """Forget a resource."""
        key = self._name(resource)
        self._store.delete(self._kind, key)
        del self._found[key], self._positions[key]

    def get(self, reference: str) -> Resource | None:
        """The resource of a name or an ARN."""
        return self._found.get(name_in(reference))

    def all(self) -> list[Resource]:
        """Every resource."""
        return list(self._found.values())

    def position(self, resource: Resource) -> int:
        """A resource's place among all, from 0."""
        return self._positions[self._name(resource)]

    def retag(self, reference: str, tags: dict[str, str]) -> None:
        """Replace the tags of a resource that exists."""
        resource = self._found[name_in(reference)]
        self.put(resource.model_copy(update={"tags": tags}))
