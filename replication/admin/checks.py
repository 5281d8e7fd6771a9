"""Saved checks, to be read; and rate cards, which administrators enter."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest  # noqa: TID251  # the admin consists of pages
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from replication.models import Check, RateCard
from replication.roles import Right, can

from .history import PersonFilter
from .reading import AuditAdmin

if TYPE_CHECKING:
    AnyModelAdmin = admin.ModelAdmin[RateCard]
else:  # not subscriptable at run time
    AnyModelAdmin = admin.ModelAdmin


@admin.register(Check)
class CheckAdmin(AuditAdmin):
    """What was looked at and kept, whether or not anything came of it."""

    list_display = (
        "reference",
        "made_at",
        "checked_by",
        "source_vault",
        "source_region",
        "destination_region",
    )
    list_filter = ("source_region", "destination_region", ("actor", PersonFilter))
    list_select_related = ("actor", "source_vault")
    date_hierarchy = "made_at"
    ordering = ("-made_at", "-id")
    search_fields = ("^id", "vault_id__exact", "destination_vault_id__exact", "source_vault__name")
    search_help_text = _("IDs of ours or of the cloud, the vault's name")
    fieldsets = (
        (None, {"fields": ("id", "made_at", "checked_by")}),
        (_("From"), {"fields": ("source_region", "source_project_id", "source_vault", "vault_id")}),
        (
            _("To"),
            {
                "fields": (
                    "destination_region",
                    "destination_project_id",
                    "destination",
                    "destination_vault_id",
                    "auto_trigger",
                )
            },
        ),
        (_("What was seen"), {"fields": ("result",)}),
    )
    readonly_fields = ("id", "checked_by")

    def view_on_site(self, obj: Check) -> str:
        """Return the address of the page that people pass on."""
        return reverse("check-detail", args=[obj.pk])

    @admin.display(description=_("checked by"), ordering="actor__username")
    def checked_by(self, obj: Check) -> str:
        """Return the name without a link: not everybody who reads here may see accounts."""
        return obj.actor.get_username()


@admin.register(RateCard)
class RateCardAdmin(AnyModelAdmin):
    """Prices, entered by administrators and read by auditors. A new price is a new card from its day on."""

    list_display = ("valid_from", "currency", "traffic_per_gb", "space_per_gb_month", "note")
    ordering = ("-valid_from",)
    fields = ("valid_from", "currency", "traffic_per_gb", "space_per_gb_month", "note")
    actions = None

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Return whether the person sees it in the list of models."""
        return can(request.user, Right.READ_AUDIT) or can(request.user, Right.SET_PRICES)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002  # Django's
        """Return whether the person may look."""
        return self.has_module_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return whether the person may enter a card."""
        return can(request.user, Right.SET_PRICES)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002  # Django's
        """Return whether the person may correct a card. Saved checks keep the prices that they were made with."""
        return can(request.user, Right.SET_PRICES)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002  # Django's
        """Return whether the person may take a card back. The admin's own history keeps that it was there."""
        return can(request.user, Right.SET_PRICES)
