"""A replication, its records, and what was seen while settling it.

The row is the truth: every step that acts is claimed by `move`, a conditional update that must change exactly one
row. Constraints hold what must never be wrong whatever the code does.
"""

import uuid
from datetime import datetime, timedelta
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from replication.lifecycle import (
    ACTIVE,
    FINAL,
    MAY_HAVE_SENT,
    NEEDS_ATTENTION,
    RECORD_FINAL,
    UNDER_WAY,
    RecordStatus,
    ReplicationStatus,
    check_transition,
)

from .inventory import Backup, Vault

#: No change for this long, while something should be happening, is shown as "no news".
STALLED_AFTER = timedelta(minutes=30)


class Origin(models.TextChoices):
    """Who started a replication, as far as we know."""

    #: Asked for here; the audit says by whom.
    DASHBOARD = "dashboard", _("This dashboard")
    #: Found in the cloud: started in its console, by a policy, or by another program.
    FOREIGN = "foreign", _("Elsewhere")


class ForecastScore(models.TextChoices):
    """How the forecast of a replication compares with what the cloud answered."""

    #: Accepted, with exactly the backups that were promised.
    RIGHT = "right", _("Right")
    #: Accepted, with other backups than promised.
    OTHER_BACKUPS = "other_backups", _("Other backups than forecast")
    #: Refused, with a code that a warning had named.
    REFUSED_AS_WARNED = "refused_as_warned", _("Refused as warned")
    #: Refused, and nothing had warned of it.
    REFUSED = "refused", _("Refused unexpectedly")


class ReplicationQuerySet(models.QuerySet["Replication"]):
    """Replications, by what is to be done with them."""

    def active(self) -> Self:
        """Not over: their pair of vault and region is taken, for a single one that of backup and region."""
        return self.filter(status__in=ACTIVE)

    def under_way(self) -> Self:
        """Sent, or about to be: no other one of their pair of vault and region may be sent meanwhile."""
        return self.filter(status__in=UNDER_WAY)

    def of_pair(self, source_vault: Vault | uuid.UUID, destination_region: str) -> Self:
        """Those of one source vault to one region, of the whole vault and of single backups."""
        return self.filter(source_vault=source_vault, destination_region=destination_region)

    def due(self, now: datetime) -> Self:
        """Those whose next look or attempt has come, longest waiting first."""
        return self.filter(check_after__lte=now).order_by("check_after")

    def needing_attention(self) -> Self:
        """Those that a person should look at."""
        return self.filter(status__in=NEEDS_ATTENTION)

    def newest_first(self) -> Self:
        """In the order of the lists."""
        return self.order_by("-requested_at", "-id")

    def with_names(self) -> Self:
        """Together with what every list shows of them."""
        return self.select_related("actor", "source_vault__project__region")

    def move(self, from_status: str, to_status: str, *, now: datetime, **changes: Any) -> bool:
        """Take the one selected replication a step onward, if it still stands at `from_status`.

        The only writer of `status`. Whoever gets `True` has the step; everybody else gets `False` and must stop.

        Raises:
            IllegalTransition: the table of `lifecycle` does not know this step.
        """
        check_transition(from_status, to_status)
        changed = self.filter(status=from_status).update(
            status=to_status,
            finished_at=now if to_status in FINAL else None,
            changed_at=now,
            version=F("version") + 1,
            **changes,
        )
        if changed > 1:
            raise ValueError("move is for one replication at a time")
        return changed == 1


class Replication(models.Model):
    """One request to replicate a source vault, or one backup of it, into a destination vault: at most one delivered POST."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    #: Made with the form; the same key never makes a second replication.
    key = models.UUIDField(_("form key"), unique=True)
    status = models.CharField(
        _("status"), max_length=32, choices=ReplicationStatus.choices, default=ReplicationStatus.REQUESTED
    )

    origin = models.CharField(
        _("started from"), max_length=32, choices=Origin.choices, default=Origin.DASHBOARD
    )
    #: Null exactly for a foreign one.
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="replications",
        verbose_name=_("requested by"),
    )
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    #: What it was asked for together with. Null: asked for alone, or foreign.
    batch = models.ForeignKey(
        "replication.Batch",
        on_delete=models.PROTECT,
        null=True,
        related_name="replications",
        verbose_name=_("batch"),
    )

    source_vault = models.ForeignKey(
        Vault, on_delete=models.PROTECT, related_name="replications", verbose_name=_("source vault")
    )
    #: Null when the ids were typed by hand and our inventory does not know the vault.
    destination = models.ForeignKey(
        Vault,
        on_delete=models.PROTECT,
        null=True,
        related_name="received_replications",
        verbose_name=_("destination vault"),
    )
    # What is sent, frozen at the request: a later change of the mirror never changes it. The destination of a foreign
    # one is empty where the cloud does not tell it.
    source_region = models.CharField(_("source region"), max_length=255)
    source_project_id = models.CharField(_("source project ID"), max_length=64)
    vault_id = models.CharField(_("source vault ID"), max_length=64)
    #: Empty: the whole vault.
    backup_id = models.CharField(_("backup ID"), max_length=64, blank=True, default="")
    #: The backup's own name, for people: the backup may expire before anybody reads this.
    backup_name = models.CharField(_("backup"), max_length=255, blank=True, default="")
    #: What the replica of a single backup shall be called; empty: the cloud chooses.
    replica_name = models.CharField(_("name of the replica"), max_length=64, blank=True, default="")
    replica_description = models.CharField(
        _("description of the replica"), max_length=255, blank=True, default=""
    )
    destination_region = models.CharField(_("destination region"), max_length=255, blank=True)
    destination_project_id = models.CharField(_("destination project ID"), max_length=64, blank=True)
    destination_vault_id = models.CharField(_("destination vault ID"), max_length=64, blank=True)
    auto_trigger = models.BooleanField(_("auto trigger"), default=False)
    #: What the last look before sending promised: counts, GB and verdicts by backup id.
    forecast = models.JSONField(_("forecast"), default=dict)
    #: Written with the cloud's answer. Empty: none is known, or nothing was forecast here.
    forecast_score = models.CharField(
        _("forecast was"), max_length=32, choices=ForecastScore.choices, blank=True
    )

    requested_at = models.DateTimeField(_("requested"))
    submitted_at = models.DateTimeField(_("sent"), null=True)
    finished_at = models.DateTimeField(_("finished"), null=True)
    #: When status or anything shown of it last changed.
    changed_at = models.DateTimeField(_("changed"))
    #: Rises with every change that a page shows; by it a polled fragment tells whether it still holds.
    version = models.PositiveIntegerField(_("version"), default=1)

    #: When the next attempt or look is due. Null: nothing left to do.
    check_after = models.DateTimeField(_("next look"), null=True, db_index=True)
    claimed_by = models.CharField(_("claimed by"), max_length=255, blank=True)
    claimed_until = models.DateTimeField(_("claimed until"), null=True)
    #: How often it was claimed for sending.
    attempt = models.PositiveIntegerField(_("attempts"), default=0)
    #: Whether a person sent it again after an unclear attempt: that attempt may still turn out to have arrived.
    rearmed = models.BooleanField(_("sent again"), default=False)
    #: Whether a person allowed to take over candidates that cannot be told apart from others' work.
    adoption_allowed = models.BooleanField(_("taking over allowed"), default=False)
    #: Ids of records and operation logs of the vault known right before sending: what is new afterwards is ours.
    baseline = models.JSONField(_("baseline"), default=dict)

    #: The cloud's answer in full, and the X-Request-Id that came with it.
    response = models.JSONField(_("answer"), null=True)
    cloud_request_id = models.CharField(_("cloud request ID"), max_length=255, blank=True, db_index=True)
    provider_id = models.CharField(_("provider ID"), max_length=64, blank=True)

    error_code = models.CharField(_("error code"), max_length=64, blank=True)
    error_message = models.TextField(_("error"), blank=True)

    objects = ReplicationQuerySet.as_manager()

    class Meta:
        verbose_name = _("replication")
        verbose_name_plural = _("replications")
        constraints = [
            models.UniqueConstraint(
                fields=["source_vault", "destination_region"],
                condition=Q(status__in=sorted(ACTIVE), backup_id=""),
                name="one_active_replication_per_vault_and_region",
            ),
            models.UniqueConstraint(
                fields=["source_vault", "destination_region", "backup_id"],
                condition=Q(status__in=sorted(ACTIVE)) & ~Q(backup_id=""),
                name="one_active_replication_per_backup_and_region",
            ),
            # Of either kind: what is new in the cloud can only be told apart while one is under way. The cloud itself
            # refuses a second one meanwhile (BackupService.6130).
            models.UniqueConstraint(
                fields=["source_vault", "destination_region"],
                condition=Q(status__in=sorted(UNDER_WAY)),
                name="one_replication_under_way_per_vault_and_region",
            ),
            models.CheckConstraint(
                condition=Q(status__in=sorted(FINAL), finished_at__isnull=False)
                | Q(status__in=sorted(ACTIVE), finished_at__isnull=True),
                name="finished_at_exactly_when_final",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=sorted(MAY_HAVE_SENT)) | Q(submitted_at__isnull=False),
                name="submitted_at_when_sent",
            ),
            models.CheckConstraint(
                condition=Q(origin=Origin.DASHBOARD, actor__isnull=False)
                | Q(origin=Origin.FOREIGN, actor__isnull=True),
                name="actor_exactly_when_asked_for_here",
            ),
        ]
        indexes = [
            models.Index(fields=["-requested_at", "-id"], name="replication_newest_first"),
            # One for each column that the list is sorted or narrowed by, in the order in which it is shown: a page is read
            # off the index, however many rows there are.
            models.Index(fields=["status", "-requested_at", "-id"], name="replication_by_status"),
            models.Index(fields=["source_vault", "-requested_at", "-id"], name="replication_by_source"),
            models.Index(fields=["destination", "-requested_at", "-id"], name="replication_by_destination"),
            models.Index(fields=["actor", "-requested_at", "-id"], name="replication_by_actor"),
            models.Index(fields=["destination_region", "-requested_at", "-id"], name="replication_by_region"),
            models.Index(fields=["-changed_at", "-id"], name="replication_by_change"),
            models.Index(
                fields=["forecast_score"], condition=~Q(forecast_score=""), name="replication_by_score"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.reference} {self.backup_id or self.vault_id} -> {self.destination_region}"

    @property
    def reference(self) -> str:
        """The first eight characters of the id: what people say on the phone."""
        return str(self.id)[:8]

    @property
    def batch_reference(self) -> str:
        """The first eight characters of its batch's id; empty for none."""
        return str(self.batch_id)[:8] if self.batch_id else ""

    @property
    def is_single(self) -> bool:
        """Whether it is about one backup, and not about a whole vault."""
        return bool(self.backup_id)

    @property
    def is_foreign(self) -> bool:
        """Whether it was started elsewhere and only found by us."""
        return self.origin == Origin.FOREIGN

    @property
    def requester(self) -> str:
        """The name of whoever asked for it here; empty for a foreign one."""
        return self.actor.get_username() if self.actor else ""

    @property
    def took(self) -> timedelta | None:
        """How long it was under way; null while it is, or when nothing was sent."""
        return self.finished_at - self.submitted_at if self.submitted_at and self.finished_at else None

    @property
    def is_final(self) -> bool:
        """Whether it is over."""
        return self.status in FINAL

    @property
    def is_active(self) -> bool:
        """Whether its pair is taken."""
        return self.status in ACTIVE

    @property
    def may_change(self) -> bool:
        """Whether a page that shows it should ask again: it is active, or replicas are still on their way."""
        return self.is_active or self.check_after is not None

    @property
    def needs_attention(self) -> bool:
        """Whether a person should look at it."""
        return self.status in NEEDS_ATTENTION

    @property
    def can_be_withdrawn(self) -> bool:
        """Whether nothing was sent yet."""
        return self.status == ReplicationStatus.REQUESTED

    @property
    def is_unconfirmed(self) -> bool:
        """Whether its outcome is unclear."""
        return self.status == ReplicationStatus.UNCONFIRMED

    @property
    def is_running(self) -> bool:
        """Whether the cloud works on it."""
        return self.status == ReplicationStatus.RUNNING

    def is_stalled(self, now: datetime) -> bool:
        """Whether nothing has changed for so long that "running" would be a guess. Waiting its turn is no silence."""
        return self.status in UNDER_WAY and now - self.changed_at > STALLED_AFTER


class Evidence(models.TextChoices):
    """Where a value was read, the strongest first."""

    #: GET backups, backups[].replication_records[].
    RECORDS = "replication_records", _("replication records")
    #: GET operation-logs.
    LOG = "operation_log", _("operation log")
    #: GET backups of the destination vault.
    REPLICA = "replica", _("destination vault")


class ReplicationRecordQuerySet(models.QuerySet["ReplicationRecord"]):
    """Records, by what is to be done with them."""

    def unfinished(self) -> Self:
        """Those that the cloud still works on, as far as we know."""
        return self.exclude(status__in=RECORD_FINAL)

    def promising(self) -> Self:
        """Those of which a replica is there, or may still come."""
        return self.exclude(status__in=RECORD_FINAL - {RecordStatus.SUCCEEDED})

    def awaiting_arrival(self) -> Self:
        """Copied according to the source region, not yet seen in the destination vault."""
        return self.filter(status=RecordStatus.SUCCEEDED, arrived_at=None)


class ReplicationRecord(models.Model):
    """One backup in a replication. API: CopyCheckpoint, replication.backups[]."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    replication = models.ForeignKey(
        Replication, on_delete=models.PROTECT, related_name="records", verbose_name=_("replication")
    )
    #: Id of the source backup.
    backup_id = models.CharField(_("backup ID"), max_length=64, db_index=True)
    #: Empty when the answer was lost and the cloud has no place to read it again.
    replication_record_id = models.CharField(_("record ID"), max_length=64, blank=True)
    source_backup = models.ForeignKey(
        Backup,
        on_delete=models.PROTECT,
        null=True,
        related_name="replication_records",
        verbose_name=_("backup"),
    )
    # Copied at acceptance, since the backup may expire before anybody reads this.
    backup_name = models.CharField(_("backup"), max_length=255, blank=True)
    resource_id = models.CharField(_("resource ID"), max_length=64, blank=True)
    resource_name = models.CharField(_("resource"), max_length=255, blank=True)
    resource_size_gb = models.PositiveBigIntegerField(_("size (GB)"), null=True)

    status = models.CharField(
        _("status"), max_length=32, choices=RecordStatus.choices, default=RecordStatus.WAITING
    )
    #: The cloud's own word for it.
    cloud_status = models.CharField(_("cloud's word"), max_length=64, blank=True)
    #: 0-100 as the cloud says; null when it has not said.
    progress_percent = models.PositiveSmallIntegerField(_("progress (%)"), null=True)
    #: Where the status was read. Empty: only the answer to the request is known.
    evidence = models.CharField(_("read from"), max_length=32, choices=Evidence.choices, blank=True)
    operation_log_id = models.CharField(_("operation log ID"), max_length=64, blank=True)
    error_code = models.CharField(_("error code"), max_length=64, blank=True)
    error_message = models.TextField(_("error"), blank=True)
    changed_at = models.DateTimeField(_("changed"))
    #: When the cloud last confirmed the status. Null: not yet.
    read_at = models.DateTimeField(_("read"), null=True)
    finished_at = models.DateTimeField(_("finished"), null=True)

    #: When the replica was first seen available in the destination vault.
    arrived_at = models.DateTimeField(_("arrived"), null=True)
    #: Id of the replica; empty when unknown or when several replicas of one server cannot be told apart.
    destination_backup_id = models.CharField(_("replica ID"), max_length=64, blank=True)

    objects = ReplicationRecordQuerySet.as_manager()

    class Meta:
        verbose_name = _("replication record")
        verbose_name_plural = _("replication records")
        constraints = [
            models.UniqueConstraint(
                fields=["replication_record_id"],
                condition=~Q(replication_record_id=""),
                name="record_belongs_to_one_replication",
            ),
            models.UniqueConstraint(
                fields=["operation_log_id"],
                condition=~Q(operation_log_id=""),
                name="operation_log_belongs_to_one_record",
            ),
        ]
        indexes = [
            # The constraint on the first is partial, and SQLite uses it for no search.
            models.Index(fields=["replication_record_id"], name="record_by_cloud_id"),
            models.Index(fields=["destination_backup_id"], name="record_by_replica"),
            models.Index(fields=["arrived_at"], name="record_by_arrival"),
            models.Index(
                fields=["-finished_at"],
                condition=Q(status__in=[RecordStatus.FAILED, RecordStatus.TIMED_OUT]),
                name="record_by_failure",
            ),
        ]

    def __str__(self) -> str:
        return self.replication_record_id or f"{self.replication_id}/{self.backup_id}"

    @property
    def is_final(self) -> bool:
        """Whether the cloud is done with it."""
        return self.status in RECORD_FINAL

    @property
    def has_arrived(self) -> bool:
        """Whether its replica was seen in the destination vault."""
        return self.arrived_at is not None


class Look(models.Model):
    """One look at the cloud while a replication was unconfirmed: the evidence that a person decides on."""

    id = models.BigAutoField(primary_key=True)
    replication = models.ForeignKey(Replication, on_delete=models.PROTECT, related_name="looks")
    at = models.DateTimeField(_("at"))
    #: Whether every source that can be read was read to its end. An incomplete look proves nothing.
    complete = models.BooleanField(_("complete"))
    #: How many candidates were found.
    found = models.PositiveIntegerField(_("found"), default=0)
    #: By source: what was read, how much of it was new, or why it could not be read.
    sources = models.JSONField(_("sources"), default=list)

    class Meta:
        verbose_name = _("look")
        verbose_name_plural = _("looks")
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.replication_id} {self.at:%Y-%m-%dT%H:%M:%SZ}"
