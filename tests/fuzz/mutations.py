"""Documents that were real ones: with other types, without keys, with texts that nobody expects."""

import codecs
import copy
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from hypothesis import strategies as st

# What ends up in a name or a message if anybody may choose it.
HOSTILE_TEXTS = (
    "",
    " ",
    ".",
    "..",
    "../../etc/passwd",
    "-x",
    "--upload-pack=touch pwned",
    "$(touch pwned)",
    "; touch pwned #",
    "`touch pwned`",
    "a'b\"c\\",
    "refs/heads/x",
    "{braces}",
    "%s%n%00",
    "<script>alert(1)</script>",
    "line\nline\r\nline",
    "tab\there",
    "null\x00inside",
    "\x1b[31mred\x1b[0m\x07",
    "\u202etxt.exe",
    "zero\u200bwidth",
    "\ufeffmark",
    "\ufffe\uffff",
    "\ud800",
    "\udfff\ud800",
    "e\u0301\U0001f600\u2603",
    ":ACME_RUN: train",
    "x\n:ACME_RUN:\n:ACME_GPUS: 99",
    "\u2028:ACME_RUN:",
    "Cloud-Run-Id: x\nCloud-Run-Attempt: 1",
)
LONG_TEXTS = st.builds(
    lambda character, length: character * length,
    st.sampled_from(["x", "\n", '"', "\\", "\x01", "\u2603", "\U0001f600", "\uffff", "a/b"]),
    st.sampled_from([256, 1_025, 5_000, 70_000, 250_000]),
)
TEXTS = st.sampled_from(HOSTILE_TEXTS) | st.text(max_size=30) | LONG_TEXTS
NUMBERS = st.sampled_from(
    (
        *(0, -1, 1, 2**31, 2**53, 2**63, 10**18, 10**40, -(10**40), 0.5, 1e308),
        *(float("nan"), float("inf"), float("-inf")),
        *(8_640_000_000_000_001, 253_402_300_800_000, -62_135_596_800_001),  # ends of time, in ms
    )
)
LEAVES = st.none() | st.booleans() | NUMBERS | TEXTS
VALUES = LEAVES | st.lists(LEAVES, max_size=3) | st.dictionaries(TEXTS, LEAVES, max_size=3)

Path = tuple[str | int, ...]


def paths(document: Any, before: Path = ()) -> Iterator[Path]:
    """The places in a document, the whole of it not among them."""
    members: Any = ()
    if isinstance(document, dict):
        members = document.items()
    if isinstance(document, list):
        members = enumerate(document)
    for key, value in members:
        yield (*before, key)
        yield from paths(value, (*before, key))


@st.composite
def mutated(draw: st.DrawFn, documents: Sequence[Any], *used: str) -> Any:
    """One of the documents, changed in up to four places; at least half of them keys in `used`."""
    document = copy.deepcopy(draw(st.sampled_from(documents)))
    for _ in range(draw(st.integers(0, 4))):
        places = list(paths(document))
        in_use = [path for path in places if used and path[-1] in used]
        if not places:
            return document
        is_used: bool = draw(st.booleans())
        if in_use and is_used:
            places = in_use
        chosen = draw(st.sampled_from(places))
        holder = document
        for key in chosen[:-1]:
            holder = holder[key]
        _change(draw, holder, chosen[-1])
    return document


@st.composite
def spoilt(draw: st.DrawFn, documents: Sequence[Any], *used: str) -> Any:
    """One of the documents, in which one place of those keys holds something else."""
    having = [one for one in documents if any(path[-1] in used for path in paths(one))]
    document = copy.deepcopy(draw(st.sampled_from(having)))
    places = [path for path in paths(document) if path[-1] in used]
    *before, key = draw(st.sampled_from(places))
    holder = document
    for one in before:
        holder = holder[one]
    holder[key] = draw(NUMBERS | LEAVES)
    return document


def _change(draw: st.DrawFn, holder: Any, key: Any) -> None:
    what = draw(st.sampled_from(["value", "value", "value", "gone", "null", "wrapped", "doubled"]))
    if what == "gone":
        del holder[key]
    elif what == "null":
        holder[key] = None
    elif what == "wrapped":
        holder[key] = draw(st.sampled_from([lambda old: [old], lambda old: {"x": old}]))(
            holder[key]
        )
    elif what == "doubled" and isinstance(holder, list):
        holder.append(copy.deepcopy(holder[key]))
    else:
        holder[key] = draw(VALUES)


def plainly(text: str) -> bytes:
    """As everybody writes it."""
    return text.encode()


def _cut(text: str) -> bytes:
    return text.encode()[: len(text) // 2]


def _doubled(text: str) -> bytes:
    """Every key twice, the second time with nothing in it or as it was."""
    return (
        text.replace('"push":', '"push": null, "push":')
        .replace('"new":', '"new":1,"new":')
        .encode()
    )


def _deep(depth: int) -> Callable[[str], bytes]:
    return lambda text: text.replace("{", '{"deep":' + "[" * depth + "]" * depth + ",", 1).encode()


WRITINGS: tuple[Callable[[str], bytes], ...] = (
    plainly,
    lambda text: codecs.BOM_UTF8 + text.encode(),
    lambda text: text.encode("utf-16"),
    lambda text: text.encode("utf-32-le"),
    lambda text: text.encode() + b"\xff",
    lambda text: text.encode().replace(b"a", b"\xc3", 1),
    lambda text: text.encode().replace(b'"', b'"\xed\xa0\x80', 1),
    lambda text: text.encode() + text.encode(),
    lambda text: text.replace(":", ": NaN //", 1).encode(),
    lambda text: text.replace(",", ",,", 1).encode(),
    lambda text: text.encode().replace(b" ", b"\x00"),
    _cut,
    _doubled,
    _deep(10),
    _deep(150),
    _deep(300),
    _deep(100_000),
)


@st.composite
def written(draw: st.DrawFn, documents: st.SearchStrategy[Any]) -> bytes:
    """A document's bytes: JSON most of the time."""
    text = json.dumps(draw(documents), ensure_ascii=draw(st.booleans()))
    way = draw(st.sampled_from([plainly] * 12 + list(WRITINGS)))
    try:
        return way(text)
    except UnicodeEncodeError:  # half a character, which only an escape can say
        return way(json.dumps(json.loads(text)))
