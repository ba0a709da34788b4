"""Runs a built function as Lambda would: `python -I -S bare.py ARTIFACT LAYER HANDLER <EVENT`.

Nothing is on the path but the standard library, the artifact and the layer. The handler's answer
is the last line of the output.
"""

import importlib
import json
import sys

if __name__ == "__main__":
    artifact, layer, handler = sys.argv[1:]
    sys.path[:0] = [artifact, f"{layer}/python"]
    module, _, name = handler.rpartition(".")
    answer = getattr(importlib.import_module(module), name)(json.load(sys.stdin), None)
    sys.stdout.write(f"\n{json.dumps(answer)}\n")
