"""Open Telekom Cloud in Python: typed calls for replicating vaults, and errors named by what may be done next.

This is all that the rest of the app may use. Nothing in this package knows Django, our database or our pages.
"""

from .cbr import CbrClient
from .credentials import Credentials, cloud_from_options, read_cloud
from .endpoints import cbr_endpoint
from .errors import (
    CloudError,
    Misconfigured,
    NotDelivered,
    NotFound,
    OutcomeUnknown,
    Refused,
    SignInFailed,
    Throttled,
    Unreadable,
)
from .iam import IamClient
from .landscape import Project, Region, ReplicationCapability
from .operations import OperationLog, OperationLogReplication
from .payloads import (
    AcceptedBackup,
    AcceptedReplication,
    Backup,
    BackupOrder,
    ReplicateOrder,
    ReplicationRecord,
    Vault,
    VaultResource,
)
from .policies import (
    AssociatedVault,
    Policy,
    PolicyOrder,
    Retention,
    association,
    creation,
    deletion,
    dissociation,
)
from .sign_in import Access
from .transcript import Transcript
from .transport import CONNECT_SECONDS, REPLICATE_DEADLINE_SECONDS

__all__ = [
    "CONNECT_SECONDS",
    "REPLICATE_DEADLINE_SECONDS",
    "AcceptedBackup",
    "AcceptedReplication",
    "Access",
    "AssociatedVault",
    "Backup",
    "BackupOrder",
    "CbrClient",
    "CloudError",
    "Credentials",
    "IamClient",
    "Misconfigured",
    "NotDelivered",
    "NotFound",
    "OperationLog",
    "OperationLogReplication",
    "OutcomeUnknown",
    "Policy",
    "PolicyOrder",
    "Project",
    "Refused",
    "Region",
    "ReplicateOrder",
    "ReplicationCapability",
    "ReplicationRecord",
    "Retention",
    "SignInFailed",
    "Throttled",
    "Transcript",
    "Unreadable",
    "Vault",
    "VaultResource",
    "association",
    "cbr_endpoint",
    "cloud_from_options",
    "creation",
    "deletion",
    "dissociation",
    "read_cloud",
]
