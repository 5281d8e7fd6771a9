"""Tells Django about the app: its name, and the groups that every database has."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class ReplicationConfig(AppConfig):
    """The one app of this project."""

    name = "replication"
    verbose_name = _("Replication")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Create the groups after each migration."""
        from .roles import create_default_groups  # noqa: PLC0415  # models are not loaded before this

        post_migrate.connect(create_default_groups, dispatch_uid="replication.roles")
