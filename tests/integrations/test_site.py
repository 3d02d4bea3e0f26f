"""The site that `bash docs/build` makes, in a browser as wide as a telephone and as a laptop, without a network."""

from __future__ import annotations

import functools
import os
import re
import shutil
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright drives the browser")
bs4 = pytest.importorskip("bs4", reason="Beautiful Soup reads the pages")

SITE = Path(os.environ.get("COSINE_FAST_SITE") or Path(__file__).parents[2] / "docs" / "_build" / "html").resolve()
PAGES = sorted(str(file.relative_to(SITE)) for file in SITE.rglob("*.html") if "_static" not in file.parts)
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
WIDTHS = {
    "telephone": {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True},
    "laptop": {"viewport": {"width": 1366, "height": 768}},
}
pytestmark = pytest.mark.skipif(not PAGES, reason=f"there is no site in {SITE}: `bash docs/build` makes it")

# What is wrong with the page in a colour scheme. Within the article a wide element may scroll, but the article may not.
PROBLEMS = """async (scheme) => {
    const problems = [], root = document.documentElement, article = document.querySelector("article");
    const name = (element) => element.outerHTML.slice(0, 120);
    const overflow = (element) => getComputedStyle(element).overflowX;
    const edge = article.getBoundingClientRect().right + 9; // furo's headings reach 8 pixels beyond it
    const check = (element) => {
        if (element.getBoundingClientRect().right > edge) problems.push(`beyond the right edge: ${name(element)}`);
        else if (!["auto", "scroll"].includes(overflow(element))) [...element.children].forEach(check);
    };
    [...article.children].forEach(check);
    if (root.scrollWidth > root.clientWidth) problems.push(`the page is ${root.scrollWidth} pixels wide`);
    for (const image of document.images) {
        image.loading = "eager";
        await image.decode().catch(() => {});
        if (!image.naturalWidth) problems.push(`does not load: ${name(image)}`);
        if (!image.alt.trim()) problems.push(`has no alt: ${name(image)}`);
        const themes = ["light", "dark"].filter((theme) => image.classList.contains(`only-${theme}`));
        if (themes.length && themes.includes(scheme) != image.checkVisibility())
            problems.push(`${image.checkVisibility() ? "shown" : "hidden"}: ${name(image)}`);
    }
    const ground = getComputedStyle(document.body).backgroundColor;
    const bright = ground.match(/\\d+/g).slice(0, 3).every((part) => part >= 128);
    if (bright != (scheme == "light")) problems.push(`the background is ${ground}`);
    return problems.map((problem) => `${scheme}: ${problem}`);
}"""


class Handler(SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        """Say nothing."""


@pytest.fixture(scope="session")
def address():
    """The site on a free port."""
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=SITE)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="session")
def browser():
    """Chromium, which finds no other host than this one."""
    if not BROWSER:
        pytest.skip("no Chromium is installed")
    options = {"executable_path": BROWSER, "args": ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]}
    with sync_api.sync_playwright() as playwright, playwright.chromium.launch(**options) as browser:
        yield browser


@pytest.fixture(scope="session", params=WIDTHS.values(), ids=WIDTHS)
def tab(request, browser, address):
    """A tab as wide as a telephone or a laptop, which notes in `problems` errors and what it asks other sites for."""
    permissions = ["clipboard-read", "clipboard-write"]
    own = re.compile(f"{address}|data:").match
    with browser.new_context(**request.param, base_url=address, permissions=permissions) as context:
        page = context.new_page()
        page.problems = []
        page.on("pageerror", lambda error: page.problems.append(f"error in a script: {error}"))
        page.on("console", lambda line: line.type == "error" and page.problems.append(f"{line.text} {line.location}"))
        page.on("request", lambda request: own(request.url) or page.problems.append(f"from elsewhere: {request.url}"))
        yield page


@pytest.fixture
def page(tab):
    """That tab, for one test."""
    tab.problems.clear()
    return tab


@pytest.mark.parametrize("name", PAGES)
def test_page(page, name):
    """It fits the width; pictures load, have a text, and suit light or dark; no errors, nothing from elsewhere."""
    page.goto(name)
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)
        page.problems += page.evaluate(PROBLEMS, scheme)
    assert not page.problems, "\n".join(page.problems[:10])


def test_search(page):
    """Words typed into the search box lead to the page that has them."""
    for words, found in (("negative steps", "reference/promises.html"), ("float32", "explanation/accuracy.html")):
        page.goto("index.html")
        menu = page.locator(".mobile-header label[for=__navigation]")
        if menu.is_visible():  # on a telephone the search box is in the menu
            menu.click()
        page.locator("input[name=q]").fill(words)
        page.keyboard.press("Enter")
        result = page.locator(f'#search-results a[href^="{found}"]').first
        result.wait_for()
        page.wait_for_load_state("networkidle")  # the results' excerpts are from their pages
        assert not page.problems
        result.click()
        page.wait_for_url(f"**/{found}*")
        assert words in page.locator("article").inner_text()


def test_copy(page):
    """The button copies the code: without prompts, and without what the code prints."""
    page.goto("index.html")
    code = page.locator(".highlight", has_text=">>>").first
    lines = code.inner_text().splitlines()
    code.hover()
    code.locator("button.copybtn").click()
    page.locator("button.copybtn.success").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.splitlines() == [line[4:] for line in lines if line.startswith((">>> ", "... "))]
    assert not page.problems


@functools.cache
def read(file):
    """The links of a page, and its anchors."""
    soup = bs4.BeautifulSoup(file.read_text(encoding="utf-8"), "html.parser")
    return [link["href"] for link in soup.select("a[href]")], {tag["id"] for tag in soup.select("[id]")}


def leads_nowhere(file, link):
    url = urlsplit(link)
    target = (file.parent / unquote(url.path)).resolve() if url.path else file
    if url.scheme:
        return False  # to another site
    if not target.is_relative_to(SITE) or not target.is_file():
        return True
    return bool(url.fragment) and unquote(url.fragment) not in read(target)[1]


@pytest.mark.parametrize("name", PAGES)
def test_links(name):
    """Each link within the site leads to a file, and to an anchor that the file has."""
    assert not [link for link in read(SITE / name)[0] if leads_nowhere(SITE / name, link)]
