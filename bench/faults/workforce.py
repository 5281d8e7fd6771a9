"""Keeps a number of workers at work, kills and freezes them as the seed says, and lets the frozen go on."""

import multiprocessing
import os
import random
import signal
import threading
import time
from contextlib import suppress
from pathlib import Path

from .compression import CLAIM, FREEZE

_TICK = 0.2


class Workforce:
    """Workers in processes of their own, forked from one that has loaded the product already.

    To be used as a context manager; leaves no process behind.
    """

    def __init__(self, size: int, *, seed: int, freeze_share: float, rule: str) -> None:
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["bench.faults.worker"])
        self._arguments = (seed, freeze_share, rule)
        self._chance = random.Random(f"{seed}-kills")
        self._started = 0
        self._workers = [self._start() for _ in range(size)]
        #: Process id -> when a frozen one goes on.
        self._frozen: dict[int, float] = {}
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._watch = threading.Thread(target=self._tend, daemon=True)
        self.kills = self.freezes = 0

    def __enter__(self) -> "Workforce":
        self._watch.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._ending.set()
        self._watch.join()
        for worker in self._workers:
            worker.kill()
        for worker in self._workers:
            worker.join()

    def kill_one(self) -> bool:
        """End one at once, whatever it is doing, and start another. Returns whether there was one that is not frozen."""
        with self._lock:
            awake = [
                place
                for place, worker in enumerate(self._workers)
                if worker.pid and worker.pid not in self._frozen and not _is_stopped(worker.pid)
            ]
            if awake:
                self._replace(self._chance.choice(awake))
                self.kills += 1
            return bool(awake)

    def freeze_one(self) -> None:
        """Stop one for longer than a claim lasts."""
        with self._lock:
            worker = self._chance.choice(self._workers)
            if worker.pid and worker.pid not in self._frozen:
                os.kill(worker.pid, signal.SIGSTOP)
                self._frozen[worker.pid] = time.monotonic() + 1.5 * CLAIM
                self.freezes += 1

    @property
    def has_frozen(self) -> bool:
        """Whether somebody is frozen and will go on later."""
        return bool(self._frozen)

    def _start(self) -> multiprocessing.process.BaseProcess:
        from .worker import work

        self._started += 1
        worker = self._context.Process(target=work, args=(self._started, *self._arguments), daemon=True)
        worker.start()
        return worker

    def _replace(self, place: int) -> None:
        worker = self._workers[place]
        worker.kill()
        worker.join()
        if worker.pid:
            self._frozen.pop(worker.pid, None)
        self._workers[place] = self._start()

    def _tend(self) -> None:
        """Notice who has frozen itself, wake those whose time has come, and replace those who ended by themselves."""
        while not self._ending.wait(_TICK):
            with self._lock:
                for place, worker in enumerate(self._workers):
                    if not worker.is_alive():
                        self._replace(place)
                    elif worker.pid and worker.pid not in self._frozen and _is_stopped(worker.pid):
                        self._frozen[worker.pid] = time.monotonic() + FREEZE
                        self.freezes += 1
                for pid, until in list(self._frozen.items()):
                    if time.monotonic() >= until:
                        del self._frozen[pid]
                        with suppress(ProcessLookupError):
                            os.kill(pid, signal.SIGCONT)


def _is_stopped(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"
    except OSError:
        return False
