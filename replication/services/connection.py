"""The one place where settings become connections to the cloud.

The sandbox and the real cloud differ by an address and by who signs in, and by nothing else.
"""

from functools import cache

from django.conf import settings

from replication.cloud import CbrClient, Credentials, IamClient, cbr_endpoint, cloud_from_options, read_cloud

#: Entry name -> region and project of the sandbox's account, as its own documentation lists them.
SANDBOX_CLOUDS = {
    "sandbox-production": ("eu-de", "eu-de_production"),
    "sandbox-internal": ("eu-de", "eu-de_internal"),
    "sandbox-recovery": ("eu-nl", "eu-nl_recovery"),
    "sandbox-archive": ("eu-nl", "eu-nl_archive"),
}
_SANDBOX_DOMAIN = "OTC-EU-DE-00000000001000042"


def cloud_names() -> tuple[str, ...]:
    """Return the names of the entries that are read: those of REPLICATION_CLOUDS, or the sandbox's."""
    return tuple(settings.REPLICATION_CLOUDS) or tuple(SANDBOX_CLOUDS)


@cache
def credentials(cloud: str) -> Credentials:
    """Return the credentials of an entry, one object a process, so that its token is shared.

    Raises:
        Misconfigured: there is no such entry, or it lacks something.
    """
    if settings.REPLICATION_CLOUDS:
        return read_cloud(cloud)
    region, project = SANDBOX_CLOUDS[cloud]
    return cloud_from_options(
        cloud,
        auth={
            "auth_url": f"{settings.SANDBOX_URL}/v3",
            "username": "replication",
            "password": "sandbox",  # the sandbox's public account, documented in its seed
            "user_domain_name": _SANDBOX_DOMAIN,
            "project_name": project,
            "project_domain_name": _SANDBOX_DOMAIN,
        },
        region=region,
    )


@cache
def cbr(cloud: str) -> CbrClient:
    """Return the client for vaults and backups of an entry's project."""
    return CbrClient(credentials(cloud))


@cache
def iam(cloud: str) -> IamClient:
    """Return the client for what the entry's account can see."""
    return IamClient(credentials(cloud))


def public_address(region: str, project_id: str) -> str:
    """Return where the backup service of a project is reached by others, ending in the project's id. Asks nobody.

    That is the sandbox, or the documented address; an entry of clouds.yaml may have one of its own.
    """
    override = settings.SANDBOX_URL if not settings.REPLICATION_CLOUDS else None
    return cbr_endpoint(region=region, project_id=project_id, override=override, catalog=(), auth_url="")


def forget() -> None:
    """Drop every client and token, as after a change of settings."""
    for cached in (credentials, cbr, iam):
        cached.cache_clear()
