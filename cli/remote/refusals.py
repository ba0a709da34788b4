"""Why EC2 makes or starts no machine, and what to do about each of its reasons.

The codes are EC2's ("Error codes for the Amazon EC2 API", docs.aws.amazon.com).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from botocore.exceptions import ClientError

from cli.asking import AccountError, asking

_CAPACITY: Final = (
    "AWS has none of this type to give there now: another InstanceType, another zone (Placement, "
    "SubnetId), --market on-demand if this was spot, or the same again later"
)
_PRICE: Final = "the request's SpotPrice is below the market's: raise it, or leave it out"
_QUOTA: Final = "the account has no more of these to use: end others, or ask Service Quotas for it"
_RIGHTS: Final = (
    "your identity may not do this: ask for the policy that is the stack's output RemotePolicyArn"
)
OFFER: Final = (
    f"{_RIGHTS}; that is for the stack's machines: another's owner offers it first, as "
    "docs/remote.md says under 'A machine that you have'"
)
LAUNCH: Final = (
    f"{_RIGHTS}; with it an image that is not public, and a snapshot that BlockDeviceMappings "
    "names, need the stack's tag, as docs/remote.md says under 'What you need'"
)
_NETWORK: Final = "look at SubnetId and NetworkInterfaces: they belong to one account and region"
_UNAUTHORIZED: Final = "UnauthorizedOperation"
_REMEDIES: Final = {
    "InsufficientInstanceCapacity": _CAPACITY,
    "InsufficientHostCapacity": _CAPACITY,
    "InsufficientCapacity": _CAPACITY,
    "UnfulfillableCapacity": _CAPACITY,
    "SpotMaxPriceTooLow": _PRICE,
    "MaxSpotInstanceCountExceeded": _QUOTA,
    "InstanceLimitExceeded": _QUOTA,
    "VcpuLimitExceeded": _QUOTA,
    "VolumeLimitExceeded": _QUOTA,
    "MaxIOPSLimitExceeded": _QUOTA,
    _UNAUTHORIZED: _RIGHTS,
    "AuthFailure.ServiceLinkedRoleCreationNotPermitted": (
        "spot machines need a role once in an account: "
        "aws iam create-service-linked-role --aws-service-name spot.amazonaws.com"
    ),
    "InvalidSubnetID.NotFound": _NETWORK,
    "InvalidSubnet": _NETWORK,
    "InvalidSubnetID.Malformed": _NETWORK,
    "InvalidNetworkInterfaceID.NotFound": _NETWORK,
    "InvalidNetworkInterface.InUse": "the interface of NetworkInterfaces has a machine already",
    "InsufficientFreeAddressesInSubnet": "the subnet has no address left: another SubnetId",
    "InvalidGroup.NotFound": "look at SecurityGroupIds, or Groups of NetworkInterfaces",
    "InvalidKeyPair.NotFound": "look at KeyName: a key pair is of one region",
    "InvalidAMIID.NotFound": "look at ImageId: an image is of one region",
    "InvalidAMIID.Malformed": "look at ImageId",
    "InvalidAMIID.Unavailable": "the image of ImageId is not ready, or withdrawn",
    "InvalidBlockDeviceMapping": "look at BlockDeviceMappings: they have to suit the image",
    "Unsupported": "the type is not to be had there, or not so: another InstanceType or zone",
    "OptInRequired": "the image is of the AWS Marketplace: subscribe to it first",
    "PendingVerification": "AWS is still verifying the account for this region: wait, or ask AWS",
}
# After these of a spot request EC2 may have kept it, to fill it later.
_KEPT: Final = frozenset(
    code for code, remedy in _REMEDIES.items() if remedy in (_CAPACITY, _PRICE)
)
_ENCODED: Final = "Encoded authorization failure message: "


class Refused(AccountError):
    """EC2 has not done it; the text says why and what to do.

    `kept`: a spot request may be left of it.
    """

    def __init__(self, message: str, *, kept: bool = False) -> None:
        super().__init__(message)
        self.kept = kept


@contextmanager
def refusing(doing: str, rights: str = _RIGHTS) -> Iterator[None]:
    """Turn EC2's refusal while `doing` into Refused; an answer that is not clear rises as it is.

    `rights` is what to do about a lack of them.
    """
    try:
        yield
    except ClientError as error:
        answer = error.response.get("Error", {})
        code, said = answer.get("Code", ""), " ".join(answer.get("Message", "").split())
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if code in _REMEDIES:
            # One of them comes as a server's own error: a lack of capacity.
            remedy = rights if code == _UNAUTHORIZED else _REMEDIES[code]
            raise Refused(_told(doing, code, said, remedy), kept=code in _KEPT) from error
        if not 400 <= status < 500:
            raise
        try:
            with asking(doing):
                raise
        except AccountError as told:
            raise Refused(told.message) from error


def _told(doing: str, code: str, said: str, remedy: str) -> str:
    said, _, encoded = said.partition(_ENCODED)
    message = f"{doing}: {code}: {said.strip().rstrip('.')}: {remedy}"
    if encoded:
        message += (
            "; what was refused exactly: aws sts decode-authorization-message --encoded-message "
            f"{encoded}"
        )
    return message
