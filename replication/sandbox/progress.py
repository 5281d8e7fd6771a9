"""How long copies take and how far they are, as pure functions of the clock.

A few backups of a vault are copied side by side, the others wait; the whole schedule is fixed when the replication is
accepted. Nothing here runs in the background, and nothing knows the wire.
"""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

LANES = 4
MEGABYTES_PER_SECOND_AND_LANE = 50
SECONDS_BEFORE_THE_FIRST_COPY = 20


class Stage(StrEnum):
    """Where a copy stands, in words of our own; representations translate them for each profile."""

    WAITING = "waiting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"
    TIMED_OUT = "timed_out"


@dataclass(frozen=True, slots=True)
class Fate:
    """How a copy will end.

    Args:
        stage: The final stage.
        code: The error code in full, empty for a success.
        reason: The words beside the code.
        percent: How far the copy gets before it ends.
    """

    stage: Stage = Stage.SUCCEEDED
    code: str = ""
    reason: str = ""
    percent: int = 100


@dataclass(frozen=True, slots=True)
class Schedule:
    """When one copy begins and ends."""

    begins_at: datetime
    ends_at: datetime


def schedule_copies(
    sizes_mb: Sequence[int], fates: Sequence[Fate], accepted_at: datetime, speed: float
) -> list[Schedule]:
    """Plan the copies of one replication in the order given.

    Args:
        sizes_mb: Stored size of each backup in MB.
        fates: How each copy will end; a failed one ends early, a skipped one at once.
        accepted_at: When the replication was accepted.
        speed: Divides every duration.
    """
    lanes = [float(SECONDS_BEFORE_THE_FIRST_COPY)] * LANES
    schedules = []
    for size_mb, fate in zip(sizes_mb, fates, strict=True):
        begins = heapq.heappop(lanes)
        whole = size_mb / MEGABYTES_PER_SECOND_AND_LANE
        ends = begins if fate.stage is Stage.SKIPPED else begins + whole * fate.percent / 100
        heapq.heappush(lanes, ends)
        schedules.append(
            Schedule(
                accepted_at + timedelta(seconds=begins / speed), accepted_at + timedelta(seconds=ends / speed)
            )
        )
    return schedules


def stage_at(now: datetime, schedule: Schedule, fate: Fate) -> Stage:
    if now >= schedule.ends_at:
        return fate.stage
    return Stage.WAITING if now < schedule.begins_at else Stage.RUNNING


def percent_at(now: datetime, schedule: Schedule, fate: Fate) -> int:
    """Tell the progress as a whole percentage; 100 only once the copy has succeeded."""
    if now >= schedule.ends_at:
        return 0 if fate.stage is Stage.SKIPPED else fate.percent
    if now <= schedule.begins_at:
        return 0
    share = (now - schedule.begins_at) / (schedule.ends_at - schedule.begins_at)
    return min(99, int(share * fate.percent))
