"""A process that types `remote create` on moto's EC2, and says on its output how far it has come.

It waits for a line of input before it asks EC2 to end the machine: what arrives until then arrives
in the midst of that. The last line of its output are the states of all machines.
"""

import json
import signal
import sys
import time
from pathlib import Path
from typing import Any

from cli.main import main
from tests.integration.remote_engine_world import World, engine_world


def _say(what: str) -> None:
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


def _create(world: World) -> int:
    def reached(*_: Any, **__: Any) -> Any:
        _say("reached")
        time.sleep(600)

    def terminating() -> None:
        _say("terminating")
        sys.stdin.readline()

    world.agent.run = reached  # type: ignore[method-assign] # it is to be interrupted
    world.ec2.before["terminate_instances"] = terminating
    sys.argv = ["cloud-runner", "remote", "create", "--launchspec", world.specification()]
    try:
        main()
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


def _type(folder: str) -> int:
    with engine_world() as worlds, worlds(Path(folder)) as world:
        code = _create(world)
        _say(json.dumps(world.states()))
    return code


if __name__ == "__main__":
    # Whoever runs the tests in the background lets them, and so us, ignore it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.exit(_type(sys.argv[1]))
