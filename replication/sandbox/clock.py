"""The cloud's clock: real UTC time plus an offset that tests may move.

Durations are not its business: how fast a copy runs is decided when a replication is accepted.
"""

from datetime import UTC, datetime, timedelta


class Clock:
    """Tells the sandbox's time, always aware and in UTC."""

    def __init__(self) -> None:
        self.offset = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset
