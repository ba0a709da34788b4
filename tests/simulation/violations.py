"""What an invariant says when it does not hold."""


class Violation(Exception):
    """Something that must never be, or not at rest.

    `name` is stable: reports and mutants refer to it. `text` names run, attempt and what was seen.
    """

    def __init__(self, name: str, text: str) -> None:
        super().__init__(name, text)  # both, so that it passes from one process to another
        self.name = name
        self.text = text

    def __str__(self) -> str:
        return f"{self.name}: {self.text}"
