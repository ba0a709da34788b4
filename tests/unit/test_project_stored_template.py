"""Where the template of projects is, as the policy of project admins says it."""

from types import SimpleNamespace
from typing import Any

import pytest

from cli.project.template import StoredTemplate


@pytest.mark.parametrize(
    ("region", "url"),
    [
        ("eu-west-1", "https://data.s3.eu-west-1.amazonaws.com/program/project.yaml"),
        ("cn-north-1", "https://data.s3.cn-north-1.amazonaws.com.cn/program/project.yaml"),
    ],
)
def test_its_address_names_the_region_and_its_partitions_suffix(region: str, url: str) -> None:
    s3: Any = SimpleNamespace(meta=SimpleNamespace(region_name=region))

    assert StoredTemplate(s3, "data").url == url
