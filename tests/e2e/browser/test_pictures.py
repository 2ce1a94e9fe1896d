"""The pictures in the docs: `pytest tests/e2e/browser/test_pictures.py --pictures` takes them anew."""

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
