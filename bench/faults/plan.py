"""The faults of a run: which, in which order, and how many calls apart, all from one seed."""

import random
from typing import Any

from .compression import LATEST_PROCESSING

Fault = dict[str, Any]

#: How the replicate call is spoiled. Between them they are every way in which a request or an answer was seen to go wrong.
REPLICATE: tuple[Fault, ...] = (
    {"fault": "close_before_reading"},
    {"fault": "reset_before_reading"},
    {"fault": "close_mid_reading"},
    {"fault": "reset_mid_reading"},
    {"fault": "close_before_processing"},
    {"fault": "reset_before_processing"},
    {"fault": "close_after_processing"},
    {"fault": "reset_after_processing"},
    {"fault": "process_late", "seconds": LATEST_PROCESSING},
    {"fault": "process_late", "seconds": 1.1},
    {"fault": "answer_late", "seconds": 1.1},
    {"fault": "answer_late", "seconds": 0.2},
    {"fault": "drip_headers", "pause_seconds": 0.05},
    {"fault": "drip_body", "pause_seconds": 0.05},
    {"fault": "truncate"},
    {"fault": "wrong_content_length", "by": 10},
    {"fault": "wrong_content_length", "by": -10},
    {"fault": "chunked_garbage"},
    {"fault": "bad_status_line"},
    {"fault": "interim_flood", "number": 50},
    {"fault": "huge_body", "megabytes": 2},
    {"fault": "status", "status": 201},
    {"fault": "status", "status": 202},
    {"fault": "status", "status": 204},
    {"fault": "redirect", "status": 302},
    {"fault": "redirect", "status": 307},
    {"fault": "redirect", "status": 308, "location": "http://127.0.0.1:9/elsewhere"},
    {"fault": "throttle", "retry_after": "0.2"},
    {"fault": "throttle", "retry_after": "Wed, 21 Oct 2015 07:28:00 GMT"},
    {"fault": "throttle", "retry_after": "soon"},
    {"fault": "answer", "status": 400, "code": "BackupService.9900"},
    {"fault": "answer", "status": 400, "code": "BackupService.6130"},
    {"fault": "answer", "status": 401, "shape": "gateway", "code": "APIGW.0307"},
    {"fault": "answer", "status": 403, "shape": "gateway", "code": "APIGW.0302"},
    {"fault": "answer", "status": 404, "code": "BackupService.6105"},
    {"fault": "answer", "status": 408, "shape": "empty"},
    {"fault": "answer", "status": 409, "code": "BackupService.6112"},
    {"fault": "answer", "status": 500},
    {"fault": "answer", "status": 500, "processed": True},
    {"fault": "answer", "status": 500, "code": "BackupService.1005"},
    {"fault": "answer", "status": 500, "code": "BackupService.9998"},
    {"fault": "answer", "status": 502, "shape": "html"},
    {"fault": "answer", "status": 502, "shape": "html", "processed": True},
    {"fault": "answer", "status": 503, "shape": "empty"},
    {"fault": "answer", "status": 504, "shape": "html", "processed": True},
    {"fault": "bad_json"},
    {"fault": "duplicate_keys"},
    {"fault": "not_a_number"},
    {"fault": "deep_nesting"},
    {"fault": "gzip_bomb", "megabytes": 5},
    {"fault": "wrong_charset"},
    {"fault": "html_success"},
    {"fault": "empty_body"},
    {"fault": "foreign_ids"},
    {"fault": "duplicate_record_ids"},
    {"fault": "missing_field", "field": "replication.backups"},
    {"fault": "missing_field", "field": "replication.backups.replication_record_id"},
    {"fault": "changed_field", "field": "replication.vault_id", "value": "another"},
    {"fault": "records_visible_after", "seconds": 1.0},
    {"fault": "fail_backup"},
    {"fault": "expire_token"},
    {"fault": "clock_skew", "seconds": 600.0},
)
#: How the reads around it are spoiled, which must never be taken for "nothing there".
READS: tuple[Fault, ...] = (
    {"fault": "close_before_processing"},
    {"fault": "reset_after_processing"},
    {"fault": "truncate"},
    {"fault": "bad_json"},
    {"fault": "html_success"},
    {"fault": "empty_body"},
    {"fault": "shifting_pages"},
    {"fault": "shifting_pages", "change": "delete"},
    {"fault": "answer", "status": 500},
    {"fault": "answer", "status": 503, "shape": "empty"},
    {"fault": "throttle", "retry_after": "0.1"},
    {"fault": "expire_token"},
)
READ_OPERATIONS = ("backups.list", "operation_logs.list")
#: Share of the calls that are spoiled.
REPLICATE_SHARE = 0.34
READ_SHARE = 0.04


class Plan:
    """Deals out faults for as many calls as are asked for."""

    def __init__(self, seed: int, *, redirects_are_processed: bool = False) -> None:
        self._chance = random.Random(seed)
        self._deck: list[Fault] = []
        self._redirects = {"processed": True} if redirects_are_processed else {}
        self.dealt = 0

    def for_calls(self, calls: int) -> list[Fault]:
        """Return the faults for about this many replicate calls, and for the reads that go with them."""
        faults = [
            {
                "operation": "checkpoints.replicate",
                "skip": self._gap(REPLICATE_SHARE),
                **self._next_replicate(),
            }
            for _ in range(round(calls * REPLICATE_SHARE))
        ]
        faults += [
            {"operation": operation, "skip": self._gap(READ_SHARE), **self._chance.choice(READS)}
            for operation in READ_OPERATIONS
            for _ in range(max(1, round(calls * READ_SHARE)))
        ]
        self.dealt += len(faults)
        return faults

    def _next_replicate(self) -> Fault:
        """Deal every kind once before any comes again."""
        if not self._deck:
            self._deck = list(REPLICATE)
            self._chance.shuffle(self._deck)
        fault = self._deck.pop()
        return fault | self._redirects if fault["fault"] == "redirect" else fault

    def _gap(self, share: float) -> int:
        """Return how many calls stay unspoiled before the next, so that the share comes out on average."""
        gap = 0
        while self._chance.random() > share:
            gap += 1
        return gap
