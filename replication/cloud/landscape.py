"""What may be replicated whereto: regions, projects and capabilities, as frozen dataclasses.

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
