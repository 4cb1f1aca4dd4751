# SPDX-License-Identifier: MIT
"""The explorer in a real browser: what a visitor does, and that the page never complains."""

from pathlib import Path
from typing import Any

import pytest
from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from cowpath.history.version import version
from cowpath.judge.goal import default_goal
from cowpath.judge.judge import judge
from cowpath.litmus.parse import parse_source
from cowpath.litmus.resolve import resolve
from cowpath.litmus.source import Source
from cowpath.viewer.pages import check_page, trace_page
from tests.founding import FOUNDING, judged
from tests.viewer.conftest import Serve, complaints, resize, shoot

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]

GONE = [NoSuchElementException, StaleElementReferenceException]

EVIL = """C evil
(* <img src=x onerror="document.title='owned'"> </script><script>document.title='owned'</script> *)
{ char x[2] = "<&"; }
P0(char *x) { r0 = x[0]; x[1] = '<'; }
exists (0:r0='<')
"""


def wait(browser: Chrome, script: str) -> Any:
    """What a script returns once it returns something true."""
    return WebDriverWait(browser, 20, 0.05).until(lambda page: page.execute_script(f"return {script}"))


def text(browser: Chrome, selector: str) -> str:
    """What a reader sees of the first such element, read at once: the page may be drawn anew any moment."""
    shown = browser.execute_script("return document.querySelector(arguments[0]).innerText", selector)
    return " ".join(shown.split())


def press(browser: Chrome, *keys: str) -> None:
    browser.find_element(By.TAG_NAME, "body").send_keys(*keys)


def click(browser: Chrome, name: str) -> None:
    """Click what has this id, once it is there and stays."""

    def clicked(page: Chrome) -> bool:
        page.find_element(By.ID, name).click()
        return True

    WebDriverWait(browser, 20, 0.05, ignored_exceptions=GONE).until(clicked)


def opened(browser: Chrome, url: str) -> None:
    """Load a page and wait for its picture."""
    browser.get("about:blank")
    browser.get(url)
    wait(browser, "document.querySelector('.picture .arrow')")


def test_a_newcomer_finds_the_lost_write(browser: Chrome, serve: Serve) -> None:
    """From the first page, with what it offers, to the step where the device's page and P0's part."""
    opened(browser, serve(FOUNDING, "6.1", "5.18").url)
    wait(browser, "document.getElementById('elsewhere')")
    assert "Not so on 5.18 x86_64: lost write." in text(browser, ".story")
    shoot(browser, "load")
    click(browser, "elsewhere")
    wait(browser, "document.querySelectorAll('.mark').length === 18")
    press(browser, " ", Keys.END)
    wait(browser, "document.querySelector('.story .verdict.bad')")
    assert "Lost write. 0:r1 is 'a'; the promise allows only 'D'." in text(browser, ".story")
    assert text(browser, "[data-record=folio0] .bytes") == "D b"
    assert text(browser, "[data-record=folio1] .bytes") == "a c"
    assert text(browser, ".register.wrong") == "r1a"
    assert "folio0 has 4 references and no marker: mapped as shared" in text(browser, ".decisions")
    assert "device_write(g, 0, 'D') only g leads to folio0" in text(browser, ".decisions")
    shoot(browser, "lost-write")
    click(browser, "decision-5-0")
    wait(browser, "document.querySelector('.story .count')?.textContent === '5 / 18'")


def test_steps_go_forward_and_back_by_keys_and_buttons(browser: Chrome, serve: Serve) -> None:
    opened(browser, serve(FOUNDING, "5.18").url)
    click(browser, "move-0")
    wait(browser, "document.querySelectorAll('.mark').length === 1")
    assert browser.execute_script("return document.activeElement.id") == "move-0"
    assert "get_user_page(x, FOLL_WRITE)" in text(browser, ".story")
    assert "refcount 1 2" in text(browser, "[data-record=folio0]")
    press(browser, Keys.ARROW_RIGHT)
    wait(browser, "document.querySelectorAll('.mark').length === 2")
    press(browser, Keys.ARROW_LEFT)
    wait(browser, "document.querySelector('.story .count')?.textContent === '1 / 2'")
    press(browser, "1")
    wait(browser, "document.querySelector('.story .count')?.textContent === '2 / 2'")
    shoot(browser, "step")


def test_an_outcome_leads_to_its_shortest_path(browser: Chrome, serve: Serve) -> None:
    opened(browser, serve(FOUNDING, "5.18").url)
    click(browser, "outcome-0")
    wait(browser, "document.querySelector('.outcome.here')")
    assert "path=0x18" in browser.current_url
    assert "lost write" in text(browser, ".outcome.here")
    absent = "promised, but never on this kernel: 0:r0=b 0:r1=D 0:x[0]=D 0:x[1]=c"
    assert text(browser, ".absent") == absent


def test_two_kernels_side_by_side_with_their_first_difference(browser: Chrome, serve: Serve) -> None:
    opened(browser, serve().url + "#kernel=5.18+x86_64&with=6.1+x86_64&path=0x18")
    click(browser, "to-first")
    wait(browser, "document.querySelector('.story .count')?.textContent.startsWith('5')")
    assert "P0.x: swap slot0 here, swap slot0 exclusive on 6.1 x86_64" in text(browser, ".difference")
    assert len(browser.find_elements(By.CSS_SELECTOR, ".machine")) == 2
    assert len(browser.find_elements(By.CSS_SELECTOR, ".row.differs")) == 2
    assert [raw.text[-2:] for raw in browser.find_elements(By.CSS_SELECTOR, ".raw")] == ["00", "08"]
    shoot(browser, "two-kernels")


def test_a_link_shows_the_same(browser: Chrome, serve: Serve) -> None:
    server = serve()
    opened(browser, server.url + "#kernel=5.18+x86_64&path=0x18&at=13")
    assert "13 / 18 P0 x[1] = 'c' wp_page_copy()" in text(browser, ".story")
    opened(browser, browser.current_url)
    assert "13 / 18 P0 x[1] = 'c' wp_page_copy()" in text(browser, ".story")
    shoot(browser, "link")
    browser.get(server.url + "#kernel=5.18+x86_64&path=0x3-7")
    wait(browser, "document.querySelector('.problem')")
    assert text(browser, ".problem") == "This path ends after 3 steps: step 4 is not possible here."


def test_a_search_that_goes_on_says_how_far_it_is(browser: Chrome, serve: Serve) -> None:
    server = serve(FOUNDING, "5.18")
    with server.locks["5.18 x86_64"]:  # as if it were still exploring
        server.session.far["5.18 x86_64"] = {"states": 12_345, "more": ""}
        browser.get(server.url)
        wait(browser, "document.querySelector('.chip')?.innerText.includes('12,345 states')")
        assert "every interleaving is being explored" in text(browser, ".story")
        assert "device_write(g, 0, 'D')" in text(browser, "#program")
        shoot(browser, "searching")
    wait(browser, "document.querySelector('.chip.bad')")
    assert "lost write" in text(browser, ".chip.bad")


def test_one_can_walk_while_the_search_goes_on(browser: Chrome, serve: Serve) -> None:
    server = serve(FOUNDING, "5.18")
    with server.locks["5.18 x86_64"]:  # as if it were still exploring
        opened(browser, server.url)
        assert "The search still goes on" in text(browser, "#side")
        assert browser.find_elements(By.CSS_SELECTOR, ".outcome, .chip.good, .verdict.good") == []
        for steps in (1, 2, 3):
            click(browser, "move-0")
            wait(browser, f"document.querySelectorAll('.mark').length === {steps}")
        press(browser, Keys.ARROW_LEFT, "j")
        assert text(browser, ".story .count") == "2 / 3"
    wait(browser, "document.querySelector('#outcome-0')")
    assert text(browser, ".story .count") == "2 / 3"  # nothing moved from under the reader
    press(browser, "j")
    wait(browser, "document.querySelectorAll('.mark').length === 18")


def test_bookkeeping_is_added_to_what_is_shown(browser: Chrome, serve: Serve) -> None:
    opened(browser, serve(FOUNDING, "5.18").url + "#kernel=5.18+x86_64&path=0x18&at=5")
    pills = "[...document.querySelectorAll('.card .pill')].map((pill) => pill.innerText)"
    before = browser.execute_script(f"return {pills}")
    press(browser, "b")
    wait(browser, "document.getElementById('all').checked")
    after = browser.execute_script(f"return {pills}")
    assert [pill for pill in before if pill not in after] == []
    assert len(after) > len(before)
    shoot(browser, "bookkeeping")


UNMAPS = """C unmaps
{ char x[1] = "a"; }
P0(char *x) { fork(P1); wait(P1); }
P1(char *x) { munmap(x); exit(); }
exists (0:x[0]='a')
"""


def test_a_process_is_not_there_yet_or_has_nothing_or_is_gone(browser: Chrome, serve: Serve) -> None:
    opened(browser, serve(Source("unmaps.litmus", UNMAPS), "6.1").url)
    said = ["does not exist yet"]
    press(browser, "j")  # a test that is kept: its first outcome
    wait(browser, "document.querySelectorAll('.mark').length > 5")
    press(browser, Keys.HOME)
    for _ in range(len(browser.find_elements(By.CSS_SELECTOR, ".mark"))):
        press(browser, Keys.ARROW_RIGHT)
        now = browser.execute_script(
            "return document.querySelector('.column:nth-child(2) [aria-label=P1] .nothing')?.innerText"
        )
        if now and now != said[-1]:
            said.append(now)
    assert said == ["does not exist yet", "nothing is mapped", "is gone"]


def test_the_first_outcome_of_a_test_that_is_kept(browser: Chrome, serve: Serve) -> None:
    opened(browser, serve(FOUNDING, "6.1").url)
    press(browser, "j")
    wait(browser, "document.querySelector('#outcome-0.here')")


def test_a_search_that_stopped_claims_nothing(browser: Chrome, serve: Serve) -> None:
    opened(browser, serve(FOUNDING, "6.1", max_states=20).url)
    assert "not finished: it stopped after 20 states." in text(browser, ".story")
    assert "there may be more outcomes" in text(browser, "#side")
    assert text(browser, ".chip") == "6.1 not finished"
    assert browser.find_elements(By.CSS_SELECTOR, ".chip.good, .verdict.good") == []
    click(browser, "move-0")
    wait(browser, "document.querySelectorAll('.mark').length === 1")


@pytest.mark.parametrize("width", [1200, 400])
def test_arrows_go_around_what_stands_between(browser: Chrome, serve: Serve, width: int) -> None:
    resize(browser, width, 1200)
    opened(browser, serve(FOUNDING, "5.18").url + "#kernel=5.18+x86_64&path=0x18&at=5")
    crossed = """[...document.querySelectorAll('.arrow')].filter((arrow) => {
        const line = arrow.querySelector('path');
        const layer = document.querySelector('.arrows').getBoundingClientRect();
        const own = [arrow.dataset.from, arrow.dataset.to].map((name) =>
            document.querySelector(`[data-record="${name}"]`).closest('.card'));
        const cards = [...document.querySelectorAll('.card')].filter((card) => !own.includes(card));
        return cards.map((card) => card.getBoundingClientRect()).some((card) =>
            [...Array(101).keys()].map((part) => line.getPointAtLength(line.getTotalLength() * part / 100))
                .some(({ x, y }) => x + layer.left > card.left && x + layer.left < card.right &&
                    y + layer.top > card.top && y + layer.top < card.bottom));
    }).map((arrow) => arrow.dataset.from)"""
    assert browser.execute_script(f"return {crossed}") == []
    assert browser.find_elements(By.CSS_SELECTOR, '.arrow[data-from="P0.x"][data-to="slot0"]')


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_narrow_screen_needs_no_scrolling_to_the_side(browser: Chrome, serve: Serve, scheme: str) -> None:
    resize(browser, 400, 1600, scheme)
    opened(browser, serve().url + "#kernel=5.18+x86_64&with=6.1+x86_64&path=0x18&at=5")
    assert browser.execute_script("return document.documentElement.scrollWidth") == 400
    cut = """[...document.querySelectorAll('.card, .story, .thread, .move')].filter((card) =>
        card.getBoundingClientRect().right > 400 || card.scrollWidth > card.clientWidth + 1)"""
    assert browser.execute_script(f"return {cut}.length") == 0
    shoot(browser, f"narrow-{scheme}")


def test_everything_can_be_reached_and_has_a_name(browser: Chrome, serve: Serve) -> None:
    opened(browser, serve().url + "#kernel=5.18+x86_64&path=0x18&at=5")
    nameless = """[...document.querySelectorAll('button, select, input, section')].filter((e) => !(
        e.getAttribute('aria-label') || e.getAttribute('aria-labelledby') || e.textContent.trim() ||
        e.labels?.length))"""
    assert browser.execute_script(f"return {nameless}.map((e) => e.outerHTML)") == []
    assert browser.find_element(By.CSS_SELECTOR, "[role=status][aria-live=polite]")
    seen = set()
    for _ in range(40):
        browser.switch_to.active_element.send_keys(Keys.TAB)
        seen.add(
            browser.execute_script("return document.activeElement.id || document.activeElement.className")
        )
    assert {"skip", "kernel-0", "with", "play", "step-5", "move-0", "outcome-0", "all"} <= seen


def test_markup_in_a_test_stays_text(browser: Chrome, serve: Serve) -> None:
    browser.get(serve(Source('"><script>x</script>.litmus', EVIL), "6.1").url)
    wait(browser, "document.querySelector('.picture .arrow')")
    assert browser.title == "evil \N{EN DASH} cowpath"
    assert "<img src=x onerror=" in text(browser, ".comment")
    assert browser.find_elements(By.CSS_SELECTOR, "img, .story script") == []


def test_markup_in_a_page_that_stands_alone_stays_text(browser: Chrome, tmp_path: Path) -> None:
    source = Source("evil.litmus", EVIL)
    result = judge(resolve(parse_source(source), source), version("6.1"))
    name = '"><script>document.title=1</script>'
    page = tmp_path / "evil.html"
    page.write_text(check_page([(name, result)], [f"{name}: no such file"]))
    opened(browser, page.as_uri())
    assert browser.title == "evil \N{EN DASH} cowpath"
    assert "<img src=x onerror=" in text(browser, ".comment")
    assert browser.find_elements(By.CSS_SELECTOR, "img, main script") == []


def test_a_server_that_has_ended_is_missed(browser: Chrome, serve: Serve) -> None:
    opened(browser, serve(FOUNDING, "5.18").url)
    reach(browser, offline=True)
    try:
        click(browser, "move-0")
        wait(browser, "document.querySelector('.problem')")
        assert "cowpath explore has ended." in text(browser, ".problem")
    finally:
        reach(browser, offline=False)
    complaints(browser)  # the browser has some, too


def reach(browser: Chrome, offline: bool) -> None:
    """Cut the browser off from every server, or connect it again."""
    conditions = {"offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    browser.execute_cdp_cmd("Network.enable", {})
    browser.execute_cdp_cmd("Network.emulateNetworkConditions", conditions)


def test_pages_stand_alone(browser: Chrome, tmp_path: Path) -> None:
    goal = default_goal(judged("5.18"))
    assert goal is not None
    page = tmp_path / "trace.html"
    page.write_text(trace_page("lost.litmus", judged("5.18"), goal))
    opened(browser, page.as_uri())
    press(browser, Keys.END)
    assert "Lost write." in text(browser, ".story")
    shoot(browser, "page-trace")
    both = [
        ("a.litmus", judged("6.1")),
        ("a.litmus", judged("5.18")),
        ("b.litmus", judged("6.1", "get-write-fork")),
    ]
    page.write_text(check_page(both, ["c.litmus: no such file"]))
    opened(browser, page.as_uri())
    assert text(browser, ".cell.here") == "lost write"
    assert "c.litmus: no such file" in text(browser, "#index")
    click(browser, "result-1-6.1-x86_64")
    wait(browser, "document.querySelector('h1').textContent.includes('get-write-fork')")
    shoot(browser, "page-check")


def test_the_first_paint_does_not_wait_for_the_search(browser: Chrome, serve: Serve) -> None:
    """10^4 states: the page is there at once, its picture when the search is done."""
    server = serve(FOUNDING.with_name("fork-then-unmap.litmus"), "5.18")
    opened(browser, server.url)
    paint = browser.execute_script(
        "return performance.getEntriesByName('first-contentful-paint')[0].startTime"
    )
    states = server.session.test("5.18 x86_64")["states"]
    assert states > 10_000
    assert paint < 1000
