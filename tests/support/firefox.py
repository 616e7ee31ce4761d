"""A real, headless Firefox ESR with Tor Browser's "Safest" settings: no scripts, SVG, fonts or
media.
"""

import base64
import gc
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

with warnings.catch_warnings():
    # Firefox's driver imports modules for telephones, which use deprecated modules.
    warnings.simplefilter("ignore")
    from marionette_driver.by import By
    from marionette_driver.errors import (
        MarionetteException,
        NoAlertPresentException,
        NoSuchElementException,
        StaleElementException,
    )
    from marionette_driver.marionette import Alert, Marionette, WebElement
    from marionette_driver.wait import Wait

PROGRAM = "/usr/lib/firefox-esr/firefox-esr"
LOAD_SECONDS = 90

# Tor Browser's SecurityLevel.sys.mjs at "Safest", and what it sets for everyone.
SAFEST = {
    "javascript.enabled": False,
    "svg.disabled": True,
    "mathml.disabled": True,
    "gfx.downloadable_fonts.enabled": False,
    "media.webm.enabled": False,
    "media.mp4.enabled": False,
    "media.ogg.enabled": False,
    "webgl.disabled": True,
    "browser.privatebrowsing.autostart": True,
    "network.dns.blockDotOnion": False,
    "dom.securecontext.allowlist_onions": True,
    "network.proxy.type": 1,
    "network.proxy.socks": "127.0.0.1",
    "network.proxy.socks_remote_dns": True,
    "network.proxy.no_proxies_on": "",
    "dom.security.https_only_mode": False,
    "dom.security.https_first": False,
    "dom.security.https_first_pbm": False,
    # Firefox's own background requests; they would fail through the proxy anyway.
    "app.update.disabledForTesting": True,
    "browser.safebrowsing.provider.mozilla.updateURL": "",
    "datareporting.policy.dataSubmissionEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,",
    "toolkit.telemetry.enabled": False,
    # No process is started ahead of what is asked for, and no page of its own for a new tab.
    "dom.ipc.processPrelaunch.enabled": False,
    "browser.newtabpage.enabled": False,
    # A window can be as narrow as a telephone.
    "browser.tabs.inTitlebar": 0,
    # Nothing of the browser's own moves while a page loads: that is drawn in software, and no page
    # asks for it.
    "ui.prefersReducedMotion": 1,
    # Its session is kept by nobody, and none of its own extensions is used.
    "browser.sessionstore.interval": 3_600_000,
    "extensions.enabledScopes": 0,
}

# Of no importance to a page that is opened alone from a file: with them Firefox starts six
# processes and not eleven, in half the time.
LIGHT = {
    "fission.autostart": False,
    "dom.ipc.processCount": 1,
    "browser.startup.homepage": "about:blank",
    "browser.sessionhistory.max_total_viewers": 0,
    "browser.tabs.remote.separatePrivilegedContentProcess": False,
}

_WRITE = "document.open(); document.write(arguments[0]); document.close();"
_IN_PAGE = """
const element = document.createElement("script");
element.textContent = arguments[0];
document.head.append(element);
element.remove();
"""
_AWAITED = """
const end = arguments[arguments.length - 1];
document.addEventListener("done", event => end(JSON.parse(event.detail)), {once: true});
arguments[0] = "{ const done = value => document.dispatchEvent(" +
  "new CustomEvent('done', {detail: JSON.stringify(value)}));" + arguments[0] + "}";
"""
_HOLDING = """
const holds = one => one.textContent.replace(/\\s+/g, " ").includes(arguments[0]);
const elements = document.body ? [document.body, ...document.body.querySelectorAll("*")] : [];
return elements.filter(one => holds(one) && ![...one.children].some(holds));
"""


class Firefox:
    """One visit. *socks_port* is the Tor client's, or one where nobody listens.

    A *light* one is for pages from files, one after another.
    """

    def __init__(self, directory: Path, socks_port: int = 9, *, light: bool = False) -> None:
        self._directory = directory
        prefs = {**SAFEST, **(LIGHT if light else {}), "network.proxy.socks_port": socks_port}
        with warnings.catch_warnings():
            # To find a port, the driver opens sockets that it does not close.
            warnings.simplefilter("ignore", ResourceWarning)
            self._marionette = Marionette(
                bin=PROGRAM,
                port=0,  # any free one
                headless=True,
                prefs=prefs,
                gecko_log=str(directory / "firefox.log"),
                workspace=str(directory),
            )
            self._marionette.start_session()
            gc.collect()
        self._marionette.timeout.page_load = LOAD_SECONDS
        self._unbind_width()

    def close(self) -> None:
        """End it and its children."""
        try:
            self._marionette.quit(in_app=False)
        finally:
            self._marionette.cleanup()

    def _unbind_width(self) -> None:
        with self._marionette.using_context("chrome"):
            self._marionette.execute_script(
                "document.documentElement.style.setProperty('min-width', '0', 'important')"
            )

    def width(self, pixels: int) -> None:
        """Make the page *pixels* wide."""
        for _ in range(2):
            outer = self._marionette.window_rect["width"]
            inner = self.ask("return innerWidth")
            self._marionette.set_window_rect(width=pixels + outer - inner, height=900)
        Wait(self._marionette, 5).until(lambda _: self.ask("return innerWidth") == pixels)

    def colour(self, colours: str) -> None:
        """From now on, the colours of a desktop that is "light" or "dark", on this page too."""
        preference = "layout.css.prefers-color-scheme.content-override"
        self._marionette.set_pref(preference, {"dark": 0, "light": 1}[colours])
        # The page's process is told of it a moment later.
        self.wait(
            lambda: self.ask(f"return matchMedia('(prefers-color-scheme: {colours})').matches")
        )

    def level(self, *, scripts: bool, mathml: bool) -> None:
        """From the next page on, let sites run scripts and show MathML, as at "Standard"."""
        self._marionette.set_pref("javascript.enabled", scripts)
        self._marionette.set_pref("mathml.disabled", not mathml)

    def drawings(self, *, shown: bool) -> None:
        """From the next page on, show SVG or not, as at "Standard"."""
        self._marionette.set_pref("svg.disabled", not shown)

    def unfold(self) -> None:
        """Open all details elements."""
        self.ask("for (const fold of document.querySelectorAll('details')) fold.open = true")

    def open(self, url: str) -> None:
        """Go to *url*."""
        self._marionette.navigate(url)

    def write_page(self, html: str) -> None:
        """Put a page in place of the one that is shown, at its address: a fourth of the work of
        going to it. Libraries that were loaded stay.
        """
        self.ask(_WRITE, html)

    def ask(self, script: str, *arguments: Any) -> Any:
        """What *script* returns.

        It runs in Marionette's own sandbox; the page itself has no script.
        """
        return self._marionette.execute_script(script, script_args=arguments)

    def load(self, library: str) -> None:
        """Run *library* as a script of the page itself, where it is several times as fast."""
        self.ask(_IN_PAGE, library)

    def run(self, script: str) -> Any:
        """What *script*, run like load(), passes to its function ``done`` later, as JSON."""
        self._marionette.timeout.script = 60
        return self._marionette.execute_async_script(_AWAITED + _IN_PAGE, script_args=[script])

    def shoot(self, path: Path) -> None:
        """The whole page as a picture."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(self._marionette.screenshot(full=True)))

    @property
    def path(self) -> str:
        """The address without the host."""
        return "/" + str(self._marionette.get_url()).split("/", 3)[3]

    @property
    def text(self) -> str:
        """The visible text in one line; "" between two pages."""
        return " ".join(" ".join(self.texts("body")).split())

    def shows(self, words: str) -> bool:
        """Whether *words* are visible on the page: as ``in text``, in a small part of its time.

        The visible text is read of those elements alone that hold them, and have no part that does.
        """
        # None while one page gives way to the next.
        holding = self.ask(_HOLDING, words) or ()
        return any(words in " ".join(element.text.split()) for element in holding)

    def all(self, css: str) -> list[WebElement]:
        """The elements that *css* selects."""
        return list(self._marionette.find_elements(By.CSS_SELECTOR, css))

    def one(self, css: str) -> WebElement:
        """The first element that *css* selects. Fails if there is none."""
        return self._marionette.find_element(By.CSS_SELECTOR, css)

    def texts(self, css: str) -> list[str]:
        """The visible text of each element that *css* selects."""
        return [" ".join(element.text.split()) for element in self.all(css)]

    def write(self, css: str, text: str) -> None:
        """Type *text* in place of what the box holds."""
        box = self.one(css)
        box.clear()
        box.send_keys(text)

    def value(self, css: str) -> str:
        """What a box holds."""
        return str(self.one(css).get_property("value"))

    def attach(self, paths: Sequence[Path], css: str = "input[type=file]") -> None:
        """Choose files."""
        for path in paths:
            self.one(css).send_keys(str(path))

    def click(self, css: str) -> None:
        """Click it, and wait for the next page, if there is one."""
        element = self.one(css)
        self.ask("arguments[0].scrollIntoView({block: 'center'})", element)
        element.click()

    def submit(self, css: str) -> None:
        """Click a button of a form, and wait for the next page.

        The driver waits for one only if the old one begins to go within a fifth of a second, which
        is not long beside other work.
        """
        old = self.one("html")
        self.click(css)
        self.wait(lambda: self._is_gone(old) and self._is_complete(), LOAD_SECONDS)

    def press(self, act: str) -> None:
        """Submit by the visible button with the value *act*."""
        self.submit(f'button[name=act][value="{act}"]:not([hidden])')

    def double_click(self, css: str) -> None:
        """Two quick clicks."""
        element = self.one(css)
        self.ask("arguments[0].scrollIntoView({block: 'center'})", element)
        mouse = self._marionette.actions.sequence("pointer", "mouse", {"pointerType": "mouse"})
        mouse.pointer_move(0, 0, origin=element).click().click().perform()

    def wait(self, until: Callable[[], bool], seconds: float = 30) -> None:
        """Until *until* holds; fails after *seconds*."""
        Wait(self._marionette, seconds, ignored_exceptions=(MarionetteException,)).until(
            lambda _: until()
        )

    def back(self) -> None:
        """The Back button."""
        self._marionette.go_back()

    def forward(self) -> None:
        """The Forward button."""
        self._marionette.go_forward()

    def reload(self) -> None:
        """Reload, confirm if Firefox asks whether to send the form again, and wait for the page.

        While the question is open the old page can still be read, and disappears under its reader.
        """
        old = self.one("html")
        try:
            self._marionette.refresh()
        except MarionetteException:
            self.accept()
        else:
            self.accept()
        self.wait(lambda: self._is_gone(old) and self._is_complete(), LOAD_SECONDS)

    def _is_complete(self) -> bool:
        """Whether the page that is shown has arrived whole."""
        return bool(self.ask("return document.readyState") == "complete")

    @staticmethod
    def _is_gone(element: WebElement) -> bool:
        """Whether *element* belongs to a page that is no longer shown."""
        try:
            # The cheapest question about an element.
            element.tag_name  # noqa: B018
        except (StaleElementException, NoSuchElementException):
            return True
        return False

    def accept(self) -> None:
        """Confirm the browser's own dialog, if there is one."""
        try:
            Alert(self._marionette).accept()
        except NoAlertPresentException:
            return

    def tab(self) -> str:
        """Open another tab and go to it. Returns the one before."""
        before = str(self._marionette.current_window_handle)
        self._marionette.switch_to_window(self._marionette.open(type="tab", focus=True)["handle"])
        return before

    def close_tab(self, then: str) -> None:
        """Close this one and go to the tab *then*."""
        self._marionette.close()
        self.switch(then)

    def switch(self, handle: str) -> None:
        """Go to the tab *handle*."""
        self._marionette.switch_to_window(handle)
