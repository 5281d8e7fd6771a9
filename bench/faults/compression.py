"""Makes hours into seconds: each duration of the product, in the same order of sizes as it really has.

A claim still outlives the longest send with a margin on both sides, the settle window still outlives the claim and the
latest moment at which the sandbox acts upon a request. Only the distances shrink.
"""

import logging
from datetime import timedelta
from functools import cache

CONNECT = 0.3
DEADLINE = 0.9
MARGIN = 0.3
#: The longest send, and a margin before and after it.
CLAIM = CONNECT + DEADLINE + 2 * MARGIN
LOOKS_AT = (0.5, 2.5)
#: The latest that the sandbox acts upon a request which it has received.
LATEST_PROCESSING = 1.5
SETTLE_WINDOW = 4.0
#: How long a worker is frozen at the worst moment: longer than claim and window together.
FREEZE = CLAIM + SETTLE_WINDOW + 3.5


def compress() -> None:
    """Shrink the durations in this process. Django has to be set up."""
    from replication.cloud import CbrClient, transport
    from replication.cloud.transport import Limits, ReadTransport
    from replication.management.commands import worker
    from replication.services import connection, inventory, outcome, reconciliation, submission

    # It reports each answer whose headers are spoiled, which is what this is about.
    logging.getLogger("urllib3").setLevel(logging.CRITICAL)
    submission._LONGEST_SEND = timedelta(seconds=CONNECT + DEADLINE)
    submission._MARGIN = timedelta(seconds=MARGIN)
    submission.CLAIM = timedelta(seconds=CLAIM)
    submission._STORE_FOR = timedelta(seconds=2)
    submission.ATTEMPTS = 1000
    outcome.FIRST_LOOK = timedelta(seconds=LOOKS_AT[0])
    outcome._FIRST_PAUSE = timedelta(seconds=0.1)
    outcome._LONGEST_PAUSE = timedelta(seconds=1)
    transport._FIRST_PAUSE = 0.02
    reconciliation._LOOKS_AT = tuple(timedelta(seconds=one) for one in LOOKS_AT)
    reconciliation._LATER = timedelta(seconds=2)
    reconciliation._LOOK_CLAIM = timedelta(seconds=3)
    worker._DATABASE_PAUSE = 0.2
    # The mirror is filled before the run: a hundred restarted workers must not read ten thousand vaults each.
    inventory.make_all_due = lambda now: None

    @cache
    def cbr(cloud: str) -> CbrClient:
        credentials = connection.credentials(cloud)
        reads = Limits(connect=CONNECT, read=1.0, total=2.0, largest=8 * 1024 * 1024)
        return CbrClient(
            credentials,
            transport=ReadTransport(credentials, limits=reads),
            replicate_limits=Limits(connect=CONNECT, read=DEADLINE, total=DEADLINE, largest=1024 * 1024),
        )

    connection.cbr = cbr
