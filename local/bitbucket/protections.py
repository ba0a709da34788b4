"""The branches that nobody may push to: their names, or patterns in which `*` is any text.

Bitbucket Cloud knows the one wildcard, in its branch restrictions:
https://support.atlassian.com/bitbucket-cloud/docs/use-branch-permissions/. That it stands for
slashes too is an assumption.
"""

import re
from collections.abc import Mapping

from local.bitbucket.answers import Json, Refused
from local.bitbucket.database import Database
from local.bitbucket.fields import is_text

# What a branch's name holds (git check-ref-format), and the wildcard.
PATTERN = re.compile(r"[^\x00-\x20~^:?\[\\\x7f]+")
# Run by git before it moves a ref; one refused ref refuses the push. The words are Bitbucket's:
# https://community.atlassian.com/t5/Bitbucket-questions/qaq-p/2249496
PRE_RECEIVE = """#!/bin/sh
refused=0
while read -r _ _ ref; do
    name=${ref#refs/heads/}
    [ "$name" = "$ref" ] && continue
    while IFS= read -r pattern; do
        case "$name" in
        $pattern)
            echo "Permission denied to update branch $name." >&2
            refused=1
            break
            ;;
        esac
    done <<PATTERNS
$STAND_IN_PROTECTED
PATTERNS
done
exit "$refused"
"""


def read_pattern(sent: Mapping[str, object]) -> str:
    """The pattern that a request to the control route names; refused with 400 if it is none."""
    pattern = sent.get("pattern")
    if not is_text(pattern) or not PATTERN.fullmatch(pattern):
        raise Refused(400, "a pattern is a branch's name, in which * stands for any text")
    return pattern


def protect(database: Database, repository: str, pattern: str) -> None:
    """Let nobody push to a branch; one that is protected stays so."""
    with database.transaction() as connection:
        connection.execute("INSERT OR IGNORE INTO protections VALUES (?, ?)", (repository, pattern))


def unprotect(database: Database, repository: str, pattern: str) -> None:
    """End a protection; 404 if there is none of that pattern."""
    with database.transaction() as connection:
        ended = connection.execute(
            "DELETE FROM protections WHERE repository = ? AND pattern = ?", (repository, pattern)
        )
        if not ended.rowcount:
            raise Refused(404, f"no branch is protected as {pattern}")


def of_repository(database: Database, repository: str) -> list[str]:
    """The patterns of a repository's protected branches."""
    rows = database.rows(
        "SELECT pattern FROM protections WHERE repository = ? ORDER BY pattern", repository
    )
    return [row["pattern"] for row in rows]


def protection_json(pattern: str) -> Json:
    """A protection as the control routes tell it."""
    return {"pattern": pattern}
