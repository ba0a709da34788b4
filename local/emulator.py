"""Runs MiniStack with the SAM transform: `python local/emulator.py SITE_PACKAGES`.

AWS expands a SAM template on its side, and so does MiniStack, given aws-sam-translator. Installed
beside MiniStack that package would bring pydantic and boto3 into what the functions see. So it is
found where the project's tools are, at the end of the path of this process, which the processes
that run the functions do not inherit. Executed by the emulator's own interpreter.
"""

import runpy
import sys

if __name__ == "__main__":
    sys.path.append(sys.argv.pop(1))
    runpy.run_module("ministack", run_name="__main__")
