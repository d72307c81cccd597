"""What is asked of every public page in a browser, and the names of what is wrong."""

from __future__ import annotations

import os
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import Any, Self

CHROMIUM = Path("/usr/bin/chromium")
AXE = Path(os.environ.get("AXE", Path.home() / ".cache" / "dissemination-axe/node_modules/axe-core/axe.min.js"))
ARGUMENTS = ("--no-sandbox", "--disable-gpu")
#: WCAG 2.2 AA holds 2.1 AA; best practice goes beyond.
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
#: Elements that stick out of the window on the right, but for those inside what scrolls by itself.
BEYOND = """() => [...document.body.querySelectorAll('*')].filter(e => {
  for (let p = e.parentElement; p; p = p.parentElement)
    if (['auto', 'scroll'].includes(getComputedStyle(p).overflowX)) return false;
  return e.offsetParent && e.getBoundingClientRect().right > innerWidth + .5 })
  .map(e => e.tagName + '.' + e.className)"""
#: What has the focus and does not show it.
UNSEEN = """() => { const e = document.activeElement, s = getComputedStyle(e);
  const ringed = s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2;
  return ringed || s.boxShadow !== 'none' ? [] : [e.outerHTML] }"""


def lacking() -> str:
    """What has to be installed; "" if nothing."""
    if not CHROMIUM.exists():
        return f"no {CHROMIUM}: apt-get install chromium fonts-dejavu-core"
    return "" if AXE.exists() else f"no axe-core: .ci/install-axe {AXE.parents[2]}"


def violations(page: Any) -> list[tuple[str, list[Any]]]:
    """Rule -> the first elements that break it, by axe-core. It comes in by the debugger: no policy is touched."""
    page.evaluate(AXE.read_text())
    wanted = "{resultTypes: ['violations'], runOnly: {type: 'tag', values: rules}}"
    told = page.evaluate(f"rules => axe.run(document, {wanted})", RULES)
    return [(one["id"], [node["target"] for node in one["nodes"]][:3]) for one in told["violations"]]


@dataclass
class Visit:
    """A window onto one site, and all that its pages did besides showing themselves.

    Args:
        browser: that of Playwright.
        origin: the only host that may be asked.
    """

    browser: Any
    origin: str
    _: KW_ONLY
    width: int = 1280
    scheme: str = "light"
    scripts: bool = True

    def __post_init__(self) -> None:
        self.strangers: list[str] = []
        self.complaints: list[str] = []
        self.context = self.browser.new_context(
            base_url=self.origin,
            color_scheme=self.scheme,
            viewport={"width": self.width, "height": 800},
            reduced_motion="reduce",
            java_script_enabled=self.scripts,
        )
        self.context.route("**/*", self._watch)
        self.page = self.context.new_page()
        self.page.set_default_timeout(10_000)
        self._twin: Any = None
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the window."""
        self.context.close()
        if self._twin is not None:
            self._twin.context.close()

    def _watch(self, route: Any) -> None:
        url = route.request.url
        if url.startswith((f"{self.origin}/", "data:", "about:")):
            route.continue_()
        else:
            self.strangers.append(url)
            route.abort()

    def _broken(self) -> list[tuple[str, list[Any]]]:
        """By axe-core; it waits for timers: where scripts are off it looks at the same page in a window beside."""
        if self.scripts:
            return violations(self.page)
        if self._twin is None:
            beside = self.browser.new_context(
                color_scheme=self.scheme, viewport={"width": self.width, "height": 800}, reduced_motion="reduce"
            )
            self._twin = beside.new_page()
        twin, url, html = self._twin, self.page.url, self.page.content()
        twin.route(url, lambda route: route.fulfill(body=html, content_type="text/html"))
        twin.goto(url)
        twin.unroute(url)
        return violations(twin)

    def _note(self, said: Any) -> None:
        asked = said.location.get("url", "")
        # Chromium asks for an icon by itself, and complains of pages that answer 404 or 422, as some have to.
        own = said.text.startswith("Failed to load resource") and asked == self.page.url
        if said.type in {"error", "warning"} and not own and "favicon" not in asked:
            self.complaints.append(f"{said.type}: {said.text}")

    def faults(self) -> list[str]:
        """All that is wrong with what is shown, and with what was asked for on the way to it."""
        page = self.page
        found = [f"axe {rule}: {where}" for rule, where in self._broken()]
        if page.evaluate("document.documentElement.scrollWidth") > self.width:
            found.append("wide: it scrolls sideways")
        found += [f"wide: {name}" for name in page.evaluate(BEYOND)]
        found += [f"foreign: {url}" for url in self.strangers]
        found += [f"console: {said}" for said in self.complaints]
        found += [f"cookie: {one['name']}" for one in self.context.cookies()]
        found += [
            f"script: {kind}"
            for kind in page.evaluate("[...document.scripts].map(s => s.type || 'text/javascript')")
            if kind != "application/ld+json"
        ]
        return found

    def stops(self, most: int = 60) -> tuple[list[str], list[str]]:
        """Names of what the Tab key reaches from the top, in order, and what shows no focus."""
        names: list[str] = []
        unseen: list[str] = []
        for _ in range(most):
            self.page.keyboard.press("Tab")
            if self.page.evaluate("document.activeElement === document.body"):
                break
            unseen += self.page.evaluate(UNSEEN)
            names.append(
                self.page.evaluate(
                    "(e => e.name ? `${e.name}=${e.type === 'email' ? '' : e.value}` : e.tagName.toLowerCase() "
                    "+ (e.getAttribute('href') || e.className || ''))(document.activeElement)"
                )
            )
        return names, unseen
