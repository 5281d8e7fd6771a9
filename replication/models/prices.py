"""What copying and keeping replicas costs, as an administrator has entered it: the cloud has no call that tells."""

from datetime import date
from typing import Self

from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

_NOT_NEGATIVE = MinValueValidator(0)


class RateCardQuerySet(models.QuerySet["RateCard"]):
    """Rate cards, by when they count."""

    def valid_on(self, day: date) -> Self:
        """Those that have begun to count, the latest first."""
        return self.filter(valid_from__lte=day).order_by("-valid_from")


class RateCard(models.Model):
    """Prices from a day on, until the next card begins."""

    valid_from = models.DateField(
        _("valid from"), unique=True, help_text=_("Counts from this day on, until the next rate card begins.")
    )
    currency = models.CharField(
        _("currency"),
        max_length=3,
        validators=[RegexValidator(r"\A[A-Z]{3}\Z", _("A currency is three capital letters, such as EUR."))],
        help_text=_("Three capital letters, such as EUR."),
    )
    traffic_per_gb = models.DecimalField(
        _("traffic, per GB"),
        max_digits=12,
        decimal_places=6,
        validators=[_NOT_NEGATIVE],
        help_text=_("For each GB that is copied to another region. Billed to the source region."),
    )
    space_per_gb_month = models.DecimalField(
        _("replica space, per GB and month"),
        max_digits=12,
        decimal_places=6,
        validators=[_NOT_NEGATIVE],
        help_text=_("For each GB of a replica that is kept for a month."),
    )
    note = models.CharField(
        _("where it is from"),
        max_length=255,
        blank=True,
        help_text=_("Such as the price list and its date, or the contract."),
    )

    objects = RateCardQuerySet.as_manager()

    class Meta:
        verbose_name = _("rate card")
        verbose_name_plural = _("rate cards")

    def __str__(self) -> str:
        return f"{self.currency} {self.valid_from:%Y-%m-%d}"
