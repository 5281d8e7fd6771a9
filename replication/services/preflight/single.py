"""The forecast for one backup by itself: the rules of the call for a single backup. Pure."""

from collections.abc import Iterator

from replication.models import Backup, Project

from . import places, stock
from .findings import Finding, Rule, blocks, cannot_tell, holds, warns
from .forecasting import Forecast, in_order
from .places import Destination
from .stock import Size
from .verdicts import BackupVerdict, Verdict, is_for_a_server, judge_backup
from .wording import say


def forecast_backup(
    backup: Backup, destination: Destination, *, is_there: bool | None, project: Project | None
) -> Forecast:
    """Say what the trigger for one backup would do.

    `is_there` tells whether a replica of it is in the region, or on its way: only once that is deleted may it be
    replicated there again. Null: it was once, and whether it still is cannot be seen from here. `project` is the
    destination's, if the inventory has it. Others of the vault that are under way are no obstacle: it waits for them.
    """
    verdict = _judge(backup, destination.region, is_there=is_there)
    vault = destination.vault
    rules = [
        *places.region_rules(backup.vault.project.region, destination.region),
        places.project_rule(destination, project),
        *places.source_rules(backup.vault),
        *(
            places.destination_rules(vault, backup.vault)
            if vault
            else places.unseen_destination_rules(project)
        ),
        places.parameters_rule(destination),
        stock.room_rule(vault, Size.of([verdict])),
        *_backup_rules(backup),
        _there_rule(is_there=is_there),
    ]
    return Forecast(in_order(rules), (verdict,))


def _judge(backup: Backup, region: str, *, is_there: bool | None) -> BackupVerdict:
    if backup.vanished_at:
        return BackupVerdict(backup, Verdict.INELIGIBLE, say("source.gone"))
    verdict = judge_backup(backup, region, {backup.backup_id} if is_there else ())
    # What the cloud's records say of it outlives the replica.
    outlived = verdict.verdict == Verdict.ALREADY and not is_there
    return BackupVerdict(backup, Verdict.REPLICATE) if outlived else verdict


def _backup_rules(backup: Backup) -> Iterator[Finding]:
    """Hold the backup against the rules. The reference names no code for its status, nor for a missing system disk."""
    if backup.vanished_at:
        yield blocks(Rule.BACKUPS_EXIST, say("single.gone"))
    else:
        yield holds(Rule.BACKUPS_EXIST)
    if is_for_a_server(backup):
        yield holds(Rule.SERVERS)
    else:
        yield blocks(Rule.SERVERS, say("backup.not_a_server"))
    if backup.is_replica:
        yield blocks(Rule.NO_REPLICAS, say("backup.replica"))
    else:
        yield holds(Rule.NO_REPLICAS)
    if backup.status == Backup.AVAILABLE:
        yield holds(Rule.BACKUP_STATUS)
    else:
        yield blocks(Rule.BACKUP_STATUS, say("backup.status", status=backup.status))
    if backup.contain_system_disk is False:
        yield blocks(Rule.SYSTEM_DISK, say("backup.no_system_disk"))
    elif backup.contain_system_disk:
        yield holds(Rule.SYSTEM_DISK)
    else:
        yield cannot_tell(Rule.SYSTEM_DISK, say("backups.system_disk_untold", count=1))


def _there_rule(*, is_there: bool | None) -> Finding:
    if is_there:
        return blocks(Rule.NOT_THERE, say("single.there"))
    if is_there is None:
        return warns(Rule.NOT_THERE, say("single.maybe_there"))
    return holds(Rule.NOT_THERE)
