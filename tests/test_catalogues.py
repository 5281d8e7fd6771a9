"""Every text goes through gettext, and the German catalogue has each, sound and compiled."""

import ast
import re
import runpy
from pathlib import Path

import pytest
from django.template.base import Lexer, TokenType  # noqa: TID251  # reads templates, renders none

ROOT = Path(__file__).resolve().parent.parent
MESSAGES = runpy.run_path(str(ROOT / ".ci/messages.py"))
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
SOURCES = [path for folder in ("dashboard", "replication") for path in sorted((ROOT / folder).rglob("*.py"))]
#: Attributes that are read out or shown.
SAID = re.compile(r'(?:aria-label|title|alt|placeholder|data-label)="([^"]*)"')
#: What takes words for people: keywords anywhere, and functions with their first texts.
KEYWORDS = {"label", "help_text", "verbose_name", "verbose_name_plural", "empty_label", "description"}
FUNCTIONS = {"ValidationError", "messages.error", "messages.warning", "messages.info", "messages.success"}


def test_there_is_a_catalogue_for_every_language_but_the_one_of_the_sources(settings):
    assert ["en", *MESSAGES["languages"]()] == [code for code, _name in settings.LANGUAGES]


@pytest.mark.parametrize("language", MESSAGES["languages"]())
def test_catalogue_is_complete_sound_and_compiled(language):
    assert MESSAGES["faults"](language) == []


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_template_says_nothing_past_gettext(template):
    assert words_past_gettext(template.read_text()) == []


def words_past_gettext(text):
    """Return the words that a template shows as they stand in it, code aside."""
    shown, is_translated = [], False
    for token in Lexer(text).tokenize():
        if token.token_type is TokenType.BLOCK:
            name = token.contents.split()[0]
            is_translated = name in {"blocktranslate", "plural", "comment"} or (
                is_translated and not name.startswith("end")
            )
        is_text = token.token_type is TokenType.TEXT and not is_translated
        shown.append(token.contents if is_text else "\0")
    page = "".join(shown)
    seen = re.sub(r"<!--.*?-->|<[^>]*>", " ", re.sub(r"<code>[^<]*</code>", "", page), flags=re.DOTALL)
    return [word for said in (seen, *SAID.findall(page)) for word in re.findall(r"[^\W\d_]{2,}", said)]


@pytest.mark.parametrize(
    ("template", "words"),
    [
        (
            '<p title="Why">{% translate "Not this" %} But this<code>or this</code></p>',
            ["But", "this", "Why"],
        ),
        ("{% blocktranslate %}One{% plural %}two{% endblocktranslate %} three", ["three"]),
    ],
)
def test_words_past_gettext_are_found(template, words):
    assert words_past_gettext(template) == words


def test_program_says_nothing_past_gettext():
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.value}"
        for path in SOURCES
        if not {"migrations", "sandbox", "management"} & set(path.parts)
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call)
        for node in texts_of(call)
    ]

    assert found == []


def texts_of(call):
    """Return the literal texts for people that a call is given."""
    given = [keyword.value for keyword in call.keywords if keyword.arg in KEYWORDS]
    if ast.unparse(call.func) in FUNCTIONS:
        given += call.args
    return [
        node
        for node in given
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.search(r"[^\W\d_]{2}", node.value)
    ]
