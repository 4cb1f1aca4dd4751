# SPDX-License-Identifier: MIT
"""The corpus with its search and its editor, in a real browser."""

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.viewer.conftest import Serve, resize, shoot
from tests.viewer.test_browser import click, press, text, wait

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]


def opened(browser: Chrome, url: str) -> None:
    browser.get("about:blank")
    browser.get(url)
    wait(browser, "document.getElementById('text')?.value")


def write(browser: Chrome, old: str, new: str) -> None:
    """Change the program as a visitor does."""
    area = "const area = document.getElementById('text');"
    change = "area.value = area.value.replace(arguments[0], arguments[1]);"
    tell = "area.dispatchEvent(new Event('input'))"
    browser.execute_script(area + change + tell, old, new)


def test_a_visitor_finds_a_test_changes_it_and_walks_through_it(browser: Chrome, serve: Serve) -> None:
    opened(browser, serve(None, "6.1", "5.18").url)
    press(browser, "/")
    browser.switch_to.active_element.send_keys("device write refault")
    wait(browser, "document.querySelectorAll('.pick').length < 20")
    click(browser, "test-get-write-read-refault")
    wait(browser, "document.getElementById('text').value.startsWith('C get-write-read-refault')")
    click(browser, "check")
    wait(browser, "document.querySelector('#answer .kernels')?.dataset.done")
    assert text(browser, "#answer") == "6.1 kept 5.18 lost write"
    shoot(browser, "library")
    write(browser, "FOLL_WRITE", "FOLL_FORCE")
    assert text(browser, "#answer") == ""  # what was said is not about this program
    browser.find_element(By.ID, "text").send_keys(Keys.CONTROL, Keys.ENTER)
    wait(browser, "document.querySelector('#answer .kernels')?.dataset.done")
    assert "lost write" not in text(browser, "#answer .chip")
    click(browser, "walk")
    wait(browser, "document.querySelector('.picture .arrow')")
    assert "FOLL_FORCE" in text(browser, "#program")
    click(browser, "home")
    wait(browser, "document.getElementById('text')?.value.includes('FOLL_FORCE')")


def test_an_error_is_shown_where_it_is(browser: Chrome, serve: Serve) -> None:
    opened(browser, serve(None, "6.1").url + "#lesson-5")
    write(browser, "madvise", "madvice")
    click(browser, "check")
    wait(browser, "document.querySelector('#answer .problem')")
    assert "unknown statement 'madvice'" in text(browser, "#answer")
    area = "const area = document.getElementById('text');"
    chosen = f"{area} return area.value.slice(area.selectionStart, area.selectionEnd + 6)"
    assert browser.execute_script(chosen) == "madvice"


def test_markup_in_a_program_stays_text(browser: Chrome, serve: Serve) -> None:
    opened(browser, serve(None, "6.1").url + "#lesson-1")
    write(browser, "fork(P1)", "</pre><img src=x onerror=alert(1)>(P1)")
    click(browser, "check")
    wait(browser, "document.querySelector('#answer .problem')")
    assert browser.find_elements(By.CSS_SELECTOR, "#desk img") == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_narrow_screen_needs_no_scrolling_to_the_side(browser: Chrome, serve: Serve, scheme: str) -> None:
    resize(browser, 400, 900, scheme)
    opened(browser, serve(None, "6.1").url + "#lesson-5")
    assert browser.execute_script("return document.documentElement.scrollWidth") == 400
    shoot(browser, f"library-narrow-{scheme}")


def test_everything_in_it_has_a_name(browser: Chrome, serve: Serve) -> None:
    opened(browser, serve(None, "6.1").url)
    nameless = """[...document.querySelectorAll('button, input, textarea, section, nav')].filter((e) => !(
        e.getAttribute('aria-label') || e.textContent.trim() || e.labels?.length))"""
    assert browser.execute_script(f"return {nameless}.map((e) => e.outerHTML)") == []
