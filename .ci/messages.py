"""Keeps the catalogues of locale/ in step with the sources: extracts, checks and compiles, with no tool but Babel.

Usage: messages.py [--check]. Without --check it writes: new texts come in without a translation, those that nobody
uses any more go, and each .po is compiled into its .mo. Either way it lists what is wrong, and fails if anything is.

The .mo files are committed, so that whoever only runs the dashboard needs nothing of this.
"""

import io
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract, extract_python
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
LOCALE = ROOT / "locale"
#: Where texts are written down; the sandbox and the cloud client speak English, as the cloud does.
SOURCES = ("dashboard", "replication")
KEYWORDS = DEFAULT_KEYWORDS | {
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext_lazy": (1, 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext_lazy": ((1, "c"), 2, 3),
}
#: What stands for a value: %(name)s for Python, {name} for the page's script, an element for the page.
PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|%%|\{\w+\}|</?\w+>")


def main(arguments: list[str]) -> int:
    """Write or check every catalogue; return 1 if one is not as it has to be."""
    wrong = []
    for language in languages():
        if "--check" not in arguments:
            update(language)
        wrong += [f"{language}: {fault}" for fault in faults(language)]
    print(*wrong, sep="\n", end="\n" if wrong else "")  # noqa: T201  # a command that tells its result
    return bool(wrong)


def languages() -> list[str]:
    """Return the languages that there is a catalogue for."""
    return sorted(path.parent.parent.name for path in LOCALE.glob("*/LC_MESSAGES/django.po"))


def update(language: str) -> None:
    """Bring the .po of a language in step with the sources, and compile it."""
    catalogue, texts = read(language), collect()
    # The moment would make every run a change.
    texts.creation_date = catalogue.creation_date
    catalogue.update(texts, no_fuzzy_matching=True, update_header_comment=False)
    catalogue.obsolete.clear()
    with _path(language, "po").open("wb") as file:
        write_po(file, catalogue, width=110, include_lineno=False, sort_by_file=True)
    _path(language, "mo").write_bytes(compiled(read(language)))


def collect() -> Catalog:
    """Return every text of the sources, without translations."""
    catalogue = Catalog(charset="utf-8")
    for path, found in _extract():
        for _line, text, comments, context in found:
            location = (path.relative_to(ROOT).as_posix(), 1)
            catalogue.add(text, None, [location], auto_comments=comments, context=context)
    return catalogue


def _extract() -> Iterator[tuple[Path, Iterator[tuple]]]:
    # Django is asked late: it comes with the project, and has to be told that it needs no settings here.
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")
    from django.utils.translation import templatize  # noqa: PLC0415  # as said

    for folder in SOURCES:
        for path in sorted((ROOT / folder).rglob("*.py")):
            with path.open("rb") as file:
                yield path, extract(extract_python, file, KEYWORDS, ("Translators:",))
    for path in sorted((ROOT / "templates").rglob("*.*")):
        # In parentheses, so that the indentation of a template is none of Python's business.
        code = f"(\n{templatize(path.read_text(), origin=str(path))}\n)"
        yield path, extract(extract_python, io.BytesIO(code.encode()), KEYWORDS, ("Translators:",))


def read(language: str) -> Catalog:
    """Return the catalogue of a language as it is written down."""
    with _path(language, "po").open("rb") as file:
        return read_po(file, locale=language)


def compiled(catalogue: Catalog) -> bytes:
    """Return the catalogue as its .mo holds it."""
    buffer = io.BytesIO()
    write_mo(buffer, catalogue)
    return buffer.getvalue()


def faults(language: str) -> list[str]:
    """Return what is wrong with the catalogue of a language, as a line each."""
    catalogue, texts = read(language), collect()
    wanted, have = ({(one.context, one.id): one for one in each if one.id} for each in (texts, catalogue))
    found = [f"not in the catalogue: {_short(wanted[key])}" for key in wanted.keys() - have.keys()]
    found += [f"used nowhere: {_short(have[key])}" for key in have.keys() - wanted.keys()]
    for message in have.values():
        found += [f"{fault}: {_short(message)}" for fault in _faults_of(message, catalogue)]
    mo = _path(language, "mo")
    if not mo.exists() or mo.read_bytes() != compiled(catalogue):
        found.append("the .mo does not belong to the .po: run make messages")
    return sorted(found)


def _faults_of(message: Message, catalogue: Catalog) -> Iterator[str]:
    if message.fuzzy:
        yield "fuzzy"
    asked = message.id if isinstance(message.id, tuple) else (message.id,)
    told = message.string if isinstance(message.string, tuple) else (message.string,)
    if not all(told) or len(told) != (catalogue.num_plurals if len(asked) > 1 else 1):
        yield "not translated"
        return
    for one in told:
        # The plural names every value; one backup may be called so without its number.
        if sorted(PLACEHOLDER.findall(one)) not in [sorted(PLACEHOLDER.findall(each)) for each in asked]:
            yield "other placeholders"
        if one[:1].isspace() != asked[0][:1].isspace() or one[-1:].isspace() != asked[0][-1:].isspace():
            yield "other blanks at the ends"
    yield from map(str, message.check(catalogue))


def _short(message: Message) -> str:
    return (message.id[0] if isinstance(message.id, tuple) else message.id)[:100]


def _path(language: str, kind: str) -> Path:
    return LOCALE / language / "LC_MESSAGES" / f"django.{kind}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
