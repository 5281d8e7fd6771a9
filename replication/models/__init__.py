"""What we remember: a mirror of the cloud's inventory, replications with their records, and who did what.

Models hold fields, constraints, querysets and small derived facts. They never speak to the network.
"""

from .attempt import Attempt, AttemptOutcome
from .audit import AuditAction, AuditEntry
from .batch import Batch
from .capacity import VaultDay
from .check import Check
from .coverage import Coverage, ProtectedServer, RecoveryTarget
from .inventory import Backup, CloudReading, Project, Region, Vault
from .logbook import OperationLog, ReplicaOrigin
from .policy import Policy, PolicyChange, PolicyChangeKind, PolicyChangeStatus, PolicyVault
from .preferences import Preferences, Theme
from .prices import RateCard
from .replication import Evidence, ForecastScore, Look, Origin, Replication, ReplicationRecord
from .table import SavedView, TablePreference
from .worker import WorkerBeat

__all__ = [
    "Attempt",
    "AttemptOutcome",
    "AuditAction",
    "AuditEntry",
    "Backup",
    "Batch",
    "Check",
    "CloudReading",
    "Coverage",
    "Evidence",
    "ForecastScore",
    "Look",
    "OperationLog",
    "Origin",
    "Policy",
    "PolicyChange",
    "PolicyChangeKind",
    "PolicyChangeStatus",
    "PolicyVault",
    "Preferences",
    "Project",
    "ProtectedServer",
    "RateCard",
    "RecoveryTarget",
    "Region",
    "ReplicaOrigin",
    "Replication",
    "ReplicationRecord",
    "SavedView",
    "TablePreference",
    "Theme",
    "Vault",
    "VaultDay",
    "WorkerBeat",
]
