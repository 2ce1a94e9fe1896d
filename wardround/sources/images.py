"""Pictures in files: an NPZ archive (the MedMNIST form), a folder of PNG, TIFF, npy, NIfTI or NRRD, one large picture
with its mask that is cut into crops."""

import bz2
import gzip
import io
import math
import zipfile
import zlib
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from wardround.contents.arrays import MOST_BYTES, packed, unpacked
from wardround.contents.cells import Unreadable
from wardround.contents.image import MOST_PIXELS, SMALLEST, decoded
from wardround.errors import InputFault
from wardround.sources.bounds import bounded
from wardround.sources.pictures import Pictures, beside, files_in, labels, only_picture, path_of, quiet
from wardround.use_cases.base import Source, UseCase

if TYPE_CHECKING:
    import pandas as pd

    from wardround.settings import Settings

MOST_VOXELS = 1_000_000_000
SPLITS = ("train", "val", "test")


def read_images(use_case: UseCase, source: Source, settings: "Settings") -> "pd.DataFrame":
    """Read pictures into a raw frame, one row each.

    An ``.npz`` file holds ``<split>_images`` (n, height, width[, 3]) and ``<split>_labels`` (n, 1); option ``split``
    (``train+val``; all, unless it is given). The record is the split and the place in it.

    A folder: each file is a record named by its path without the suffix, unless the CSV file of option ``labels`` has a
    column of the record id; its rows belong to the files in its column ``file`` (option ``file_column``). Option
    ``masks`` is the subfolder with a mask of the same name per picture. Of volumes (NIfTI, NRRD) option ``slice`` says
    which along the last axis, a number or ``middle``.

    A folder with the options ``image`` and ``mask``: two TIFF pictures that are cut into ``grid`` by ``grid`` crops (8,
    unless it is given), each of them a record; instances are numbered anew in each crop. Option ``depth`` 8 says that
    the values fit into 8 bits, though the file has 16.

    Raises:
        InputFault: nothing is there, an archive is not of this form, or the labels cannot be read.
        ExtraMissing: a library for the format is not installed.
    """
    content, path = only_picture(use_case, source.location), path_of(source, settings)
    rows = Pictures(content=content)
    if path.is_file() and path.suffix.lower() == ".npz":
        return _archive(use_case, source, path, rows)
    if path.is_dir() and {"image", "mask"} <= set(source.options):
        return _crops(use_case, source, path, rows)
    return _folder(use_case, source, path, settings, rows)


def pictures_at(place: Path) -> tuple[list[NDArray[Any]], int]:
    """Return the pictures in a file or under a folder, in the order of their names, and how many files are none.

    DICOM is read too; of a volume the middle slice is taken.

    Raises:
        InputFault: there is no such file.
    """
    from wardround.sources.dicom import SUFFIXES, picture_in

    if not place.exists():
        raise InputFault(str(place), "there is no such file or folder", "Check the path")
    paths, others = files_in(place, (*_READERS, *SUFFIXES), bare=True) if place.is_dir() else ([place], 0)
    found: list[NDArray[Any]] = []
    for path in paths:
        own = path.name.lower().endswith(tuple(_READERS))
        picture = _read(path, {"slice": "middle"}) if own else picture_in(path)
        if isinstance(picture, str) or picture.ndim not in (2, 3) or min(picture.shape[:2]) < SMALLEST:
            others += 1
        else:
            found.append(picture)
    return found, others


def _archive(use_case: UseCase, source: Source, path: Path, rows: Pictures) -> "pd.DataFrame":
    wanted = str(source.options.get("split", "+".join(SPLITS))).split("+")
    names = [f"{split}_{what}" for split in wanted for what in ("images", "labels")]
    arrays = _arrays(path, names, source.location)
    target = use_case.target.column
    for split in wanted:
        pictures, answers = arrays.get(f"{split}_images"), arrays.get(f"{split}_labels")
        if pictures is None or pictures.ndim not in (3, 4) or not pictures.size:
            raise InputFault(source.location, f"it has no pictures {split}_images", "Name a split that it has")
        if answers is not None and (len(answers) != len(pictures) or answers.size != len(pictures)):
            raise InputFault(source.location, f"{split}_labels is not one label per picture", "Check the archive")
        for place, picture in enumerate(pictures):
            answer = {} if answers is None else {target: answers.reshape(-1)[place].item()}
            rows.add({use_case.record_id: f"{split}-{place:06d}", **answer}, picture)
    return rows.frame((use_case.record_id, target))


def _arrays(path: Path, names: Collection[str], place: str) -> dict[str, NDArray[Any]]:
    """Return the arrays called *names* that are in the archive, by name; what they take is known before it is taken."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = {name: archive.getinfo(f"{name}.npy") for name in names if f"{name}.npy" in archive.namelist()}
            if any(member.file_size > MOST_BYTES for member in members.values()):
                raise InputFault(place, f"an array in it is over {MOST_BYTES // 2**20} MiB long", "Send it in parts")
            return {name: unpacked(archive.read(member)) for name, member in members.items()}
    except InputFault as fault:
        if fault.place == place:
            raise
    except (OSError, ValueError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error):
        pass
    raise InputFault(place, "it is no NPZ archive of numbers, or damaged", "Copy it again") from None


def _crops(use_case: UseCase, source: Source, folder: Path, rows: Pictures) -> "pd.DataFrame":
    grid = int(source.options.get("grid", 8))
    picture, mask = (_whole(folder / str(source.options[name]), source.location) for name in ("image", "mask"))
    if picture.shape[:2] != mask.shape or mask.ndim != 2:
        raise InputFault(
            source.location, "the picture and its mask are not of one size", "Check that they belong together"
        )
    if grid < 1 or any(side % grid for side in mask.shape):
        raise InputFault(source.location, f"it cannot be cut into {grid} by {grid} equal crops", "Choose another grid")
    if int(source.options.get("depth", 0)) == 8 and picture.min() >= 0 and picture.max() <= np.iinfo(np.uint8).max:
        picture = picture.astype(np.uint8)
    height, width = (side // grid for side in mask.shape)
    stem = Path(str(source.options["image"])).stem
    for row in range(grid):
        for column in range(grid):
            place = np.s_[row * height : (row + 1) * height, column * width : (column + 1) * width]
            truth = np.unique(np.append(mask[place].ravel(), 0), return_inverse=True)[1][:-1].reshape(height, width)
            names = {use_case.record_id: f"{stem}-{row:02d}-{column:02d}"}
            if use_case.patient_id is not None:
                names[use_case.patient_id] = stem
            rows.add({**names, use_case.target.column: packed(truth.astype(np.uint16))}, picture[place])
    names_of = [use_case.record_id, *([use_case.patient_id] if use_case.patient_id else [])]
    return rows.frame((*names_of, use_case.target.column))


def _whole(path: Path, place: str) -> NDArray[Any]:
    try:
        with bounded():
            return _tiff(path, {})
    except (Unreadable, OSError):
        raise InputFault(
            place, f"{path.name} is missing, or no picture of one page", "Check the options image and mask"
        ) from None


def _folder(use_case: UseCase, source: Source, path: Path, settings: "Settings", rows: Pictures) -> "pd.DataFrame":
    folder = path if path.is_dir() else path.parent
    paths, _ = files_in(folder, tuple(_READERS)) if path.is_dir() else ([path], 0)
    masks = folder / str(source.options["masks"]) if "masks" in source.options else None
    paths = [file for file in paths if masks is None or masks not in file.parents]
    key = str(source.options.get("file_column", "file"))
    table = labels(use_case, source, folder, settings, key=key)
    files = {file.relative_to(folder).as_posix(): file for file in paths}
    names = list(files) if table is None else list(dict.fromkeys([*files, *table.index.astype(str)]))
    if not names:
        raise InputFault(
            source.location, f"no file in it ends in {', '.join(_READERS)}", "Name the folder of the pictures"
        )
    named = table is not None and use_case.record_id in table.columns
    for name in names:
        columns: dict[str, Any] = {} if named else {use_case.record_id: _stem(name)}
        if masks is not None:
            columns[use_case.target.column] = _mask(masks, _stem(name), rows)
        rows.add(columns, _read(files.get(name), source.options))
    if table is not None:
        unnamed = sum(name not in table.index for name in names)
        rows.warn("files without labels", unnamed, "some pictures are in no row of the table of labels")
    made = rows.frame([name for name in (use_case.record_id, use_case.target.column) if name in (rows.rows[0])])
    return beside(made, names, table)


def _mask(folder: Path, stem: str, rows: Pictures) -> bytes | None:
    found = next((path for suffix in _READERS if (path := folder / f"{stem}{suffix}").is_file()), None)
    if found is None:
        return None
    array = _read(found, {})
    if isinstance(array, str):
        rows.fault("its mask cannot be read")
        return None
    return packed(array)


def _stem(name: str) -> str:
    return next((name[: -len(suffix)] for suffix in _READERS if name.lower().endswith(suffix)), name)


def _read(path: Path | None, options: Mapping[str, Any]) -> NDArray[Any] | str:
    """Return the picture in a file, or why there is none."""
    if path is None:
        return "its file is missing"
    reader = next((read for suffix, read in _READERS.items() if path.name.lower().endswith(suffix)), None)
    if reader is None:
        return "its file is of a kind that is not read"
    try:
        with quiet(), bounded():
            return reader(path, options)
    except Unreadable as why:
        return str(why)
    except ModuleNotFoundError:
        raise
    except Exception:  # what a broken file makes a parser say may quote its header
        return "its file is damaged or of another kind than its name says"


def _bytes(path: Path, _: Mapping[str, Any]) -> NDArray[Any]:
    return decoded(path.read_bytes())


def _tiff(path: Path, _: Mapping[str, Any]) -> NDArray[Any]:
    import tifffile

    try:
        with tifffile.TiffFile(path) as file:
            if len(file.pages) != 1:
                raise Unreadable("more than one page in the file")
            if np.prod(file.pages[0].shape[:2]) > MOST_PIXELS:
                raise Unreadable(f"more than {MOST_PIXELS // 1_000_000} million pixels")
            return np.asarray(file.asarray())
    except (tifffile.TiffFileError, ValueError):
        raise Unreadable("a TIFF picture that is damaged") from None


def _nifti(path: Path, options: Mapping[str, Any]) -> NDArray[Any]:
    import nibabel

    return _slice(nibabel.load(path).dataobj, options)  # read where it is sliced, no more than that


def _nrrd(path: Path, options: Mapping[str, Any]) -> NDArray[Any]:
    import nrrd

    with path.open("rb") as file:
        header = nrrd.read_header(file)
        if {"data file", "datafile"} & set(header):
            raise Unreadable("its values are in another file, which is not looked for")
        if math.prod(int(size) for size in header["sizes"]) > MOST_VOXELS:
            raise Unreadable(f"more than {MOST_VOXELS // 1_000_000} million values")
        return _slice(nrrd.read_data(header, _inflated(file, header)), options)


def _inflated(file: BinaryIO, header: Any) -> BinaryIO:
    """Return the values behind an NRRD *header* without their compression, not many more than it says there are."""
    kind = header["encoding"]
    if kind not in ("gzip", "gz", "bzip2", "bz2"):
        return file
    plain: Any = gzip.GzipFile(fileobj=file) if kind.startswith("g") else bz2.BZ2File(file)
    header["encoding"] = "raw"
    return io.BytesIO(plain.read(8 * math.prod(int(size) for size in header["sizes"]) + 2**20))


def _slice(volume: Any, options: Mapping[str, Any]) -> NDArray[Any]:
    """Return one picture of a volume in the order columns, rows, slices, as rows and columns."""
    wide = [axis for axis, size in enumerate(volume.shape) if size != 1]
    if math.prod(volume.shape) > MOST_VOXELS:
        raise Unreadable(f"more than {MOST_VOXELS // 1_000_000} million values")
    if len(wide) not in (2, 3) or math.prod(volume.shape[axis] for axis in wide[:2]) > MOST_PIXELS:
        raise Unreadable("not a picture and not a volume, or too large")
    picked: list[Any] = [slice(None) if axis in wide else 0 for axis in range(len(volume.shape))]
    if len(wide) == 3:
        if "slice" not in options:
            raise Unreadable("a volume of more than one slice, and the option slice does not say which")
        slices = volume.shape[wide[2]]
        place = slices // 2 if options["slice"] == "middle" else int(options["slice"])
        if not 0 <= place < slices:
            raise Unreadable("a volume that does not have the slice asked for")
        picked[wide[2]] = place
    return np.asarray(volume[tuple(picked)]).T


_READERS: Mapping[str, Callable[[Path, Mapping[str, Any]], NDArray[Any]]] = {
    ".png": _bytes, ".npy": _bytes, ".tif": _tiff, ".tiff": _tiff, ".nii": _nifti, ".nii.gz": _nifti, ".nrrd": _nrrd,
}  # fmt: skip
