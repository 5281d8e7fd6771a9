"""The client of the identity service: which regions and projects the credentials can see.

Every failure is a CloudError. It signs nobody in, which is the matter of credentials, and changes nothing.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from .credentials import Credentials
from .delivery import unreadable
from .errors import Unreadable
from .fields import Fields, parse_json
from .landscape import Project, Region
from .transport import ReadTransport

_T = TypeVar("_T")


class IamClient:
    """Identity and Access Management, version 3, seen with one set of credentials. May be shared by threads."""

    def __init__(self, credentials: Credentials, *, transport: ReadTransport | None = None) -> None:
        self._credentials = credentials
        self._transport = transport or ReadTransport(credentials)

    def projects(self) -> tuple[Project, ...]:
        """Return the projects that may be signed in to, also disabled ones, without those that can hold no vault.

        API: KeystoneListAuthProjects, GET /v3/auth/projects.

        Raises:
            CloudError: they could not be read.
        """
        return tuple(
            project for project in self._list("auth/projects", "projects", Project.from_json) if project
        )

    def regions(self) -> tuple[Region, ...]:
        """Return the regions of the cloud. API: KeystoneListRegions, GET /v3/regions.

        Raises:
            CloudError: they could not be read.
        """
        return self._list("regions", "regions", Region.from_json)

    def close(self) -> None:
        """Close the kept connections; a later call opens new ones."""
        self._transport.close()

    def _list(self, path: str, key: str, read: Callable[[Any, str], _T]) -> tuple[_T, ...]:
        answer = self._transport.get(f"{self._credentials.identity_endpoint()}/{path}")
        try:
            body = Fields.of(parse_json(answer.body), "")
            return tuple(read(*item) for item in body.needed_items(key))
        except Unreadable as failure:
            message = f"The identity service's answer is not as documented: {failure.message}"
        raise unreadable(answer, message)
