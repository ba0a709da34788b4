"""Where machines are: moto's EC2 of one account and region, with its default VPC and one image.

The ids of the image, of the subnets and of the security group are the same at every start, so that
a launch specification written yesterday still works.
"""

import os
from datetime import UTC, datetime
from typing import Any, Final

from moto import settings
from moto.ec2.models import ec2_backends
from moto.ec2.models.amis import Ami
from moto.moto_api._internal import mock_random

from local.aws import MACHINE_IMAGE

_SEED: Final = 2026


def prepared(account: str, region: str) -> Any:
    """EC2 as moto knows it, which knows an image that is missing."""
    settings.ENABLE_AMI_VALIDATION = True
    # Thousands of images that nobody here could start.
    os.environ["MOTO_EC2_LOAD_DEFAULT_AMIS"] = "false"
    mock_random.seed(_SEED)
    backend = ec2_backends[account][region]
    mock_random.seed(None)  # from the system again: no two instances have one id
    backend.amis[MACHINE_IMAGE] = Ami(
        backend,
        MACHINE_IMAGE,
        name="al2023-ami-embedded-x86_64",
        description="A sandbox of the embedded stack, which looks like Amazon Linux 2023",
        owner_alias="amazon",
        public=True,
        virtualization_type="hvm",
        architecture="x86_64",
        creation_date=datetime(2026, 11, 1, tzinfo=UTC),
        hypervisor="xen",
        root_device_type="ebs",
        root_device_name="/dev/xvda",
        region_name=region,
    )
    return backend
