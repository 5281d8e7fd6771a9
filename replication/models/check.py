"""A forecast that somebody has kept, to show it to somebody else or to come back to it."""

import uuid
from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from .inventory import Vault

#: A check that is older than this says so: backups come and go meanwhile.
OLD_AFTER = timedelta(hours=1)


class Check(models.Model):
    """What would have been asked for, and what was found then. Never changed afterwards."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="checks",
        verbose_name=_("checked by"),
    )
    made_at = models.DateTimeField(_("checked"), db_index=True)

    source_vault = models.ForeignKey(
        Vault, on_delete=models.PROTECT, related_name="checks", verbose_name=_("source vault")
    )
    #: Null when the ids were typed by hand and our inventory does not know the vault.
    destination = models.ForeignKey(
        Vault, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("destination vault")
    )
    # What would be sent, frozen: a later change of the mirror never changes it.
    source_region = models.CharField(_("source region"), max_length=255)
    source_project_id = models.CharField(_("source project ID"), max_length=64)
    vault_id = models.CharField(_("source vault ID"), max_length=64)
    destination_region = models.CharField(_("destination region"), max_length=255)
    destination_project_id = models.CharField(_("destination project ID"), max_length=64)
    destination_vault_id = models.CharField(_("destination vault ID"), max_length=64)
    auto_trigger = models.BooleanField(_("auto trigger"), default=False)

    #: `Outlook.snapshot`: every rule, every backup with its verdict, room, cost and time, as they were then. Sentences
    #: are kept as keys with parameters, so that each reader gets them in their own language.
    result = models.JSONField(_("result"), default=dict)

    class Meta:
        verbose_name = _("check")
        verbose_name_plural = _("checks")

    def __str__(self) -> str:
        return f"{self.reference} {self.vault_id} -> {self.destination_region}"

    @property
    def reference(self) -> str:
        """The first eight characters of the id: what people say on the phone."""
        return str(self.id)[:8]

    def is_old(self, now: datetime) -> bool:
        """Whether so much time has passed that it should not be relied on."""
        return now - self.made_at > OLD_AFTER
