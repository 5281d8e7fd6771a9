"""What may be replicated whereto: regions, projects, capabilities and policies, as frozen dataclasses.

Read from two services, identity and backup, which tell one story only together. Nothing here knows how an answer was
fetched.
"""

from dataclasses import dataclass

from .fields import Fields

#: A project that each account has for object storage; no vault can be in it.
_OBJECT_STORAGE_PROJECT = "MOS"


@dataclass(frozen=True, slots=True)
class Region:
    """A region of the cloud. API: KeystoneListRegions, regions[]."""

    id: str

    @classmethod
    def from_json(cls, value: object, where: str = "region") -> "Region":
        """Read one region.

        Raises:
            Unreadable: the id is missing or of the wrong type.
        """
        return cls(id=Fields.of(value, where).text("id", needed=True))


@dataclass(frozen=True, slots=True)
class Project:
    """A project that the credentials can see. API: KeystoneListAuthProjects, projects[]."""

    id: str
    name: str
    #: The name's part before the first underscore: a project has no field for its region.
    region: str
    enabled: bool
    domain_id: str

    @classmethod
    def from_json(cls, value: object, where: str = "project") -> "Project | None":
        """Read one project; none for what is listed as a project and can hold no vault.

        Raises:
            Unreadable: a field is missing or of the wrong type.
        """
        project = Fields.of(value, where)
        name = project.text("name", needed=True)
        if name == _OBJECT_STORAGE_PROJECT or project.flag("is_domain"):
            return None
        return cls(
            id=project.id("id"),
            name=name,
            region=name.partition("_")[0],
            # Keystone leaves it out only where it is true by default.
            enabled=project.flag("enabled") is not False,
            domain_id=project.text("domain_id"),
        )


@dataclass(frozen=True, slots=True)
class ReplicationCapability:
    """Whereto a region can replicate. API: ShowReplicationCapabilities, regions[]."""

    region: str
    destinations: tuple[str, ...]

    @classmethod
    def from_json(cls, value: object, where: str = "region") -> "ReplicationCapability":
        """Read one region's capability.

        Raises:
            Unreadable: a field is missing or of the wrong type.
        """
        capability = Fields.of(value, where)
        return cls(
            region=capability.text("name", needed=True),
            destinations=capability.texts("replication_destinations"),
        )


@dataclass(frozen=True, slots=True)
class AssociatedVault:
    """A vault that a policy works on. API: ListPolicies, policies[].associated_vaults[]."""

    vault_id: str
    #: Empty for a policy that makes backups.
    destination_vault_id: str

    @classmethod
    def from_json(cls, value: object, where: str = "associated_vault") -> "AssociatedVault":
        """Read one pair of vaults.

        Raises:
            Unreadable: a field is missing or of the wrong type.
        """
        vault = Fields.of(value, where)
        return cls(vault_id=vault.id("vault_id"), destination_vault_id=vault.text("destination_vault_id"))


@dataclass(frozen=True, slots=True)
class Policy:
    """A schedule of the cloud. API: ListPolicies, policies[].

    The only place on the wire that pairs a source vault with its destination vault.
    """

    id: str
    name: str
    enabled: bool
    #: backup or replication.
    operation_type: str
    destination_region: str
    destination_project_id: str
    associated_vaults: tuple[AssociatedVault, ...]

    @classmethod
    def from_json(cls, value: object, where: str = "policy") -> "Policy":
        """Read one policy.

        Raises:
            Unreadable: a field is missing or of the wrong type.
        """
        policy = Fields.of(value, where)
        definition = policy.inner("operation_definition")
        return cls(
            id=policy.id("id"),
            name=policy.text("name"),
            # API: CreatePolicy, policy.enabled: true unless said otherwise.
            enabled=policy.flag("enabled") is not False,
            operation_type=policy.text("operation_type", needed=True),
            destination_region=definition.text("destination_region"),
            destination_project_id=definition.text("destination_project_id"),
            associated_vaults=tuple(
                AssociatedVault.from_json(*item) for item in policy.items("associated_vaults")
            ),
        )
