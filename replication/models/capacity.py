"""How full each replication vault was, one row a vault and day."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from .inventory import Vault


class VaultDay(models.Model):
    """Size and use of a replication vault as last read on one day. API: ListVaults, vaults[].billing."""

    id = models.BigAutoField(primary_key=True)
    vault = models.ForeignKey(Vault, on_delete=models.CASCADE, related_name="days", verbose_name=_("vault"))
    #: The day in UTC.
    day = models.DateField(_("day"))
    size_gb = models.PositiveBigIntegerField(_("capacity (GB)"))
    used_mb = models.PositiveBigIntegerField(_("used (MB)"))
    #: The last reading of that day.
    read_at = models.DateTimeField(_("read"))

    class Meta:
        verbose_name = _("day of a vault")
        verbose_name_plural = _("days of vaults")
        constraints = [models.UniqueConstraint(fields=["vault", "day"], name="vault_once_a_day")]

    def __str__(self) -> str:
        return f"{self.vault_id} {self.day}"
