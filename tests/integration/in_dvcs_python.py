"""What DVC, Hydra and a YAML reader make of a text, as the environment of a job has them."""

import os
import subprocess
from pathlib import Path

from tests.integration.job_site import JOB_ENVIRONMENT

# Programs for that environment's `python -c`, each with the name of a file.
TO_JSON = """
import json, sys, ruamel.yaml
print(json.dumps(ruamel.yaml.YAML(typ="safe").load(open(sys.argv[1], encoding="utf-8"))))
"""
READ_BY_HYDRA = """
import json, sys
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf
parser = OverridesParser.create()
def read(override):
    config = OmegaConf.create({"x": None})
    OmegaConf.update(config, "x", parser.parse_override(override).value(), merge=True)
    return OmegaConf.to_object(config)["x"]
print(json.dumps([read(override) for override in json.load(open(sys.argv[1]))]))
"""


def run(folder: Path, *command: str) -> str:
    """The output of a command in that environment, which must end well."""
    environment = {
        "PATH": f"{JOB_ENVIRONMENT / 'bin'}:{os.environ['PATH']}",
        "DVC_NO_ANALYTICS": "1",
        "CI": "1",  # DVC asks for no newer version
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_AUTHOR_NAME": "Someone",
        "GIT_AUTHOR_EMAIL": "someone@localhost",
        "GIT_COMMITTER_NAME": "Someone",
        "GIT_COMMITTER_EMAIL": "someone@localhost",
    }
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        timeout=300,
    )
    return done.stdout.decode()
