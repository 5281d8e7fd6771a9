"""The company whose cloud is simulated: its projects, servers and vaults, as one table.

Only facts stand here. What days, ids and sizes follow from them is the seed's business.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

PROJECT_NAMES = ("eu-de_production", "eu-de_internal", "eu-nl_recovery", "eu-nl_archive")
BUILT_IN_PROJECT = "MOS"


@dataclass(frozen=True, slots=True)
class VaultPlan:
    """One vault as the company runs it.

    Args:
        name: Vault name.
        project: Project name.
        machines: Names of what is backed up; a backup of each is made in turn.
        machine_gb: Size of each machine.
        backups: How many backups there are.
        stored_gb: How much a backup occupies.
        size_gb: Capacity; 0 makes the vault exactly full, a negative number leaves that much room.
        object_type: server, disk or turbo.
        protect_type: backup or replication.
        status: Status of the vault.
        locked: Whether backups are locked against deletion.
        statuses: Statuses of the newest backups, newest first, where they are not available.
        without_system_disk: How many of the oldest backups hold data disks only.
        failing: Position, from the newest, of a backup whose replication always fails; none is -1.
        replicated: How many of the oldest backups have been replicated before, and into which vault.
        tags: Tags of the vault.
    """

    name: str
    project: str
    machines: tuple[str, ...] = ()
    machine_gb: int = 100
    backups: int = 0
    stored_gb: int = 60
    size_gb: int = 2000
    object_type: str = "server"
    protect_type: str = "backup"
    status: str = "available"
    locked: bool = False
    statuses: tuple[str, ...] = ()
    without_system_disk: int = 0
    failing: int = -1
    replicated: tuple[int, str] = (0, "")
    tags: dict[str, str] = field(default_factory=dict)


VAULTS = (
    VaultPlan(
        "vault-orders-db",
        "eu-de_production",
        ("pg-orders-01", "pg-orders-02"),
        100,
        14,
        62,
        tags={"team": "orders"},
    ),
    VaultPlan(
        "vault-web-shop",
        "eu-de_production",
        ("web-shop-01", "web-shop-02", "web-shop-03"),
        80,
        12,
        30,
        800,
        statuses=("protecting", "error", "restoring"),
        without_system_disk=2,
        failing=5,
        tags={"team": "shop", "tier": "front"},
    ),
    VaultPlan("vault-payments", "eu-de_production", ("payment-api-01",), 120, 9, 70, 1500, locked=True),
    VaultPlan(
        "vault-erp",
        "eu-de_production",
        ("erp-app-01", "erp-db-01"),
        150,
        10,
        85,
        1500,
        replicated=(6, "replica-production"),
    ),
    VaultPlan(
        "vault-media-share", "eu-de_production", ("sfs-media",), 500, 6, 300, 3000, object_type="turbo"
    ),
    VaultPlan("vault-logging", "eu-de_production", ("loki-01", "loki-02"), 100, 8, 50, 0),
    VaultPlan(
        "vault-data-warehouse",
        "eu-de_production",
        ("dwh-node-01", "dwh-node-02", "dwh-node-03", "dwh-node-04"),
        200,
        400,
        2,
        1200,
    ),
    VaultPlan(
        "vault-mail",
        "eu-de_internal",
        ("mail-relay-02", "mail-store-01"),
        90,
        11,
        55,
        1000,
        replicated=(8, "replica-archive"),
    ),
    VaultPlan(
        "vault-build-disks",
        "eu-de_internal",
        ("gitlab-data", "nexus-blobs"),
        40,
        8,
        25,
        400,
        object_type="disk",
    ),
    VaultPlan(
        "vault-gitlab", "eu-de_internal", ("gitlab-01", "gitlab-runner-03"), 80, 7, 45, 600, status="lock"
    ),
    VaultPlan(
        "vault-identity", "eu-de_internal", ("ldap-01", "keycloak-02"), 60, 5, 30, 300, status="frozen"
    ),
    VaultPlan("vault-intranet", "eu-de_internal", ("intranet-04",), 60, size_gb=200),
    VaultPlan("vault-edge-cache", "eu-nl_recovery", ("edge-proxy-07",), 60, 7, 40, 500),
    VaultPlan("vault-scans", "eu-nl_archive", ("scan-intake-01",), 120, 4, 65, 600, status="error"),
    VaultPlan("replica-production", "eu-nl_recovery", size_gb=20000, protect_type="replication"),
    VaultPlan(
        "replica-media", "eu-nl_recovery", size_gb=5000, object_type="turbo", protect_type="replication"
    ),
    VaultPlan("replica-archive", "eu-nl_archive", size_gb=-40, protect_type="replication"),
    VaultPlan("replica-longterm", "eu-nl_archive", size_gb=10000, protect_type="replication"),
)


@dataclass(frozen=True, slots=True)
class PolicyPlan:
    """One policy and the vaults it is applied to, each with its destination vault or none."""

    name: str
    project: str
    vaults: tuple[tuple[str, str], ...]
    operation_type: str = "backup"
    enabled: bool = True
    patterns: tuple[str, ...] = ("FREQ=DAILY;INTERVAL=1;BYHOUR=01;BYMINUTE=00",)
    retention: Mapping[str, object] = field(default_factory=lambda: {"retention_duration_days": 30})
    #: Project that a replication policy replicates to.
    destination: str = ""


POLICIES = (
    PolicyPlan(
        "backup-nightly",
        "eu-de_production",
        (("vault-orders-db", ""), ("vault-web-shop", ""), ("vault-erp", ""), ("vault-data-warehouse", "")),
    ),
    PolicyPlan("backup-internal", "eu-de_internal", (("vault-mail", ""), ("vault-gitlab", ""))),
    PolicyPlan(
        "replicate-erp-weekly",
        "eu-de_production",
        (("vault-erp", "replica-production"),),
        operation_type="replication",
        patterns=("FREQ=WEEKLY;BYDAY=SA;BYHOUR=04;BYMINUTE=00",),
        destination="eu-nl_recovery",
    ),
    PolicyPlan(
        "replicate-mail-twice-a-day",
        "eu-de_internal",
        (("vault-mail", "replica-archive"),),
        operation_type="replication",
        patterns=(
            "FREQ=DAILY;INTERVAL=1;BYHOUR=03;BYMINUTE=00",
            "FREQ=DAILY;INTERVAL=1;BYHOUR=15;BYMINUTE=00",
        ),
        retention={
            "max_backups": 14,
            "day_backups": 7,
            "month_backups": 6,
            "timezone": "UTC+01:00",
        },
        destination="eu-nl_archive",
    ),
    PolicyPlan(
        "replicate-every-other-day",
        "eu-de_internal",
        (),
        operation_type="replication",
        enabled=False,
        patterns=("FREQ=DAILY;INTERVAL=2;BYHOUR=05;BYMINUTE=00",),
        retention={"retention_duration_days": -1},
        destination="eu-nl_recovery",
    ),
    PolicyPlan("backup-edge", "eu-nl_recovery", (("vault-edge-cache", ""),), enabled=False),
)
