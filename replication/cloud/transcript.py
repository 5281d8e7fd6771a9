"""What is known of one request as it went over the wire, kept while it happens.

Filled in by the transport, also where the request ends in an error: it is the evidence of an attempt. Knows no meaning.
"""

import hashlib
from dataclasses import dataclass

from .answers import Answer, shown

#: Characters of an answer that are kept: enough for the answer about a vault of a hundred backups.
LONGEST_KEPT = 16_000


@dataclass(slots=True)
class Transcript:
    """Facts about one request. What did not happen keeps its default."""

    #: Bytes of the request that were handed over to the operating system whole; more may have left.
    bytes_written: int = 0
    http_status: int | None = None
    request_id: str = ""
    #: SHA-256 of the body as it was read, in hexadecimal; empty when there was no complete answer.
    answer_digest: str = ""
    #: The body as text, cut and without secrets.
    answer: str = ""

    def keep(self, answer: Answer) -> None:
        """Take down a complete answer."""
        self.http_status = answer.http_status
        self.request_id = answer.request_id
        self.answer_digest = hashlib.sha256(answer.body).hexdigest()
        text = answer.body[: 4 * LONGEST_KEPT].decode(errors="replace")
        self.answer = shown(text, LONGEST_KEPT, answer.secrets)
