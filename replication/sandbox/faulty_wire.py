"""What faults do to the connection: closing, resetting, dripping, lying about lengths.

Here sockets are handled directly, below HTTP. What an answer says was decided before.
"""

import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass

from replication.sandbox.faults import Fault

MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Message:
    """An answer on its way out: the lines of its head, without Content-Length, and its body."""

    head: tuple[str, ...]
    body: bytes

    def head_bytes(self, *further: str) -> bytes:
        return "\r\n".join((*self.head, *further, "", "")).encode("latin-1")

    def encode(self) -> bytes:
        return self.head_bytes(f"Content-Length: {len(self.body)}") + self.body


def prepare_reset(connection: socket.socket) -> None:
    """Make the next close of the connection a reset instead of an orderly end."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def send_spoiled(connection: socket.socket, message: Message, fault: Fault, closing: threading.Event) -> None:
    """Send an answer as a fault has it sent.

    Args:
        connection: The client's connection; it is to be closed afterwards.
        message: The answer.
        fault: A fault of the phase sending, other than one that sends nothing.
        closing: Set when the sandbox ends; pauses end with it.
    """
    _SENDERS[fault.name](connection, message, fault, closing)


def _answer_late(connection: socket.socket, message: Message, fault: Fault, closing: threading.Event) -> None:
    closing.wait(fault.parameters["seconds"])
    connection.sendall(message.encode())


def _drip_headers(
    connection: socket.socket, message: Message, fault: Fault, closing: threading.Event
) -> None:
    _drip(connection, message.encode(), fault.parameters["pause_seconds"], closing)


def _drip_body(connection: socket.socket, message: Message, fault: Fault, closing: threading.Event) -> None:
    connection.sendall(message.head_bytes(f"Content-Length: {len(message.body)}"))
    _drip(connection, message.body, fault.parameters["pause_seconds"], closing)


def _drip(connection: socket.socket, content: bytes, pause_seconds: float, closing: threading.Event) -> None:
    for position in range(len(content)):
        connection.sendall(content[position : position + 1])
        if closing.wait(pause_seconds):
            return


def _truncate(connection: socket.socket, message: Message, fault: Fault, _: threading.Event) -> None:
    kept = int(len(message.body) * fault.parameters["share"])
    connection.sendall(message.encode()[: len(message.encode()) - len(message.body) + kept])


def _wrong_content_length(
    connection: socket.socket, message: Message, fault: Fault, _: threading.Event
) -> None:
    announced = max(0, len(message.body) + fault.parameters["by"])
    connection.sendall(message.head_bytes(f"Content-Length: {announced}") + message.body)


def _chunked_garbage(connection: socket.socket, message: Message, _: Fault, __: threading.Event) -> None:
    connection.sendall(
        message.head_bytes("Transfer-Encoding: chunked") + b"10\r\n" + message.body[:16] + b"\r\nzz\r\n???"
    )


def _bad_status_line(connection: socket.socket, message: Message, _: Fault, __: threading.Event) -> None:
    connection.sendall(b"HTPT/9 two hundred fine\r\n" + message.encode().split(b"\r\n", 1)[1])


def _interim_flood(
    connection: socket.socket, message: Message, fault: Fault, closing: threading.Event
) -> None:
    interim = f"HTTP/1.1 {fault.parameters['interim_status']} Wait\r\n\r\n".encode()
    for _ in range(fault.parameters["number"]):
        connection.sendall(interim)
        if closing.wait(fault.parameters["pause_seconds"]):
            return
    connection.sendall(message.encode())


def _huge_body(connection: socket.socket, message: Message, fault: Fault, closing: threading.Event) -> None:
    megabytes = fault.parameters["megabytes"]
    connection.sendall(
        message.head_bytes(f"Content-Length: {len(message.body) + megabytes * MEGABYTE}") + message.body
    )
    for _ in range(megabytes):
        if closing.is_set():
            return
        connection.sendall(b" " * MEGABYTE)


_SENDERS: dict[str, Callable[[socket.socket, Message, Fault, threading.Event], None]] = {
    "answer_late": _answer_late,
    "drip_headers": _drip_headers,
    "drip_body": _drip_body,
    "truncate": _truncate,
    "wrong_content_length": _wrong_content_length,
    "chunked_garbage": _chunked_garbage,
    "bad_status_line": _bad_status_line,
    "interim_flood": _interim_flood,
    "huge_body": _huge_body,
}
