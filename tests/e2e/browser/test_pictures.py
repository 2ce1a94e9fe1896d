"""The pictures in the docs: `pytest tests/e2e/browser/test_pictures.py --pictures` takes them anew.

Those of a use case with contents are taken of a demo that is left running, since its networks learn for minutes:
``wardround demo --use-case chest_xray --keep-running``, then with ``WARDROUND_DEMO_DESK=http://127.0.0.1:8600`` and
``WARDROUND_DEMO_PERSON=ada:<passphrase>`` the same command.
"""

import os
import re
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from wardround.monitoring.rounds import decisions

FOLDER = Path(__file__).parents[3] / "docs" / "pictures"


@pytest.mark.parametrize(("language", "theme"), [("en", "light"), ("zh", "dark")])
def test_the_pictures_of_the_desk_are_taken(request, language, theme):
    if not request.config.getoption("--pictures", default=False):
        pytest.skip("pictures are taken with --pictures only")
    visitor, hospital = request.getfixturevalue("visitor"), request.getfixturevalue("hospital")
    amara = visitor("amara", theme=theme)
    if language == "zh":
        amara.follow("中文", tag="button")
    last = decisions(hospital.store, "heart_disease")[-1]
    pages = {
        "wards": "/", "use-case": "/use-cases/heart_disease",
        "round": f"/use-cases/heart_disease/rounds/{last.batch}/{last.champion}",
        "model": f"/use-cases/heart_disease/models/{hospital.challenger}",
        "approval": f"/approvals/heart_disease/{hospital.challenger}", "tickets": "/tickets", "ledger": "/ledger",
    }  # fmt: skip
    for name, path in pages.items():
        amara.go(path)
        Image.open(BytesIO(amara.page.screenshot())).quantize(256).save(
            FOLDER / f"desk-{name}-{language}-{theme}.png", optimize=True
        )
    assert amara.complaints == []


CONTENTS = "chest_xray"


@pytest.mark.parametrize(("language", "theme"), [("en-GB", "light"), ("zh-CN", "dark")])
def test_the_pictures_of_a_use_case_with_contents_are_taken(request, language, theme):
    desk, person = os.environ.get("WARDROUND_DEMO_DESK"), os.environ.get("WARDROUND_DEMO_PERSON", ":")
    if not request.config.getoption("--pictures", default=False) or not desk:
        pytest.skip("pictures are taken with --pictures only, of a demo that runs: see the top of this file")
    ada = request.getfixturevalue("seated")(desk, language=language, theme=theme)
    name, passphrase = person.split(":", 1)
    ada.go("/sign-in")
    ada.page.fill("[name=name]", name)
    ada.page.fill("[name=passphrase]", passphrase)
    with ada.page.expect_navigation():
        ada.page.keyboard.press("Enter")
    ada.go(f"/use-cases/{CONTENTS}")
    links = ada.page.eval_on_selector_all("a[href]", "all => all.map(each => each.getAttribute('href'))")
    found = {kind: next(link for link in links if re.search(f"/{kind}/", link)) for kind in ("rounds", "models")}
    for shot, path in {"contents-round": found["rounds"], "contents-model": found["models"] + "#importance"}.items():
        ada.go(path)
        Image.open(BytesIO(ada.page.screenshot())).quantize(256).save(
            FOLDER / f"desk-{shot}-{language[:2]}-{theme}.png", optimize=True
        )
    assert ada.complaints == []
