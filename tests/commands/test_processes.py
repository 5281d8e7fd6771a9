"""Processes that live and die together, tried on small ones."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from replication.management import processes
from replication.management.processes import ProcessEnded, ProcessTree

ROOT = Path(__file__).resolve().parents[2]
SLEEP = (sys.executable, "-c", "import time; time.sleep(600)")
#: Says that it is there, ignores what asks it to end, and has a child that does the same.
STUBBORN = """
import os, pathlib, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if len(sys.argv) > 2:
    subprocess.Popen([sys.executable, "-c", sys.argv[2], sys.argv[1]])
pathlib.Path(sys.argv[1], str(os.getpid())).touch()
time.sleep(600)
"""


@pytest.fixture
def tree(tmp_path):
    with ProcessTree(os.environ, tmp_path) as tree:
        yield tree


def is_running(pid):
    """Whether the process is there; one that has ended and waits to be collected is not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def wait_until(is_so, seconds=20):
    give_up_at = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < give_up_at, "it did not happen"
        time.sleep(0.02)


def pids_in(folder):
    return [int(path.name) for path in folder.iterdir() if path.name.isdigit()]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("raise SystemExit(3)", "ended with exit code 3"),
        ("pass", "ended with exit code 0"),
        ("import os; os.kill(os.getpid(), 9)", "was ended by signal 9 (SIGKILL)"),
    ],
)
def test_process_that_ends_by_itself_is_named_with_its_end(tree, code, words):
    tree.start("clock", *SLEEP)
    tree.start("worker", sys.executable, "-c", code)

    with pytest.raises(ProcessEnded) as ended:
        tree.follow()

    assert (ended.value.name, ended.value.outcome, str(ended.value)) == ("worker", words, f"worker {words}")


def test_waiting_ends_when_it_is_so_and_says_when_it_did_not_come_to_that(tree):
    tree.start("clock", *SLEEP)
    answers = iter([False, True])

    assert tree.wait_until(lambda: next(answers), seconds=10)
    assert not tree.wait_until(lambda: False, seconds=0.2)


def test_waiting_for_one_that_has_ended_is_given_up_at_once(tree):
    tree.start("worker", sys.executable, "-c", "raise SystemExit(1)")

    with pytest.raises(ProcessEnded):
        tree.wait_until(lambda: False, seconds=60)


def test_each_is_asked_to_end_the_last_one_first(tmp_path):
    script = (
        "import pathlib, signal, sys, time\n"
        "def end(*_):\n"
        "    with open('ended', 'a') as ended: ended.write(sys.argv[1])\n"
        "    raise SystemExit\n"
        "signal.signal(signal.SIGTERM, end)\n"
        "pathlib.Path('ready-' + sys.argv[1]).touch()\n"
        "time.sleep(600)\n"
    )
    with ProcessTree(os.environ, tmp_path) as tree:
        for name in "abc":
            tree.start(name, sys.executable, "-c", script, name)
        wait_until(lambda: len(list(tmp_path.glob("ready-*"))) == 3)

    assert (tmp_path / "ended").read_text() == "cba"


def test_one_that_does_not_end_in_time_is_killed_with_all_that_it_started(tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "GRACE", 0.3)
    with ProcessTree(os.environ, tmp_path) as tree:
        tree.start("stubborn", sys.executable, "-c", STUBBORN, tmp_path, STUBBORN)
        wait_until(lambda: len(pids_in(tmp_path)) == 2)
        pids = pids_in(tmp_path)
        assert all(is_running(pid) for pid in pids)

    wait_until(lambda: not any(is_running(pid) for pid in pids), seconds=5)


def test_what_one_left_behind_is_ended_too(tmp_path):
    parent = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', sys.argv[2], sys.argv[1]])"
    with ProcessTree(os.environ, tmp_path) as tree:
        tree.start("parent", sys.executable, "-c", parent, tmp_path, STUBBORN)
        wait_until(lambda: pids_in(tmp_path))
        [orphan] = pids_in(tmp_path)

    wait_until(lambda: not is_running(orphan), seconds=5)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends the children of a killed parent")
def test_killed_parent_takes_its_processes_along(tmp_path):
    script = (
        "import os, sys, pathlib\n"
        "from replication.management.processes import ProcessTree\n"
        "with ProcessTree(os.environ, pathlib.Path(sys.argv[1])) as tree:\n"
        "    child = 'import os, pathlib, time; pathlib.Path(str(os.getpid())).touch(); time.sleep(600)'\n"
        "    tree.start('child', sys.executable, '-c', child)\n"
        "    tree.follow()\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], cwd=ROOT)
    wait_until(lambda: pids_in(tmp_path))
    [child] = pids_in(tmp_path)

    parent.send_signal(signal.SIGKILL)
    parent.wait()

    wait_until(lambda: not is_running(child), seconds=5)


@pytest.mark.parametrize("wait", ["tree.follow()", "tree.wait_until(lambda: False, seconds=60)"])
def test_signal_whose_interrupt_python_drops_ends_it_all_the_same(tmp_path, wait):
    # What is raised in a callback around a fork is printed and dropped.
    script = f"""
import os, pathlib, signal, sys
from replication.management.processes import Ending, ProcessTree
ending = Ending()
ending.listen(signal.SIGTERM)
os.register_at_fork(after_in_parent=lambda: signal.raise_signal(signal.SIGTERM))
with ProcessTree(os.environ, pathlib.Path(sys.argv[1]), ending) as tree:
    tree.start("child", sys.executable, "-c", "import time; time.sleep(600)")
    print("started", flush=True)
    try:
        {wait}
    except KeyboardInterrupt:
        print("asked to end")
"""

    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=50,
        check=True,
    )

    assert ("KeyboardInterrupt" in done.stderr, done.stdout) == (True, "started\nasked to end\n")
