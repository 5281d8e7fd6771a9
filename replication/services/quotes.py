"""What a replication would take: room in the destination vault, money, and time. Estimates, each with its basis.

Nothing is guessed: without sizes there is no sum, without a rate card no price, without enough finished replications of the
same vault no duration.
"""

from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Exists, F, OuterRef
from django.utils.dateparse import parse_date, parse_datetime

from replication.lifecycle import ReplicationStatus
from replication.models import RateCard, Replication, ReplicationRecord, Vault

from .preflight import EXPANSION_PERCENT, Size

#: Finished replications that must be known before a duration is told.
RUNS_NEEDED = 5
#: Only the latest are asked: what took long years ago tells little.
_RUNS_ASKED = 20


@dataclass(frozen=True, slots=True)
class Room:
    """The destination vault before, and after everything was copied at its full size. In MB, of which 1024 are a GB."""

    size_mb: int
    used_mb: int
    #: Whether the cloud enlarges it when it is full. Null: it did not say.
    auto_expand: bool | None
    incoming_mb: int

    @classmethod
    def of(cls, vault: Vault | None, size: Size) -> "Room | None":
        """Return the room in a vault; `None` when nobody knows it."""
        if vault is None or vault.size_gb is None or vault.used_mb is None:
            return None
        return cls(vault.size_gb * 1024, vault.used_mb, vault.auto_expand, size.known_gb * 1024)

    @property
    def free_before_mb(self) -> int:
        """Room left now; 0 when overfull."""
        return max(0, self.size_mb - self.used_mb)

    @property
    def used_after_mb(self) -> int:
        """In use afterwards, at most."""
        return self.used_mb + self.incoming_mb

    @property
    def free_after_mb(self) -> int:
        """Room left afterwards, at least, without any enlargement; 0 when it does not suffice."""
        return max(0, self.size_mb - self.used_after_mb)

    @property
    def lacking_mb(self) -> int:
        """What is missing, at most, without any enlargement; 0 when it suffices."""
        return max(0, self.used_after_mb - self.size_mb)

    @property
    def expanded_mb(self) -> int:
        """The size after the cloud has enlarged it once."""
        return self.size_mb + self.size_mb * EXPANSION_PERCENT // 100

    @property
    def free_expanded_mb(self) -> int:
        """Room left afterwards, at least, once enlarged; 0 when even that does not suffice."""
        return max(0, self.expanded_mb - self.used_after_mb)

    @property
    def lacking_expanded_mb(self) -> int:
        """What is missing, at most, even once enlarged; 0 when it suffices."""
        return max(0, self.used_after_mb - self.expanded_mb)


@dataclass(frozen=True, slots=True)
class Cost:
    """What it would cost at most, by the administrator's rate card. In the card's currency."""

    currency: str
    valid_from: date
    note: str
    gb: int
    traffic_per_gb: Decimal
    space_per_gb_month: Decimal

    @property
    def traffic(self) -> Decimal:
        """Once, for the copying."""
        return self.traffic_per_gb * self.gb

    @property
    def space_a_month(self) -> Decimal:
        """Every month, for as long as the replicas are kept."""
        return self.space_per_gb_month * self.gb

    def snapshot(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            **asdict(self),
            "valid_from": self.valid_from.isoformat(),
            "traffic_per_gb": str(self.traffic_per_gb),
            "space_per_gb_month": str(self.space_per_gb_month),
        }

    @classmethod
    def restore(cls, stored: dict[str, Any]) -> "Cost":
        """Return what `snapshot` has stored."""
        return cls(
            currency=stored["currency"],
            valid_from=parse_date(stored["valid_from"]) or date.min,
            note=stored["note"],
            gb=stored["gb"],
            traffic_per_gb=Decimal(stored["traffic_per_gb"]),
            space_per_gb_month=Decimal(stored["space_per_gb_month"]),
        )


@dataclass(frozen=True, slots=True)
class Duration:
    """How long the replications of this vault to this region have taken, from sending to their end."""

    runs: int
    #: Null while there are too few runs.
    shortest: timedelta | None = None
    longest: timedelta | None = None
    #: When the oldest of the runs that were asked was sent, and the newest.
    since: datetime | None = None
    until: datetime | None = None

    @property
    def is_known(self) -> bool:
        """Whether there are enough runs to tell."""
        return self.shortest is not None

    @property
    def needed(self) -> int:
        """How many runs it takes to tell."""
        return RUNS_NEEDED

    def snapshot(self) -> dict[str, Any]:
        """Return it as JSON; lengths in seconds."""
        return {
            "runs": self.runs,
            "shortest": self.shortest.total_seconds() if self.shortest is not None else None,
            "longest": self.longest.total_seconds() if self.longest is not None else None,
            "since": self.since.isoformat() if self.since else None,
            "until": self.until.isoformat() if self.until else None,
        }

    @classmethod
    def restore(cls, stored: dict[str, Any]) -> "Duration":
        """Return what `snapshot` has stored."""
        shortest, longest = stored["shortest"], stored["longest"]
        return cls(
            runs=stored["runs"],
            shortest=timedelta(seconds=shortest) if shortest is not None else None,
            longest=timedelta(seconds=longest) if longest is not None else None,
            since=parse_datetime(stored["since"]) if stored["since"] else None,
            until=parse_datetime(stored["until"]) if stored["until"] else None,
        )


def rate_card(day: date) -> RateCard | None:
    """Return the rate card that counts on a day; `None` when none was entered. One query."""
    return RateCard.objects.valid_on(day).first()


def cost(card: RateCard | None, size: Size) -> Cost | None:
    """Return what it would cost at most; `None` without a rate card or with a size that nobody knows."""
    if card is None or size.total_gb is None:
        return None
    return Cost(
        currency=card.currency,
        valid_from=card.valid_from,
        note=card.note,
        gb=size.total_gb,
        traffic_per_gb=card.traffic_per_gb,
        space_per_gb_month=card.space_per_gb_month,
    )


def duration(source: Vault, region: str) -> Duration:
    """Return how long the latest replications of this vault to this region took. One query.

    Only those that copied something and have ended by themselves: an empty one is over at once.
    """
    copied = ReplicationRecord.objects.filter(replication=OuterRef("pk"))
    runs = list(
        Replication.objects.filter(
            Exists(copied),
            source_vault=source,
            destination_region=region,
            status__in=[ReplicationStatus.SUCCEEDED, ReplicationStatus.PARTIAL],
            submitted_at__isnull=False,
            finished_at__gt=F("submitted_at"),
        )
        .order_by("-finished_at")
        .values_list("submitted_at", "finished_at")[:_RUNS_ASKED]
    )
    if len(runs) < RUNS_NEEDED:
        return Duration(runs=len(runs))
    lengths = [finished - sent for sent, finished in runs if sent and finished]
    sent_at = [sent for sent, _finished in runs if sent]
    return Duration(len(runs), min(lengths), max(lengths), min(sent_at), max(sent_at))
