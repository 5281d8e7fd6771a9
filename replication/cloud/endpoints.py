"""Finds out where the backup service of one project in one region is reached.

Pure: addresses and a service catalog in, an address out. It asks nobody and knows no credentials.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from .errors import Misconfigured

_SERVICE_TYPE = "cbr"
_VERSION = "v3"
#: The ways in which clouds.yaml files and catalogs write "the project's id goes here".
_PLACEHOLDERS = re.compile(r"[%$]\((?:project_id|tenant_id)\)s|\$?\{(?:project_id|tenant_id)\}")
_REGION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_PROJECT_IN_PATH = re.compile(rf"/{_VERSION}/[^/]+$")


def cbr_endpoint(
    *, region: str, project_id: str, override: str | None, catalog: Iterable[object], auth_url: str
) -> str:
    """Return the address that ends in /v3/ and the project's id, without a slash at its end.

    The entry's own override counts first, then the catalog, then the pattern of Open Telekom Cloud.

    Args:
        region: Region of the entry; the catalog lists the endpoints of all.
        project_id: Project of the token; the catalog may have been rendered for another.
        override: The entry's cbr_endpoint_override.
        catalog: API: KeystoneCreateUserTokenByPassword, token.catalog[].
        auth_url: Where the password went; the token must not travel less protected.

    Raises:
        Misconfigured: the address is none, or would send the token unencrypted.
    """
    address = override or _from_catalog(region, catalog) or _from_pattern(region)
    if "://" not in address:
        address = f"https://{address}"
    origin = "cbr_endpoint_override of the entry" if override else "endpoint of the service catalog"
    endpoint = _with_project(address, project_id)
    parts = check_address(endpoint, origin)
    if urlsplit(auth_url).scheme == "https" and parts != "https":
        raise Misconfigured(
            f"The {origin} ({endpoint}) is not encrypted, but the sign-in is. Write an https address, so that the token "
            "does not travel in the open.",
            region=region,
        )
    return endpoint


def identity_endpoint(auth_url: str) -> str:
    """Return the address of the identity service, ending in /v3."""
    base = auth_url.rstrip("/")
    return base if base.endswith(f"/{_VERSION}") else f"{base}/{_VERSION}"


def check_address(address: str, origin: str) -> str:
    """Return the scheme of an address after checking that requests can be sent to it.

    Args:
        address: What was configured.
        origin: Where it was configured, for the message.

    Raises:
        Misconfigured: it is no http or https address of a host, or it carries more than a path.
    """
    try:
        parts = urlsplit(address)
        usable = bool(parts.hostname) and parts.scheme in ("http", "https") and parts.port != 0
        plain = not (parts.query or parts.fragment or parts.username or parts.password)
    except ValueError:
        usable = plain = False
    if not usable or not plain or re.search(r"[\s\\]", address):
        # The address itself is not repeated: somebody may have put a password into it.
        raise Misconfigured(
            f"The {origin} is not an address. Write it like https://host.example/v3, without user name and query."
        )
    return parts.scheme


def _from_catalog(region: str, catalog: Iterable[object]) -> str:
    """Return the public endpoint of the region; one for all regions is second best; empty when there is none."""
    found = {
        str(endpoint.get("region_id") or endpoint.get("region") or "*"): url
        for endpoint in _endpoints(catalog)
        if endpoint.get("interface") == "public" and isinstance(url := endpoint.get("url"), str) and url
    }
    return found.get(region) or found.get("*", "")


def _endpoints(catalog: Iterable[object]) -> Iterable[Mapping[str, Any]]:
    for service in catalog:
        if isinstance(service, Mapping) and service.get("type") == _SERVICE_TYPE:
            listed = service.get("endpoints")
            yield from (one for one in listed if isinstance(one, Mapping)) if isinstance(listed, list) else ()


def _from_pattern(region: str) -> str:
    return f"https://cbr.{region}.otc.t-systems.com/{_VERSION}"


def check_region(region: str, name: str) -> str:
    """Return the region after checking that it can be part of a host name.

    Raises:
        Misconfigured: it cannot.
    """
    if not _REGION.fullmatch(region):
        raise Misconfigured(f"The region_name of the entry {name!r} is not a region. Write one like eu-de.")
    return region


def _with_project(address: str, project_id: str) -> str:
    # A catalog rendered for another project of the account is right but for its last part.
    address = _PLACEHOLDERS.sub(project_id, address).rstrip("/")
    if _PROJECT_IN_PATH.search(address):
        return f"{address[: address.rindex('/')]}/{project_id}"
    return (
        f"{address}/{project_id}"
        if address.endswith(f"/{_VERSION}")
        else f"{address}/{_VERSION}/{project_id}"
    )
