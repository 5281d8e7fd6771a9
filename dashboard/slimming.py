"""Static files as they are served: of Bootstrap's style sheet only the rules whose classes occur in our own sources.

The whole sheet is half of what a first visit loads, and nine tenths of its rules match nothing here. Nothing is kept in the
repository: the sheet is cut anew whenever static files are collected, from the package that is installed.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from whitenoise.storage import CompressedManifestStaticFilesStorage

#: The sheet that pages load.
SHEET = "bootstrap/css/bootstrap.min.css"
#: What may name a class: pages, what writes parts of them, and the script.
_SOURCES = ("templates/**/*.html", "replication/**/*.py", "dashboard/**/*.py", "static/*.js")

_WORD = re.compile(r"[A-Za-z_][\w-]*")
_CLASS = re.compile(r"\.(-?[A-Za-z_][\w-]*)")
_NEGATION = re.compile(r":not\([^)]*\)")


class SlimStaticFilesStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # it comes without types
    """Collected files with hashed names, compressed, and with a slim Bootstrap."""

    def post_process(self, paths: dict[str, Any], dry_run: bool = False, **options: Any) -> Iterator[Any]:  # noqa: FBT001, FBT002  # Django's
        """Cut the sheet down before it is named and compressed."""
        if SHEET in paths and not dry_run:
            # From where it comes: what lies collected may have been cut for the pages of the last version.
            storage, path = paths[SHEET]
            with storage.open(path) as whole:
                sheet = whole.read().decode()
            Path(self.path(SHEET)).write_text(slim(sheet, words_of_sources()))
            paths = {**paths, SHEET: (self, SHEET)}
        yield from super().post_process(paths, dry_run, **options)

    def made_from(self) -> list[Path]:
        """Return the files besides the static ones that decide on the result."""
        return sources()


def sources() -> list[Path]:
    """Return every file that may name a class."""
    return sorted(path for pattern in _SOURCES for path in Path(settings.BASE_DIR).glob(pattern))


def words_of_sources() -> frozenset[str]:
    """Return every word of our sources: more than the classes in them, and never less."""
    return frozenset(word for path in sources() for word in _WORD.findall(path.read_text(encoding="utf-8")))


def slim(sheet: str, words: frozenset[str]) -> str:
    """Return a style sheet without the selectors that name a class beyond these words."""
    return "".join(_kept(sheet, words))


def _kept(sheet: str, words: frozenset[str]) -> Iterator[str]:
    for prelude, body in _blocks(sheet):
        if body is None or prelude.startswith(("@keyframes", "@font-face")):
            yield prelude if body is None else f"{prelude}{{{body}}}"
        elif prelude.startswith("@"):
            if inner := slim(body, words):
                yield f"{prelude}{{{inner}}}"
        elif selectors := [one for one in _selectors(prelude) if _is_used(one, words)]:
            yield f"{','.join(selectors)}{{{body}}}"


def _blocks(sheet: str) -> Iterator[tuple[str, str | None]]:
    """Yield each rule as what stands before its braces and what stands in them; a comment or a statement without braces whole."""
    start = 0
    while start < len(sheet):
        if sheet.startswith("/*", start):
            end = sheet.index("*/", start) + 2
            yield sheet[start:end], None
        elif sheet[start].isspace():
            end = start + 1
        else:
            opening, statement = sheet.find("{", start), sheet.find(";", start)
            if opening < 0 or 0 <= statement < opening:
                end = statement + 1 or len(sheet)
                yield sheet[start:end], None
            else:
                end = _closing(sheet, opening) + 1
                yield sheet[start:opening].strip(), sheet[opening + 1 : end - 1]
        start = end


def _closing(sheet: str, opening: int) -> int:
    depth = 0
    for found in re.compile(r"[{}]").finditer(sheet, opening):
        depth += 1 if found[0] == "{" else -1
        if not depth:
            return found.start()
    raise ValueError("a brace of the style sheet is never closed")


def _selectors(prelude: str) -> list[str]:
    """Split a list of selectors at its commas, but not at those within parentheses."""
    return [one.strip() for one in re.split(r",(?![^(]*\))", prelude)]


def _is_used(selector: str, words: frozenset[str]) -> bool:
    return words.issuperset(_CLASS.findall(_NEGATION.sub("", selector)))
