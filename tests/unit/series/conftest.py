"""Series made by hand, and settings that lead to no store: what is read here is never written."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from wardround.settings import Settings
from wardround.use_cases.base import Content


@pytest.fixture
def here(tmp_path: Path) -> Settings:
    """Settings whose data folder is the test's own."""
    return Settings(
        data=tmp_path, home=tmp_path / "home", pseudonym_key=SecretStr("a fixed key, for tests and nothing else")
    )


@pytest.fixture
def lead() -> Content:
    """A signal of one channel on a regular grid."""
    return Content(name="ecg", kind="series", channels=("lead",))


@pytest.fixture
def items() -> Content:
    """Two items measured at scattered times."""
    return Content(name="labs", kind="series", channels=("sodium", "urea"), options={"irregular": True})
