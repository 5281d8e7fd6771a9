"""Who may do what: the account's users, their passwords and keys, and the tokens that IAM gives them.

A token carries its own facts under a seal, so that it outlives a restart of the sandbox as it would outlive one of the
cloud. HTTP and the shapes of refusals are not known here.
"""

import base64
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from replication.sandbox.entities import derived_id

DOMAIN_NAME = "OTC-EU-DE-00000000001000042"
DOMAIN_ID = derived_id("domain", DOMAIN_NAME).replace("-", "")
TOKEN_LIFETIME = timedelta(hours=24)

READING = frozenset(
    {
        "cbr:vaults:list",
        "cbr:vaults:get",
        "cbr:backups:list",
        "cbr:backups:get",
        "cbr:tasks:list",
        "cbr:tasks:get",
        "cbr:policies:list",
        "cbr:policies:get",
        "cbr:backups:queryReplicationCapability",
    }
)
REPLICATING = frozenset({"cbr:vaults:replicate", "cbr:backups:replicate", "cbr:vaults:create"})
SCHEDULING = frozenset(
    {
        "cbr:policies:create",
        "cbr:policies:delete",
        "cbr:vaults:associatePolicy",
        "cbr:vaults:dissociatePolicy",
    }
)


@dataclass(frozen=True, slots=True)
class User:
    """One user of the account, with rights in all its projects."""

    name: str
    password: str
    actions: frozenset[str]
    is_locked: bool = False
    access_key: str = ""
    secret_key: str = ""

    @property
    def id(self) -> str:
        return derived_id("user", self.name).replace("-", "")


# Everybody may know these: they open a simulated cloud that listens on loopback only.
USERS = (
    User(
        "replication",
        "sandbox",
        READING | REPLICATING | SCHEDULING,
        access_key="SANDBOXREPLICATION01",
        secret_key="not-a-secret-only-for-the-sandbox-000001",  # noqa: S106 - public, see above
    ),
    User("reader", "sandbox", READING),
    User("locked", "sandbox", READING, is_locked=True),
)


@dataclass(frozen=True, slots=True)
class Access:
    """What a request may do: as whom, in which project (none for a token of the whole domain), until when."""

    user: User
    project_id: str
    issued_at: datetime
    expires_at: datetime


class Tokens:
    """Issues and reads tokens.

    Args:
        key: Seals the tokens of one world.
    """

    def __init__(self, key: str) -> None:
        self._key = key.encode()
        self._revoked: set[str] = set()

    def issue(self, user: User, project_id: str, now: datetime) -> tuple[str, Access]:
        access = Access(user, project_id, now, now + TOKEN_LIFETIME)
        facts = [
            user.name,
            project_id,
            access.issued_at.isoformat(),
            access.expires_at.isoformat(),
            secrets.token_hex(4),
        ]
        payload = base64.urlsafe_b64encode(json.dumps(facts).encode()).decode()
        return f"{payload}.{self._seal(payload)}", access

    def read(self, token: str) -> Access | None:
        """Tell what a token stands for, be it over or not; nothing if it is forged."""
        payload, _, seal = token.partition(".")
        if not hmac.compare_digest(seal.encode(), self._seal(payload).encode()):
            return None
        name, project_id, issued_at, expires_at, _ = json.loads(base64.urlsafe_b64decode(payload))
        user = find_user(name)
        if user is None:
            return None
        return Access(user, project_id, datetime.fromisoformat(issued_at), datetime.fromisoformat(expires_at))

    def has_ended(self, token: str, access: Access, now: datetime) -> bool:
        return token in self._revoked or now >= access.expires_at

    def revoke(self, token: str) -> None:
        self._revoked.add(token)

    def _seal(self, payload: str) -> str:
        return hmac.new(self._key, payload.encode(), hashlib.sha256).hexdigest()


def find_user(name: str) -> User | None:
    return next((user for user in USERS if user.name == name), None)


def find_key_holder(access_key: str) -> User | None:
    return next((user for user in USERS if user.access_key and user.access_key == access_key), None)
