"""What faults do to an answer before it is sent: other statuses, broken documents, foreign ids.

Pure: an answer goes in, a worse one comes out. Connections are not known here.
"""

import json
import re
import zlib
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from typing import Any

from replication.sandbox.answers import HTML, Answer, error_answer
from replication.sandbox.entities import derived_id
from replication.sandbox.faults import Fault

MEGABYTE = 1024 * 1024


def answer_instead(fault: Fault, own_address: str) -> Answer:
    """Compose the answer that a fault gives in place of the real one.

    Args:
        fault: One of the kinds answer, redirect, throttle.
        own_address: Where a redirect without a location leads.
    """
    wishes = fault.parameters
    if fault.name == "redirect":
        return Answer(wishes["status"], headers={"Location": wishes["location"] or own_address}, content=b"")
    if fault.name == "throttle":
        message = "The throttling threshold has been reached: policy ip over ratelimit,limit:5,time:1 minute"
        return error_answer("gateway", 429, "APIGW.0308", message, {"Retry-After": wishes["retry_after"]})
    headers = {name: str(value) for name, value in wishes["headers"].items()}
    return error_answer(wishes["shape"], wishes["status"], wishes["code"], wishes["message"], headers)


def spoil(answer: Answer, fault: Fault) -> Answer:
    """Spoil the real answer; one that is already a refusal is left as it is, apart from its status and form."""
    return _SPOILERS[fault.name](answer, fault)


def _other_status(answer: Answer, fault: Fault) -> Answer:
    return replace(answer, status=fault.parameters["status"])


def _bad_json(answer: Answer, _: Fault) -> Answer:
    return replace(answer, content=answer.body[:-1] + b",}")


def _duplicate_keys(answer: Answer, _: Fault) -> Answer:
    body = answer.body
    return replace(answer, content=body[:-1] + b", " + body[1:])


def _not_a_number(answer: Answer, _: Fault) -> Answer:
    return replace(answer, content=answer.body[:-1] + b', "progress": NaN, "size": Infinity}')


def _deep_nesting(answer: Answer, fault: Fault) -> Answer:
    depth = fault.parameters["depth"]
    return replace(answer, content=answer.body[:-1] + b', "nest": ' + b"[" * depth + b"]" * depth + b"}")


def _gzip_bomb(answer: Answer, fault: Fault) -> Answer:
    # 31 asks zlib for the gzip format.
    press = zlib.compressobj(level=1, wbits=31)
    parts = [press.compress(answer.body)]
    parts += [press.compress(b" " * MEGABYTE) for _ in range(fault.parameters["megabytes"])]
    parts.append(press.flush())
    return replace(answer, content=b"".join(parts), headers={**answer.headers, "Content-Encoding": "gzip"})


def _wrong_charset(answer: Answer, _: Fault) -> Answer:
    content = json.dumps(answer.document).encode("utf-16")
    return replace(answer, content=content, content_type="application/json; charset=utf-8")


def _html_success(answer: Answer, _: Fault) -> Answer:
    return replace(answer, status=200, content=HTML.format("Maintenance").encode(), content_type="text/html")


def _empty_body(answer: Answer, _: Fault) -> Answer:
    return replace(answer, content=b"")


def _foreign_ids(answer: Answer, _: Fault) -> Answer:
    def estrange(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: estrange(item) for name, item in value.items()}
        if isinstance(value, list):
            return [estrange(item) for item in value]
        is_id = isinstance(value, str) and re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", value)
        return derived_id("foreign", value) if is_id else value

    return replace(answer, document=estrange(answer.document))


def _duplicate_record_ids(answer: Answer, _: Fault) -> Answer:
    document = deepcopy(answer.document)
    backups = document.get("replication", {}).get("backups", [])
    for backup in backups:
        backup["replication_record_id"] = backups[0]["replication_record_id"]
    return replace(answer, document=document)


def _missing_field(answer: Answer, fault: Fault) -> Answer:
    return _with_fields(answer, fault.parameters["field"], lambda owner, name: owner.pop(name, None))


def _changed_field(answer: Answer, fault: Fault) -> Answer:
    def change(owner: dict[str, Any], name: str) -> None:
        owner[name] = fault.parameters["value"]

    return _with_fields(answer, fault.parameters["field"], change)


def _with_fields(answer: Answer, path: str, change: Callable[[dict[str, Any], str], object]) -> Answer:
    """Change a field named as in `replication.backups.backup_id`; in a list, that of every item."""
    document = deepcopy(answer.document)
    owners = [document]
    *parents, name = path.split(".")
    for parent in parents:
        found = [owner[parent] for owner in owners if isinstance(owner, dict) and parent in owner]
        owners = [item for value in found for item in (value if isinstance(value, list) else [value])]
    for owner in owners:
        if isinstance(owner, dict):
            change(owner, name)
    return replace(answer, document=document)


_SPOILERS: dict[str, Callable[[Answer, Fault], Answer]] = {
    "status": _other_status,
    "bad_json": _bad_json,
    "duplicate_keys": _duplicate_keys,
    "not_a_number": _not_a_number,
    "deep_nesting": _deep_nesting,
    "gzip_bomb": _gzip_bomb,
    "wrong_charset": _wrong_charset,
    "html_success": _html_success,
    "empty_body": _empty_body,
    "foreign_ids": _foreign_ids,
    "duplicate_record_ids": _duplicate_record_ids,
    "missing_field": _missing_field,
    "changed_field": _changed_field,
}
