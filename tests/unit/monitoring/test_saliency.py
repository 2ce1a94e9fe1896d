"""Where the answers come from is told as a mean over enough patients, and of nobody alone."""

import html
import importlib
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from expectations import suite_for
from wardround import models, registry, training
from wardround.domain import to_json, utc_now
from wardround.ingest import ingest
from wardround.monitoring import saliency as module
from wardround.monitoring.page import pictured
from wardround.monitoring.report import drift_report
from wardround.monitoring.saliency import (
    SALIENCY,
    MeanSaliency,
    mean_saliency,
    saliency_alt,
    saliency_picture,
    stored_saliency,
)
from wardround.sources import source_from
from wardround.use_cases import load

CASE = load("nuclei")
NAME = CASE.contents[0].name
SMALL = 10


@dataclass
class Looking:
    """What is asked of a learner: its columns, and the array that each row's content stands for."""

    arrays: dict[str, Any]
    columns: tuple[str, ...] = (NAME,)
    asked: list[int] = field(default_factory=list)

    def saliency(self, frame):
        self.asked.append(len(frame))
        return np.array([self.arrays[cell] for cell in frame[NAME]] + [None], dtype=object)[:-1]


def rows(arrays, patients=None):
    """A frame of one row per array, and the learner that looks at them."""
    cells = [f"cell {n}" for n in range(len(arrays))]
    frame = pd.DataFrame({"patient_id": patients or [f"p{n}" for n in range(len(arrays))], NAME: cells})
    return frame, Looking(dict(zip(cells, arrays, strict=True)))


def found_in(arrays, patients=None, small_cell=SMALL):
    frame, learner = rows(arrays, patients)
    return mean_saliency(learner, CASE, frame, seed=1, small_cell=small_cell)


def corner(size, value=1.0):
    array = np.full((size, size), 0.1)
    array[: size // 4, : size // 2] = -value
    return array


def test_pictures_of_one_size_keep_it_and_the_sign_does_not_count():
    found = found_in([corner(28)] * SMALL)
    assert (found.content, found.patients, found.shape) == (NAME, SMALL, (28, 28))
    assert found.array.mean() == pytest.approx(1, abs=1e-3)
    assert found.array[0, 0] == pytest.approx(10 * found.array[-1, -1], rel=0.01)


def test_other_sizes_are_brought_to_one_grid_where_the_same_place_is_the_same_share():
    found = found_in([corner(size) for size in (28, 40, 64, 100, 512) * 2])
    assert found.shape == (64, 64)
    assert found.array[:15, :31].min() > 5 * found.array[17:].max()
    assert found.array[:16, :32].mean() == pytest.approx(
        found_in([corner(64)] * SMALL).array[:16, :32].mean(), rel=0.05
    )


def test_lengths_become_a_curve_over_their_share():
    found = found_in([np.repeat([0.0, 1.0, 0.0, 0.0], length) for length in range(5, 5 + SMALL)])
    assert found.shape == (64,)
    assert found.pooled(4) == pytest.approx([0, 4, 0, 0], abs=0.1)
    assert "most at" in saliency_alt(found)
    assert found.concentration == pytest.approx(0.4, abs=0.05)


@pytest.mark.parametrize("length", [1, 2, 7, 64, 100, 1000])
def test_bringing_to_a_grid_keeps_the_mean(length):
    array = np.random.default_rng(length).random((length, 3))
    assert module._brought(array, (64, 64)).mean() == pytest.approx(array.mean())


def test_for_fewer_patients_than_a_small_cell_there_is_none_however_many_their_rows():
    few = SMALL - 1
    assert found_in([corner(28)] * few) is None
    assert found_in([corner(28)] * 4 * few, [f"p{n % few}" for n in range(4 * few)]) is None
    assert found_in([corner(28)] * few, small_cell=few).patients == few  # the guard decides, nothing else


def test_patients_whose_answer_comes_from_nowhere_do_not_make_up_the_number():
    assert found_in([corner(28)] * (SMALL - 1) + [None, np.zeros((28, 28)), np.full((28, 28), np.nan)]) is None


def test_one_patient_outweighs_nobody():
    usual = [corner(28)] * (SMALL - 1)
    once = found_in([*usual, corner(28)[::-1]])
    loud = found_in([*usual, *[1000 * corner(28)[::-1]] * 50], [f"p{min(n, SMALL - 1)}" for n in range(SMALL + 49)])
    assert loud == once


def test_at_most_two_hundred_patients_are_asked_the_same_ones_each_time():
    frame, learner = rows([corner(8, 1 + n % 7) for n in range(300)])
    made = [mean_saliency(learner, CASE, frame, seed=seed, small_cell=SMALL) for seed in (1, 1, 2)]
    assert learner.asked == [200] * 3
    assert made[0] == made[1] != made[2]


def test_what_is_no_length_and_no_area_is_not_told():
    assert found_in([np.ones((3, 3, 3))] * SMALL) is None
    assert found_in([np.ones(3), np.ones((3, 3))] * SMALL) is None


def test_a_learner_of_tables_is_not_even_asked():
    frame, learner = rows([corner(8)] * SMALL)
    learner.columns = ("nuclei_mean",)
    assert mean_saliency(learner, CASE, frame, seed=1, small_cell=SMALL) is None
    assert learner.asked == []


@pytest.mark.parametrize("shape", [(64,), (7,), (28, 28), (20, 64)])
def test_it_is_drawn_and_told_in_words_and_is_small(shape):
    values = np.linspace(0, 2, int(np.prod(shape)))
    found = MeanSaliency(content="chest_picture", patients=40, shape=shape, values=tuple(values.round(3).tolist()))
    assert saliency_picture(found).startswith(b"\x89PNG")
    told = saliency_alt(found)
    assert "chest picture" in told
    assert "40 patients" in told
    assert len(to_json(found)) < 40_000


@pytest.fixture
def slide(store, settings, shared_data, tmp_path):
    """The crops of a slide as a batch, with a use case whose one learner says where it looks."""
    settings = settings.model_copy(update={"data": shared_data})
    candidates = tuple(replace(each, search="none", grid={}) for each in CASE.candidates if each.family != "unet")
    case = replace(CASE, candidates=candidates)
    first = importlib.import_module("wardround.cli.visits.nuclei").deliver(tmp_path, settings)[0]
    batch = ingest(
        case, source_from(str(first.path)), suite_for(case), label=first.label, store=store, settings=settings,
        now=utc_now(),
    ).batch  # fmt: skip

    def train(small_cell=10):
        version = training.train(
            case, [batch.id], store=store, settings=settings.model_copy(update={"small_cell": small_cell}), seed=1,
            cause="test", parent=None, now=utc_now(),
        )  # fmt: skip
        return version, registry.read_files(store, version)

    return train


def test_a_training_keeps_it_beside_the_card_with_the_same_bytes_each_time(slide, store):
    version, files = slide()
    again, _ = slide()
    assert version.version == again.version
    found = stored_saliency(store, version)
    assert files[SALIENCY] == to_json(found)
    assert found.patients >= SMALL
    assert saliency_alt(found) in files["card.md"].decode()
    assert "exchanged as a whole" in files["card.md"].decode()
    assert models.load(files).columns == (NAME,)


def test_a_training_on_too_few_patients_keeps_none(slide, store):
    version, files = slide(small_cell=33)
    assert SALIENCY not in files
    assert stored_saliency(store, version) is None
    assert SALIENCY not in files["card.md"].decode()


def test_the_report_shows_it_with_words_for_who_does_not_see_it():
    found = found_in([corner(28)] * SMALL)
    page = pictured("Where", saliency_picture(found), saliency_alt(found), "")
    assert f'alt="{html.escape(saliency_alt(found))}"' in page
    assert 'src="data:image/png;base64,' in page
    assert "where" in drift_report.__annotations__
