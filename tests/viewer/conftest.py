# SPDX-License-Identifier: MIT
"""A served explorer, and a real browser to look at it with."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from cowpath.history.version import version
from cowpath.litmus.parse import parse_source
from cowpath.litmus.resolve import resolve
from cowpath.litmus.source import Source, read_source
from cowpath.viewer.library import Library
from cowpath.viewer.server import ViewerServer
from cowpath.viewer.session import Session
from tests.founding import FOUNDING, ROOT
from tests.tools import need

SHOTS = ROOT / "build" / "explorer"
"""Where screenshots go; CI keeps them."""

Serve = Callable[..., ViewerServer]


def session(source: Source, *releases: str, max_states: int | None = None) -> Session:
    """A session on some kernels."""
    kernels = [version(release) for release in releases]
    return Session(source, resolve(parse_source(source), source), kernels, max_states)


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serve a litmus file (or a source) on some kernels until the test ends; None stands for the corpus."""
    with ExitStack() as stack:

        def start(
            test: Path | Source | None = FOUNDING, *releases: str, max_states: int | None = None
        ) -> ViewerServer:
            shown: Session | Library
            if test is None:
                shown = Library([version(release) for release in releases], max_states)
            else:
                source = test if isinstance(test, Source) else read_source(test)
                shown = session(source, *(releases or ("5.18", "6.1")), max_states=max_states)
            server = stack.enter_context(ViewerServer(shown))
            stack.callback(server.shutdown)
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
            return server

        yield start


@pytest.fixture(scope="session")
def chromium() -> Iterator[webdriver.Chrome]:
    """Debian's Chromium without a window.  Missing, it skips the test; under CI=true that is a failure."""
    browser, driver = need("chromium", "chromedriver")
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    started = webdriver.Chrome(options=options, service=Service(driver))
    yield started
    started.quit()


@pytest.fixture
def browser(chromium: webdriver.Chrome) -> Iterator[webdriver.Chrome]:
    """The browser at 1200 pixels, light; afterwards, whatever the page complained about fails the test."""
    resize(chromium, 1200, 900)
    complaints(chromium)  # of an earlier test
    yield chromium
    assert complaints(chromium) == []


def complaints(browser: webdriver.Chrome) -> list[str]:
    """What the page has complained about since this was last asked."""
    get_log: Callable[[str], list[dict[str, str]]] = browser.get_log  # selenium gives it no types
    return [entry["message"] for entry in get_log("browser")]


def resize(browser: webdriver.Chrome, width: int, height: int, scheme: str = "light") -> None:
    """The size of the page, whatever a window manager thinks, and its colour scheme."""
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    features = [
        {"name": "prefers-color-scheme", "value": scheme},
        {"name": "prefers-reduced-motion", "value": "reduce"},
    ]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


def shoot(browser: webdriver.Chrome, name: str) -> None:
    """Keep what the page looks like."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    browser.save_screenshot(str(SHOTS / f"{name}.png"))
