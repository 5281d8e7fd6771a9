"""How a page is looked at: by axe in two themes and widths, for what is too wide or cut off, and for what has to be there."""

import itertools
import os
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe

#: Widths of a screen, of half a screen, of a phone, and the narrowest that WCAG asks for (1.4.10).
WIDTHS = (1280, 1000, 390, 320)
#: Language → what its browser asks for, and the themes and widths in which axe looks. Together they meet every pair.
LOOKS = {
    "en": ("en-GB", (("light", 1280), ("dark", 390))),
    "de": ("de-DE", (("dark", 1280), ("light", 390))),
}
#: Cards cut off what sticks out of them, which the width of the page does not tell.
CUT_OFF = "[...document.querySelectorAll('.card')].filter(one => one.scrollWidth > one.clientWidth).map(one => one.innerText.slice(0, 40))"
#: What sticks out of the page, to find what makes it too wide.
STICKS_OUT = """width => [...document.querySelectorAll('body *')]
  .filter(one => one.getBoundingClientRect().right > width + 1).slice(0, 3).map(one => one.outerHTML.slice(0, 120))"""
#: What a page has from the start: one place for what is said to be heard (4.1.3), and what readers find their way by.
PARTS = """() => {
  const count = selector => document.querySelectorAll(selector).length;
  return [document.documentElement.lang, count('h1'), count('main'), count('[role=status]'), count('.skip-link')];
}"""
#: Also what axe looks for only when asked to: targets of 24 px (2.5.8).
RULES = {"resultTypes": ["violations"], "rules": {"target-size": {"enabled": True}}}
#: A folder for a picture of every page in every language, theme and two widths; none are taken without it.
PICTURES = os.environ.get("SCREENSHOTS")


def look_at(page, name, path, language):
    """Return what axe finds, where the page is wider than the screen, and what is cut off or missing."""
    found = []
    is_ours = not path.startswith("/admin/")
    page.goto(f"{page.address}{path}")
    if is_ours and (parts := page.evaluate(PARTS)) != [language, 1, 1, 1, 1]:
        found.append(("parts", parts))
    for width in WIDTHS if is_ours else ():
        page.set_viewport_size({"width": width, "height": 900})
        found += [(width, "cut off", text) for text in page.evaluate(CUT_OFF)]
        if (wide := page.evaluate("document.documentElement.scrollWidth")) > width:
            found.append((width, "wide", wide, page.evaluate(STICKS_OUT, width)))
    for theme, width in LOOKS[language][1]:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=theme)
        complaints = len(page.complaints)
        violations = Axe().run(page, options=RULES).response["violations"]
        del page.complaints[complaints:]  # axe itself tries inline styles
        found += [(theme, width, one["id"], one["nodes"][0]["html"][:200]) for one in violations]
    if PICTURES:
        take_pictures(page, f"{language} {name}".replace(",", "").replace(" ", "-"))
    return found


def take_pictures(page, name):
    """Write the page as it is seen into the folder that was asked for."""
    for theme, width in itertools.product(("light", "dark"), (1280, 390)):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=theme)
        page.screenshot(path=Path(PICTURES) / f"{name}-{theme}-{width}.png", full_page=True)
