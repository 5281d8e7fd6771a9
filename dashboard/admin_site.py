"""The admin, opened to those whose role has something to do there."""

from django.contrib import admin
from django.http import HttpRequest
from django.urls import URLPattern, URLResolver
from django.utils.translation import gettext_lazy as _

from replication.roles import Right, can


class AuditSite(admin.AdminSite):
    """Audit, history and inventory for auditors; users for administrators. No is_staff flag to forget."""

    site_title = _("Vault replication")
    site_header = _("Vault replication: audit and administration")
    index_title = _("Audit and administration")
    site_url = "/"

    def has_permission(self, request: HttpRequest) -> bool:
        """Return whether the person may enter at all."""
        return can(request.user, Right.READ_AUDIT) or can(request.user, Right.MANAGE_USERS)

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Return Django's addresses, less the detour to a row's own page: it fails on an ID of the wrong form."""
        return [one for one in super().get_urls() if getattr(one, "name", "") != "view_on_site"]
