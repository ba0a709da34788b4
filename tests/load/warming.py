"""Functions' processes, started before they are needed.

The emulator starts a process for each call that finds all others busy, and unpacks the function and
its layer for it: half a second of the machine, in AWS somebody else's. A burst that makes it start
thirty at once costs it all it has, and calls time out meanwhile. So load finds them running.
"""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from tests.load.embedded import Loaded
from tests.load.report import say

# As many as may run at once: what the template says of each, and for the webhook, enough.
_PROCESSES = {
    "WebhookFunction": 24,
    "ParserFunction": 10,
    "SubmitterFunction": 5,
    "MonitorFunction": 10,
    "NotifierFunction": 5,
}
# More would time out while they start.
_MORE_AT_ONCE = 4


class NotWarmError(Exception):
    """A function failed at a call without records; the text is what it answered."""


def warm(stack: Loaded) -> None:
    """Let the functions that a push goes through have all the processes that they may have."""
    say("starting the functions' processes")
    functions = stack.functions
    listed = functions.list_functions()["Functions"]
    for part, processes in _PROCESSES.items():
        name = next(one["FunctionName"] for one in listed if part in one["FunctionName"])
        aliases = functions.list_aliases(FunctionName=name)["Aliases"]
        called = f"{name}:{aliases[0]['Name']}" if aliases else name
        for at_once in range(_MORE_AT_ONCE, processes + _MORE_AT_ONCE, _MORE_AT_ONCE):
            # Those that run are busy with the first of these calls; the others start a process.
            with ThreadPoolExecutor(at_once) as pool:
                calls = [called] * min(at_once, processes)
                list(pool.map(partial(_call, functions), calls))


def _call(functions: Any, name: str) -> None:
    answer = functions.invoke(FunctionName=name, Payload=b'{"Records": []}')
    if "FunctionError" in answer:
        raise NotWarmError(f"{name}: {answer['Payload'].read().decode(errors='replace')}")
