"""One sentence on how the servers stand against their targets; never a good one on what nobody has seen.

Knows no page and asks no database.
"""

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from replication.services.coverage import Standing
from replication.services.statistics import InventoryHealth


@dataclass(frozen=True, slots=True)
class Summary:
    """One sentence on how things stand, and how it is to look: a tone of the notices, and an icon."""

    text: str
    tone: str
    icon: str

    @property
    def is_alarming(self) -> bool:
        """Whether it is told at once to those who listen, instead of when they pause."""
        return self.tone in {"warning", "error"}


def describe(standing: Standing, inventory: InventoryHealth) -> Summary:
    """Say how the servers stand, the worst first."""
    return (
        tell_broken(standing)
        or tell_blindness(standing, inventory)
        or tell_half_set_targets(standing)
        or Summary(
            ngettext(
                "The one protected server meets its target.",
                "All %(count)d protected servers meet their targets.",
                standing.servers,
            )
            % {"count": standing.servers},
            "success",
            "check-circle",
        )
    )


def tell_broken(standing: Standing) -> Summary | None:
    """Say how many servers miss their target, where, and since when; nothing if none is known to."""
    regions = [one for one in standing.regions if one.broken]
    if not regions:
        return None
    names = ", ".join(one.region or _("another region") for one in regions)
    since = min((one.since for one in regions if one.since), default=None)
    facts = {"count": standing.broken, "regions": names, "since": _to_the_minute(since) if since else ""}
    if since is None:
        text = ngettext(
            "%(count)d server misses its target: nothing of it has ever arrived in %(regions)s.",
            "%(count)d servers miss their target: nothing of them has ever arrived in %(regions)s.",
            standing.broken,
        )
    elif any(one.never for one in regions):
        text = ngettext(
            "%(count)d server is behind its target in %(regions)s, since %(since)s or never having arrived.",
            "%(count)d servers are behind their target in %(regions)s, the longest since %(since)s; some have never arrived.",
            standing.broken,
        )
    else:
        text = ngettext(
            "%(count)d server is behind its target in %(regions)s, since %(since)s.",
            "%(count)d servers are behind their target in %(regions)s, the longest since %(since)s.",
            standing.broken,
        )
    return Summary(text % facts, "error", "x-circle")


def tell_blindness(standing: Standing, inventory: InventoryHealth) -> Summary | None:
    """Say why nobody can tell how things stand; nothing if everything that has to be seen is seen."""
    if inventory.is_first_reading_pending:
        return Summary(_("The cloud is being read for the first time."), "info", "arrow-path")
    if inventory.failed:
        return Summary(
            _("Part of the cloud cannot be read at the moment."), "warning", "exclamation-triangle"
        )
    if inventory.is_stale:
        return Summary(
            _("What is known of the cloud is too old to say how things stand."),
            "warning",
            "exclamation-triangle",
        )
    if not standing.servers:
        return Summary(
            _("No protected server is known: no source vault lists one or holds a backup of one."),
            "warning",
            "exclamation-triangle",
        )
    if not standing.targeted:
        return Summary(
            _("No targets are set, so nobody can say whether restore points are new enough."), "info", "flag"
        )
    if standing.unknown:
        return Summary(
            ngettext(
                "Of %(count)d server it is not known whether it meets its target.",
                "Of %(count)d servers it is not known whether they meet their targets.",
                standing.unknown,
            )
            % {"count": standing.unknown},
            "warning",
            "question-mark-circle",
        )
    return None


def tell_half_set_targets(standing: Standing) -> Summary | None:
    """Say how many servers have no target; nothing if each has one."""
    without = standing.servers - standing.targeted
    if not without:
        return None
    return Summary(
        ngettext(
            "Every server with a target meets it; %(count)d server has no target.",
            "Every server with a target meets it; %(count)d servers have no target.",
            without,
        )
        % {"count": without},
        "info",
        "flag",
    )


def _to_the_minute(moment: datetime) -> str:
    local = timezone.localtime(moment)
    return f"{local:%Y-%m-%d %H:%M} {local.tzname()}"
