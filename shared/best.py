"""The best results of a study per target, in a DynamoDB table that many sweeps write at once.

    target (S, hash key)   what was tuned for, such as `llvm -mcpu=core-avx2`; `-` for nothing
    study (S, range key)   what was tuned
    best (L)               the best results, the best first
    nbest (N)              how many are kept: the most that anybody has asked for, so that a sweep
                           that wants few drops nothing of one that wants many
    direction (S)          `maximize` or `minimize`: which of two values is better
    version (N)            rises by one with every write; each write names the one that it has read

Whoever commits reads the item, adds what it has and keeps the best of both; if another was first it
reads again. The best of a union do not depend on who came first, so nothing is lost.
"""

import random
import time
from collections.abc import Callable, Sequence
from typing import Any

from botocore.exceptions import ClientError

from shared.aws import calling, condition_failed
from shared.best_entries import Best, attribute, checked, merge, read, text
from shared.errors import Rejected, Unavailable

__all__ = ["MOST_ENTRIES", "NO_TARGET", "Best", "BestResults", "merge"]

NO_TARGET = "-"
MOST_ENTRIES = 100
_KEYS = {"target": "HASH", "study": "RANGE"}
# An item has 400 KB at most, names and all (DynamoDB developer guide, "Item size").
_MOST_BYTES = 300_000
_ROUNDS = 40
_LONGEST_PAUSE_SECONDS = 1.0


class BestResults:
    """The table of best results. `pause` sleeps a number of seconds, before another try."""

    def __init__(
        self, dynamodb: Any, table: str, *, pause: Callable[[float], object] = time.sleep
    ) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._pause = pause

    def check(self) -> None:
        """Look whether the table is there and has the keys that are needed.

        Raises:
            Rejected: it is not, or has others; the text says what to make.
            Unavailable: DynamoDB failed.

        """
        with calling("describing the table of best results"):
            try:
                found = self._dynamodb.describe_table(TableName=self._table)["Table"]
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") != "ResourceNotFoundException":
                    raise
                message = f"there is no table {self._table} for the best results: {_HOW_TO_MAKE}"
                raise Rejected(message) from error
        kinds = {
            one["AttributeName"]: one["AttributeType"] for one in found["AttributeDefinitions"]
        }
        keys = {one["AttributeName"]: one["KeyType"] for one in found["KeySchema"]}
        if keys != _KEYS or any(kinds[name] != "S" for name in keys):
            has = ", ".join(
                f"{name} ({kinds[name]}, {kind.lower()})" for name, kind in keys.items()
            )
            message = f"the table {self._table} has the keys {has}: {_HOW_TO_MAKE}"
            raise Rejected(message)
        if found["TableStatus"] not in {"ACTIVE", "UPDATING"}:
            message = f"the table {self._table} is {found['TableStatus']}: try again later"
            raise Rejected(message)

    def check_writing(self) -> None:
        """Try a write whose condition is never true: AWS refuses it only to who may not write.

        Raises:
            botocore.exceptions.ClientError: `AccessDeniedException`.
            Unavailable: DynamoDB failed.

        """
        key = _key("", "-")
        self._get(key)
        with calling("trying to write best results"):
            try:
                self._dynamodb.update_item(
                    TableName=self._table,
                    Key=key,
                    UpdateExpression="SET #version = :none",
                    ConditionExpression="attribute_exists(#version) AND #version = :none",
                    ExpressionAttributeNames={"#version": "version"},
                    ExpressionAttributeValues={":none": {"S": "never"}},
                )
            except ClientError as error:
                if not condition_failed(error):
                    raise

    def check_direction(self, target: str, study: str, direction: str) -> None:
        """See that what is kept of a study, if anything, is kept for this direction.

        Raises:
            Rejected: it is kept for the other.
            Unavailable: DynamoDB failed.

        """
        key = _key(target, study)
        _check_direction(self._get(key), key, direction)

    def read(self, target: str, study: str) -> list[Best]:
        """What is kept for a target, the best first; nothing if there is nothing yet."""
        return _known(self._get(_key(target, study)))

    def commit(
        self, target: str, study: str, entries: Sequence[Best], nbest: int, direction: str
    ) -> list[Best]:
        """Add `entries`, keep the best, and return those, the best first.

        As many are kept as anybody has asked for, 100 at most. To commit the same again changes
        nothing. An empty `target` is written as `-`.

        Raises:
            Rejected: the study is of the other direction, or the parameters are too long.
            Unavailable: DynamoDB failed, or other writers were first forty times in a row.

        """
        key = _key(target, study)
        new = [checked(one) for one in entries]
        for tried in range(_ROUNDS):
            item = self._get(key)
            _check_direction(item, key, direction)
            known, noted = _known(item), int(item.get("nbest", {"N": "0"})["N"])
            kept = min(MOST_ENTRIES, max(nbest, noted))
            best = merge(known, new, kept, direction)
            _check_size(best, key)
            if (best, kept) == (known, noted) or self._write(key, item, best, kept, direction):
                return best
            # "Full jitter": those who have met do not meet again.
            longest = min(_LONGEST_PAUSE_SECONDS, 0.02 * 2**tried)
            self._pause(random.uniform(0, longest))  # noqa: S311 - a pause is no secret
        message = "committing best results: other writers were first each time"
        raise Unavailable(message, retry_after=1)

    def _get(self, key: dict[str, Any]) -> dict[str, Any]:
        with calling("reading best results"):
            answer = self._dynamodb.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        return answer.get("Item") or {}

    def _write(
        self,
        key: dict[str, Any],
        item: dict[str, Any],
        best: Sequence[Best],
        kept: int,
        direction: str,
    ) -> bool:
        """Write the best unless another was first; attributes of others' stay as they are."""
        version = int(item.get("version", {"N": "0"})["N"])
        attributes = {
            "best": {"L": [attribute(one) for one in best]},
            "nbest": {"N": str(kept)},
            "direction": {"S": direction},
            "version": {"N": str(version + 1)},
        }
        condition = "#version = :read" if version else "attribute_not_exists(#version)"
        values = {f":{name}": field for name, field in attributes.items()}
        if version:
            values[":read"] = {"N": str(version)}
        with calling("writing best results"):
            try:
                self._dynamodb.update_item(
                    TableName=self._table,
                    Key=key,
                    UpdateExpression="SET " + ", ".join(f"#{n} = :{n}" for n in attributes),
                    ConditionExpression=condition,
                    ExpressionAttributeNames={f"#{name}": name for name in attributes},
                    ExpressionAttributeValues=values,
                )
            except ClientError as error:
                if condition_failed(error):
                    return False
                raise
        return True


_HOW_TO_MAKE = (
    "make one with the partition key target and the sort key study, both strings, "
    "or use the stack's own (its output BestResultsTableName)"
)


def _key(target: str, study: str) -> dict[str, Any]:
    return {"target": {"S": target or NO_TARGET}, "study": {"S": study}}


def _check_direction(item: dict[str, Any], key: dict[str, Any], direction: str) -> None:
    known = item.get("direction", {}).get("S", direction)
    if known != direction:
        study = key["study"]["S"]
        message = (
            f"the table keeps the best results of the study {study!r} to {known} and not to "
            f"{direction}: give this one another name, or correct its direction"
        )
        raise Rejected(message)


def _check_size(best: Sequence[Best], key: dict[str, Any]) -> None:
    size = sum(len(text(one.parameters)) + 300 for one in best)
    if size > _MOST_BYTES:
        message = (
            f"the parameters of the {len(best)} best results of {key['study']['S']!r} take "
            f"{size:,} bytes, and an item of DynamoDB has room for {_MOST_BYTES:,}: keep fewer "
            "(commit-nbest), or put long texts into a file that a parameter names"
        )
        raise Rejected(message)


def _known(item: dict[str, Any]) -> list[Best]:
    return [read(one) for one in item.get("best", {}).get("L", [])]
