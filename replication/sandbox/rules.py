"""What this cloud refuses before it replicates, rule by rule, with the code that it gives for each.

The order of the checks is that of a service that looks at the request first, then at the source, then at the
destination, then at the backups. Pure: it reads the world and decides; nothing is changed here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from replication.sandbox.answers import Refusal, cbr_refusal, parameter_refused
from replication.sandbox.entities import REGIONS, SERVER, Backup, ReplicationRecord, Vault
from replication.sandbox.switches import Profile
from replication.sandbox.world import World

DESTINATION_FULL = "The capacity of the destination vault has been reached."
SOURCE_OBJECT_TYPES: Mapping[Profile, frozenset[str]] = {
    "otc": frozenset({"server"}),
    "huawei": frozenset({"server", "turbo"}),
}


@dataclass(frozen=True, slots=True)
class Destination:
    """Where replicas shall go."""

    region: str
    project_id: str
    vault_id: str


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of one cloud at one moment, for requests of one project.

    Args:
        world: What is looked at.
        profile: Some codes and statuses differ between the two documentations.
        switches: Answers to the open questions.
        project_id: The source project.
        now: The moment.
    """

    world: World
    profile: Profile
    switches: Mapping[str, str]
    project_id: str
    now: datetime

    def destinations_of(self, region: str) -> list[str]:
        """List the regions that a region can replicate to."""
        pairs = [("eu-de", "eu-nl")]
        if self.switches["reverse_replication"] == "on":
            pairs.append(("eu-nl", "eu-de"))
        return [destination for source, destination in pairs if source == region]

    def capabilities(self) -> dict[str, list[str]]:
        """List the regions that can replicate at all, each with its destinations."""
        return {region: found for region in REGIONS if (found := self.destinations_of(region))}

    def check_route(self, destination: Destination) -> None:
        """Check regions and the destination project.

        Raises:
            Refusal: 9900 (same region), 1005 (region), 1011 (project).
        """
        source_region = self.world.region_of(self.project_id)
        if destination.region == source_region:
            raise parameter_refused("destination_region must differ from the source region.")
        if destination.region not in self.destinations_of(source_region):
            status = 500 if self.profile == "otc" else 400
            raise cbr_refusal("1005", "The destination region does not support replication.", status)
        project = self.world.projects.get(destination.project_id)
        if project is None or not project.enabled or project.region != destination.region:
            raise cbr_refusal("1011", "The destination project does not support replication.")

    def source_vault(self, vault_id: str) -> Vault:
        """Find the source vault and check that it may be replicated.

        Raises:
            Refusal: 6105 (missing), 6112 (status), 6128 (kind of vault), 6122 (kind of resource).
        """
        vault = self.world.vault_in(self.project_id, vault_id)
        if vault is None:
            raise cbr_refusal("6105", "The vault does not exist.", 404)
        if vault.status != "available":
            raise cbr_refusal("6112", "The vault status is invalid.")
        if vault.protect_type != "backup" or vault.object_type not in SOURCE_OBJECT_TYPES[self.profile]:
            raise cbr_refusal("6128", "Replication is not allowed for this type of vault.")
        return vault

    def check_destination_vault(self, destination: Destination, object_type: str) -> Vault:
        """Find the destination vault and check that it takes replicas of this kind.

        Raises:
            Refusal: 6120 (missing), 6119 (kind of vault), 6118 (status).
        """
        vault = self.world.vault_in(destination.project_id, destination.vault_id)
        if vault is None:
            raise cbr_refusal("6120", "The destination vault does not exist.")
        if vault.protect_type != "replication" or vault.object_type != object_type:
            raise cbr_refusal("6119", "The destination vault does not support replication.")
        if vault.status != "available":
            raise cbr_refusal("6118", "Failed to check the destination vault.")
        return vault

    def check_not_replicating(self, vault_id: str) -> None:
        """Check that no replication of the vault is under way.

        Raises:
            Refusal: 6130.
        """
        if self.switches["duplicate_guard"] == "off":
            return
        if any(record.is_underway(self.now) for record in self.world.records_from(vault_id)):
            raise cbr_refusal("6130", "The vault is being replicated.")

    def eligible_backups(self, vault: Vault, destination: Destination) -> list[Backup]:
        """Choose the backups that a replication of the vault takes; empty only where a switch says so.

        Raises:
            Refusal: 0001 or 1009 where nothing is left to take, depending on the switches; 1012.
        """
        replicable = [
            backup for backup in self.world.vault_backups(vault.id, self.now) if self._is_replicable(backup)
        ]
        if not replicable:
            return self._take_nothing(self.switches["none_eligible"])
        if self.switches["duplicate_guard"] == "off":
            return sorted(replicable, key=lambda backup: backup.created_at)
        fresh = [backup for backup in replicable if not self._occupying(backup, destination.region)]
        if not fresh:
            return self._take_nothing(self.switches["all_replicated"])
        if len(fresh) < len(replicable) and self.switches["second_run"] == "refuse_1009":
            raise _already_replicated()
        for backup in fresh:
            self._check_replica_limit(backup)
        return sorted(fresh, key=lambda backup: backup.created_at)

    def check_backup(self, backup: Backup, destination: Destination) -> None:
        """Check that one backup may be replicated by itself; again, once its replica has been deleted.

        Raises:
            Refusal: 6122, 1003 (kind of resource), 1002 (a replica), 0001 (not fit), 1009, 1012.
        """
        vault = self.world.vaults[backup.vault_id]
        if backup.image_type != "backup":
            raise cbr_refusal("1002", "The image type of the backup must be backup or sync.")
        if backup.parent_id or vault.object_type not in SOURCE_OBJECT_TYPES[self.profile]:
            if self.profile == "huawei":
                raise cbr_refusal("1003", "The source of the backup is not a cloud server.")
            raise cbr_refusal("6122", "The resource type does not support replication.")
        if not self._is_replicable(backup):
            raise cbr_refusal("0001", "No resource is available for backup.")
        is_guarded = self.switches["duplicate_guard"] != "off"
        if is_guarded and any(
            not self.world.is_deleted(record.replica_id)
            for record in self._occupying(backup, destination.region)
        ):
            raise _already_replicated()
        self._check_replica_limit(backup)

    def without_room(self, vault: Vault, backups: Sequence[Backup]) -> list[Backup]:
        """List the backups, in their order, that the destination vault has no room for, what is on its way included.

        Raises:
            Refusal: 6129 where there is one, unless a switch lets it be accepted.
        """
        room_mb = vault.size_gb * 1024 - self.world.taken_mb(vault.id, self.now)
        found = []
        for backup in () if vault.auto_expand else backups:
            if backup.stored_mb <= room_mb:
                room_mb -= backup.stored_mb
            else:
                found.append(backup)
        if found and self.switches["destination_full"] == "refuse_6129":
            raise cbr_refusal("6129", DESTINATION_FULL)
        return found

    def _is_replicable(self, backup: Backup) -> bool:
        return (
            backup.image_type == "backup"
            and backup.status == "available"
            and (backup.contains_system_disk or backup.resource.type != SERVER)
        )

    def _occupying(self, backup: Backup, region: str) -> list[ReplicationRecord]:
        records = self.world.records_from(backup.id)
        return [record for record in records if self.world.occupies_region(record, region, self.now)]

    def _check_replica_limit(self, backup: Backup) -> None:
        if self.world.replica_count(backup.id, self.now) >= int(self.switches["replica_limit"]):
            raise cbr_refusal("1012", "The number of replicas has reached the limit.")

    def _take_nothing(self, answer: str) -> list[Backup]:
        if answer == "refuse_0001":
            raise cbr_refusal("0001", "No resource is available for backup.")
        if answer == "refuse_1009":
            raise _already_replicated()
        return []


def _already_replicated() -> Refusal:
    return cbr_refusal("1009", "The backup is being replicated or has been replicated.")
