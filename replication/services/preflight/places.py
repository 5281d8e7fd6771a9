"""The rules about where from and where to: regions, projects and vaults. Pure.

They speak from the mirror as it was last read, and say so where it does not tell.
"""

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

from replication.models import Project, Region, Vault

from .findings import Finding, Rule, blocks, cannot_tell, holds, warns
from .wording import say

#: API: CopyCheckpoint, replicate.destination_region: 0-255 characters; the pattern is that of the sibling Huawei cloud.
_REGION_NAME = re.compile(r"[a-zA-Z0-9._-]{1,255}")


@dataclass(frozen=True, slots=True)
class Destination:
    """Where to: ids as they are sent, and the vault of our inventory if it has it."""

    region: str
    project_id: str
    vault_id: str
    vault: Vault | None = None


def judge_source(vault: Vault) -> Finding | None:
    """Say why no replication can start from this vault, or return `None` if one can, as far as the vault tells."""
    return _first_blocker(source_rules(vault))


def judge_destination(vault: Vault, source: Vault | None) -> Finding | None:
    """Say why this vault cannot receive replicas (of `source`), or return `None` if it can."""
    if found := _first_blocker(destination_rules(vault, source)):
        return found
    return judge_full(vault)


def judge_region(source: Region, destination: str) -> Finding | None:
    """Say why `source` cannot replicate to the region, or return `None` if it can."""
    return _first_blocker(region_rules(source, destination))


def judge_full(vault: Vault) -> Finding | None:
    """Say that nothing fits into the vault any more, or return `None` while something does or nobody knows."""
    if vault.free_mb == 0 and not vault.auto_expand:
        return blocks(Rule.ROOM, say("destination.full"))
    return None


def _first_blocker(findings: Iterator[Finding]) -> Finding | None:
    return next((finding for finding in findings if finding.blocking), None)


def region_rules(source: Region, destination: str) -> Iterator[Finding]:
    """Hold the two regions against the rules, the one about the same region first: its code is checked first."""
    if destination == source.name:
        yield blocks(Rule.OTHER_REGION, say("region.same"))
    else:
        yield holds(Rule.OTHER_REGION)
    pair = {"source": source.name, "destination": destination}
    if source.replication_destinations is None:
        yield cannot_tell(Rule.REGION_PAIR, say("region.untold", source=source.name))
    elif destination in source.replication_destinations:
        yield holds(Rule.REGION_PAIR)
    else:
        yield blocks(Rule.REGION_PAIR, say("region.pair", **pair))


def project_rule(destination: Destination, project: Project | None) -> Finding:
    """Hold the destination project against its rule; `project` is what the inventory has under its id."""
    if project is None:
        return cannot_tell(Rule.PROJECT, say("project.unknown"))
    if project.region.name != destination.region:
        return blocks(
            Rule.PROJECT, say("project.elsewhere", region=project.region.name, chosen=destination.region)
        )
    if project.vanished_at:
        return blocks(Rule.PROJECT, say("project.gone"))
    return holds(Rule.PROJECT)


def source_rules(vault: Vault) -> Iterator[Finding]:
    """Hold the source vault against the rules: that it exists, its kind, its status."""
    if vault.vanished_at:
        yield blocks(Rule.SOURCE_EXISTS, say("source.gone"))
        for rule in (Rule.SOURCE_KIND, Rule.SOURCE_STATUS):
            yield cannot_tell(rule, say("vault.gone"))
        return
    yield holds(Rule.SOURCE_EXISTS)
    if vault.is_replication_vault:
        yield blocks(Rule.SOURCE_KIND, say("source.replicas"))
    elif vault.object_type != Vault.SERVER:
        yield blocks(Rule.SOURCE_KIND, say("source.type", type=vault.object_type))
    else:
        yield holds(Rule.SOURCE_KIND)
    if vault.status != Vault.AVAILABLE:
        yield blocks(Rule.SOURCE_STATUS, say("vault.status", status=vault.status))
    else:
        yield holds(Rule.SOURCE_STATUS)


def destination_rules(vault: Vault, source: Vault | None) -> Iterator[Finding]:
    """Hold a vault of the inventory against the rules for a destination (of `source`), all but its room."""
    if vault.vanished_at:
        yield blocks(Rule.DESTINATION_EXISTS, say("destination.gone"))
        for rule in (Rule.DESTINATION_KIND, Rule.SAME_TYPE, Rule.DESTINATION_STATUS):
            yield cannot_tell(rule, say("vault.gone"))
        return
    yield holds(Rule.DESTINATION_EXISTS)
    if vault.is_replication_vault:
        yield holds(Rule.DESTINATION_KIND)
    else:
        yield blocks(Rule.DESTINATION_KIND, say("destination.kind"))
    if source and vault.object_type != source.object_type:
        yield blocks(
            Rule.SAME_TYPE, say("destination.type", type=vault.object_type, source=source.object_type)
        )
    else:
        yield holds(Rule.SAME_TYPE)
    if vault.status != Vault.AVAILABLE:
        yield blocks(Rule.DESTINATION_STATUS, say("vault.status", status=vault.status))
    else:
        yield holds(Rule.DESTINATION_STATUS)


def unseen_destination_rules(project: Project | None) -> Iterator[Finding]:
    """Say of a destination vault that the inventory does not have what can be said."""
    if project and project.cloud:
        # A warning only: it may have been created since the project was last read.
        yield warns(Rule.DESTINATION_EXISTS, say("destination.missing", project=project.name))
    else:
        yield cannot_tell(Rule.DESTINATION_EXISTS, say("destination.unknown"))
    for rule in (Rule.DESTINATION_KIND, Rule.SAME_TYPE, Rule.DESTINATION_STATUS):
        yield cannot_tell(rule, say("destination.not_read"))


def parameters_rule(destination: Destination) -> Finding:
    """Hold what would be sent against the formats that the reference gives."""
    if not _REGION_NAME.fullmatch(destination.region):
        return blocks(Rule.PARAMETERS, say("request.region", region=destination.region))
    try:
        uuid.UUID(destination.vault_id)
    except ValueError:
        # Vault ids are UUIDs in every example; the reference only calls them strings.
        return warns(Rule.PARAMETERS, say("request.vault_id"))
    return holds(Rule.PARAMETERS)
