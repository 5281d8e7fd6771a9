"""The client of the backup service for one project in one region: one method for each documented call.

Reads are repeated and paged to their end; what changes something is sent exactly once.
Every failure is a CloudError. It must not know why somebody asks, and decides nothing about replications.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import quote

from .answers import Answer
from .credentials import Credentials
from .delivery import decide_answer, unknown, unreadable
from .errors import NotFound, Refused, Unreadable
from .fields import Fields, parse_json
from .landscape import ReplicationCapability
from .operations import OperationLog
from .paging import PAGE_SIZE, Item, Page, read_all
from .payloads import AcceptedReplication, Backup, BackupOrder, ReplicateOrder, Vault
from .policies import Policy, PolicyOrder
from .transcript import Transcript
from .transport import REPLICATE_LIMITS, Limits, ReadTransport, send_once, was_token_refused

_T = TypeVar("_T")
_Query = Sequence[tuple[str, str]]
#: What would change the address that it is a part of.
_NO_IDS = frozenset({"", ".", ".."})


class CbrClient:
    """Cloud Backup and Recovery, version 3, seen with one set of credentials. May be shared by threads."""

    def __init__(
        self,
        credentials: Credentials,
        *,
        page_size: int = PAGE_SIZE,
        transport: ReadTransport | None = None,
        replicate_limits: Limits = REPLICATE_LIMITS,
    ) -> None:
        self._credentials = credentials
        self._page_size = page_size
        self._transport = transport or ReadTransport(credentials)
        self._replicate_limits = replicate_limits
        #: Query parameters that this region's cloud refuses, learnt by asking without them.
        self._refused_parameters: frozenset[str] = frozenset()

    @property
    def region(self) -> str:
        """Return the region of the credentials."""
        return self._credentials.region

    @property
    def project_id(self) -> str:
        """Return the project of the credentials, signing in if needed.

        Raises:
            NotDelivered: there is no token.
        """
        return self._credentials.access().project_id

    @property
    def server_date(self) -> datetime | None:
        """Return what the latest answer to a read called the present moment, to the second; none before the first."""
        return self._transport.server_date

    def replicate(
        self,
        order: ReplicateOrder,
        *,
        before_connecting: Callable[[], None] = lambda: None,
        transcript: Transcript | None = None,
    ) -> AcceptedReplication:
        """Ask for the replication of a whole vault, once. Whoever calls decides whether to ask again.

        API: CopyCheckpoint, POST checkpoints/replicate.

        Args:
            order: What is to be replicated, and where to.
            before_connecting: Called when signing in is done and nothing has left; what it raises stops everything.
            transcript: Where to take down what happens on the wire.

        Raises:
            NotDelivered: the cloud provably did not act; asking again is safe.
            Refused: the cloud declined; nothing was started.
            OutcomeUnknown: it may have been started. The message says why that is open; look before asking again.
        """
        return self._send_once("checkpoints/replicate", order, before_connecting, transcript)

    def replicate_backup(
        self,
        order: BackupOrder,
        *,
        before_connecting: Callable[[], None] = lambda: None,
        transcript: Transcript | None = None,
    ) -> AcceptedReplication:
        """Ask for the replication of one backup, once; in everything else like `replicate`.

        API: CopyBackup, POST backups/{backup_id}/replicate.

        Raises:
            NotDelivered: the cloud provably did not act; asking again is safe.
            Refused: the cloud declined, or the id is none; nothing was started.
            OutcomeUnknown: it may have been started. The message says why that is open; look before asking again.
        """
        # As a part of a path these would name another call.
        if order.backup_id in _NO_IDS:
            raise NotFound(
                f"{order.backup_id!r} is no id.", region=self.region, method="POST", path="backups"
            )
        path = f"backups/{quote(order.backup_id, safe='')}/replicate"
        return self._send_once(path, order, before_connecting, transcript)

    def _send_once(
        self,
        path: str,
        order: ReplicateOrder | BackupOrder,
        before_connecting: Callable[[], None],
        transcript: Transcript | None,
    ) -> AcceptedReplication:
        answer = self._send(
            path,
            document=order.to_json(),
            before_connecting=before_connecting,
            transcript=transcript,
        )
        if error := decide_answer(answer):
            raise error
        try:
            document = parse_json(answer.body, unique_keys=True)
            return order.read_answer(document, request_id=answer.request_id)
        except Unreadable as failure:
            message = f"The cloud answered 200, but not as documented: {failure.message}"
        raise unknown(answer, message)

    def list_vaults(self, *, protect_type: str = "", name: str = "") -> tuple[Vault, ...]:
        """Return the vaults of the project. API: ListVaults, GET vaults.

        Args:
            protect_type: backup or replication; all when empty.
            name: Name, as the cloud compares it; all when empty.

        Raises:
            CloudError: the list could not be read to its end.
        """
        asked = _given(name=name)
        hints = _given(protect_type=protect_type)
        vaults = self._list("vaults", "vaults", Vault.from_json, asked, hints)
        # The parameter is documented for "backup" only, so the answer is not trusted to be filtered.
        return tuple(vault for vault in vaults if protect_type in ("", vault.protect_type))

    def get_vault(self, vault_id: str) -> Vault:
        """Return one vault. API: ShowVault, GET vaults/{vault_id}.

        Raises:
            NotFound: there is none in this project.
            CloudError: it could not be read.
        """
        return self._show("vaults", vault_id, "vault", Vault.from_json)

    def list_backups(
        self,
        *,
        vault_id: str = "",
        show_replication: bool = False,
        image_type: str = "",
        start_time: datetime | None = None,
    ) -> tuple[Backup, ...]:
        """Return backups of the project. API: ListBackups, GET backups.

        Args:
            vault_id: Those in this vault; all when empty.
            show_replication: Whether to ask for replication records. A cloud that refuses the question is asked
                without it, and then leaves them out.
            image_type: backup or replication. A cloud that refuses the word is asked without it, and then
                returns both.
            start_time: Those made since then, to the second.

        Raises:
            CloudError: the list could not be read to its end.
        """
        asked = _given(vault_id=vault_id, start_time=_stamp(start_time))
        hints = _given(show_replication="true" if show_replication else "", image_type=image_type)
        return self._list("backups", "backups", Backup.from_json, asked, hints)

    def get_backup(self, backup_id: str) -> Backup:
        """Return one backup. API: ShowBackup, GET backups/{backup_id}.

        Raises:
            NotFound: there is none in this project.
            CloudError: it could not be read.
        """
        return self._show("backups", backup_id, "backup", Backup.from_json)

    def list_operation_logs(
        self,
        *,
        vault_id: str = "",
        start_time: datetime | None = None,
        end_time: datetime | None = None,
        operation_type: str = "",
    ) -> tuple[OperationLog, ...]:
        """Return what the cloud has logged of its own work in the project. API: ListOpLogs, GET operation-logs.

        Args:
            vault_id: Of resources in this vault; all when empty.
            start_time: Since then, to the second.
            end_time: Until then, to the second.
            operation_type: As in replication; all when empty.

        Raises:
            CloudError: the list could not be read to its end.
        """
        asked = _given(vault_id=vault_id, start_time=_stamp(start_time), end_time=_stamp(end_time))
        logs = self._list("operation-logs", "operation_logs", OperationLog.from_json, asked)
        # The API's filter does not list "replication", although its answers do: so it is not asked to filter.
        return tuple(log for log in logs if operation_type in ("", log.operation_type))

    def get_operation_log(self, operation_log_id: str) -> OperationLog:
        """Return one operation log. API: ShowOpLog, GET operation-logs/{operation_log_id}.

        Raises:
            NotFound: there is none in this project.
            CloudError: it could not be read.
        """
        return self._show("operation-logs", operation_log_id, "operation_log", OperationLog.from_json)

    def replication_capabilities(self) -> tuple[ReplicationCapability, ...]:
        """Return which regions can replicate whereto. API: ShowReplicationCapabilities, GET replication-capabilities.

        Raises:
            CloudError: it could not be read.
        """
        return self._whole_list("replication-capabilities", "regions", ReplicationCapability.from_json)

    def list_policies(self, *, operation_type: str = "", vault_id: str = "") -> tuple[Policy, ...]:
        """Return the policies of the project, which the cloud hands out on one page. API: ListPolicies, GET policies.

        Args:
            operation_type: backup or replication; all when empty.
            vault_id: Those that work on this vault; all when empty.

        Raises:
            CloudError: the list could not be read.
        """
        asked = _given(operation_type=operation_type, vault_id=vault_id)
        return self._whole_list("policies", "policies", Policy.from_json, asked)

    def get_policy(self, policy_id: str) -> Policy:
        """Return one policy. API: ShowPolicy, GET policies/{policy_id}.

        Raises:
            NotFound: there is none in this project.
            CloudError: it could not be read.
        """
        return self._show("policies", policy_id, "policy", Policy.from_json)

    def change_policies(
        self,
        order: PolicyOrder,
        *,
        before_connecting: Callable[[], None] = lambda: None,
        transcript: Transcript | None = None,
    ) -> str:
        """Carry out one change of policies, sent once. Whoever calls decides whether to ask again.

        The body of a success is not looked at: whether it took effect is read back from the list.

        Args:
            order: What is to be changed.
            before_connecting: Called when signing in is done and nothing has left; what it raises stops everything.
            transcript: Where to take down what happens on the wire.

        Returns:
            The cloud's id of the call.

        Raises:
            NotDelivered: the cloud provably did not act; asking again is safe.
            Refused: the cloud declined; nothing was changed.
            OutcomeUnknown: it may have been done. Read the policies before asking again.
        """
        answer = self._send(
            order.path,
            method=order.method,
            document=order.document,
            before_connecting=before_connecting,
            transcript=transcript,
        )
        if answer.http_status == order.success:
            return answer.request_id
        raise decide_answer(answer) or unknown(
            answer, f"The cloud answered {answer.http_status} where {order.success} is documented"
        )

    def close(self) -> None:
        """Close the kept connections; a later call opens new ones."""
        self._transport.close()

    def _send(
        self,
        path: str,
        *,
        document: Mapping[str, object] | None,
        before_connecting: Callable[[], None],
        transcript: Transcript | None,
        method: str = "POST",
    ) -> Answer:
        """Send what changes something, exactly once, and return whatever complete answer comes."""
        token = self._credentials.access().token
        answer = send_once(
            f"{self._credentials.cbr_endpoint()}/{path}",
            method=method,
            token=token,
            document=document,
            region=self.region,
            verify=self._credentials.verify,
            limits=self._replicate_limits,
            before_connecting=before_connecting,
            transcript=transcript,
        )
        if was_token_refused(answer):
            self._credentials.forget(token)
        return answer

    def _list(
        self, path: str, key: str, read: Callable[[Any, str], Item], asked: _Query, hints: _Query = ()
    ) -> tuple[Item, ...]:
        """Read a paged list; while the cloud refuses it with a 400, give up each hint, and then all of them."""
        usable = [hint for hint in hints if hint[0] not in self._refused_parameters]
        for trial in _trials(usable):
            try:
                items = self._pages(path, key, read, [*asked, *trial])
                break
            except Refused as error:
                if error.http_status != 400:
                    raise
        else:
            trial, items = [], self._pages(path, key, read, asked)
        self._refused_parameters |= {hint[0] for hint in usable if hint not in trial}
        return items

    def _pages(
        self, path: str, key: str, read: Callable[[Any, str], Item], asked: _Query
    ) -> tuple[Item, ...]:
        url = f"{self._credentials.cbr_endpoint()}/{path}"

        def fetch(offset: int) -> Page[Item]:
            paging = [("limit", str(self._page_size)), ("offset", str(offset))]
            answer = self._transport.get(url, [*asked, *paging])
            return _read(answer, lambda body: _page(body, key, read))

        return read_all(fetch, page_size=self._page_size)

    def _whole_list(
        self, path: str, key: str, read: Callable[[Any, str], _T], asked: _Query = ()
    ) -> tuple[_T, ...]:
        answer = self._transport.get(f"{self._credentials.cbr_endpoint()}/{path}", asked)
        return _read(answer, lambda body: tuple(read(*item) for item in body.needed_items(key)))

    def _show(self, path: str, id_: str, key: str, read: Callable[[Any, str], Item]) -> Item:
        # As a part of a path these would name the list, or something outside of it.
        if id_ in _NO_IDS:
            raise NotFound(f"{id_!r} is no id.", region=self.region, method="GET", path=path)
        answer = self._transport.get(f"{self._credentials.cbr_endpoint()}/{path}/{quote(id_, safe='')}")
        shown = _read(answer, lambda body: read(body.inner(key, needed=True).values, key))
        if shown.id != id_:
            raise unreadable(
                answer, f"{key}.id: the answer is about {shown.id!r}, the question was about {id_!r}"
            )
        return shown


def _trials(hints: _Query) -> list[_Query]:
    """Return what to try before asking without any hint: all of them, then all but one."""
    if len(hints) < 2:
        return [hints] if hints else []
    return [hints, *([hint for hint in hints if hint != left_out] for left_out in hints)]


def _page(body: Fields, key: str, read: Callable[[Any, str], Item]) -> Page[Item]:
    count = body.values.get("count")
    return Page(
        items=tuple(read(*item) for item in body.needed_items(key)),
        count=count if isinstance(count, int) and not isinstance(count, bool) else None,
    )


def _read(answer: Answer, read: Callable[[Fields], _T]) -> _T:
    """Read a complete answer, and tell where it came from if it cannot be read."""
    try:
        return read(Fields.of(parse_json(answer.body), ""))
    except Unreadable as failure:
        message = f"The cloud's answer is not as documented: {failure.message}"
    raise unreadable(answer, message)


def _given(**parameters: str) -> list[tuple[str, str]]:
    return [(name, value) for name, value in parameters.items() if value]


def _stamp(moment: datetime | None) -> str:
    """Return a time as the API's filters want it.

    Raises:
        ValueError: it has no zone, so nobody knows which moment is meant.
    """
    if moment is None:
        return ""
    if moment.tzinfo is None:
        raise ValueError("a time without a zone")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
