"""Reads regions, projects, vaults and backups into the mirror, and marks what has vanished.

One cloud entry is read as a whole or not at all: a reading that broke off changes nothing, so that a missing page is
never taken for missing vaults. Unchanged rows are not written again but for the time at which they were seen.
"""

import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import DataError, IntegrityError, transaction
from django.db.models import Min

from replication import cloud
from replication.cloud import CloudError
from replication.lifecycle import RECORD_FINAL, RecordStatus, read_cloud_word
from replication.models import AuditAction, Backup, CloudReading, Project, Region, Vault
from replication.roles import Right, require

from . import audit, capacity, connection, origins, policy_mirror, restore_points
from .mirroring import bring_in_line

logger = logging.getLogger(__name__)

#: After a failed reading, sooner than after a good one.
_RETRY_AFTER = timedelta(seconds=60)
#: At least so long after a reading before what happens makes the next one due: however often that is, nobody reads on end.
_APART = timedelta(minutes=1)
#: While somebody reads an entry, others leave it alone for this long.
_READING_CLAIM = timedelta(minutes=10)
_GONE = frozenset({RecordStatus.FAILED, RecordStatus.SKIPPED, RecordStatus.TIMED_OUT})


@dataclass(frozen=True, slots=True)
class _Reading:
    """Everything that one cloud entry shows, read to the end."""

    region: str
    project_id: str
    project_name: str
    projects: tuple[cloud.Project, ...]
    capabilities: tuple[cloud.ReplicationCapability, ...]
    vaults: tuple[cloud.Vault, ...]
    backups: tuple[cloud.Backup, ...]
    #: Why not, where the policies could not be read: the rest does not depend on them.
    policies: tuple[cloud.Policy, ...] | CloudError

    @property
    def answers_records(self) -> bool | None:
        """Whether backups carry replication records; null when there is none to tell by."""
        if not self.backups:
            return None
        return any(backup.replication_records is not None for backup in self.backups)


def request_refresh(*, actor: User, now: datetime, request_id: str = "") -> None:
    """Make every cloud entry due, so that the worker reads them in its next round.

    Raises:
        NotPermitted: the actor may not ask for it.
    """
    require(actor, Right.REFRESH_INVENTORY)
    with transaction.atomic(durable=True):
        make_all_due(now)
        audit.record(AuditAction.INVENTORY_REFRESH, now=now, actor=actor, request_id=request_id)


def make_all_due(now: datetime) -> None:
    """Make every cloud entry due at once, also one whose reader may have died: as when a worker starts."""
    CloudReading.objects.update(refresh_after=now)


def make_due(cloud_name: str, now: datetime) -> None:
    """Make one cloud entry due soon, since something happened there that we did not do.

    At once, unless it was read a moment ago.
    """
    read_at = CloudReading.objects.filter(cloud=cloud_name).values_list("read_at", flat=True).first()
    due = now if read_at is None else max(now, read_at + _APART)
    CloudReading.objects.filter(cloud=cloud_name, refresh_after__gt=due).update(refresh_after=due)


def know_entries(now: datetime) -> None:
    """Bring the list of cloud entries in line with the settings; new ones are due at once.

    An entry that was removed keeps its project and vaults as history, but nobody signs in there any more.
    """
    wanted = connection.cloud_names()
    CloudReading.objects.bulk_create(
        [CloudReading(cloud=name, refresh_after=now, sweep_after=now) for name in wanted],
        ignore_conflicts=True,
    )
    CloudReading.objects.exclude(cloud__in=wanted).delete()
    Project.objects.exclude(cloud__in=[*wanted, ""]).update(cloud="")


def refresh_due(now: datetime, clock: Callable[[], datetime], beat: Callable[[], None] = lambda: None) -> int:
    """Read every cloud entry that is due and that nobody else is reading. Returns how many were tried.

    `beat` is called between the entries, as a sign of life.
    """
    tried = 0
    for reading in CloudReading.objects.filter(refresh_after__lte=now).order_by("refresh_after"):
        claimed = CloudReading.objects.filter(pk=reading.pk, refresh_after=reading.refresh_after).update(
            refresh_after=now + _READING_CLAIM
        )
        if claimed:
            tried += 1
            refresh(reading.cloud, clock)
            beat()
    return tried


def refresh(cloud_name: str, clock: Callable[[], datetime]) -> bool:
    """Read one cloud entry into the mirror; on failure keep what is known and say why it failed.

    Returns whether it was read to its end.
    """
    claim = CloudReading.objects.filter(cloud=cloud_name).values_list("refresh_after", flat=True).first()
    if claim is None:
        return False
    try:
        seen = _read(cloud_name)
    except CloudError as error:
        _keep_error(cloud_name, claim, str(error.message), clock())
        return False
    now = clock()
    try:
        with transaction.atomic(durable=True):
            _keep_reading(cloud_name, claim, seen, now)
    except (DataError, IntegrityError) as error:
        _keep_error(cloud_name, claim, f"What the cloud answered cannot be stored ({error}).", now)
        return False
    return True


def _keep_reading(cloud_name: str, claim: datetime, seen: _Reading, now: datetime) -> None:
    """Store a reading, unless another reader has begun since, who knows better."""
    # The lock lets two readers of one entry store one after the other.
    reading = CloudReading.objects.select_for_update().filter(cloud=cloud_name).first()
    if reading is None or (reading.refresh_after != claim and reading.refresh_after > now):
        return
    reading.project = _store(cloud_name, seen, now)
    reading.read_at = now
    reading.error = ""
    if reading.refresh_after == claim:
        # Else somebody asked for a reading while this one was under way: it stays due.
        reading.refresh_after = now + settings.REPLICATION_INVENTORY_INTERVAL
    if seen.answers_records is not None:
        reading.answers_records = seen.answers_records
    # Only its own columns: a sweep may be writing the others.
    reading.save(update_fields=["project", "read_at", "error", "refresh_after", "answers_records"])
    policy_mirror.keep(cloud_name, reading.project, seen.policies, now)
    _mark_what_no_entry_shows(now)
    restore_points.keep_servers(reading.project, seen.vaults, seen.backups)
    restore_points.renew(seen.backups)


def _keep_error(cloud_name: str, claim: datetime, message: str, now: datetime) -> None:
    """Say why a reading failed, and make the next one due soon; what is known stays."""
    logger.warning("inventory of %s could not be read: %s", cloud_name, message)
    CloudReading.objects.filter(cloud=cloud_name, refresh_after=claim).update(
        error=message, refresh_after=now + min(_RETRY_AFTER, settings.REPLICATION_INVENTORY_INTERVAL)
    )


def _mark_what_no_entry_shows(now: datetime) -> None:
    """Mark projects and regions that no entry has shown in its last complete reading.

    Several entries may show the same project, so that only the oldest of their readings tells what is gone.
    """
    if CloudReading.objects.filter(read_at=None).exists():
        return
    oldest = CloudReading.objects.aggregate(at=Min("read_at"))["at"]
    for mirror in (Project, Region):
        mirror.objects.filter(vanished_at=None, seen_at__lt=oldest).update(vanished_at=now)


def _read(cloud_name: str) -> _Reading:
    """Read all of it from the cloud; no transaction is open meanwhile."""
    access = connection.credentials(cloud_name).access()
    client = connection.cbr(cloud_name)
    return _Reading(
        region=client.region,
        project_id=access.project_id,
        project_name=access.project_name,
        projects=connection.iam(cloud_name).projects(),
        capabilities=client.replication_capabilities(),
        vaults=client.list_vaults(),
        backups=client.list_backups(show_replication=True),
        policies=policy_mirror.read(client),
    )


def _store(cloud_name: str, seen: _Reading, now: datetime) -> Project:
    regions = _store_regions(seen, now)
    project = _store_projects(cloud_name, seen, regions, now)
    vaults = bring_in_line(
        Vault.objects.filter(project=project).select_related("project"),
        "vault_id",
        {vault.id: {"project": project, **_vault_fields(vault)} for vault in seen.vaults},
        now,
    )
    known = {backup.id: backup for backup in seen.backups if backup.vault_id in vaults}
    bring_in_line(
        Backup.objects.filter(vault__project=project).select_related("vault"),
        "backup_id",
        {one.id: {"vault": vaults[one.vault_id], **_backup_fields(one)} for one in known.values()},
        now,
    )
    origins.keep_told(project, seen.backups, now)
    capacity.remember(project, now)
    return project


def _store_regions(seen: _Reading, now: datetime) -> dict[str, Region]:
    told = {capability.region: sorted(capability.destinations) for capability in seen.capabilities}
    names = {seen.region, *told, *(name for names in told.values() for name in names)}
    names |= {project.region for project in seen.projects}
    for name in sorted(names - {""}):
        fields: dict[str, Any] = {"seen_at": now, "vanished_at": None}
        if name in told:
            fields["replication_destinations"] = told[name]
        elif name == seen.region:
            # The list of capabilities does not name us as a source: we can replicate to nowhere.
            fields["replication_destinations"] = []
        Region.objects.update_or_create(name=name, defaults=fields)
    return {region.name: region for region in Region.objects.all()}


def _store_projects(cloud_name: str, seen: _Reading, regions: Mapping[str, Region], now: datetime) -> Project:
    """Store the projects that the account can see, and tie the entry to its own."""
    # In one order for all readers, so that two of them never wait for each other.
    for other in sorted(seen.projects, key=lambda one: one.id):
        if other.enabled and other.region in regions:
            Project.objects.update_or_create(
                project_id=other.id,
                defaults={
                    "name": other.name,
                    "region": regions[other.region],
                    "seen_at": now,
                    "vanished_at": None,
                },
            )
    Project.objects.filter(cloud=cloud_name).exclude(project_id=seen.project_id).update(cloud="")
    name = seen.project_name or next((one.name for one in seen.projects if one.id == seen.project_id), "")
    project, _created = Project.objects.update_or_create(
        project_id=seen.project_id,
        defaults={
            "name": name or seen.project_id,
            "region": regions[seen.region],
            "cloud": cloud_name,
            "seen_at": now,
            "vanished_at": None,
        },
    )
    return project


def _vault_fields(vault: cloud.Vault) -> dict[str, Any]:
    return {
        "name": vault.name,
        "description": vault.description,
        "protect_type": vault.protect_type,
        "object_type": vault.object_type,
        "status": vault.status,
        "size_gb": vault.size_gb,
        "used_mb": vault.used_mb,
        "auto_expand": vault.auto_expand,
        "provider_id": vault.provider_id,
        "tags": dict(vault.tags),
        "resource_count": len(vault.resources),
        "created_at": vault.created_at,
    }


def _backup_fields(backup: cloud.Backup) -> dict[str, Any]:
    return {
        "name": backup.name,
        "resource_id": backup.resource_id,
        "resource_name": backup.resource_name,
        "resource_type": backup.resource_type,
        "resource_size_gb": backup.resource_size_gb,
        "status": backup.status,
        "image_type": backup.image_type,
        "contain_system_disk": backup.contain_system_disk,
        "replicated_to": _regions_of(backup, gone=_GONE),
        "copying_to": _regions_of(backup, gone=RECORD_FINAL),
        "created_at": backup.created_at,
        "expired_at": backup.expired_at,
    }


def _regions_of(backup: cloud.Backup, *, gone: Collection[RecordStatus]) -> list[str] | None:
    """Return the regions with a record that is not in these statuses; null when the cloud does not tell."""
    if backup.replication_records is None:
        return None
    return sorted(
        {
            record.destination_region
            for record in backup.replication_records
            if read_cloud_word(record.status) not in gone
        }
    )
