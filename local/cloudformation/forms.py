"""A request as CloudFormation's query protocol writes it: a form of flat names.

A list's members are `Parameters.member.1.ParameterKey`, `Parameters.member.1.ParameterValue`...
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

_PARAMETER = re.compile(r"Parameters\.member\.(\d+)\.ParameterKey")


@dataclass(frozen=True)
class Form:
    """The fields of a request, in their order."""

    fields: Mapping[str, str]

    @staticmethod
    def read(body: bytes) -> "Form":
        """The form in a body; empty values stay, for an empty list is one."""
        return Form(dict(parse_qsl(body.decode(), keep_blank_values=True)))

    @property
    def action(self) -> str:
        """The operation."""
        return self.fields.get("Action", "")

    def body(self) -> bytes:
        """The form as a body."""
        return urlencode(self.fields).encode()

    def at(self, template_url: str) -> "Form":
        """The same request with its template elsewhere."""
        kept = {k: v for k, v in self.fields.items() if k not in ("TemplateBody", "TemplateURL")}
        return Form(kept | {"TemplateURL": template_url})

    def values(self, previous: Mapping[str, str]) -> dict[str, str]:
        """The parameters' values that are given, or taken from the `previous` ones."""
        return {
            key: value
            for key, given in self._parameters()
            if (value := previous.get(key) if given is None else given) is not None
        }

    @property
    def keeps_values(self) -> bool:
        """Whether a parameter keeps its previous value."""
        return any(given is None for _, given in self._parameters())

    def _parameters(self) -> Iterator[tuple[str, str | None]]:
        for name, key in self.fields.items():
            if found := _PARAMETER.fullmatch(name):
                member = f"Parameters.member.{found[1]}"
                keeps = self.fields.get(f"{member}.UsePreviousValue") == "true"
                yield key, None if keeps else self.fields.get(f"{member}.ParameterValue", "")
