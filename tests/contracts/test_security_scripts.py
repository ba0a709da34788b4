"""What is put into a script of a shell is quoted, encoded, or of fixed form."""

import base64
import gzip
import re
import shlex
import subprocess
from typing import Any

from samtranslator.yaml_helper import yaml_parse

from cli.remote.user_data import user_data
from cli.remote.wrapping import wrapped
from tests.contracts.wiring import PROJECT

WILD = "$(touch pwned) `touch pwned`; touch pwned # ' \" \\ {{ssm:x}} \nEND\nTERMS\ntouch pwned\n"


def test_whatever_goes_to_a_machine_through_systems_manager_stays_what_it_is(
    tmp_path: Any,
) -> None:
    command = wrapped('cat; echo then "$0"', WILD.encode())
    done = subprocess.run(
        ["sh", "-c", command], cwd=tmp_path, capture_output=True, timeout=300, check=True
    )

    assert done.stdout.decode() == f"{WILD}then sh\n"
    assert list(tmp_path.iterdir()) == []
    assert "{{" not in command


def test_the_terms_of_a_machine_stay_what_they_are_in_its_user_data() -> None:
    terms = {"max_seconds": 60, "finish_seconds": 60, "name": WILD, "@AGENT@": "x"}
    script = gzip.decompress(user_data(b"agent", terms, wait_seconds=60)).decode()
    _, _, document = script.partition("<<'TERMS'")
    (line,) = document.partition("\nTERMS\n")[0].splitlines()[1:]

    assert '"name": "$(touch pwned)' in line
    assert base64.b64encode(b"agent").decode() in script
    assert script.count("\nTERMS\n") == 1


def _user_data() -> tuple[str, dict[str, Any]]:
    template = yaml_parse((PROJECT / "container/compute.yaml").read_text(encoding="utf-8"))
    machine = template["Resources"]["MachineTemplate"]["Properties"]["LaunchTemplateData"]
    text, others = machine["UserData"]["Fn::Base64"]["Fn::Sub"]
    return text, {"parameters": template["Parameters"], "others": others}


def test_what_becomes_part_of_the_machines_script_can_hold_no_code() -> None:
    """CloudFormation puts parameters into it as they are, so their patterns are its quotes."""
    text, known = _user_data()
    named = set(re.findall(r"\$\{([A-Za-z:]+)\}", text))
    parameters = named & known["parameters"].keys()

    assert {"CacheDirectory", "ProgramDirectory", "StopSeconds"} <= parameters
    assert named - parameters == {"AWS::Region", "DataBucket", *known["others"]}
    for name in parameters:
        declared = known["parameters"][name]
        pattern = declared.get("AllowedPattern", "")
        numbers = declared["Type"] == "Number"
        words = [
            "a b",
            "/a b",
            "$(x)",
            "/$(x)",
            "/`x`",
            "/a;x",
            "/a'x",
            '/a"x',
            "/a\nx",
            "/a|x",
            "/a&x",
        ]
        assert numbers or pattern, name
        assert numbers or not [word for word in words if re.fullmatch(pattern, word)], name


def test_the_words_of_a_quoted_command_are_the_words_again() -> None:
    words = ["sudo", "-n", "sh", "-c", WILD]

    assert shlex.split(shlex.join(words)) == words
