"""What SAM would start containers with: `python sam_invocations.py TEMPLATE ENVIRONMENT_FILE`.

SAM's own code reads both, up to the point where it would call Docker. Prints one JSON object:
logical id -> handler, architecture, code, layers, environment.
"""

import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any


def main(template: str, environment: str) -> None:
    """Print the object."""
    # By name, since SAM ships types for half of it.
    stacks = import_module("samcli.lib.providers.sam_stack_provider").SamLocalStackProvider
    provider = import_module("samcli.lib.providers.sam_function_provider").SamFunctionProvider
    runner = import_module("samcli.commands.local.lib.local_lambda").LocalLambdaRunner
    declared, _ = stacks.get_stacks(template)
    known: Any = provider(declared)
    given = json.loads(Path(environment).read_text(encoding="utf-8"))
    local = runner(None, known, cwd=".", real_path=".", env_vars_values=given)
    found = {one.name: local.get_invoke_config(one) for one in known.get_all()}
    told = {
        name: {
            "handler": one.handler,
            "architecture": one.architecture,
            "code": one.code_abs_path,
            "layers": [layer.codeuri for layer in one.layers],
            "environment": one.env_vars.resolve(),
        }
        for name, one in found.items()
    }
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
