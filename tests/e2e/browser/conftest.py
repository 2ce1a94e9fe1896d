"""A hospital on duty (store, people, two wards with a history, the desk as a process) and a real browser.

Everything lives as long as one module: a synchronous Playwright keeps an event loop that other tests must not meet.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import axe_core_python
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Response, sync_playwright
from pydantic import SecretStr

from expectations import suite_for
from wardround import alerts, approvals, batches, people, promotion, registry
from wardround.cli.visits.heart_disease import deliver
from wardround.domain import Decision, utc_now
from wardround.errors import ApprovalNeeded
from wardround.gating import gate
from wardround.ingest import ingest
from wardround.monitoring.arming import arm_version
from wardround.monitoring.report import write_report
from wardround.monitoring.rounds import record_retraining
from wardround.monitoring.visit import monitor
from wardround.people import Role
from wardround.processes import free_port, is_free, spawn, stop, tail
from wardround.scoring import score
from wardround.settings import Settings
from wardround.sources import read, source_from
from wardround.store import Store
from wardround.training import train
from wardround.use_cases import load
from wardround.use_cases.base import UseCase

PATIENCE = 240.0
COMMAND = str(Path(sys.executable).with_name("wardround"))
AXE = (Path(axe_core_python.__file__).parent / "axe.min.js").read_text()
FIRST = "handed over in an envelope"
PEOPLE = {
    "vera": ("Vera Castellanos", Role.VIEWER),
    "otto": ("Otto Brandt", Role.OPERATOR),
    "amara": ("Amara Okafor", Role.APPROVER),
    "ada": ("Ada Lindqvist", Role.ADMIN),
}
HEART = """
from dataclasses import replace

from wardround.use_cases.base import Candidate, Retraining
from wardround.use_cases.heart_disease import USE_CASE as HEART

quick = Candidate(family="logistic", parameters={{"C": 0.1}})
USE_CASE = replace(HEART, candidates=(quick,), retraining=Retraining(promotion="{policy}"))
"""
DIABETES = """
from dataclasses import replace

from wardround.use_cases.base import Candidate
from wardround.use_cases.diabetes_progression import USE_CASE as DIABETES

USE_CASE = replace(DIABETES, candidates=(Candidate(family="ridge", parameters={"alpha": 1.0}),))
"""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--pictures", action="store_true", help="Take the desk's pictures in docs/pictures anew.")


@dataclass
class Hospital:
    """Where everything is, and the models of its history."""

    settings: Settings
    store: Store
    folder: Path
    port: int
    first: str = ""
    challenger: str = ""

    @property
    def desk(self) -> str:
        """The desk's address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """The variables that lead a process here."""
        at = self.settings
        assert at.s3_secret_key is not None
        assert at.pseudonym_key is not None
        return {
            "WARDROUND_HOME": str(at.home), "WARDROUND_S3_ENDPOINT_URL": str(at.s3_endpoint_url),
            "WARDROUND_S3_BUCKET": at.s3_bucket, "WARDROUND_S3_PREFIX": at.s3_prefix,
            "WARDROUND_S3_ACCESS_KEY": str(at.s3_access_key),
            "WARDROUND_S3_SECRET_KEY": at.s3_secret_key.get_secret_value(),
            "WARDROUND_PSEUDONYM_KEY": at.pseudonym_key.get_secret_value(), "WARDROUND_ACTOR": at.actor,
            "WARDROUND_DESK_URL": self.desk,
        }  # fmt: skip

    def use_case(self, name: str) -> UseCase:
        """Return the use case in the file *name*: heart (a person promotes), first (the gate does) or diabetes."""
        return load(str(self.folder / f"{name}.py"))

    def delivery(self, label: str) -> Path:
        """Return the file of a batch of the demo's inbox."""
        return self.folder / "inbox" / f"{label}.csv"

    def champion(self) -> str:
        """Return the version that serves heart disease."""
        serving = registry.champion(self.store, "heart_disease")
        assert serving is not None
        return serving.version

    def ingest(self, name: str, path: Path) -> str:
        """Bring a file in as a batch and return its id."""
        case = self.use_case(name)
        done = ingest(case, source_from(str(path)), suite_for(case), label=path.stem, **self._here(), now=utc_now())
        return done.batch.id

    def train(self, name: str, *chosen: str, cause: str = "first training", parent: str | None = None) -> str:
        """Train on the batches *chosen*, judge, and promote if nobody has to be asked; return the version."""
        case = self.use_case(name)
        version = train(case, chosen, **self._here(), seed=case.seed, cause=cause, parent=parent, now=utc_now()).version
        arm_version(case, version, **self._here(), now=utc_now())
        verdict = gate(case, version, **self._here(), now=utc_now())
        assert verdict.passed, verdict.reasons
        try:
            promotion.promote(case, version, **self._here(), reason=cause, now=utc_now())
        except ApprovalNeeded:
            standing = approvals.standing(case, version, **self._here(), now=utc_now())
            alerts.ask_for_approval(self.store, standing, now=utc_now())
        return version

    def round(self, name: str, path: Path) -> Decision:
        """Make a round as the flow does, without Prefect."""
        case = self.use_case(name)
        batch = batches.load(self.store, case.name, self.ingest(name, path))
        if not batch.refused:
            score(case, batch, **self._here(), now=utc_now())
        decision = monitor(case, batch, **self._here(), now=utc_now(), as_of=utc_now())
        alerts.tickets.notice(self.store, decision, now=utc_now())
        write_report(case, decision, **self._here())
        return decision

    def employ(self) -> None:
        """Add the people; each has chosen a passphrase of their own, without which nobody signs."""
        for name, (full_name, role) in PEOPLE.items():
            people.add(
                self.store, name=name, full_name=full_name, role=role, passphrase=FIRST, by="console", now=utc_now()
            )
            people.change_passphrase(self.store, name, old=FIRST, new=_own(name), now=utc_now())

    @contextmanager
    def at_the_desk(self, *use_cases: str, **more: str) -> Iterator[None]:
        """Run `wardround serve` as a process of its own; *more* are variables for it."""
        log = self.folder / "desk.log"
        chosen = [part for use_case in use_cases for part in ("--use-case", use_case)]
        plain = {name: value for name, value in os.environ.items() if not name.startswith(("WARDROUND_", "PREFECT_"))}
        serving = spawn(
            [COMMAND, "serve", "--port", str(self.port), *chosen], env=plain | self.environment | more, log=log
        )
        try:
            until(lambda: not is_free(self.port) or _fallen(serving, log), "the desk")
            yield
        finally:
            stop(serving)

    def _here(self) -> dict[str, Any]:
        return {"store": self.store, "settings": self.settings}


def _own(name: str) -> str:
    """Return what *name* chose after the first sign-in."""
    return f"own words of {name} at noon"


def until(look: Callable[[], Any], what: str) -> Any:
    """Return what *look* returns as soon as that is something."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if found := look():
            return found
        time.sleep(0.1)
    pytest.fail(f"waited in vain for {what}")


def _fallen(process: subprocess.Popen[bytes], log: Path) -> None:
    if process.poll() is not None:
        pytest.fail(f"the desk ended: {tail(log, 3000)}")


@pytest.fixture(scope="session")
def passphrase() -> Callable[[str], str]:
    """What somebody chose after the first sign-in."""
    return _own


@pytest.fixture(scope="session")
def command() -> str:
    """The path of the command `wardround`."""
    return COMMAND


@pytest.fixture(scope="module")
def chromium() -> str:
    """The path of the browser; the tests skip where there is none, unless CI demands it."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if (path := shutil.which(name)) is not None:
            return path
    if os.environ.get("WARDROUND_REQUIRE_BROWSER") == "1":
        pytest.fail("no chromium, chromium-browser or google-chrome is installed, and CI requires one")
    pytest.skip("no browser: install chromium (Debian: apt-get install chromium fonts-noto-cjk)")


@pytest.fixture(scope="module")
def new_hospital(chromium: str, s3_server: Store, tmp_path_factory: pytest.TempPathFactory) -> Hospital:
    """A hospital with people, and with champions in both wards; diabetes had a quiet week since."""
    folder = tmp_path_factory.mktemp("hospital")
    (folder / "home").mkdir()
    store = replace(s3_server, prefix=f"{s3_server.prefix}browser-{free_port()}/")
    settings = Settings(
        home=folder / "home", s3_endpoint_url=store.endpoint_url, s3_bucket=store.bucket,
        s3_access_key=store.access_key, s3_secret_key=SecretStr(store.secret_key), s3_prefix=store.prefix,
        pseudonym_key=SecretStr("a fixed key, for tests and nothing else"), actor="prefect",
    )  # fmt: skip
    texts = {"heart": HEART.format(policy="person"), "first": HEART.format(policy="gate"), "diabetes": DIABETES}
    for name, text in texts.items():
        (folder / f"{name}.py").write_text(text)
    hospital = Hospital(settings=settings, store=store, folder=folder, port=free_port())
    deliver(folder / "inbox", Settings())
    hospital.first = hospital.train("first", hospital.ingest("first", hospital.delivery("cleveland")))
    hospital.employ()
    case = hospital.use_case("diabetes")
    rows = read(case, case.source, settings).sample(frac=1, random_state=7)
    for half, season in enumerate(("spring", "summer")):
        rows.iloc[half::2].to_csv(folder / f"{season}.csv", index=False)
    hospital.train("diabetes", hospital.ingest("diabetes", folder / "spring.csv"))
    hospital.round("diabetes", folder / "summer.csv")
    return hospital


@pytest.fixture(scope="module")
def hospital(new_hospital: Hospital) -> Iterator[Hospital]:
    """The hospital at work: another hospital's patients made a challenger that waits, and the last batch is broken."""
    shifted = new_hospital.round("heart", new_hospital.delivery("hungary"))
    new_hospital.challenger = new_hospital.train(
        "heart", *(batch.id for batch in batches.listing(new_hospital.store, "heart_disease")),
        cause=shifted.cause.value, parent=new_hospital.first,
    )  # fmt: skip
    record_retraining(
        new_hospital.store, shifted, version=new_hospital.challenger, promoted=False,
        sentence="passed every gate and waits for a person", actor="prefect", now=utc_now(),
    )  # fmt: skip
    new_hospital.round("heart", new_hospital.delivery("cleveland-unit-mmol"))
    with new_hospital.at_the_desk(
        str(new_hospital.folder / "heart.py"), str(new_hospital.folder / "diabetes.py"), "thyroid"
    ):
        yield new_hospital


@dataclass
class Visitor:
    """Somebody at the desk who has a keyboard and no mouse; what the browser complains of is collected."""

    page: Page
    desk: str
    complaints: list[str]

    def go(self, path: str) -> None:
        """Type an address."""
        self.page.goto(self.desk + path)

    def reach(self, words: str, *, tag: str = "", back: bool = False) -> dict[str, Any]:
        """Press Tab until something called *words* has the focus; where the focus is must always be seen."""
        passed = []
        for _ in range(300):
            self.page.keyboard.press("Shift+Tab" if back else "Tab")
            stop = self.page.evaluate(FOCUSED)
            if stop is None:
                continue  # the browser's own bar, between the end and the beginning
            assert stop["seen"] or stop["tag"] == "iframe", f"nobody sees that the focus is on {stop}"
            if words in stop["name"] and tag in ("", stop["tag"]):
                return stop
            passed.append(stop["name"])
        pytest.fail(f"no Tab leads to {words!r}: {list(dict.fromkeys(passed))}")

    def follow(self, words: str, *, tag: str = "") -> None:
        """Reach the link or button called *words*, press Enter, and wait for the page it leads to."""
        self.reach(words, tag=tag)
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")

    def write(self, label: str, text: str, *, back: bool = False) -> None:
        """Reach the field called *label* and type over what is in it."""
        self.reach(label, back=back)
        self.page.keyboard.press("Control+a")
        self.page.keyboard.type(text)

    def choose(self, label: str) -> None:
        """Reach a group of choices, and go through it with the arrows until *label* is chosen."""
        names = self.page.evaluate(CHOICES)
        self.reach_any(names)
        for _ in names:
            if label in self.page.evaluate(FOCUSED)["name"]:
                self.page.keyboard.press("Space")
                return
            self.page.keyboard.press("ArrowDown")
        pytest.fail(f"there is no choice {label!r} among {names}")

    def reach_any(self, names: list[str]) -> None:
        """Press Tab until one of *names* has the focus."""
        for _ in range(300):
            self.page.keyboard.press("Tab")
            stop = self.page.evaluate(FOCUSED)
            if stop is not None and stop["name"] in names:
                return
        pytest.fail(f"no Tab leads to any of {names}")

    def sign_in(self, name: str) -> None:
        """Come in as *name*."""
        self.go("/sign-in")
        self.write("Name", name)
        self.write("Passphrase", _own(name))
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")
        assert PEOPLE[name][0] in self.text(), self.text()

    def send(self, path: str, **form: str) -> int:
        """Send a form that the page does not show, as an attacker in this person's browser would; return the status."""
        with self.page.expect_navigation() as came:
            self.page.evaluate(SEND, [path, form])
        return came.value.status

    def where(self) -> str:
        """Return the words at the place where the focus is."""
        return str(self.page.evaluate("() => document.activeElement.innerText"))

    def text(self) -> str:
        """Return what stands on the page."""
        return self.page.inner_text("body")

    def violations(self) -> list[str]:
        """Return what axe finds serious or critical on the page, outside of the embedded report."""
        self.page.evaluate(AXE)
        found = self.page.evaluate("() => axe.run(document, {iframes: false, resultTypes: ['violations']})")
        return [
            f"{each['impact']}: {each['id']} ({each['help']}): {[node['html'][:160] for node in each['nodes']]}"
            for each in found["violations"]
            if each["impact"] in ("serious", "critical")
        ]


FOCUSED = """() => {
  const it = document.activeElement
  if (!it || it === document.body) return null
  const labels = (it.getAttribute("aria-labelledby") || "").split(" ").map(id => document.getElementById(id)?.innerText)
  const name = it.getAttribute("aria-label") || labels.filter(Boolean).join(" ")
    || [...(it.labels || [])].map(label => label.innerText).join(" ") || it.innerText || it.value || it.title || ""
  const style = getComputedStyle(it)
  const seen = style.boxShadow !== "none" || (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0)
  return {tag: it.tagName.toLowerCase(), name: name.trim().replace(/\\s+/g, " "), href: it.getAttribute("href"), seen}
}"""
SEND = """([path, fields]) => {
  const csrf = document.querySelector("input[name=csrf]").value
  const form = Object.assign(document.createElement("form"), {method: "post", action: path})
  for (const [name, value] of Object.entries({csrf, ...fields}))
    form.append(Object.assign(document.createElement("input"), {name, value}))
  document.body.append(form)
  form.submit()
}"""
CHOICES = """() => [...document.querySelectorAll("input[type=radio]")].map(it => it.labels[0].innerText.trim())"""


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """Chromium without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def seated(browser: Browser) -> Iterator[Callable[..., Visitor]]:
    """Let somebody sit down before a site, signed in at the desk if *name* is given."""
    contexts = []

    def come(site: str, name: str = "", *, language: str = "en-GB", theme: str = "light") -> Visitor:
        context = browser.new_context(
            locale=language, color_scheme=theme, viewport={"width": 1280, "height": 900}, reduced_motion="reduce"
        )
        contexts.append(context)
        page = context.new_page()
        complaints: list[str] = []

        def heard(said: ConsoleMessage) -> None:
            if said.type in ("error", "warning") and not said.text.startswith("Failed to load resource"):
                complaints.append(said.text)

        def answered(answer: Response) -> None:
            if answer.status >= (500 if answer.request.is_navigation_request() else 400):
                complaints.append(f"{answer.status} {answer.url}")

        page.on("console", heard)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("response", answered)
        made = Visitor(page, site, complaints)
        if name:
            made.sign_in(name)
        return made

    yield come
    for context in contexts:
        context.close()


@pytest.fixture
def visitor(seated: Callable[..., Visitor], hospital: Hospital) -> Callable[..., Visitor]:
    """Let somebody sit down at the desk; *language* and *theme* are those of their machine."""
    return lambda name="", **machine: seated(hospital.desk, name, **machine)


@pytest.fixture(scope="session")
def patience() -> float:
    """How many milliseconds a browser waits for what a busy machine brings about."""
    return PATIENCE * 1000
