"""Holds forecasts against what the cloud answered, so that everybody sees how far they can be relied on.

Only an answer counts: where it was lost and the replication found in the cloud later, nothing is known for certain of what
the request would have been answered with.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count

from replication.models import ForecastScore, Origin, Replication

from .preflight import Verdict


@dataclass(frozen=True, slots=True)
class Comparison:
    """One forecast beside what happened. Ids of backups, in the cloud's words."""

    score: ForecastScore
    promised: tuple[str, ...]
    #: Null where the cloud refused.
    accepted: tuple[str, ...] | None
    #: The code of the refusal; empty where it was accepted.
    code: str

    @property
    def is_right(self) -> bool:
        """Whether it came exactly as forecast."""
        return self.score == ForecastScore.RIGHT

    @property
    def was_warned(self) -> bool:
        """Whether a warning had named the code of the refusal."""
        return self.score == ForecastScore.REFUSED_AS_WARNED

    @property
    def missing(self) -> tuple[str, ...]:
        """Promised, but not named by the cloud; nothing where it refused."""
        if self.accepted is None:
            return ()
        taken = set(self.accepted)
        return tuple(one for one in self.promised if one not in taken)

    @property
    def unexpected(self) -> tuple[str, ...]:
        """Named by the cloud, but not promised."""
        promised = set(self.promised)
        return tuple(one for one in self.accepted or () if one not in promised)


@dataclass(frozen=True, slots=True)
class Record:
    """How all forecasts so far have fared, in numbers of replications."""

    right: int
    other_backups: int
    refused_as_warned: int
    refused: int

    @property
    def total(self) -> int:
        """How many have been answered by the cloud."""
        return self.right + self.wrong

    @property
    def wrong(self) -> int:
        """How many came otherwise, warned of or not."""
        return self.other_backups + self.refused_as_warned + self.refused


def score_accepted(forecast: Mapping[str, Any], backup_ids: Collection[str]) -> ForecastScore | str:
    """Score a forecast that the cloud has accepted with these backups; empty where nothing was forecast."""
    promised = forecast.get(Verdict.REPLICATE.value)
    if promised is None:
        return ""
    return ForecastScore.RIGHT if set(promised) == set(backup_ids) else ForecastScore.OTHER_BACKUPS


def score_refused(forecast: Mapping[str, Any], code: str) -> ForecastScore | str:
    """Score a forecast that the cloud has refused with this code; empty where nothing was forecast."""
    if Verdict.REPLICATE.value not in forecast:
        return ""
    warned = code in forecast.get("codes", ())
    return ForecastScore.REFUSED_AS_WARNED if code and warned else ForecastScore.REFUSED


def compare(replication: Replication) -> Comparison | None:
    """Return a replication's forecast beside what happened; `None` while there is no answer to hold it against."""
    if not replication.forecast_score:
        return None
    refused = replication.forecast_score in {ForecastScore.REFUSED, ForecastScore.REFUSED_AS_WARNED}
    # As the cloud has answered; its records may be thousands.
    named = (replication.response or {}).get("replication", {}).get("backups", ())
    return Comparison(
        score=ForecastScore(replication.forecast_score),
        promised=tuple(replication.forecast.get(Verdict.REPLICATE.value, ())),
        accepted=None if refused else tuple(one["backup_id"] for one in named),
        code=replication.error_code if refused else "",
    )


def track_record() -> Record | None:
    """Return how all forecasts so far have fared; `None` when none has been answered yet. One query."""
    counts = dict(
        Replication.objects.filter(origin=Origin.DASHBOARD)
        .exclude(forecast_score="")
        .order_by()
        .values_list("forecast_score")
        .annotate(Count("pk"))
    )
    return Record(**{score.value: counts.get(score.value, 0) for score in ForecastScore}) if counts else None
