"""The plan of the house, where no linter can hold it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))


@pytest.mark.parametrize("package", ["replication.cloud", "replication.sandbox"])
def test_package_loads_no_django(package):
    code = f"import sys, {package}; print([name for name in sys.modules if name.split('.')[0] == 'django'])"

    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_status_is_written_by_move_alone():
    writers = re.compile(
        r"\.status = |update\([^)]*\bstatus=|status=ReplicationStatus\.[A-Z]+\s*[,)].*\.save"
    )
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in sorted((ROOT / "replication").rglob("*.py"))
        if "sandbox" not in path.parts and "migrations" not in path.parts
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if writers.search(line) and "replication.status = after" not in line and "record.status" not in line
    ]

    assert found == []


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_template_has_nothing_inline_and_nothing_unescaped(template):
    text = template.read_text()

    found = re.findall(
        r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son(?:click|load|error|submit|change|input|focus|blur|key\w+|mouse\w+)=|hx-on|\|safe\b|autoescape off",
        text,
    )

    assert found == []


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_template_compares_no_status_word_and_leaves_no_attribute_unquoted(template):
    text = template.read_text()

    compared = re.findall(r"\{%\s*(?:el)?if[^%]*status\s*[=!]=[^%]*%\}", text)
    unquoted = re.findall(r"\s[\w-]+=\{\{", text)

    assert (compared, unquoted) == ([], [])


def test_nothing_is_loaded_from_another_host():
    # What a link leads to is the reader's choice; what a page loads is ours.
    loads = re.compile(r"""(?:src=|url\(|@import\s+)["']?(?:https?:)?//""")
    files = [*TEMPLATES, *sorted((ROOT / "static").rglob("*.*"))]

    assert [str(path.relative_to(ROOT)) for path in files if loads.search(path.read_text())] == []
