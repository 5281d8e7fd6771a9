"""Remember how a person wants to see the pages. Everybody who is signed in chooses for themselves and nobody else."""

from django.contrib.auth.models import User

from replication.models import Preferences


def remember_preferences(
    *, actor: User, language: str | None = None, time_zone: str | None = None, theme: str | None = None
) -> None:
    """Remember what the actor has chosen; what is `None` stays, what is empty follows the browser again."""
    chosen = {"language": language, "time_zone": time_zone, "theme": theme}
    Preferences.objects.update_or_create(
        user=actor, defaults={name: value for name, value in chosen.items() if value is not None}
    )
