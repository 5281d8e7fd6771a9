"""The German texts: each is there, says what the English one says about values, and is compiled as it is written."""

import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MESSAGES = runpy.run_path(str(ROOT / ".ci/messages.py"))


def test_there_is_a_catalogue_for_every_language_but_the_one_of_the_sources(settings):
    assert ["en", *MESSAGES["languages"]()] == [code for code, _name in settings.LANGUAGES]


@pytest.mark.parametrize("language", MESSAGES["languages"]())
def test_catalogue_is_sound_and_compiled(language):
    # What has just been written is translated last; until then it is shown in English.
    late = ("not in the catalogue: ", "used nowhere: ")

    assert [fault for fault in MESSAGES["faults"](language) if not fault.startswith(late)] == []
