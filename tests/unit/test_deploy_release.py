"""When the webhook gets another version: whenever it would behave in another way."""

from pathlib import Path

import pytest
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

from cli.deploy.release import PARAMETER, digest
from local.layout import PROJECT


def build(folder: Path, *, code: str = "a", layer: str = "b") -> Path:
    for name, text in (("WebhookFunction", code), ("SharedLayer", layer)):
        (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / name / "module.py").write_text(text)
    return folder


def test_other_code_another_layer_and_another_setting_make_another_release(tmp_path: Path) -> None:
    values = {"RequireSignature": "true", PARAMETER: "of the time before"}
    first = digest(build(tmp_path / "1"), values)

    assert digest(build(tmp_path / "2"), {**values, PARAMETER: "another"}) == first
    assert digest(build(tmp_path / "3", code="c"), values) != first
    assert digest(build(tmp_path / "4", layer="c"), values) != first
    assert digest(build(tmp_path / "5"), {**values, "RequireSignature": "false"}) != first


class _NoManagedPolicies:
    def load(self) -> dict[str, str]:
        return {}


def version_of(release: str) -> str:
    """The logical id of the webhook's version, as SAM makes it."""
    template = yaml_parse((PROJECT / "template.yaml").read_text(encoding="utf-8"))
    for resource in template["Resources"].values():
        for path in ("CodeUri", "ContentUri"):
            if path in resource.get("Properties", {}):
                resource["Properties"][path] = "s3://bucket/key"
    template["Globals"]["Function"]["CodeUri"] = "s3://bucket/key"
    template["Parameters"][PARAMETER]["Default"] = release
    made = transform(template, {}, _NoManagedPolicies())
    (version,) = [
        name for name, one in made["Resources"].items() if one["Type"] == "AWS::Lambda::Version"
    ]
    return str(version)


def test_another_release_is_another_version_to_sam(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")  # which SAM wants to know
    first, second = version_of("a" * 64), version_of("b" * 64)

    assert first != second
