"""Where a shell is started, or a script of one made, as the syntax of a module shows it."""

import ast
import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

SHELLS = {"sh", "ash", "bash", "dash", "ksh", "zsh", "fish", "busybox"}
# Functions that hand a text to a shell, whatever it holds (library reference, "Security
# considerations" of subprocess, os, pty, asyncio).
ALWAYS = {
    "os.system",
    "os.popen",
    "subprocess.getoutput",
    "subprocess.getstatusoutput",
    "asyncio.create_subprocess_shell",
    "pty.spawn",
}
# A script begins so, or has such a call in it.
_SCRIPT = re.compile(
    r"^#!\s*\S*/(?:env )?(?:\w*sh)\b|\b(?:ba|da|z)?sh -c\b|> ?/dev/null", re.MULTILINE
)


def _names(tree: ast.AST) -> dict[str, str]:
    """What the names of a module stand for, by what it imports."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {one.asname: one.name for one in node.names if one.asname}
        elif isinstance(node, ast.ImportFrom):
            found |= {one.asname or one.name: f"{node.module}.{one.name}" for one in node.names}
    return found


def _dotted(node: ast.expr, names: dict[str, str]) -> str:
    """What is called, by its whole name: `os.system`, however it was imported."""
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value, names)}.{node.attr}"
    return names.get(node.id, node.id) if isinstance(node, ast.Name) else ""


def _constant(node: ast.expr | None) -> Any:
    return node.value if isinstance(node, ast.Constant) else None


def _by_shell(call: ast.Call, name: str) -> bool:
    """Whether a call asks for a shell, or may: by options that stand elsewhere."""
    given = {word.arg: word.value for word in call.keywords}
    if "shell" in given and _constant(given["shell"]) is not False:
        return True
    spread = given.get(None)
    if isinstance(spread, ast.Dict):
        return "shell" in [_constant(key) for key in spread.keys]
    starts = name.startswith("subprocess.")
    # The ninth argument of Popen is `shell`, by its place.
    return starts and (spread is not None or len(call.args) > 8)


def hands_over(tree: ast.AST) -> Iterator[int]:
    """The lines on which a text is given to a shell by Python."""
    names = _names(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = _dotted(node.func, names)
            if _by_shell(node, name) or name in ALWAYS or name.startswith("os.spawn"):
                yield node.lineno


def _words(node: ast.expr) -> list[ast.expr]:
    """The words of a list or a call, also of one that is put together of several."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return [*_words(node.left), *_words(node.right)]
    if isinstance(node, ast.List | ast.Tuple):
        return [word for one in node.elts for word in _words(one)]
    if isinstance(node, ast.Starred) and isinstance(node.value, ast.List | ast.Tuple):
        return _words(node.value)
    return [node]


def starts(tree: ast.AST) -> Iterator[int]:
    """The lines on which a list of words starts a shell with a text that is no constant."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            words = [word for one in node.args for word in _words(one)] if _flat(node) else []
        elif isinstance(node, ast.List | ast.Tuple | ast.BinOp):
            words = _words(node)
        else:
            continue
        if any(_is_started(words, at) for at in range(len(words))):
            yield node.lineno


def _flat(call: ast.Call) -> bool:
    """Whether its words are its own arguments: those of a list are found as the list's."""
    return not any(isinstance(one, ast.List | ast.Tuple | ast.BinOp) for one in call.args)


def _is_started(words: list[ast.expr], at: int) -> bool:
    """Whether one of the words is a shell, or may be one, and a later one its script."""
    program, later = _constant(words[at]), [_constant(word) for word in words[at + 1 :]]
    if program is None:
        # Named elsewhere; but what stands behind `-c` is what the option says, and no program.
        said = at > 0 and _asks(_constant(words[at - 1]))
        return not said and len(later) > 1 and _asks(later[0]) and later[1] is None
    if not isinstance(program, str) or PurePosixPath(program).name not in SHELLS:
        return False
    spread = any(isinstance(word, ast.Starred) for word in words[at + 1 :])
    asked = [place for place, word in enumerate(later) if _asks(word)]
    return spread or (bool(asked) and None in later[asked[0] :])


def _asks(word: object) -> bool:
    return isinstance(word, str) and bool(re.fullmatch(r"-[a-z]*c[a-z]*", word))


def scripts(tree: ast.Module) -> Iterator[int]:
    """The lines of texts that are scripts, in parts or whole; docstrings aside."""
    said = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or id(node) in said:
            continue
        if isinstance(node.value, str) and _SCRIPT.search(node.value):
            yield node.lineno
