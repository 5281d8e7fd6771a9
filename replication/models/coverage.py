"""What follows from the mirror for each protected server: how new its newest restore point in each region is.

A summary, kept in line by `services.restore_points` in the transaction of every change that it follows from, so that a
page of thousands of servers reads a few rows instead of all backups. Nothing refers to its rows.
"""

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from .inventory import Project, Region, Vault


class ProtectedServer(models.Model):
    """A server whose backups a source vault holds or is to hold. API: ListVaults, vaults[].resources[]."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    vault = models.ForeignKey(
        Vault, on_delete=models.CASCADE, related_name="servers", verbose_name=_("source vault")
    )
    resource_id = models.CharField(_("resource ID"), max_length=64, db_index=True)
    name = models.CharField(_("name"), max_length=255, blank=True)
    #: Whether the vault still lists it. If not, only backups of it are left, and no new ones are made.
    is_associated = models.BooleanField(_("in the vault"), default=True)

    class Meta:
        verbose_name = _("protected server")
        verbose_name_plural = _("protected servers")
        constraints = [models.UniqueConstraint(fields=["vault", "resource_id"], name="server_once_per_vault")]

    def __str__(self) -> str:
        return f"{self.name or self.resource_id} ({self.resource_id})"


class Coverage(models.Model):
    """One server in one destination region: its newest restore point that has arrived there."""

    id = models.BigAutoField(primary_key=True)
    server = models.ForeignKey(ProtectedServer, on_delete=models.CASCADE, related_name="coverage")
    #: Null: no region is known that the server's region replicates to.
    region = models.ForeignKey(Region, on_delete=models.CASCADE, null=True, related_name="+")
    #: When the backup was made that the newest arrived replica is a copy of. Null: none has arrived, or of none of
    #: those that have is the backup known.
    taken_at = models.DateTimeField(_("restore point"), null=True)
    arrived_at = models.DateTimeField(_("arrived"), null=True)
    #: The cloud's id of that backup.
    backup_id = models.CharField(_("backup ID"), max_length=64, blank=True)
    #: Where that replica lies.
    destination = models.ForeignKey(Vault, on_delete=models.CASCADE, null=True, related_name="+")
    #: Replicas there of which nobody can say what backup they are a copy of.
    undated = models.PositiveIntegerField(_("replicas of unknown age"), default=0)
    #: How old a restore point may be. Null: no target is set.
    target_hours = models.PositiveIntegerField(_("target (hours)"), null=True)
    #: Until when the newest restore point meets the target. Null: no target, or no restore point.
    met_until = models.DateTimeField(_("met until"), null=True)

    class Meta:
        verbose_name = _("coverage")
        verbose_name_plural = _("coverage")
        constraints = [
            models.UniqueConstraint(fields=["server", "region"], name="coverage_once_per_server_and_region"),
            models.UniqueConstraint(
                fields=["server"], condition=Q(region=None), name="coverage_once_per_server_without_region"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.server_id} -> {self.region_id}"


class RecoveryTargetQuerySet(models.QuerySet["RecoveryTarget"]):
    """Targets, and which of them counts."""

    def hours_by_vault(self) -> dict[uuid.UUID, int]:
        """Return the target that counts for each source vault that has one. Two queries.

        The most specific one: the vault's own, else the strictest of its tags', else its project's.
        """
        targets = list(self)
        if not targets:
            return {}
        own = {one.vault_id: one.hours for one in targets if one.vault_id}
        of_project = {one.project_id: one.hours for one in targets if one.project_id}
        of_tag = {(one.tag_key, one.tag_value): one.hours for one in targets if one.tag_key}
        found: dict[uuid.UUID, int] = {}
        for vault, project, tags in Vault.objects.sources().values_list("pk", "project_id", "tags"):
            tagged = [
                of_tag[name]
                for key, value in tags.items()
                for name in ((key, value), (key, ""))
                if name in of_tag
            ]
            hours = own.get(vault) or min(tagged, default=None) or of_project.get(project)
            if hours:
                found[vault] = hours
        return found


class RecoveryTarget(models.Model):
    """How old the newest restore point in another region may be (recovery point objective, RPO).

    For one vault, for all vaults with a tag (an empty value stands for every value), or for all vaults of a project.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    vault = models.ForeignKey(
        Vault, on_delete=models.CASCADE, null=True, related_name="targets", verbose_name=_("vault")
    )
    project = models.ForeignKey(
        Project, on_delete=models.CASCADE, null=True, related_name="targets", verbose_name=_("project")
    )
    #: API: ListVaults, vaults[].tags[]: key up to 36 characters, value up to 43; more is let in than is documented.
    tag_key = models.CharField(_("tag"), max_length=128, blank=True)
    tag_value = models.CharField(_("tag value"), max_length=255, blank=True)
    hours = models.PositiveIntegerField(_("hours"))
    changed_at = models.DateTimeField(_("changed"))

    objects = RecoveryTargetQuerySet.as_manager()

    class Meta:
        verbose_name = _("target")
        verbose_name_plural = _("targets")
        constraints = [
            models.CheckConstraint(
                condition=Q(vault__isnull=False, project__isnull=True, tag_key="")
                | Q(vault__isnull=True, project__isnull=False, tag_key="")
                | Q(vault__isnull=True, project__isnull=True) & ~Q(tag_key=""),
                name="target_for_exactly_one_thing",
            ),
            models.CheckConstraint(condition=Q(hours__gte=1), name="target_of_an_hour_or_more"),
            models.UniqueConstraint(
                fields=["vault"], condition=Q(vault__isnull=False), name="one_target_per_vault"
            ),
            models.UniqueConstraint(
                fields=["project"], condition=Q(project__isnull=False), name="one_target_per_project"
            ),
            models.UniqueConstraint(
                fields=["tag_key", "tag_value"], condition=~Q(tag_key=""), name="one_target_per_tag"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.scope}: {self.hours} h"

    @property
    def scope(self) -> str:
        """What it is for, in words that name it."""
        if self.vault:
            return f"{self.vault.project} / {self.vault.name}"
        if self.project:
            return str(self.project)
        return f"{self.tag_key}={self.tag_value}" if self.tag_value else self.tag_key

    @property
    def kind(self) -> str:
        """What it is for, as the pages' words go."""
        if self.vault_id:
            return str(_("Vault"))
        return str(_("Project")) if self.project_id else str(_("Tag"))

    @property
    def kind_order(self) -> int:
        """The most specific first."""
        return 0 if self.vault_id else 2 if self.project_id else 1

    @property
    def choice(self) -> str:
        """What it is for, as the form of targets names it."""
        if self.vault_id:
            return f"vault:{self.vault_id}"
        return f"project:{self.project_id}" if self.project_id else f"tag:{self.scope}"
