"""Where a function's settings come from: environment variables, read once, in `build`."""

import os
from collections.abc import Mapping
from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError


class Settings(BaseModel):
    """Settings of one service: field `job_queue` is the variable `JOB_QUEUE`.

    Subclasses declare their fields without defaults, so that a forgotten variable fails the start
    and not the first message. The exceptions are fields that AWS sets, or leaves out, by itself.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    aws_region: str
    log_level: str = "INFO"
    # Lambda sets it where X-Ray listens; elsewhere nothing is traced.
    aws_xray_daemon_address: str | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Self:
        """The settings in `environment` (the process's by default).

        Raises:
            SystemExit: a variable is missing or malformed; the text names each one.

        """
        variables = os.environ if environment is None else environment
        found = {name: variables.get(name.upper()) for name in cls.model_fields}
        try:
            return cls.model_validate({k: v for k, v in found.items() if v not in (None, "")})
        except ValidationError as error:
            wrong = ", ".join(f"{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors())
            message = f"reading the settings of {cls.__module__}: {wrong}"
            raise SystemExit(message) from error
