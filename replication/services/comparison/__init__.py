"""A source vault beside a destination vault: what is only here, what is in both, what is only there, and what stays.

`sides` holds the words and the facts, `matching` finds out which replica belongs to which backup, `keeping` what will
ever remove a replica, and `reading` puts them together from what we remember. Nothing here asks the cloud.
"""

from .reading import Comparison, compare
from .sides import Difference, Keeping, Match, Pair, Side, Sight, SightState, Sum, sum_of

__all__ = [
    "Comparison",
    "Difference",
    "Keeping",
    "Match",
    "Pair",
    "Side",
    "Sight",
    "SightState",
    "Sum",
    "compare",
    "sum_of",
]
