"""What a job wants of DVC beside a project's own configuration: quiet, and a cache to share."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote

from container.exits import Exit, JobFailed

# `check_update` would leave a process behind that asks the internet for newer versions. DVC's index
# and state belong to this clone alone, and go with it.
_LOCAL_CONFIG = """[core]
    check_update = false
    analytics = false
    site_cache_dir = "{site}"
"""
# Links save the time and the space of copies; `group` lets other jobs use what this one adds
# (DVC's user guide, "How to Share a DVC Cache").
_CACHE_CONFIG = """[cache]
    dir = "{cache}"
    shared = group
    type = "reflink,hardlink,symlink,copy"
"""


def configure(project: Path, cache_dir: str, workspace: str, repository: str) -> None:
    """Write the configuration of this clone; `cache_dir` holds the caches of all projects, or "".

    Raises:
        JobFailed: the shared cache cannot be written to.
    """
    config = project / ".dvc" / "config.local"
    if not config.exists():  # or the project keeps its own under version control
        text = _LOCAL_CONFIG.format(site=_quoted(project.with_name("site")))
        if cache_dir:
            cache = Path(cache_dir, _folder(workspace), _folder(repository))
            _make_shared(cache)
            text += _CACHE_CONFIG.format(cache=_quoted(cache))
        config.write_text(text, encoding="utf-8")


def _make_shared(cache: Path) -> None:
    before = os.umask(0o002)
    try:
        cache.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise JobFailed(
            Exit.NO_DVC,
            f"making the cache directory {cache}: {error.strerror}. Mount it so that the image's "
            "user may write to it",
        ) from error
    finally:
        os.umask(before)


def _folder(name: str) -> str:
    """A name of Bitbucket's as the name of one folder.

    >>> _folder("team"), _folder("../a b")
    ('team', '%2E%2E%2Fa%20b')
    """
    return quote(name, safe="").replace("..", "%2E%2E")


def _quoted(path: Path) -> str:
    """A value in DVC's configuration, which ConfigObj reads."""
    return str(path).replace('"', "")
