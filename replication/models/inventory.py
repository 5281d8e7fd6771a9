"""The mirror of the cloud's inventory: regions, projects, vaults and backups as last read.

A mirror, not the truth: every row says when it was last seen, and what the cloud no longer lists is marked as
vanished and kept, because replications refer to it.
"""

import uuid
from typing import Self, TypeVar

from django.db import models
from django.utils.translation import gettext_lazy as _

Row_co = TypeVar("Row_co", bound=models.Model, covariant=True)


class MirrorQuerySet(models.QuerySet[Row_co]):
    """Rows that copy something of the cloud."""

    def present(self) -> Self:
        """Only what the cloud still listed when last read."""
        return self.filter(vanished_at=None)


class Region(models.Model):
    """A region of the cloud, with the regions that it can replicate to."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(_("name"), max_length=255, unique=True)
    #: Region names. Null: the cloud has not told us; empty: it replicates to nowhere.
    #: API: ListReplicationCapabilities, regions[].replication_destinations.
    replication_destinations = models.JSONField(_("replicates to"), null=True, blank=True)
    seen_at = models.DateTimeField(_("seen"), null=True)
    vanished_at = models.DateTimeField(_("vanished"), null=True, blank=True)

    objects = MirrorQuerySet.as_manager()

    class Meta:
        verbose_name = _("region")
        verbose_name_plural = _("regions")

    def __str__(self) -> str:
        return self.name


class Project(models.Model):
    """A project in one region, and the clouds.yaml entry that we sign in to it with, if there is one."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project_id = models.CharField(_("project ID"), max_length=64, unique=True)
    name = models.CharField(_("name"), max_length=255)
    region = models.ForeignKey(
        Region, on_delete=models.PROTECT, related_name="projects", verbose_name=_("region")
    )
    #: Name of the entry in REPLICATION_CLOUDS. Empty: seen in the account, but not read by us.
    cloud = models.CharField(_("cloud entry"), max_length=255, blank=True)
    seen_at = models.DateTimeField(_("seen"), null=True)
    vanished_at = models.DateTimeField(_("vanished"), null=True, blank=True)

    objects = MirrorQuerySet.as_manager()

    class Meta:
        verbose_name = _("project")
        verbose_name_plural = _("projects")

    def __str__(self) -> str:
        return f"{self.region} / {self.name}"


class CloudReading(models.Model):
    """When an entry of REPLICATION_CLOUDS was last read, how that went, and when it is due again."""

    #: Name of the clouds.yaml entry.
    cloud = models.CharField(_("cloud entry"), max_length=255, primary_key=True)
    project = models.ForeignKey(
        Project, on_delete=models.PROTECT, null=True, related_name="readings", verbose_name=_("project")
    )
    #: The last complete reading. Null: never.
    read_at = models.DateTimeField(_("read"), null=True)
    #: Why the last attempt failed; empty when it went well.
    error = models.TextField(_("error"), blank=True)
    refresh_after = models.DateTimeField(_("due"))
    #: Whether backups in this project carry replication_records. Null: not yet known.
    #: API: ListBackups, backups[].replication_records; Open Telekom Cloud's reference does not have the field.
    answers_records = models.BooleanField(_("answers replication records"), null=True)

    #: When the policies were last read to their end, which a reading of the rest does not need. Null: never.
    policies_read_at = models.DateTimeField(_("policies read"), null=True)
    #: Why the latest reading of the policies failed; empty when it did not.
    policies_error = models.TextField(_("policies error"), blank=True)

    #: When the last complete sweep began: a search of the whole project for replications that we do not know of.
    #: Null: never.
    swept_at = models.DateTimeField(_("swept"), null=True)
    sweep_after = models.DateTimeField(_("sweep due"), null=True)
    sweep_error = models.TextField(_("sweep error"), blank=True)

    class Meta:
        verbose_name = _("cloud entry")
        verbose_name_plural = _("cloud entries")

    def __str__(self) -> str:
        return self.cloud


class VaultQuerySet(MirrorQuerySet["Vault"]):
    """Vaults, by what they are for."""

    def sources(self) -> Self:
        """Vaults whose backups can be replicated elsewhere, fit or not."""
        return self.exclude(protect_type=Vault.REPLICATION)

    def destinations(self) -> Self:
        """Vaults that receive replicas, fit or not."""
        return self.filter(protect_type=Vault.REPLICATION)


class Vault(models.Model):
    """A vault as the cloud last described it. API: ListVaults, vaults[]."""

    #: The cloud's words, as billing.protect_type and billing.status carry them.
    BACKUP = "backup"
    REPLICATION = "replication"
    AVAILABLE = "available"
    SERVER = "server"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(
        Project, on_delete=models.PROTECT, related_name="vaults", verbose_name=_("project")
    )
    vault_id = models.CharField(_("vault ID"), max_length=64)
    name = models.CharField(_("name"), max_length=255)
    description = models.TextField(_("description"), blank=True)
    protect_type = models.CharField(_("purpose"), max_length=64)
    object_type = models.CharField(_("type"), max_length=64)
    status = models.CharField(_("status"), max_length=64)
    #: Capacity in GB; null when the cloud did not say.
    size_gb = models.PositiveBigIntegerField(_("capacity (GB)"), null=True)
    #: Used capacity in MB; null when the cloud did not say.
    used_mb = models.PositiveBigIntegerField(_("used (MB)"), null=True)
    #: Whether the cloud enlarges the vault when it is full. Null: it did not say.
    auto_expand = models.BooleanField(_("expands by itself"), null=True)
    provider_id = models.CharField(_("provider ID"), max_length=64, blank=True)
    #: Value by key. API: ListVaults, vaults[].tags[].
    tags = models.JSONField(_("tags"), default=dict, blank=True)
    #: How many servers, disks or file systems are associated.
    resource_count = models.PositiveIntegerField(_("resources"), default=0)
    created_at = models.DateTimeField(_("created"), null=True)
    seen_at = models.DateTimeField(_("seen"), null=True)
    vanished_at = models.DateTimeField(_("vanished"), null=True, blank=True)

    objects = VaultQuerySet.as_manager()

    class Meta:
        verbose_name = _("vault")
        verbose_name_plural = _("vaults")
        constraints = [models.UniqueConstraint(fields=["project", "vault_id"], name="vault_once_per_project")]

    def __str__(self) -> str:
        return f"{self.name} ({self.vault_id})"

    @property
    def is_replication_vault(self) -> bool:
        """Whether it receives replicas."""
        return self.protect_type == self.REPLICATION

    @property
    def free_mb(self) -> int | None:
        """Room left in MB, 0 when overfull; null when the cloud did not tell size or use."""
        if self.size_gb is None or self.used_mb is None:
            return None
        return max(0, self.size_gb * 1024 - self.used_mb)

    @property
    def used_percent(self) -> int | None:
        """Share of the capacity in use, 0-100, rounded down; null when the cloud did not tell."""
        if not self.size_gb or self.used_mb is None:
            return None
        return min(100, self.used_mb * 100 // (self.size_gb * 1024))


class Backup(models.Model):
    """A backup as the cloud last described it. API: ListBackups, backups[]."""

    #: The cloud's words, as status and image_type carry them.
    AVAILABLE = "available"
    REPLICA = "replication"
    SERVER_RESOURCE = "OS::Nova::Server"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    vault = models.ForeignKey(
        Vault, on_delete=models.PROTECT, related_name="backups", verbose_name=_("vault")
    )
    backup_id = models.CharField(_("backup ID"), max_length=64)
    name = models.CharField(_("name"), max_length=255, blank=True)
    resource_id = models.CharField(_("resource ID"), max_length=64, blank=True)
    resource_name = models.CharField(_("resource"), max_length=255, blank=True)
    resource_type = models.CharField(_("resource type"), max_length=64, blank=True)
    #: Size of the backed-up resource in GB; null when the cloud did not say.
    resource_size_gb = models.PositiveBigIntegerField(_("size (GB)"), null=True)
    status = models.CharField(_("status"), max_length=64)
    image_type = models.CharField(_("kind"), max_length=64, blank=True)
    #: Null: the cloud did not say.
    contain_system_disk = models.BooleanField(_("has the system disk"), null=True)
    #: Region names with a live or finished record. Null: the cloud does not tell.
    replicated_to = models.JSONField(_("replicated to"), null=True, blank=True)
    #: Region names with a record that the cloud still works on. Null: the cloud does not tell.
    copying_to = models.JSONField(_("being copied to"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), null=True)
    expired_at = models.DateTimeField(_("expires"), null=True)
    # Of a replica, as far as it can be told: which backup it is a copy of, and when that was made. Its own `created_at`
    # is when copying ended, and would make an old restore point look new.
    source_backup_id = models.CharField(_("copy of"), max_length=64, blank=True, db_index=True)
    taken_at = models.DateTimeField(_("restore point"), null=True)
    seen_at = models.DateTimeField(_("seen"), null=True)
    vanished_at = models.DateTimeField(_("vanished"), null=True, blank=True)

    objects = MirrorQuerySet.as_manager()

    class Meta:
        verbose_name = _("backup")
        verbose_name_plural = _("backups")
        constraints = [models.UniqueConstraint(fields=["vault", "backup_id"], name="backup_once_per_vault")]
        indexes = [
            models.Index(fields=["backup_id"], name="backup_by_cloud_id"),
            models.Index(fields=["vault", "-created_at"], name="backup_newest_first"),
            models.Index(fields=["resource_id", "name"], name="backup_by_resource_and_name"),
            # The newest restore point of each server in each vault, read without the table itself.
            models.Index(
                fields=["vault", "resource_id", "taken_at"],
                condition=models.Q(vanished_at=None, status="available"),
                name="backup_restore_points",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name or self.resource_name} ({self.backup_id})"

    @property
    def is_replica(self) -> bool:
        """Whether it was itself made by a replication."""
        return self.image_type == self.REPLICA or self.vault.is_replication_vault
