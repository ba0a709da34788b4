"""The program's first lines: the secret leaves the environment before anything else is loaded.

That takes a second start of this program, see `credentials`, which need not load it all twice.
"""

from __future__ import annotations

import os
import sys

from container.credentials import take


def main() -> int:
    """Run the program; its exit code, see `exits`."""
    secret = take(os.environ)
    from container.start import start  # noqa: PLC0415 - see above

    return start(secret)


if __name__ == "__main__":
    sys.exit(main())
