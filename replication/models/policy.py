"""The schedules of the cloud as last read, and the changes of them that were asked for here.

A change is a row before it is a request: a worker claims it, sends it once, and reads back what became of it. `move` is
the only writer of its status, and each step changes exactly one row.
"""

import uuid
from datetime import datetime
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from .inventory import MirrorQuerySet, Project, Vault


class PolicyQuerySet(MirrorQuerySet["Policy"]):
    """Policies, by what they do."""

    def replicating(self) -> Self:
        """Those that replicate, switched on or off."""
        return self.filter(operation_type=Policy.REPLICATION)


class Policy(models.Model):
    """A schedule as the cloud last described it. API: ListPolicies, policies[]."""

    #: The cloud's words, as operation_type carries them.
    BACKUP = "backup"
    REPLICATION = "replication"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(
        Project, on_delete=models.PROTECT, related_name="policies", verbose_name=_("project")
    )
    policy_id = models.CharField(_("policy ID"), max_length=64)
    name = models.CharField(_("name"), max_length=255)
    enabled = models.BooleanField(_("switched on"))
    operation_type = models.CharField(_("what it does"), max_length=64)
    #: Empty for a policy that makes backups.
    destination_region = models.CharField(_("destination region"), max_length=255, blank=True)
    destination_project_id = models.CharField(_("destination project ID"), max_length=64, blank=True)
    #: iCalendar rules in UTC, as the cloud words them.
    patterns = models.JSONField(_("schedule"), default=list)
    #: From when on intervals are counted; null when the cloud did not say.
    started_at = models.DateTimeField(_("counted from"), null=True)
    # How long replicas or backups are kept. Null: nothing is deleted by this limit.
    retention_days = models.PositiveIntegerField(_("kept for days"), null=True)
    max_backups = models.PositiveIntegerField(_("kept at most"), null=True)
    day_backups = models.PositiveIntegerField(_("daily ones kept"), null=True)
    week_backups = models.PositiveIntegerField(_("weekly ones kept"), null=True)
    month_backups = models.PositiveIntegerField(_("monthly ones kept"), null=True)
    year_backups = models.PositiveIntegerField(_("yearly ones kept"), null=True)
    #: Whose days, weeks, months and years these are, as in UTC+01:00.
    timezone = models.CharField(_("zone of these days"), max_length=64, blank=True)
    seen_at = models.DateTimeField(_("seen"), null=True)
    vanished_at = models.DateTimeField(_("vanished"), null=True, blank=True)

    objects = PolicyQuerySet.as_manager()

    class Meta:
        verbose_name = _("policy")
        verbose_name_plural = _("policies")
        constraints = [
            models.UniqueConstraint(fields=["project", "policy_id"], name="policy_once_per_project")
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.policy_id})"

    @property
    def replicates(self) -> bool:
        """Whether it replicates, rather than makes backups."""
        return self.operation_type == self.REPLICATION

    @property
    def is_kept_for_good(self) -> bool:
        """Whether nothing that it makes is ever deleted by it."""
        limits = (self.retention_days, self.max_backups, self.day_backups, self.week_backups)
        return all(limit is None for limit in (*limits, self.month_backups, self.year_backups))


class PolicyVault(models.Model):
    """A vault that a policy is applied to. API: ListPolicies, policies[].associated_vaults[]."""

    id = models.BigAutoField(primary_key=True)
    policy = models.ForeignKey(
        Policy, on_delete=models.CASCADE, related_name="applied_to", verbose_name=_("policy")
    )
    vault_id = models.CharField(_("vault ID"), max_length=64)
    #: Null: our inventory does not know the vault.
    source_vault = models.ForeignKey(
        Vault, on_delete=models.CASCADE, null=True, related_name="policies", verbose_name=_("vault")
    )
    #: Empty for a policy that makes backups.
    destination_vault_id = models.CharField(_("destination vault ID"), max_length=64, blank=True)

    class Meta:
        verbose_name = _("vault of a policy")
        verbose_name_plural = _("vaults of policies")
        constraints = [
            models.UniqueConstraint(fields=["policy", "vault_id"], name="vault_once_per_policy"),
        ]

    def __str__(self) -> str:
        return f"{self.policy} on {self.vault_id}"


class PolicyChangeKind(models.TextChoices):
    """What is to be changed."""

    CREATE = "create", _("Create a policy")
    APPLY = "apply", _("Apply to a vault")
    REMOVE = "remove", _("Remove from a vault")
    DELETE = "delete", _("Delete the policy")


class PolicyChangeStatus(models.TextChoices):
    """How far a change has come."""

    #: Waiting for a worker.
    REQUESTED = "requested", _("Queued")
    #: A worker holds it and may have sent it.
    SENDING = "sending", _("Being sent")
    #: It may have been carried out; the policies are read until that is known.
    UNCLEAR = "unclear", _("Unclear")
    #: The cloud shows it.
    DONE = "done", _("Done")
    #: The cloud declined it; nothing was changed.
    REFUSED = "refused", _("Refused")
    #: It was never delivered, or the cloud does not show it after all looks.
    NOT_DONE = "not_done", _("Not carried out")


_Status = PolicyChangeStatus
#: Statuses that are not over.
PENDING_CHANGES = frozenset({_Status.REQUESTED, _Status.SENDING, _Status.UNCLEAR})
#: The table of steps; a status that is over has none.
STEPS: dict[str, frozenset[str]] = {
    _Status.REQUESTED: frozenset({_Status.SENDING, _Status.DONE, _Status.REFUSED, _Status.NOT_DONE}),
    _Status.SENDING: frozenset(
        {_Status.DONE, _Status.REFUSED, _Status.UNCLEAR, _Status.REQUESTED, _Status.NOT_DONE}
    ),
    # Back to the queue only where the same request twice does what it does once.
    _Status.UNCLEAR: frozenset({_Status.DONE, _Status.NOT_DONE, _Status.REQUESTED}),
}


class PolicyChangeQuerySet(models.QuerySet["PolicyChange"]):
    """Changes, by what is to be done with them."""

    def pending(self) -> Self:
        """Not over."""
        return self.filter(status__in=PENDING_CHANGES)

    def due(self, now: datetime, status: str) -> Self:
        """Those of a status whose next step has come, the longest waiting first."""
        return self.filter(status=status, check_after__lte=now).order_by("check_after")

    def newest_first(self) -> Self:
        """In the order of the lists, with what these show."""
        return self.select_related("actor", "source_vault", "known_policy", "project__region").order_by(
            "-requested_at", "-id"
        )

    def move(self, before: str, after: str, *, now: datetime, **changes: Any) -> bool:
        """Take the one selected change a step onward if it still stands at `before`: the only writer of `status`.

        Raises:
            ValueError: there is no such step, or more than one change was selected.
        """
        if after not in STEPS.get(before, ()):
            raise ValueError(f"no step leads from {before} to {after}")
        changed = self.filter(status=before).update(
            status=after,
            changed_at=now,
            finished_at=None if after in PENDING_CHANGES else now,
            version=F("version") + 1,
            **changes,
        )
        if changed > 1:
            raise ValueError("move is for one change at a time")
        return changed == 1


class PolicyChange(models.Model):
    """One change of the cloud's policies that a person asked for."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    #: Made with the form; the same key never makes a second change.
    key = models.UUIDField(_("form key"), unique=True)
    kind = models.CharField(_("what"), max_length=16, choices=PolicyChangeKind.choices)
    status = models.CharField(
        _("status"), max_length=16, choices=PolicyChangeStatus.choices, default=PolicyChangeStatus.REQUESTED
    )
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("requested by")
    )
    reason = models.CharField(_("reason"), max_length=500)
    project = models.ForeignKey(
        Project, on_delete=models.PROTECT, related_name="+", verbose_name=_("project")
    )
    #: Null until a policy to be created is seen.
    known_policy = models.ForeignKey(
        Policy, on_delete=models.PROTECT, null=True, related_name="changes", verbose_name=_("policy")
    )
    #: Null for what is about no single vault.
    source_vault = models.ForeignKey(
        Vault, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("vault")
    )
    # What is sent, frozen at the request: a later change of the mirror never changes it.
    policy_name = models.CharField(_("policy"), max_length=255)
    policy_id = models.CharField(_("policy ID"), max_length=64, blank=True)
    vault_id = models.CharField(_("vault ID"), max_length=64, blank=True)
    destination_vault_id = models.CharField(_("destination vault ID"), max_length=64, blank=True)
    #: HTTP method, path below the project, body and the status that means success.
    order = models.JSONField(_("request"), default=dict)
    #: What only one pending change at a time may be about: a vault, a policy, or a name in a project.
    subject = models.CharField(_("about"), max_length=400)

    requested_at = models.DateTimeField(_("requested"))
    sent_at = models.DateTimeField(_("sent"), null=True)
    finished_at = models.DateTimeField(_("finished"), null=True)
    changed_at = models.DateTimeField(_("changed"))
    #: Rises with every change that a page shows.
    version = models.PositiveIntegerField(_("version"), default=1)
    #: When the next attempt or look is due. Null: nothing left to do.
    check_after = models.DateTimeField(_("next look"), null=True, db_index=True)
    claimed_by = models.CharField(_("claimed by"), max_length=255, blank=True)
    claimed_until = models.DateTimeField(_("claimed until"), null=True)
    #: How often it was claimed for sending.
    attempt = models.PositiveIntegerField(_("attempts"), default=0)
    #: Complete readings since the latest sending that did not show it.
    looks = models.PositiveIntegerField(_("looks"), default=0)
    #: Ids of the project's policies right before the latest sending.
    baseline = models.JSONField(_("baseline"), default=list)
    cloud_request_id = models.CharField(_("cloud request ID"), max_length=255, blank=True)
    error_code = models.CharField(_("error code"), max_length=64, blank=True)
    error_message = models.TextField(_("error"), blank=True)

    objects = PolicyChangeQuerySet.as_manager()

    class Meta:
        verbose_name = _("policy change")
        verbose_name_plural = _("policy changes")
        constraints = [
            models.UniqueConstraint(
                fields=["subject"],
                condition=Q(status__in=sorted(PENDING_CHANGES)),
                name="one_pending_policy_change_per_subject",
            ),
            models.CheckConstraint(
                condition=Q(status__in=sorted(PENDING_CHANGES), finished_at__isnull=True)
                | (~Q(status__in=sorted(PENDING_CHANGES)) & Q(finished_at__isnull=False)),
                name="policy_change_finished_exactly_when_over",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=[PolicyChangeStatus.SENDING, PolicyChangeStatus.UNCLEAR])
                | Q(sent_at__isnull=False),
                name="policy_change_sent_at_when_sent",
            ),
        ]
        indexes = [models.Index(fields=["-requested_at", "-id"], name="policy_change_newest_first")]

    def __str__(self) -> str:
        return f"{self.kind} {self.policy_name} {self.vault_id}".rstrip()

    @property
    def is_pending(self) -> bool:
        """Whether it is not over."""
        return self.status in PENDING_CHANGES

    @property
    def is_creation(self) -> bool:
        """Whether it makes a policy: the one kind of change that must never be sent twice."""
        return self.kind == PolicyChangeKind.CREATE
