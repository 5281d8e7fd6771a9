"""How people keep their lists: views with a name, and each person's columns and file format.

A view is an address without its page: filter, search, order, columns. It holds no rows and grants nothing.
"""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class SavedViewQuerySet(models.QuerySet["SavedView"]):
    """Views, by who may use them."""

    def usable_by(self, user: models.Model) -> "SavedViewQuerySet":
        """Those of the person, and those that are shared; own ones first."""
        return (
            self.filter(Q(owner=user) | Q(is_shared=True))
            .select_related("owner")
            .annotate(is_own=models.ExpressionWrapper(Q(owner=user), output_field=models.BooleanField()))
            .order_by("-is_own", "name", "id")
        )


class SavedView(models.Model):
    """A filter with a name."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="saved_views",
        verbose_name=_("owner"),
    )
    #: Code of the list, as views.tables.Table has it.
    table = models.CharField(_("list"), max_length=32)
    name = models.CharField(_("name"), max_length=80)
    #: Query string without its question mark and without a page.
    query = models.CharField(_("filter"), max_length=2000, blank=True)
    is_shared = models.BooleanField(_("shared with everybody"), default=False)
    changed_at = models.DateTimeField(_("changed"))

    objects = SavedViewQuerySet.as_manager()

    class Meta:
        verbose_name = _("saved view")
        verbose_name_plural = _("saved views")
        constraints = [
            models.UniqueConstraint(fields=["owner", "table", "name"], name="view_name_once_per_person")
        ]

    def __str__(self) -> str:
        return f"{self.table}: {self.name} ({self.owner_id})"


class TablePreference(models.Model):
    """How one person wants one list. No row means: as everybody has it."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", verbose_name=_("user")
    )
    table = models.CharField(_("list"), max_length=32)
    #: Codes of the columns to show, separated by commas; empty means the usual ones.
    columns = models.CharField(_("columns"), max_length=500, blank=True)
    #: What the list shows when its address asks for nothing.
    default_view = models.ForeignKey(
        SavedView, on_delete=models.SET_NULL, null=True, related_name="+", verbose_name=_("default view")
    )
    #: A value of `services.spreadsheet.Delimiter`; empty means that the language decides.
    delimiter = models.CharField(_("delimiter"), max_length=16, blank=True)

    class Meta:
        verbose_name = _("preference for a list")
        verbose_name_plural = _("preferences for lists")
        constraints = [
            models.UniqueConstraint(fields=["user", "table"], name="preference_once_per_person_and_list")
        ]

    def __str__(self) -> str:
        return f"{self.table} ({self.user_id})"
