"""How full replication vaults were day by day, how fast they grow, and when that will have filled them.

One row a vault and day, written with the reading of the inventory. The forecast is a guess from the past, and says so;
where there is too little to go by there is none.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from statistics import median
from uuid import UUID

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from replication.models import Project, Vault, VaultDay

#: The past that a forecast goes by, and the fewest days with a reading in it.
WINDOW = timedelta(days=30)
DAYS_NEEDED = 7
#: Farther off, a date would pretend to know.
_HORIZON = timedelta(days=5 * 365)
#: Growth below this, in MB a day, is none: it would not fill a vault of 10 GB in five years.
_NOTHING = 1.0
#: A forecast speaks from a reading of about now, or not at all.
_STALE_AFTER = timedelta(days=2)
#: From when on room counts as short, and the share in use from which a vault counts as nearly full.
SOON = timedelta(days=30)
NEARLY_FULL_PERCENT = 90
#: Rows a statement, below the parameter limit of SQLite.
_SLICE = 500


class Outlook(TextChoices):
    """What can be said about how long the room lasts, in the order in which a person wants to know."""

    FULL = "full", _("Full")
    SOON = "soon", _("Full within 30 days")
    NEARLY = "nearly", _("Nearly full")
    UNKNOWN = "unknown", _("Not known")
    FILLS = "fills", _("Fills up later")
    STEADY = "steady", _("Does not grow")


@dataclass(frozen=True, slots=True)
class Forecast:
    """How a vault fills up. Null where nothing can be said, and then `reason` says why."""

    outlook: Outlook
    #: Days with a reading that it goes by.
    days: int
    #: Growth in MB a day: the median of the growth between all pairs of days. Negative when it shrinks.
    growth_mb: float | None = None
    #: The day on which it is full at this pace; null when it does not grow, or not within five years.
    full_on: date | None = None
    #: Why there is no growth to tell: too few days, no size or use, or an old reading.
    reason: str = ""


#: The reasons; texts for people are made from them where they are shown.
TOO_FEW_DAYS, NOT_TOLD, TOO_OLD = "too_few_days", "not_told", "too_old"


def remember(project: Project, now: datetime) -> None:
    """Write today's row of each replication vault of a project that the cloud still lists. At most four statements.

    Within the transaction of the reading, so that readers of one project do so one after the other. A vault of which
    the cloud tells no size or no use gets no row: what is missing is not zero.
    """
    listed = Vault.objects.present().destinations().filter(project=project)
    vaults = [
        (pk, size_gb, used_mb)
        for pk, size_gb, used_mb in listed.values_list("pk", "size_gb", "used_mb")
        if size_gb is not None and used_mb is not None
    ]
    if not vaults:
        return
    today = now.astimezone(UTC).date()
    known = {row.vault_id: row for row in VaultDay.objects.filter(vault__project=project, day=today)}
    VaultDay.objects.bulk_create(
        [
            VaultDay(vault_id=pk, day=today, size_gb=size_gb, used_mb=used_mb, read_at=now)
            for pk, size_gb, used_mb in vaults
            if pk not in known
        ],
        batch_size=_SLICE,
        ignore_conflicts=True,
    )
    changed = []
    for pk, size_gb, used_mb in vaults:
        row = known.get(pk)
        if row and row.read_at < now and (row.size_gb, row.used_mb) != (size_gb, used_mb):
            row.size_gb, row.used_mb = size_gb, used_mb
            changed.append(row)
    if changed:
        VaultDay.objects.bulk_update(changed, ["size_gb", "used_mb"], batch_size=_SLICE)
    VaultDay.objects.filter(
        vault__project=project, vault__vanished_at=None, day=today, read_at__lt=now
    ).update(read_at=now)


def days_of(vaults: Iterable[Vault], now: datetime) -> dict[UUID, list[VaultDay]]:
    """Return the rows of the last 30 days by vault, the oldest first. One query."""
    since = (now - WINDOW).astimezone(UTC).date()
    rows = VaultDay.objects.filter(vault__in=[vault.pk for vault in vaults], day__gte=since).order_by("day")
    days: defaultdict[UUID, list[VaultDay]] = defaultdict(list)
    for row in rows:
        days[row.vault_id].append(row)
    return days


def forecast(vault: Vault, days: Sequence[VaultDay], now: datetime) -> Forecast:
    """Say how a vault fills up, from its days within the window, the oldest first."""
    if vault.size_gb is None or vault.used_mb is None:
        return Forecast(Outlook.UNKNOWN, len(days), reason=NOT_TOLD)
    if vault.vanished_at or vault.seen_at is None or now - vault.seen_at > _STALE_AFTER:
        return Forecast(Outlook.UNKNOWN, len(days), reason=TOO_OLD)
    if len(days) < DAYS_NEEDED:
        return Forecast(_by_use(vault) or Outlook.UNKNOWN, len(days), reason=TOO_FEW_DAYS)
    growth_mb = _growth([(day.day.toordinal(), day.used_mb) for day in days])
    full_on = _full_on(vault, growth_mb, now.astimezone(UTC).date())
    return Forecast(
        _by_use(vault) or _by_pace(growth_mb, full_on, now.astimezone(UTC).date()),
        len(days),
        growth_mb,
        full_on,
    )


def _growth(points: Sequence[tuple[int, int]]) -> float:
    """Return the median of the slopes between all pairs of points (Theil and Sen).

    One clean-up, or one large replication, moves it hardly: more than a quarter of the days would have to be odd.
    """
    return median(
        (later[1] - earlier[1]) / (later[0] - earlier[0])
        for position, earlier in enumerate(points)
        for later in points[position + 1 :]
    )


def _full_on(vault: Vault, growth_mb: float, today: date) -> date | None:
    if growth_mb < _NOTHING:
        return None
    days = (vault.free_mb or 0) / growth_mb
    return today + timedelta(days=int(days)) if days <= _HORIZON.days else None


def _by_use(vault: Vault) -> Outlook | None:
    """Return what its use alone says, which needs no past."""
    if not vault.free_mb:
        return Outlook.FULL
    return Outlook.NEARLY if (vault.used_percent or 0) >= NEARLY_FULL_PERCENT else None


def _by_pace(growth_mb: float, full_on: date | None, today: date) -> Outlook:
    if growth_mb < _NOTHING:
        return Outlook.STEADY
    if full_on and full_on <= today + SOON:
        return Outlook.SOON
    return Outlook.FILLS
