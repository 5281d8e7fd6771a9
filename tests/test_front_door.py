import ast
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
#: Written in the settings as an expression, or different on another machine.
SPELT_OUT = {
    "ALLOWED_HOSTS": "localhost,127.0.0.1,[::1]",
    "DATABASE_URL": "sqlite:///var/db.sqlite3",
    "HSTS_SECONDS": str(365 * 24 * 60 * 60),
    "SESSION_SECONDS": str(12 * 60 * 60),
    "SPOOL_DIR": "var/spool",
    "STATIC_ROOT": "staticfiles",
}


def variables_of_the_settings():
    """Return every variable that the settings read, with its default as a deployer would write it."""
    calls = [
        node
        for node in ast.walk(ast.parse((ROOT / "dashboard/settings.py").read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "env"
        and node.func.attr != "read_env"
    ]
    found = {}
    for call in calls:
        name = ast.literal_eval(call.args[0])
        default = next(keyword.value for keyword in call.keywords if keyword.arg == "default")
        found[name] = SPELT_OUT.get(name) or written(ast.literal_eval(default))
    return found


def written(value):
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value in ([], "") else str(value)


def test_example_of_an_environment_lists_every_setting_with_its_default():
    example = dict(re.findall(r"^#([A-Z_]+)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE))

    assert example == variables_of_the_settings()


def test_readme_tells_the_meaning_of_every_setting_and_of_no_other():
    rows = re.findall(
        r"^\| `([A-Z_]+)` \| (.+?) \| (.+?) \|$", (ROOT / "README.md").read_text(), re.MULTILINE
    )

    assert sorted(name for name, _default, _meaning in rows) == sorted(variables_of_the_settings())
    assert [name for name, default, meaning in rows if not default.strip() or not meaning.strip()] == []


def test_example_of_an_environment_sets_nothing_by_itself():
    lines = (ROOT / ".env.example").read_text().splitlines()

    assert [line for line in lines if line and not line.startswith("#")] == []


def test_every_setting_in_the_example_has_a_sentence_above_it():
    blocks = (ROOT / ".env.example").read_text().split("\n\n")
    with_setting = [block.splitlines() for block in blocks if re.search(r"^#[A-Z_]+=", block, re.MULTILINE)]

    assert [block for block in with_setting if len(block) < 2 or not block[0].startswith("# ")] == []


def test_make_alone_lists_every_target():
    listed = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    targets = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[1].split()

    assert re.findall(r"^  make ([a-z-]+) ", listed, re.MULTILINE) == targets


@pytest.fixture
def bare_machine(tmp_path):
    """A folder with what `make demo` starts with, and a PATH on which there is no Python."""
    for name in ("Makefile", ".ci", "requirements"):
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / name)
    commands = tmp_path / "bin"
    commands.mkdir()
    for name in ("sh", "make", "awk", "cksum", "rm", "touch"):
        (commands / name).symlink_to(shutil.which(name))
    return tmp_path


def make_demo(machine):
    return subprocess.run(
        [shutil.which("make"), "demo"],
        cwd=machine,
        env={"PATH": str(machine / "bin")},
        capture_output=True,
        text=True,
        check=False,
    )


def a_python(machine, script):
    path = machine / "bin/python3"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_machine_without_python_is_told_what_to_install(bare_machine):
    answer = make_demo(bare_machine)

    assert answer.returncode == 2
    assert "No Python 3.11 or newer was found" in answer.stderr
    assert "apt-get install python3 python3-venv" in answer.stderr


def test_python_that_is_too_old_is_not_taken(bare_machine):
    a_python(bare_machine, "exit 1")

    answer = make_demo(bare_machine)

    assert answer.returncode == 2
    assert "No Python 3.11 or newer was found" in answer.stderr


def test_python_without_venv_is_told_which_package_brings_it(bare_machine):
    a_python(bare_machine, 'case "$2" in *print*) echo 3.12;; *ensurepip*) exit 1;; esac')

    answer = make_demo(bare_machine)

    assert answer.returncode == 2
    assert "apt-get install python3.12-venv" in answer.stderr
    assert not (bare_machine / ".venv").exists()


@pytest.mark.parametrize("name", ["run", "browser", "environment", "lock"])
def test_script_can_be_run(name):
    assert os.access(ROOT / ".ci" / name, os.X_OK)


def test_hooks_run_only_what_is_installed_here():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]

    assert [repository["repo"] for repository in hooks] == ["local"]
    assert {hook["language"] for hook in hooks[0]["hooks"]} == {"system"}


@pytest.mark.parametrize("name", ["runtime", "development"])
def test_locked_requirements_are_hashed_and_name_no_server(name):
    locked = (ROOT / f"requirements/{name}.txt").read_text()
    pins = re.findall(r"^([a-z0-9-]+)(?:\[[a-z,]+\])?==\S+", locked, re.MULTILINE)

    assert len(pins) > 30
    assert locked.count("--hash=sha256:") >= len(pins)
    assert "://" not in locked
