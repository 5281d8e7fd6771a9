"""How a person wants to see the pages. Says nothing about what anybody did, so no audit entry belongs to it."""

from typing import TYPE_CHECKING

from django.conf import settings
from django.core.exceptions import ObjectDoesNotExist
from django.db import models
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser


class Theme(models.TextChoices):
    """The colours of the pages."""

    #: As the reader's system is set.
    AUTO = "auto", _("Auto")
    LIGHT = "light", _("Light")
    DARK = "dark", _("Dark")


class Preferences(models.Model):
    """What a person has chosen. Whatever is empty follows the browser."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="preferences",
        verbose_name=_("person"),
    )
    #: A code of `LANGUAGES`.
    language = models.CharField(_("language"), max_length=16, blank=True)
    #: A name of the IANA database.
    time_zone = models.CharField(_("time zone"), max_length=64, blank=True)
    theme = models.CharField(_("colours"), max_length=8, choices=Theme.choices, blank=True)

    class Meta:
        verbose_name = _("preferences")
        verbose_name_plural = _("preferences")

    def __str__(self) -> str:
        return str(self.user_id)

    @classmethod
    def of(cls, user: "AbstractBaseUser | AnonymousUser") -> "Preferences":
        """Return what the person has chosen; a row of nothing for a stranger, or for whoever chose nothing.

        Costs no query: signing in reads it together with the user.
        """
        try:
            chosen: Preferences = user.preferences  # type: ignore[union-attr]  # the other end of `user`
        except (AttributeError, ObjectDoesNotExist):
            return cls()
        return chosen
