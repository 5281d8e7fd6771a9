"""What the sandbox says: an answer, and a refusal in each of the error shapes that this cloud is known to use.

Shapes and codes stand here once; when they apply is decided by the rules, the gateway and IAM.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

JSON_TYPE = "application/json"
HTML = "<html>\r\n<head><title>{0}</title></head>\r\n<body>\r\n<center><h1>{0}</h1></center>\r\n</body>\r\n</html>\r\n"


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer; `content`, where given, is sent instead of the document."""

    status: int
    document: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = None
    content_type: str = JSON_TYPE

    @property
    def body(self) -> bytes:
        if self.content is not None:
            return self.content
        return json.dumps(self.document, ensure_ascii=False).encode()


class Refusal(Exception):
    """A request declined; carries the complete answer.

    Args:
        status: HTTP status.
        document: The JSON body, in the shape of whoever declines.
        headers: Further headers, such as Retry-After.
    """

    def __init__(self, status: int, document: Any, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, document)
        self.answer = Answer(status, document, headers or {})


def cbr_refusal(number: str, message: str, status: int = 400) -> Refusal:
    """Decline as CBR does; `number` is the part after `BackupService.`."""
    return Refusal(status, {"error_code": f"BackupService.{number}", "error_msg": message})


def parameter_refused(reason: str) -> Refusal:
    return cbr_refusal("9900", f"Parameter verification failed. {reason}")


def gateway_refusal(status: int, number: str, message: str) -> Refusal:
    """Decline as the gateway in front of the services does; `number` is the part after `APIGW.`."""
    return Refusal(status, {"error_msg": message, "error_code": f"APIGW.{number}", "request_id": uuid4().hex})


def keystone_refusal(status: int, title: str, message: str) -> Refusal:
    """Decline as the Keystone part of IAM does."""
    return Refusal(status, {"error": {"code": status, "message": message, "title": title}})


def iam_refusal(status: int, number: str, message: str) -> Refusal:
    """Decline as the newer part of IAM does; `number` is the part after `IAM.`."""
    return Refusal(status, {"error_code": f"IAM.{number}", "error_msg": message})


def error_answer(shape: str, status: int, code: str, message: str, headers: Mapping[str, str]) -> Answer:
    """Compose any error in any shape, for faults that tests ask for.

    Args:
        shape: One of `ERROR_SHAPES`.
        status: HTTP status.
        code: The error code in full; shapes without a place for it leave it out.
        message: The words.
        headers: Headers to send along.
    """
    if shape == "html":
        return Answer(
            status,
            headers=headers,
            content=HTML.format(f"{status} {message}").encode(),
            content_type="text/html",
        )
    if shape == "empty":
        return Answer(status, headers=headers, content=b"", content_type="")
    documents = {
        "cbr": {"error_code": code, "error_msg": message},
        "gateway": {"error_msg": message, "error_code": code, "request_id": uuid4().hex},
        "keystone": {"error": {"code": status, "message": message, "title": "Error"}},
        "bad_request": {"badRequest": {"message": message, "code": status}},
        "code_message": {"code": status, "message": message, "details": {}},
        "camel_case": {"errorCode": code, "errorMsg": message},
    }
    return Answer(status, documents[shape], headers)


ERROR_SHAPES = ("cbr", "gateway", "keystone", "bad_request", "code_message", "camel_case", "html", "empty")
