"""The front door: `manage.py demo` as its visitors start it, use it, stop it and break it."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import uuid
from io import StringIO
from pathlib import Path
from urllib.parse import urlencode

import pytest
import requests
from django.core.management import CommandError

from replication.management.commands import demo
from replication.management.processes import Ending
from replication.models import CloudReading, WorkerBeat
from tests.commands.test_processes import wait_until
from tests.journeys.test_killed_worker import database_url

ROOT = Path(__file__).resolve().parents[2]
#: What the tests set for themselves, and a visitor's shell does not.
OUR_OWN = {"PORT", "SANDBOX_PORT", "DATABASE_URL", "DJANGO_SETTINGS_MODULE", "STATIC_ROOT"}
needs_proc = pytest.mark.skipif(
    not Path("/proc/self/environ").exists(), reason="looks for processes in /proc"
)


def free_port():
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return trial.getsockname()[1]


@pytest.fixture(scope="module")
def static_root(tmp_path_factory):
    return tmp_path_factory.mktemp("static")


class Demo:
    """One `manage.py demo`, what it has printed, and who belongs to it."""

    def __init__(self, var, static_root, port=None):
        self.var, self.port, self.sandbox_port = var, port or free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        var.mkdir(exist_ok=True)
        self.output = var.parent / f"{var.name}-{uuid.uuid4().hex}.txt"
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "demo", "--var", str(var)],
                cwd=ROOT,
                env={
                    **{name: value for name, value in os.environ.items() if name not in OUR_OWN},
                    "PORT": str(self.port),
                    "SANDBOX_PORT": str(self.sandbox_port),
                    "STATIC_ROOT": str(static_root),
                },
                stdout=output,
                stderr=subprocess.STDOUT,
                # As a shell starts it: a signal from the keyboard would reach the tests' group only.
                start_new_session=True,
            )

    @property
    def printed(self):
        return self.output.read_text()

    def wait_until_printed(self, words, seconds=60):
        def is_printed():
            assert words in self.printed or self.process.poll() is None, self.printed
            return words in self.printed

        wait_until(is_printed, seconds)
        return self

    def wait_until_ready(self):
        return self.wait_until_printed("Ctrl-C ends everything.")

    def processes(self):
        """Every process that works on this folder, by id and command."""
        found = {}
        for folder in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if folder.name.isdigit() and str(self.var).encode() in (folder / "environ").read_bytes():
                    found[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        return found

    def pid_of(self, command):
        return min(pid for pid, line in self.processes().items() if command in line)

    def end(self, signum=signal.SIGTERM):
        self.process.send_signal(signum)
        return self.process.wait(timeout=30)

    def sign_in(self, name, password="demo"):
        visitor = requests.Session()
        visitor.trust_env = False
        page = visitor.get(f"{self.url}/sign-in/", timeout=10)
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)[1]
        return visitor, visitor.post(
            f"{self.url}/sign-in/",
            data={"username": name, "password": password, "csrfmiddlewaretoken": token},
            headers={"Referer": self.url},
            timeout=10,
        )

    def accepted(self):
        answer = requests.get(f"http://127.0.0.1:{self.sandbox_port}/_sandbox/accepted", timeout=10)
        return answer.json()["accepted"]


@pytest.fixture
def start_demo(static_root, tmp_path):
    """Starts demos, and ends those that a test leaves behind."""
    started = []

    def start(var=None, **options):
        started.append(Demo(var or tmp_path / "var", static_root, **options))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.process.terminate()
        one.process.wait(timeout=30)


@pytest.fixture(scope="module")
def visited(static_root, tmp_path_factory):
    """One demo that several tests only look at."""
    demo = Demo(tmp_path_factory.mktemp("visited") / "var", static_root)
    try:
        yield demo.wait_until_ready()
    finally:
        demo.process.terminate()
        demo.process.wait(timeout=30)


@pytest.mark.slow
def test_it_prints_where_to_go_as_whom_and_how_to_end_it(visited):
    greeting = visited.printed.partition("The dashboard is at")[2]

    assert f"  {visited.url}/\n" in greeting
    assert "Sign in with the password “demo” as\n" in greeting
    assert re.findall(r"^    (\w+) +(\w+)$", greeting, re.MULTILINE) == [
        ("vera", "viewer"),
        ("oskar", "operator"),
        ("anna", "auditor"),
        ("adam", "administrator"),
    ]
    assert f"http://127.0.0.1:{visited.sandbox_port}/" in greeting
    assert str(visited.var) in greeting
    assert requests.get(f"{visited.url}/health/ready", timeout=10).json()["status"] == "ready"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["vera", "oskar", "anna", "adam"])
def test_each_of_the_four_can_sign_in(visited, name):
    visitor, answer = visited.sign_in(name)

    assert (answer.status_code, answer.url, len(answer.history)) == (200, f"{visited.url}/", 1)
    vaults = visitor.get(f"{visited.url}/vaults/", timeout=10)
    assert (vaults.status_code, "vault-orders-db" in vaults.text) == (200, True)


@pytest.mark.slow
def test_another_password_does_not_sign_in(visited):
    _visitor, answer = visited.sign_in("adam", "sesame")

    assert (answer.url, answer.history) == (f"{visited.url}/sign-in/", [])


@pytest.mark.slow
def test_static_files_come_from_it_compressed_and_for_good(visited):
    page = requests.get(f"{visited.url}/sign-in/", timeout=10)
    [address] = {
        path for path in re.findall(r'href="(/static/[^"]+\.css)"', page.text) if "dashboard" in path
    }

    answer = requests.get(f"{visited.url}{address}", timeout=10)

    assert answer.headers["Cache-Control"] == "max-age=315360000, public, immutable"
    assert answer.headers["Content-Encoding"] == "gzip"


@pytest.mark.slow
def test_second_start_on_the_same_folder_is_refused(visited, start_demo):
    second = start_demo(visited.var)

    assert second.process.wait(timeout=30) == 1
    assert second.printed == (
        f"CommandError: A demo is running on {visited.var} already (process {visited.process.pid}, "
        f"{visited.url}/). Use that one, or stop it first: two would share one database and one sandbox.\n"
    )
    assert visited.process.poll() is None


@pytest.mark.slow
def test_taken_port_is_said_with_a_way_out(visited, start_demo):
    second = start_demo(port=visited.port)

    assert second.process.wait(timeout=30) == 1
    assert second.printed == (
        f"CommandError: Port {visited.port} is taken, which the web server needs. Choose another: "
        f"PORT={visited.port + 100} make demo (the sandbox cloud takes the port after it, or SANDBOX_PORT).\n"
    )


@pytest.mark.slow
@needs_proc
def test_nothing_is_lost_when_the_worker_is_killed_and_nothing_is_left_when_it_ends(start_demo):
    first = start_demo().wait_until_ready()
    visitor, _answer = first.sign_in("oskar")
    address = replicate(first, visitor)
    wait_until(first.accepted)

    os.kill(first.pid_of("manage.py worker"), signal.SIGKILL)
    code = first.process.wait(timeout=30)

    assert (code, first.printed.splitlines()[-1]) == (
        1,
        "CommandError: The worker was ended by signal 9 (SIGKILL), so the demo stops.",
    )
    assert first.processes() == {}

    again = start_demo(first.var).wait_until_ready()
    visitor, _answer = again.sign_in("oskar")

    # An hour passes in the cloud.
    requests.post(
        f"http://127.0.0.1:{again.sandbox_port}/_sandbox/clock", json={"advance_seconds": 3600}, timeout=10
    )
    wait_until(lambda: "Succeeded" in visitor.get(f"{again.url}{address}", timeout=10).text, seconds=90)
    assert len(again.accepted()) == 1
    # Ctrl-C in a terminal.
    assert again.end(signal.SIGINT) == 0
    assert again.printed.splitlines()[-2:] == ["Stopping …", "Stopped."]
    assert again.processes() == {}


def replicate(demo, visitor):
    """Trigger one as an operator does, and return the address of its page."""
    form = visitor.get(f"{demo.url}/replications/new/", timeout=10).text
    key = re.search(r'name="key" value="([0-9a-f-]+)"', form)[1]
    vault = re.search(r'value="([0-9a-f-]+)"[^>]*>[^<]*vault-logging', form)[1]
    world = requests.get(f"http://127.0.0.1:{demo.sandbox_port}/_sandbox/world", timeout=10).json()
    target = world["vaults"]["replica-production"]
    chosen = {
        "key": key,
        "vault": vault,
        "typed_region": "eu-nl",
        "typed_project_id": target["project_id"],
        "typed_vault_id": target["id"],
    }
    address = f"{demo.url}/replications/new/review/?{urlencode(chosen)}"
    review = visitor.get(address, timeout=10).text
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', review)[1]
    answer = visitor.post(
        address,
        data={"reason": "Recovery exercise", "csrfmiddlewaretoken": token},
        headers={"Referer": demo.url},
        allow_redirects=False,
        timeout=10,
    )
    assert answer.status_code == 303, answer.text
    return answer.headers["Location"]


@pytest.mark.slow
@needs_proc
@pytest.mark.parametrize(
    ("words", "signum", "code"),
    [
        ("Preparing the static files", signal.SIGTERM, 0),
        ("Reading the inventory", signal.SIGHUP, 0),
        ("Starting the sandbox cloud", signal.SIGKILL, -9),
    ],
)
def test_ended_while_it_starts_it_leaves_no_process_behind(start_demo, words, signum, code):
    demo = start_demo().wait_until_printed(words)

    assert demo.end(signum) == code
    # After a kill it is the kernel that ends the others, and they do so one after the other.
    wait_until(lambda: demo.processes() == {}, seconds=15)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@needs_proc
def test_it_runs_on_the_database_that_is_configured_and_names_what_ended(tmp_path, settings, static_root):
    settings.DEMO = True
    settings.STATIC_ROOT = str(static_root / "unhashed")
    port, sandbox_port = free_port(), free_port()
    given = {name: value for name, value in os.environ.items() if name not in OUR_OWN}
    environment = demo.demo_environment(
        {**given, "DATABASE_URL": database_url(), "STATIC_ROOT": str(static_root)}, tmp_path, sandbox_port
    )
    command = demo.Command(stdout=StringIO())
    killer = threading.Thread(target=kill_the_web_server, args=(command.stdout, port))
    killer.start()

    with pytest.raises(demo.ProcessEnded) as ended:
        command.run(tmp_path, port, sandbox_port, environment, Ending())

    killer.join()
    assert str(ended.value) == "web server was ended by signal 9 (SIGKILL)"
    assert WorkerBeat.objects.count() == 1
    assert CloudReading.objects.exclude(read_at=None).count() == 4


def kill_the_web_server(printed, port):
    try:
        wait_until(lambda: f"http://127.0.0.1:{port}/" in printed.getvalue(), seconds=60)
        folders = [folder for folder in Path("/proc").iterdir() if folder.name.isdigit()]
        ours = [folder.name for folder in folders if f"127.0.0.1:{port}".encode() in command_line(folder)]
        os.kill(min(map(int, ours)), signal.SIGKILL)
    except BaseException:
        # Else the demo would run, and the test wait, for good.
        os.kill(os.getpid(), signal.SIGINT)
        raise


def command_line(folder):
    """Return the command of a process; nothing for one that has just ended."""
    try:
        return (folder / "cmdline").read_bytes()
    except OSError:
        return b""


def test_real_accounts_are_refused(settings):
    settings.REPLICATION_CLOUDS = ["otc-production", "otc-recovery"]

    with pytest.raises(CommandError, match=r"names real cloud accounts \(otc-production, otc-recovery\)"):
        demo.refuse_real_accounts()


@pytest.mark.parametrize(
    ("environment", "found"),
    [
        ({}, (8000, 8001)),
        ({"PORT": "8100"}, (8100, 8101)),
        ({"PORT": "", "SANDBOX_PORT": "9000"}, (8000, 9000)),
    ],
)
def test_ports_are_a_pair_unless_said_otherwise(environment, found):
    assert demo.ports(environment) == found


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"PORT": "eighty"}, "PORT is eighty, which is not a port"),
        ({"PORT": "0"}, "PORT is 0, which is not a port"),
        ({"PORT": "65535"}, "SANDBOX_PORT is 65536, which is not a port"),
        ({"PORT": "-1"}, "PORT is -1, which is not a port"),
        ({"PORT": "²"}, "PORT is ², which is not a port"),
        ({"PORT": "9000", "SANDBOX_PORT": "9000"}, "PORT and SANDBOX_PORT are both 9000"),
    ],
)
def test_what_is_no_port_is_said(environment, words):
    with pytest.raises(CommandError, match=words):
        demo.ports(environment)


def test_what_makes_it_a_demo_wins_over_what_is_configured_here_and_the_rest_is_taken_over(tmp_path):
    given = {
        "DEMO": "false",
        "DEBUG": "true",
        "SECRET_KEY": "real",
        "SECRET_KEY_FILE": "/run/secrets/key",
        "REPLICATION_CLOUDS": "otc",
        "SANDBOX_URL": "http://elsewhere",
        "PROGRESS_INTERVAL_SECONDS": "1",
        "HOME": "/home/vera",
    }

    environment = demo.demo_environment(given, tmp_path, 8101)

    assert environment == {
        **environment,
        "DEMO": "true",
        "DEBUG": "false",
        "SECRET_KEY": "",
        "SECRET_KEY_FILE": "",
        "REPLICATION_CLOUDS": "",
        "SANDBOX_URL": "http://127.0.0.1:8101",
        "PROGRESS_INTERVAL_SECONDS": "1",
        "INVENTORY_INTERVAL_SECONDS": "60",
        "DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3",
        "HOME": "/home/vera",
    }


def test_folder_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").touch()

    with (
        pytest.raises(CommandError, match=f"{tmp_path}/file cannot be written"),
        demo.held(tmp_path / "file" / "demo.lock", "http://127.0.0.1:8000/"),
    ):
        pytest.fail("it was held")


def test_folder_is_free_again_afterwards(tmp_path):
    for _time in range(2):
        with demo.held(tmp_path / "var" / "demo.lock", "http://127.0.0.1:8000/"):
            pass


def test_port_that_nobody_may_use_is_said_with_the_reason():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(CommandError, match=f"Port {port} is taken, which the sandbox cloud needs"):
            demo.refuse_taken_ports(free_port(), port)
