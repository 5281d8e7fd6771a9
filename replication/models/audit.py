"""The append-only record of who did what, and of what was found out.

An entry is written in the transaction of the change that it tells of. It is never changed or deleted, not even by
an administrator: the model refuses, and users with entries cannot be deleted but only deactivated.
"""

from typing import Any, NoReturn

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class AuditAction(models.TextChoices):
    """What an entry tells of. The value is stored and exported; the label is for the reader."""

    #: A person asked for a replication.
    REQUESTED = "replication.requested", _("Requested")
    #: A person asked for several at once; each of them has its own entry as well.
    BATCH_REQUESTED = "batch.requested", _("Several requested at once")
    #: A person saved what would happen, without asking for it.
    CHECKED = "check.saved", _("Check saved")
    #: A worker claimed it and is about to send.
    SUBMITTING = "replication.submitting", _("Sending to the cloud")
    #: It was provably not delivered and will be sent again.
    NOT_DELIVERED = "replication.not_delivered", _("Not delivered, will be sent again")
    #: The cloud accepted it and named its records.
    ACCEPTED = "replication.accepted", _("Accepted by the cloud")
    #: The cloud declined it.
    REJECTED = "replication.rejected", _("Refused by the cloud")
    #: It may have been carried out.
    UNCONFIRMED = "replication.unconfirmed", _("Outcome unclear")
    #: Records found in the cloud were taken over.
    ADOPTED = "replication.adopted", _("Found in the cloud and taken over")
    #: An answer arrived after others had settled the replication.
    LATE_ANSWER = "replication.late_answer", _("Late answer kept as evidence")
    #: A person decided that nothing was started and that it is to be sent again.
    REARMED = "replication.rearmed", _("Sent again by a person")
    #: A person decided that the only candidates in the cloud are this replication's.
    ADOPTION_ALLOWED = "replication.adoption_allowed", _("Taking over allowed by a person")
    #: A person withdrew it.
    CANCELLED = "replication.cancelled", _("Withdrawn")
    #: Every record is final, or delivery was given up.
    FINISHED = "replication.finished", _("Finished")
    #: Every copied backup was seen in the destination vault.
    ARRIVED = "replication.arrived", _("All replicas seen in the destination vault")
    #: A sweep found replications in the cloud that nobody asked for here.
    FOREIGN = "replication.foreign", _("Started elsewhere, found in the cloud")
    #: A person asked for a change of the cloud's policies.
    POLICY_REQUESTED = "policy.requested", _("Policy change requested")
    #: A worker claimed the change and is about to send it.
    POLICY_SENDING = "policy.sending", _("Policy change sent to the cloud")
    #: The cloud shows the change.
    POLICY_DONE = "policy.done", _("Policy change done")
    #: The cloud declined the change.
    POLICY_REFUSED = "policy.refused", _("Policy change refused by the cloud")
    #: The change may have been carried out.
    POLICY_UNCLEAR = "policy.unclear", _("Policy change unclear")
    #: The change was not delivered or not carried out, and waits to be sent again.
    POLICY_REQUEUED = "policy.requeued", _("Policy change queued again")
    #: The change was never delivered, or the cloud does not show it after all looks.
    POLICY_NOT_DONE = "policy.not_done", _("Policy change not carried out")
    #: A person asked for a fresh reading of the inventory.
    INVENTORY_REFRESH = "inventory.refresh_requested", _("Inventory refresh requested")
    #: A person set how old a restore point may be, or changed it.
    TARGET_SET = "target.set", _("Target set")
    #: A person removed such a target.
    TARGET_REMOVED = "target.removed", _("Target removed")
    #: An audit or history export left the system.
    EXPORTED = "audit.exported", _("Exported")
    #: A person kept a filter under a name, or changed one.
    VIEW_SAVED = "view.saved", _("View saved")
    #: A person deleted a saved view.
    VIEW_DELETED = "view.deleted", _("View deleted")


class AuditQuerySet(models.QuerySet["AuditEntry"]):
    """Entries; the ways to change them in bulk are closed."""

    def update(self, **_kwargs: Any) -> NoReturn:
        """Refuse."""
        raise TypeError("audit entries are never changed")

    def delete(self) -> NoReturn:
        """Refuse."""
        raise TypeError("audit entries are never deleted")


class AuditEntry(models.Model):
    """One thing that somebody did, or that the worker found out."""

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(_("at"), db_index=True)
    action = models.CharField(_("action"), max_length=64, choices=AuditAction.choices, db_index=True)
    #: Null: the worker, acting by itself.
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("by")
    )
    #: The name at that time; "worker" for the worker.
    actor_name = models.CharField(_("by"), max_length=255)
    replication = models.ForeignKey(
        "replication.Replication",
        on_delete=models.PROTECT,
        null=True,
        related_name="audit_entries",
        verbose_name=_("replication"),
    )
    from_status = models.CharField(_("from"), max_length=32, blank=True)
    to_status = models.CharField(_("to"), max_length=32, blank=True)
    #: Parameters of the entry; never a token or a password.
    details = models.JSONField(_("details"), default=dict)
    #: X-Request-Id of the web request that caused it; empty for the worker.
    request_id = models.CharField(_("request ID"), max_length=64, blank=True, db_index=True)
    #: X-Request-Id that the cloud answered with.
    cloud_request_id = models.CharField(_("cloud request ID"), max_length=255, blank=True, db_index=True)

    objects = AuditQuerySet.as_manager()

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit entries")
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"#{self.pk} {self.action}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Write a new entry; refuse to change an old one."""
        if not self._state.adding:
            raise TypeError("audit entries are never changed")
        super().save(*args, **kwargs)

    def delete(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        """Refuse."""
        raise TypeError("audit entries are never deleted")
