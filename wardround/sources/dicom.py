"""DICOM folders: the pixels as they are meant to be seen, a few declared tags, and nothing that names a person.

A file's name, and whatever else a tag says, is neither kept nor repeated: a row gets only what the use case declares.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from wardround.contents.cells import Unreadable
from wardround.contents.image import MOST_PIXELS
from wardround.errors import InputFault
from wardround.sources.bounds import bounded, jpeg_2000_size
from wardround.sources.pictures import Pictures, beside, files_in, labels, only_picture, path_of, quiet
from wardround.use_cases.base import Source, UseCase

if TYPE_CHECKING:
    import pandas as pd

    from wardround.settings import Settings

SUFFIXES = (".dcm", ".dicom", ".ima")
OLDEST = 90
"""Safe Harbor (45 CFR 164.514(b)(2)(i)(C)) gathers all ages over 89 into one."""
_YEARS = {"Y": 1.0, "M": 1 / 12, "W": 7 / 365.25, "D": 1 / 365.25}


def read_dicom(use_case: UseCase, source: Source, settings: "Settings") -> "pd.DataFrame":
    """Read a folder of DICOM files, with its subfolders, into a raw frame: a row per file, in the order of their paths.

    The record is named by SOPInstanceUID, the patient by PatientID, the time by StudyDate and StudyTime. Of all other
    tags only those of `TAGS` may become columns, where the use case names one as a feature's column or as ``site``.
    MONOCHROME1 is turned, so that more is brighter; modality values (rescale slope and intercept) are decimal numbers.

    Options: ``window`` (``none``; ``header``: the first window of the file; or ``centre,width``), which gives shares of
    the window in whole numbers of the content's depth; ``labels`` (a CSV file with a column named as the record id);
    ``burned_in`` (``warn``, or ``hold``: such rows go into quarantine).

    Raises:
        InputFault: the folder is missing or empty, an option is wrong, or the labels cannot be read.
        ExtraMissing: pydicom is not installed.
    """
    from wardround.privacy import rounded_in_words

    content, folder = only_picture(use_case, source.location), path_of(source, settings, folder_only=True)
    paths, others = files_in(folder, SUFFIXES, bare=True, but=str(source.options.get("labels", "")))
    if not paths:
        raise InputFault(
            source.location,
            f"there is no file in it that ends in {', '.join(SUFFIXES)}",
            "Name the folder of the files",
        )
    window, hold = _window(source), _choice(source, "burned_in", ("warn", "hold")) == "hold"
    table = labels(use_case, source, folder, settings, key=use_case.record_id)
    rows = Pictures(content=content)
    burned = 0
    for path in paths:
        named, picture, marked = _read(use_case, path, window, int(content.options.get("depth", 8)))
        if marked:
            burned += 1
            picture = "text is burned into the pixels" if hold and not isinstance(picture, str) else picture
        rows.add(named, picture)
    rows.warn(
        "burned-in text", burned,
        f"text may be burned into the pixels of {rounded_in_words(burned, settings.small_cell)} files, by their own "
        "tag: look at them, since text in pixels can name a patient and is not removed",
    )  # fmt: skip
    rows.warn("other files", others, "files that are not DICOM lie in the folder; they were not read")
    made = rows.frame([*_columns(use_case)])
    return beside(made, made[use_case.record_id].tolist(), table)


def _read(
    use_case: UseCase, path: Path, window: str | tuple[float, float], depth: int
) -> tuple[dict[str, Any], NDArray[Any] | str, bool]:
    """Return the columns of a file, its picture or why there is none, and whether text is burned into it by its tag."""
    try:
        with quiet(), bounded():
            file = _opened(path)
            burned = str(_said(file, lambda file: _text(file, "BurnedInAnnotation"))).upper() == "YES"
            return _row(use_case, file), _picture(file, window, depth), burned
    except Unreadable as why:
        return _row(use_case, None), str(why), False


def _window(source: Source) -> str | tuple[float, float]:
    said = str(source.options.get("window", "none"))
    if said in ("none", "header"):
        return said
    try:
        centre, width = (float(part) for part in said.split(","))
    except ValueError:
        width = 0.0
    if not width >= 1:
        raise InputFault(source.location, "the option window is not understood", "Write none, header or centre,width")
    return centre, width


def _choice(source: Source, option: str, choices: tuple[str, ...]) -> str:
    said = str(source.options.get(option, choices[0]))
    if said not in choices:
        raise InputFault(source.location, f"the option {option} is not understood", f"Write {' or '.join(choices)}")
    return said


def data_set(path: Path) -> Any:
    """Return the data set in a file.

    Raises:
        Unreadable: it is deflated as a whole, so that a small file takes hours.
        Exception: whatever pydicom stumbles over.
    """
    import pydicom
    from pydicom.filereader import read_file_meta_info

    if read_file_meta_info(path).TransferSyntaxUID == pydicom.uid.DeflatedExplicitVRLittleEndian:
        raise Unreadable("deflated as a whole, which is not read: export it in another transfer syntax")
    return pydicom.dcmread(path)


def _opened(path: Path) -> Any:
    """Return the data set in a file, None where there is none that can be read."""
    try:
        file = data_set(path)
    except (MemoryError, Unreadable):
        raise
    except Exception:  # a broken file can make the parser say anything, values of tags included
        return None
    return file


def _text(file: Any, tag: str) -> str | None:
    said = str(file.get(tag) or "").strip()
    return said or None


def _number(file: Any, tag: str) -> float | None:
    try:
        return float(file.get(tag))
    except (TypeError, ValueError):
        return None


def _age(file: Any, tag: str) -> float | None:
    said = str(file.get(tag) or "").strip()
    if said[:-1].isdigit() and said[-1:] in _YEARS:
        return min(round(int(said[:-1]) * _YEARS[said[-1]], 2), OLDEST)
    return None


TAGS: Mapping[str, Callable[[Any, str], str | float | None]] = {
    **dict.fromkeys(
        ("Modality", "BodyPartExamined", "ViewPosition", "Laterality", "PatientSex", "Manufacturer",
         "ManufacturerModelName"), _text,
    ),
    **dict.fromkeys(("KVP", "Exposure", "ExposureTime", "XRayTubeCurrent", "SliceThickness"), _number),
    "PatientAge": _age,
}  # fmt: skip
"""The tags that may become columns; none of them names a person, a place or a day."""


def _columns(use_case: UseCase) -> dict[str, Callable[[Any], Any]]:
    """Return what is read of a file, by source column."""
    asked = [feature.source_column for feature in use_case.features if feature.of is None]
    asked += [use_case.site] if use_case.site else []
    found: dict[str, Callable[[Any], Any]] = {name: _tag(name) for name in asked if name in TAGS}
    if use_case.time is not None:
        found[use_case.time] = _moment
    if use_case.patient_id is not None:
        found[use_case.patient_id] = lambda file: _text(file, "PatientID")
    found[use_case.record_id] = lambda file: _text(file, "SOPInstanceUID")
    return found


def _tag(name: str) -> Callable[[Any], Any]:
    return lambda file: TAGS[name](file, name)


def _row(use_case: UseCase, file: Any) -> dict[str, Any]:
    return {name: _said(file, read) for name, read in _columns(use_case).items()}


def _said(file: Any, read: Callable[[Any], Any]) -> Any:
    try:
        return None if file is None else read(file)
    except MemoryError:
        raise
    except Exception:  # a tag that cannot be converted is a missing one
        return None


def _moment(file: Any) -> str | None:
    day, clock = str(file.get("StudyDate") or ""), str(file.get("StudyTime") or "").split(".")[0]
    if len(day) != 8 or not day.isdigit():
        return None
    if len(clock) < 4 or not clock.isdigit():
        clock = "000000"
    clock = clock.ljust(6, "0")
    return f"{day[:4]}-{day[4:6]}-{day[6:]}T{clock[:2]}:{clock[2:4]}:{clock[4:6]}"


def _picture(file: Any, window: str | tuple[float, float], depth: int) -> NDArray[Any] | str:
    """Return the picture of a file, or why there is none."""
    if file is None:
        return "not a DICOM file, or damaged at its beginning"
    try:
        return _shown(file, _stored(file), window, depth)
    except Unreadable as why:
        return str(why)
    except MemoryError:
        raise
    except Exception:  # decoders fail in ways of their own, and name what they met
        return "its pixel data are damaged, cut short or not described"


def _stored(file: Any) -> NDArray[Any]:
    """Return the stored values, (height, width) or (height, width, 3) in red, green, blue."""
    from pydicom.encaps import get_frame
    from pydicom.pixels import apply_color_lut, get_decoder, pixel_array
    from pydicom.uid import JPEG2000TransferSyntaxes

    if "PixelData" not in file:
        raise Unreadable("no pixel data in the file")
    if int(file.get("NumberOfFrames") or 1) > 1:
        raise Unreadable("more than one frame in the file")
    if int(file.Rows) * int(file.Columns) > MOST_PIXELS:
        raise Unreadable(f"more than {MOST_PIXELS // 1_000_000} million pixels")
    syntax = file.file_meta.TransferSyntaxUID
    if syntax.is_compressed:
        try:
            known = get_decoder(syntax).is_available
        except NotImplementedError:
            known = False
        if not known:
            raise Unreadable(f"compressed ({_syntax(syntax)}), and no decoder for it is installed")
        if syntax in JPEG2000TransferSyntaxes:
            promised = jpeg_2000_size(get_frame(file.PixelData, 0, number_of_frames=1))
            if promised != (int(file.Rows), int(file.Columns)):
                raise Unreadable("its JPEG 2000 picture is not of the size that its tags say")
    array: NDArray[Any] = pixel_array(file)
    if str(file.PhotometricInterpretation) == "PALETTE COLOR":
        wide: NDArray[Any] = apply_color_lut(array, file)
        return (wide >> 8).astype(np.uint8) if wide.dtype.itemsize > 1 else wide
    return array


def _syntax(syntax: Any) -> str:
    """Return the name of a transfer syntax; one that is not in the standard is not repeated."""
    return str(syntax.name) if syntax.type == "Transfer Syntax" else "in a private way"


def _shown(file: Any, stored: NDArray[Any], window: str | tuple[float, float], depth: int) -> NDArray[Any]:
    """Return *stored* with more as brighter, in modality values or as shares of the window."""
    from pydicom.pixels import apply_rescale, apply_windowing

    if stored.ndim == 3:
        return stored
    bits, negative = int(file.BitsStored), str(file.PhotometricInterpretation) == "MONOCHROME1"
    if window == "none":
        top = -1 if int(file.PixelRepresentation) else 2**bits - 1
        turned = top - stored.astype(np.int64) if negative else stored.astype(np.int64)
        if _rescaled(file):
            return np.asarray(apply_rescale(turned, file)).astype(np.float32)
        if int(file.PixelRepresentation):
            return turned.astype(np.float32)
        return turned.astype(np.uint8 if bits <= 8 else np.uint16 if bits <= 16 else np.float32)
    if isinstance(window, tuple):
        file.WindowCenter, file.WindowWidth = window
    if "WindowCenter" not in file or "WindowWidth" not in file:
        raise Unreadable("no window in the file, and the use case asks for it")
    values = np.asarray(apply_rescale(stored, file)).astype(np.float64)
    low, high = np.asarray(apply_windowing(np.array([[-1e9, 1e9]]), file)).ravel()
    share = (np.asarray(apply_windowing(values, file)) - low) / (high - low)
    whole = np.rint((1.0 - share if negative else share) * (2**depth - 1))
    return np.asarray(whole, dtype=np.uint8 if depth <= 8 else np.uint16)


def _rescaled(file: Any) -> bool:
    return "ModalityLUTSequence" in file or (
        "RescaleSlope" in file and (float(file.RescaleSlope), float(file.RescaleIntercept)) != (1.0, 0.0)
    )


def picture_in(path: Path) -> NDArray[Any] | str:
    """Return the picture in one DICOM file, through its own window where it has one, or why there is none."""
    try:
        with quiet(), bounded():
            file = _opened(path)
            windowed = file is not None and "WindowCenter" in file and "WindowWidth" in file
            return _picture(file, "header" if windowed else "none", 8)
    except Unreadable as why:
        return str(why)
