"""Turns an entry of clouds.yaml, or OS_* variables, into a token for one project in one region.

Files and variables are read as openstacksdk reads them, so that what works for its command line works here. Tokens
live in this process's memory only, and are renewed before they end. It knows no call but signing in.
"""

import json
import os
import threading
import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml
from keystoneauth1 import exceptions as keystone
from keystoneauth1 import loading
from keystoneauth1.identity.base import BaseIdentityPlugin
from openstack.config import OpenStackConfig
from openstack.config.loader import CONFIG_FILES, SECURE_FILES
from openstack.exceptions import ConfigException
from openstack.warnings import ConfigurationWarning

from .endpoints import cbr_endpoint, check_address, check_region, identity_endpoint
from .errors import Misconfigured
from .sign_in import Access, SignedIn, sign_in

#: A token is renewed when this much of its life is left, in seconds, or a tenth of it if that is less.
RENEWAL_MARGIN_SECONDS = 600.0
_RENEWAL_SHARE = 0.1
_SECRET_OPTIONS = frozenset(
    {"password", "token", "passcode", "application_credential_secret", "client_secret"}
)
_PROJECT_OPTIONS = ("project_id", "project_name")


class Credentials:
    """Access to one project in one region. Threads share one object, so that they share one token."""

    def __init__(
        self,
        name: str,
        *,
        region: str,
        plugin: BaseIdentityPlugin,
        auth: Mapping[str, Any],
        cbr_endpoint_override: str | None = None,
        verify: bool | str = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        #: Name of the entry.
        self.name = name
        self.region = check_region(region, name)
        #: Whose certificates are trusted: the usual authorities', or those of a file.
        self.verify = verify
        self._auth_url = str(auth["auth_url"])
        check_address(self._auth_url, f"auth_url of the entry {name!r}")
        self._override = cbr_endpoint_override
        self._secrets = tuple(
            str(auth[option]) for option in sorted(_SECRET_OPTIONS & auth.keys()) if auth[option]
        )
        self._plugin = plugin
        self._clock = clock
        self._lock = threading.Lock()
        self._held: SignedIn | None = None
        self._renew_after = 0.0

    def __repr__(self) -> str:
        return f"Credentials({self.name!r}, region={self.region!r})"

    def access(self) -> Access:
        """Return a token that will live for a while yet, signing in if there is none.

        Raises:
            NotDelivered: as SignInFailed, Throttled or Misconfigured where it is known why.
        """
        return self._signed_in().access

    def forget(self, token: str) -> None:
        """Drop a token that was refused, unless another thread has renewed it meanwhile."""
        with self._lock:
            if self._held and self._held.access.token == token:
                self._held = None

    def cbr_endpoint(self) -> str:
        """Return the address of the backup service, ending in /v3/ and the project's id, signing in if needed.

        Raises:
            NotDelivered: there is no token, or the address cannot be used.
        """
        held = self._signed_in()
        return cbr_endpoint(
            region=self.region,
            project_id=held.access.project_id,
            override=self._override,
            catalog=held.catalog,
            auth_url=self._auth_url,
        )

    def identity_endpoint(self) -> str:
        """Return the address of the identity service, ending in /v3."""
        return identity_endpoint(self._auth_url)

    def _signed_in(self) -> SignedIn:
        # Signing in under the lock: the others wait for this token instead of asking for their own.
        with self._lock:
            if self._held is None or self._clock() >= self._renew_after:
                self._held = None
                held = sign_in(
                    self._plugin,
                    auth_url=self._auth_url,
                    region=self.region,
                    verify=self.verify,
                    secrets=self._secrets,
                )
                life = held.lifetime.total_seconds()
                self._renew_after = self._clock() + life - min(RENEWAL_MARGIN_SECONDS, _RENEWAL_SHARE * life)
                self._held = held
            return self._held


def read_cloud(name: str) -> Credentials:
    """Return the credentials of an entry; nothing is asked of the cloud yet.

    Args:
        name: Name in clouds.yaml, or envvars for what openstacksdk makes of OS_* variables.

    Raises:
        Misconfigured: there is no such entry, or it cannot be used; the message says what to do.
    """
    _check_files()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # An entry without its profile lacks half of what it needs: say so instead of what follows from it.
            warnings.simplefilter("error", ConfigurationWarning)
            return _read_entry(name, OpenStackConfig())
    except ConfigException as error:
        raise Misconfigured(f"The entry {name!r} cannot be used: {error}") from None
    except ConfigurationWarning:
        raise Misconfigured(f"The entry {name!r} names a profile that openstacksdk does not know.") from None
    except keystone.AuthPluginException as error:
        raise Misconfigured(f"The entry {name!r} cannot sign in: {error}") from None
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        # The message is left out: it may quote a value, and values may be secret.
        raise Misconfigured(
            f"The entry {name!r} cannot be read ({type(error).__name__}): look for a brace, a list or a mapping where "
            "openstacksdk expects a plain value."
        ) from None


def cloud_from_options(
    name: str, *, auth: Mapping[str, Any], region: str, cbr_endpoint_override: str | None = None
) -> Credentials:
    """Return credentials for a user with a password that stand in no file.

    Args:
        name: How messages call the entry.
        auth: What stands under auth in clouds.yaml.
        region: Region of the project.
        cbr_endpoint_override: What stands under this key in clouds.yaml.

    Raises:
        Misconfigured: something is missing or unknown.
    """
    _check_auth(name, auth, "password")
    try:
        plugin: BaseIdentityPlugin = loading.get_plugin_loader("password").load_from_options(**auth)
    except (keystone.AuthPluginException, TypeError) as error:
        raise Misconfigured(
            f"The entry {name!r} has an option under auth that is not one ({type(error).__name__})."
        ) from None
    return Credentials(
        name, region=region, plugin=plugin, auth=auth, cbr_endpoint_override=cbr_endpoint_override
    )


def _check_files() -> None:
    """Refuse a file that openstacksdk would pass over with a line in the log, as if it were not there."""
    named = os.environ.get("OS_CLIENT_CONFIG_FILE")
    if named and not _is_there(named, Path.is_file):
        raise Misconfigured(
            f"OS_CLIENT_CONFIG_FILE names {named}, and there is no such file. Correct it or unset it."
        )
    secure = os.environ.get("OS_CLIENT_SECURE_FILE")
    for listed in ([named, *CONFIG_FILES], [secure, *SECURE_FILES]):
        found = next((item for item in listed if item and _is_there(item, Path.exists)), None)
        if found:
            _check_file(Path(found))


def _is_there(path: str, check: Callable[[Path], bool]) -> bool:
    """Return what a check finds; false where this user may not even look, as openstacksdk has it."""
    try:
        return check(Path(path))
    except OSError:
        return False


def _check_file(path: Path) -> None:
    try:
        with path.open(encoding="utf-8") as file:
            # Not all JSON is YAML: the one may be indented by tabs.
            json.load(file) if path.suffix == ".json" else yaml.safe_load(file)
    except OSError as error:
        raise Misconfigured(f"{path} cannot be read ({error.strerror}). Let this user read it.") from None
    except yaml.MarkedYAMLError as error:
        # Only the place is told: YAML's own message may quote a secret.
        mark = error.problem_mark or error.context_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "an unknown place"
        raise Misconfigured(
            f"{path} is not YAML: {place} cannot be understood. Correct it there or just above."
        ) from None
    except json.JSONDecodeError as error:
        raise Misconfigured(
            f"{path} is not JSON: line {error.lineno}, column {error.colno} cannot be understood. Correct it there or "
            "just above."
        ) from None
    except (yaml.YAMLError, ValueError, RecursionError):
        raise Misconfigured(f"{path} cannot be understood. Correct it, or write it anew.") from None


def _read_entry(name: str, config: OpenStackConfig) -> Credentials:
    known = [entry for entry in config.get_cloud_names() if entry != "defaults"]
    if name not in known:
        where = config.config_filename or "no clouds.yaml that was found"
        raise Misconfigured(
            f"There is no entry {name!r}. Known are: {', '.join(known) or 'none'} (from {where}). Name one of them, or "
            "write the entry."
        )
    entry = config.cloud_config["clouds"][name]
    if not isinstance(entry, dict):
        raise Misconfigured(
            f"The entry {name!r} in {config.config_filename} is empty. Write auth and region_name under it."
        )
    for key in ("cbr_endpoint_override", "cbr-endpoint-override"):
        # openstacksdk would try to fill the placeholders, and does not know the project's id yet.
        if isinstance(entry.get(key), str):
            entry[key] = entry[key].replace("{", "{{").replace("}", "}}")
    region_name = _region_of(name, entry, config)
    region = config.get_one(name, region_name=region_name)
    auth = region.config["auth"]
    _check_auth(name, auth, region.config["auth_type"])
    plugin = region.get_auth()
    # Those that come with keystoneauth are refused above for their options; others may be installed beside it.
    if not isinstance(plugin, BaseIdentityPlugin):
        raise Misconfigured(f"The entry {name!r} has an auth_type that gets no token. Use password.")
    return Credentials(
        name,
        region=region_name,
        plugin=plugin,
        auth=auth,
        cbr_endpoint_override=str(region.config.get("cbr_endpoint_override") or "") or None,
        verify=_authorities(name, region.config),
    )


def _region_of(name: str, entry: Mapping[str, Any], config: OpenStackConfig) -> str:
    chosen = entry.get("region_name") or entry.get("region-name")
    if isinstance(chosen, str) and "," not in chosen:
        return chosen.strip()
    listed = config._get_known_regions(name)  # noqa: SLF001  # what is public picks the first of several silently
    regions = [str(region["name"]).strip() for region in listed if region["name"]]
    if len(regions) > 1:
        raise Misconfigured(
            f"The entry {name!r} lists several regions ({', '.join(regions)}). One entry is one project in one region: "
            "set region_name to one of them, and write an entry for each of the others that you need."
        )
    if not regions:
        raise Misconfigured(f"The entry {name!r} has no region. Set region_name, for example to eu-de.")
    return regions[0]


def _check_auth(name: str, auth: Mapping[str, Any], auth_type: str) -> None:
    if not auth.get("auth_url"):
        raise Misconfigured(
            f"The entry {name!r} has no auth_url. Set it under auth, for example to "
            "https://iam.eu-de.otc.t-systems.com/v3, or set profile to otc."
        )
    if auth_type.endswith("password") and not (auth.get("username") or auth.get("user_id")):
        raise Misconfigured(f"The entry {name!r} has no username. Set it under auth.")
    if auth_type.endswith("password") and not auth.get("password"):
        raise Misconfigured(f"The entry {name!r} has no password. Set it under auth, best in secure.yaml.")
    # An application credential is made for one project and must not name it.
    if "applicationcredential" not in auth_type and not any(auth.get(option) for option in _PROJECT_OPTIONS):
        raise Misconfigured(
            f"The entry {name!r} has no project: backups belong to one. Set project_name or project_id under auth."
        )


def _authorities(name: str, settings: Mapping[str, Any]) -> bool | str:
    verify = settings.get("verify")
    if not (verify is None or verify is True or isinstance(verify, str)) or settings.get("insecure"):
        raise Misconfigured(
            f"The entry {name!r} switches off the verification of certificates, and with it would hand its password to "
            "anybody. Name the authority's file as cacert instead."
        )
    # As openstacksdk has it, a verify that is a string is such a file too; so "false" is one that is not there.
    named = settings.get("cacert") or verify
    if not isinstance(named, str) or not named:
        return True
    path = Path(named).expanduser()
    if not _is_there(str(path), Path.is_file):
        key = "cacert" if settings.get("cacert") else "verify"
        raise Misconfigured(
            f"The entry {name!r} names {path} as {key}, and there is no such file. Verification is never switched off."
        )
    return str(path)
