"""Several replications that one person asked for at once.

A batch is a bracket around them and has no status of its own: what becomes of it is what becomes of its replications.
"""

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Batch(models.Model):
    """Replications that were confirmed together, with one reason and one key."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    #: Made with the form; the same key never makes a second batch.
    key = models.UUIDField(_("form key"), unique=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="batches",
        verbose_name=_("requested by"),
    )
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    created_at = models.DateTimeField(_("requested"), db_index=True)
    #: The replication whose failed backups this batch tries again. Null: it was asked for as it is.
    retry_of = models.ForeignKey(
        "replication.Replication",
        on_delete=models.PROTECT,
        null=True,
        related_name="retries",
        verbose_name=_("tries again"),
    )
    #: Vaults that were chosen but not requested: {"vault": our id, "name", "project", "reason", "code"}, the reason as
    #: whoever confirmed has read it, the code of the cloud's probable answer or empty.
    left_out = models.JSONField(_("left out"), default=list, blank=True)

    class Meta:
        verbose_name = _("batch")
        verbose_name_plural = _("batches")

    def __str__(self) -> str:
        return self.reference

    @property
    def reference(self) -> str:
        """The first eight characters of the id: what people say on the phone."""
        return str(self.id)[:8]
