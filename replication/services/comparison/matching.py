"""Which replica belongs to which source backup: pure rules over what was read.

Where the cloud names the source (replication records, `extra_info.replication` of a log), that decides. Open Telekom
Cloud's reference has neither; there a replica is recognised by its server and name, and every such match says so.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from .sides import Match, Pair, Side

#: A replica is not older than its source; two regions' clocks may differ by so much.
_CLOCK_SKEW = timedelta(minutes=5)


class Origin(NamedTuple):
    """The source of a replica as somebody told it. `vault_id` is the source vault's."""

    vault_id: str
    backup_id: str
    match: Match


@dataclass(frozen=True, slots=True)
class Matched:
    """What was found: pairs in both, and what stands alone on either side. Each once."""

    only_here: tuple[Pair, ...]
    both: tuple[Pair, ...]
    only_there: tuple[Pair, ...]


def match(
    vault_id: str,
    *,
    sources: Iterable[Side],
    expired: Iterable[Side],
    replicas: Iterable[Side],
    origins: Mapping[str, Origin],
    elsewhere: Collection[tuple[str, str]],
) -> Matched:
    """Set the sources of one vault beside replicas that may be theirs.

    `expired` are sources that the cloud no longer lists, `origins` the sources of replicas as told, by replica id, and
    `elsewhere` server and name of backups in other source vaults: a replica like one of those is not ours.
    """
    open_sources = {side.backup_id: side for side in sources}
    gone = {side.backup_id: side for side in expired}
    both: list[Pair] = []
    only_there: list[Pair] = []
    untold: list[Side] = []
    for replica in replicas:
        origin = origins.get(replica.backup_id)
        if origin is None:
            untold.append(replica)
        elif origin.vault_id == vault_id:
            source = open_sources.pop(origin.backup_id, None)
            pair = Pair(source or gone.pop(origin.backup_id, None), replica, origin.backup_id, origin.match)
            (both if source else only_there).append(pair)
    guessed = _guess(open_sources, gone, untold, elsewhere)
    return Matched(guessed.only_here, (*both, *guessed.both), (*only_there, *guessed.only_there))


def _guess(
    sources: Mapping[str, Side],
    gone: Mapping[str, Side],
    replicas: Iterable[Side],
    elsewhere: Collection[tuple[str, str]],
) -> Matched:
    """Match what nobody has named by server and name."""
    here, before, there = (_by_likeness(sides) for sides in (sources.values(), gone.values(), replicas))
    both: list[Pair] = []
    only_there: list[Pair] = []
    only_here: list[Pair] = []
    for likeness in {**here, **there}:
        alike, copies = here.get(likeness, []), there.get(likeness, [])
        pairs, alone, left = _pair_up(alike, copies)
        both += pairs
        only_here += [Pair(side, None, side.backup_id, Match.ALIKE if copies else None) for side in left]
        if alone and not alike and likeness not in before and likeness in elsewhere:
            continue
        only_there += _without_source(alone, before.get(likeness, []), is_alike=bool(alike))
    return Matched(tuple(only_here), tuple(both), tuple(only_there))


def _pair_up(sources: list[Side], replicas: list[Side]) -> tuple[list[Pair], list[Side], list[Side]]:
    """Return the pairs, the replicas without a source and the sources without a replica, all of one likeness.

    Oldest with oldest. As long as there is one of each, that is a guess; where there are more, only the numbers hold.
    """
    how = Match.GUESS if len(sources) == len(replicas) == 1 else Match.ALIKE
    pairs, alone, waiting = [], [], list(sources)
    for replica in replicas:
        source = next((side for side in waiting if _may_come_from(replica, side)), None)
        if source is None:
            alone.append(replica)
        else:
            waiting.remove(source)
            pairs.append(Pair(source, replica, source.backup_id, how))
    return pairs, alone, waiting


def _without_source(replicas: list[Side], expired: list[Side], *, is_alike: bool) -> list[Pair]:
    if not is_alike and len(replicas) == len(expired) == 1 and _may_come_from(replicas[0], expired[0]):
        return [Pair(expired[0], replicas[0], expired[0].backup_id, Match.GUESS)]
    how = Match.ALIKE if is_alike or expired else Match.SERVER
    return [Pair(None, replica, "", how) for replica in replicas]


def _may_come_from(replica: Side, source: Side) -> bool:
    if replica.created_at is None or source.created_at is None:
        return True
    return replica.created_at >= source.created_at - _CLOCK_SKEW


def _by_likeness(sides: Iterable[Side]) -> dict[tuple[str, str], list[Side]]:
    """Group sides by server and name, the oldest first."""
    groups: defaultdict[tuple[str, str], list[Side]] = defaultdict(list)
    for side in sorted(sides, key=_age):
        groups[side.alike].append(side)
    return groups


def _age(side: Side) -> tuple[bool, datetime | int, str]:
    return side.created_at is None, side.created_at or 0, side.backup_id
