"""Tells Django about the site, so that its system checks run with everybody else's."""

from django.apps import AppConfig
from django.core.checks import register


class DashboardConfig(AppConfig):
    """The site package."""

    name = "dashboard"

    def ready(self) -> None:
        """Register the checks of the configuration."""
        from .checks import TAG, check_configuration  # noqa: PLC0415  # reads models' settings, loaded after the apps

        register(check_configuration, TAG)
