"""The attempts to send a replication: one row a claim, begun before anything leaves and ended with what is known.

A row is never overwritten by a later attempt. What the cloud accepted can be compared with these rows one by one.
"""

from django.db import models
from django.utils.translation import gettext_lazy as _

from .replication import Replication


class AttemptOutcome(models.TextChoices):
    """How an attempt ended, named by what it proves."""

    #: Begun, and not ended by anybody yet.
    PENDING = "pending", _("Under way")
    #: The cloud accepted it and named its records.
    ACCEPTED = "accepted", _("Accepted")
    #: The cloud declined it; nothing was started.
    REFUSED = "refused", _("Refused")
    #: It provably was not acted upon.
    NOT_DELIVERED = "not_delivered", _("Not delivered")
    #: It may have been carried out.
    UNKNOWN = "unknown", _("Unclear")
    #: Its worker wrote no outcome before the claim ran out; it may have been carried out.
    ABANDONED = "abandoned", _("Worker lost")


class Attempt(models.Model):
    """One attempt to send the POST of a replication."""

    id = models.BigAutoField(primary_key=True)
    replication = models.ForeignKey(
        Replication, on_delete=models.PROTECT, related_name="attempts", verbose_name=_("replication")
    )
    #: Counts the claims of the replication, from 1.
    number = models.PositiveIntegerField(_("number"))
    worker = models.CharField(_("worker"), max_length=255)
    begun_at = models.DateTimeField(_("begun"))
    ended_at = models.DateTimeField(_("ended"), null=True)
    outcome = models.CharField(
        _("outcome"), max_length=32, choices=AttemptOutcome.choices, default=AttemptOutcome.PENDING
    )
    http_status = models.PositiveSmallIntegerField(_("HTTP status"), null=True)
    error_code = models.CharField(_("error code"), max_length=64, blank=True)
    cloud_request_id = models.CharField(_("cloud request ID"), max_length=255, blank=True, db_index=True)
    #: Bytes of the request that were surely written to the connection. Null: nobody lived to tell.
    bytes_written = models.PositiveIntegerField(_("bytes written"), null=True)
    #: SHA-256 of the answer as it came, in hexadecimal; empty without a complete answer.
    answer_digest = models.CharField(_("digest of the answer"), max_length=64, blank=True)
    #: The answer as text, cut and without secrets.
    answer = models.TextField(_("answer"), blank=True)

    class Meta:
        verbose_name = _("attempt")
        verbose_name_plural = _("attempts")
        ordering = ["replication_id", "number"]
        constraints = [
            models.UniqueConstraint(fields=["replication", "number"], name="attempt_once_per_number"),
            models.CheckConstraint(
                condition=models.Q(outcome=AttemptOutcome.PENDING, ended_at__isnull=True)
                | (~models.Q(outcome=AttemptOutcome.PENDING) & models.Q(ended_at__isnull=False)),
                name="attempt_ended_exactly_with_an_outcome",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.replication_id} #{self.number}"
