r"""The bytes that programs write, as the lines of a log: readable, bounded, and without secrets.

A terminal's means have no place in a log. A progress bar draws one line again and again, with a
carriage return between: its last state is shown when the line ends, and one state in half a minute
while it goes on, so that a person sees that it lives. Colours, cursor movements and control
characters are dropped. A line that does not end is shown in pieces: each 16 KiB, or when 5 s pass
without more of it (a question, a row of dots). No piece ends where a secret may have begun.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable
from typing import Protocol

from container.masking import FEW, HIDDEN

# Docker's log drivers cut longer lines themselves (moby, daemon/logger/copier.go: 16 KiB), through
# the middle of whatever stands there.
LONGEST = 16 * 1024
QUIET_SECONDS = 5.0
STATE_SECONDS = 30.0
# ECMA-48: control sequences, strings (titles, links) up to their terminator, and single escapes.
_ESCAPES = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\)|[ -/]*[0-~])"
)
_OPEN_ESCAPE = re.compile(r"\x1b(?:[\[\]PX^_][^\x07\x1b\n]{0,200}|[ -/]{0,2})?\Z")
# All of C0 and C1 but the tab and the line feed.
_NOT_PLAIN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
# Bars below each other: the next one is drawn after a line feed, then the cursor goes up again.
_UP = re.compile(r"\x1b\[[0-9]*A")
_REDRAWN = "\x0e"
_UNFINISHED = re.compile(r"(?<!\d)\d{1,2}%\|")


class Hides(Protocol):
    """What knows the secrets: see `container.masking`."""

    def hide(self, text: str, before: str = "") -> str:
        """The text without them, `before` being the end of what was shown before it."""

    def settled(self, text: str, before: str = "") -> int:
        """How much of a text's beginning can be shown, whatever follows the text."""


class Lines:
    """A stream of bytes, told as it comes, as lines without their ends."""

    def __init__(self, masks: Hides, clock: Callable[[], float]) -> None:
        self._masks = masks
        self._clock = clock
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._rest = ""  # the line that has not ended; of a bar its last two states
        self._in_pieces = False  # whether a piece of it has been shown
        self._before = ""  # how that piece ends
        self._fed_at = clock()
        self._state = ""  # the bar's state that was shown last
        self._state_at: float | None = None  # when, or when a bar was first seen

    def feed(self, written: bytes) -> list[str]:
        """The lines to show now that this has been written."""
        self._fed_at = self._clock()
        text = self._rest + self._decoder.decode(written)
        if "\x1b[" in text:
            text = _UP.sub(f"\r{_REDRAWN}", text)
        *ended, self._rest = text.split("\n")
        shown = self._end(ended)
        if "\r" in self._rest:
            self._rest = _last_states(self._rest)
            if self._state_is_due():
                shown += self._show_state()
        if len(self._rest) > LONGEST:
            shown += self._show_rest()
        return shown

    def quiet(self) -> list[str]:
        """The lines to show if nothing is written: to be asked every now and then."""
        if not self._rest or self._clock() - self._fed_at < QUIET_SECONDS:
            return []
        if "\r" in self._rest:
            return self._show_state() if self._state_is_due() else []
        return self._show_rest()

    def pause(self) -> list[str]:
        """The lines to show before somebody else's line: what has been written of the last one."""
        return self._show_state() if "\r" in self._rest else self._show_rest()

    def finish(self) -> list[str]:
        """The lines that are left when nothing more will be written.

        A program that is killed while it writes a secret leaves its beginning, which is hidden.
        """
        text = self._rest + self._decoder.decode(b"", final=True)
        before, self._rest, self._before = self._before, "", ""
        line = self._plain(text) if text else None
        if line is None:
            return []
        settled = self._masks.settled(line, before)
        *shown, last = self._hidden([line[:settled]], before)
        return [*shown, last + HIDDEN if settled < len(line) else last]

    def _end(self, written: list[str]) -> list[str]:
        """What to show of lines that have ended."""
        if not written:
            return []
        before, self._before = self._before, ""
        lines = [self._plain(line) for line in written]
        shown = [line for line in lines if line is not None]
        return self._hidden(shown, "" if lines[0] is None else before)

    def _plain(self, written: str) -> str | None:
        """A line that has ended, in plain text; None where there is nothing to show."""
        in_pieces, self._in_pieces = self._in_pieces, False
        if not (in_pieces or _NOT_PLAIN.search(written)):
            return written
        line = plain(written.rstrip("\r").rpartition("\r")[2])
        if "\r" not in written or not written.rstrip("\r"):
            return None if in_pieces and not line else line
        if _REDRAWN in written and _UNFINISHED.search(line) and not self._state_is_due():
            return None
        wiped_away = not line.strip()
        known, self._state, self._state_at = self._state, "", None
        return None if wiped_away or line == known else line

    def _state_is_due(self) -> bool:
        now = self._clock()
        if self._state_at is None:
            self._state_at = now
        return now - self._state_at >= STATE_SECONDS

    def _show_state(self) -> list[str]:
        before, _, last = self._rest.rpartition("\r")
        state = plain(last)
        if state.strip():  # more of it may follow
            state = state[: self._masks.settled(state)]
        else:
            state = plain(before.rpartition("\r")[2])
        if not state.strip() or state == self._state:
            return []
        self._state, self._state_at = state, self._clock()
        return self._hidden([state])

    def _show_rest(self) -> list[str]:
        found = _OPEN_ESCAPE.search(self._rest)
        end = found.start() if found else len(self._rest)
        text = plain(self._rest[:end].rpartition("\r")[2])
        settled = self._masks.settled(text, self._before)
        self._rest = text[settled:] + self._rest[end:]
        if not settled:
            return []
        piece = text[:settled]
        shown = self._hidden([piece] if piece.strip() else [], self._before)
        self._in_pieces, self._before = True, (self._before + piece)[-FEW:]
        return shown

    def _hidden(self, lines: list[str], before: str = "") -> list[str]:
        if not lines:
            return []
        shown = self._masks.hide("\n".join(lines), before).split("\n")
        if max(map(len, shown)) <= LONGEST:
            return shown
        return [piece for line in shown for piece in _pieces(line)]


def plain(text: str) -> str:
    r"""A line without escape sequences and control characters; backspaces have taken effect.

    >>> plain("\x1b[1;31mred\x1b[0m \x1b]0;title\x07and\tplain\x00")
    'red and\tplain'
    >>> plain("counting: 8\b9\b10")
    'counting: 10'
    """
    if _NOT_PLAIN.search(text) is None:
        return text
    text = _ESCAPES.sub("", text)
    if "\b" in text:
        kept: list[str] = []
        for character in text:
            if character != "\b":
                kept.append(character)
            elif kept:
                kept.pop()
        text = "".join(kept)
    return _NOT_PLAIN.sub("", text)


def _last_states(bar: str) -> str:
    r"""The last complete state of a bar and the one after it, which may lack its end.

    >>> _last_states(" 10%\r 20%\r 30")
    ' 20%\r 30'
    >>> _last_states(" 10%\r 20%\r\r")
    ' 20%\r'
    """
    *complete, last = bar.split("\r")
    mark = _REDRAWN if _REDRAWN in bar else ""
    before = next((state for state in reversed(complete) if state), "")
    return f"{before.replace(_REDRAWN, '')}\r{mark}{last.replace(_REDRAWN, '')}"


def _pieces(line: str) -> list[str]:
    return [line[at : at + LONGEST] for at in range(0, len(line), LONGEST)] or [line]
