"""Pictures in archives, folders and volumes become rows; what cannot be read is told by its reason."""

import gzip
import zipfile

import numpy as np
import pytest
import tifffile
from PIL import Image

from wardround.contents.arrays import unpacked
from wardround.errors import InputFault
from wardround.sources.canonical import canonical
from wardround.sources.images import read_images
from wardround.use_cases.base import Source, Target


def images(location, **options) -> Source:
    return Source(kind="images", location=str(location), options=options)


@pytest.fixture
def archive(chest, tmp_path):
    pictures = np.stack([chest(seed) for seed in range(6)])
    np.savez(
        tmp_path / "set.npz", train_images=pictures[:4], train_labels=np.array([[0], [1], [1], [0]]),
        test_images=pictures[4:], test_labels=np.array([[1], [0]]),
    )  # fmt: skip
    return pictures


def test_an_archive_gives_the_split_that_is_asked_for(archive, case, plain_settings):
    train = read_images(case(), images("set.npz", split="train"), plain_settings)
    both = read_images(case(), images("set.npz", split="train+test"), plain_settings)
    assert train["sick"].tolist() == [0, 1, 1, 0]
    assert both["uid"].tolist()[-1] == "test-000001"
    assert np.array_equal(unpacked(both["picture"].iloc[4]), archive[4])
    frame = canonical(case(), both, plain_settings, place="x")
    assert frame["target"].tolist() == [0, 1, 1, 0, 1, 0]
    assert frame.attrs["row_faults"] == {}


def test_an_archive_that_is_none_or_has_no_such_split_is_refused(archive, case, plain_settings, tmp_path):
    with pytest.raises(InputFault, match="val_images"):
        read_images(case(), images("set.npz"), plain_settings)
    (tmp_path / "bad.npz").write_bytes((tmp_path / "set.npz").read_bytes()[:300])
    with pytest.raises(InputFault, match="damaged"):
        read_images(case(), images("bad.npz"), plain_settings)
    np.savez(tmp_path / "objects.npz", train_images=np.array([object()], dtype=object))
    with pytest.raises(InputFault, match="no NPZ archive of numbers"):
        read_images(case(), images("objects.npz", split="train"), plain_settings)


def test_a_folder_of_mixed_files_with_labels(chest, case, plain_settings, tmp_path):
    import nibabel
    import nrrd

    volume = np.stack([chest(3), chest(4), chest(5)], axis=2).astype(np.uint8)
    Image.fromarray(chest(1)).save(tmp_path / "a.png")
    tifffile.imwrite(tmp_path / "b.tif", chest(2))
    nibabel.save(nibabel.Nifti1Image(volume, np.eye(4)), tmp_path / "c.nii.gz")
    nrrd.write(str(tmp_path / "d.nrrd"), volume)
    tifffile.imwrite(tmp_path / "e.tif", np.zeros((2, 64, 64), np.uint8), photometric="minisblack")
    (tmp_path / "f.png").write_bytes(b"\x89PNG\r\n\x1a\nDoe Jane")
    (tmp_path / "g.tif").write_bytes(b"Doe Jane")
    (tmp_path / "labels.csv").write_text("file,uid,sick\na.png,1,0\nb.tif,2,1\nc.nii.gz,3,1\nd.nrrd,4,0\nz.png,5,1\n")
    frame = read_images(case(), images(tmp_path, labels="labels.csv", slice="middle"), plain_settings)
    assert frame["sick"].tolist()[:4] == ["0", "1", "1", "0"]
    assert np.array_equal(unpacked(frame["picture"].iloc[1]), chest(2))
    assert np.array_equal(unpacked(frame["picture"].iloc[2]), chest(4).T)
    assert frame["picture"].iloc[3] == frame["picture"].iloc[2]
    assert frame.attrs["row_faults"] == {
        "picture: more than one page in the file": [4],
        "picture: a PNG picture that is damaged or too large": [5],
        "picture: a TIFF picture that is damaged": [6],
        "picture: its file is missing": [7],
    }
    assert "Doe" not in str(frame.attrs)
    assert "in no row of the table" in frame.attrs["delivery"][0]["sentence"]
    undecided = read_images(case(), images(tmp_path), plain_settings)
    assert "a volume of more than one slice" in " ".join(undecided.attrs["row_faults"])


def test_masks_lie_in_a_folder_beside(chest, case, plain_settings, tmp_path):
    (tmp_path / "masks").mkdir()
    for name in ("a", "b", "c"):
        Image.fromarray(chest(1)).save(tmp_path / f"{name}.png")
    Image.fromarray((chest(1) > 100).astype(np.uint8) * 3).save(tmp_path / "masks" / "a.png")
    (tmp_path / "masks" / "b.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    u = case(problem="segmentation", target=Target(column="mask"))
    frame = canonical(u, read_images(u, images(tmp_path, masks="masks"), plain_settings), plain_settings, place="x")
    assert frame["truth"].notna().tolist() == [True, False, False]
    assert frame["target"][0] == pytest.approx(float((chest(1) > 100).mean()))
    assert frame.attrs["row_faults"] == {"picture: its mask cannot be read": [1]}


def test_a_slide_is_cut_into_crops_whose_instances_are_numbered_anew(case, plain_settings, shared_data):
    u = case(problem="segmentation", target=Target(column="mask"), shape=(64, 64))
    source = images(str(shared_data / "nuclei"), image="img2d.tif", mask="mask2d.tif", grid=8, depth=8)
    frame = canonical(u, read_images(u, source, plain_settings), plain_settings, place="x")
    whole = tifffile.imread(shared_data / "nuclei" / "mask2d.tif")
    masks = [unpacked(cell) for cell in frame["truth"]]
    assert len(frame) == 64
    assert frame.attrs["row_faults"] == {}
    assert frame["target"].mean() == pytest.approx(float((whole > 0).mean()))
    assert all(set(np.unique(mask)) == set(range(mask.max() + 1)) for mask in masks)
    assert np.array_equal(masks[9] > 0, whole[64:128, 64:128] > 0)
    with pytest.raises(InputFault, match="equal crops"):
        read_images(u, images(source.location, image="img2d.tif", mask="mask2d.tif", grid=7), plain_settings)
    with pytest.raises(InputFault, match="is missing"):
        read_images(u, images(source.location, image="img2d.tif", mask="no.tif"), plain_settings)


def test_a_use_case_without_a_picture_and_an_empty_folder_are_refused(case, plain_settings, tmp_path):
    with pytest.raises(InputFault, match="one picture per row"):
        read_images(case(contents=()), images(tmp_path), plain_settings)
    with pytest.raises(InputFault, match="no file in it"):
        read_images(case(), images(tmp_path), plain_settings)


def test_a_volume_takes_no_more_memory_than_its_slice_and_nothing_from_other_files(case, plain_settings, tmp_path):
    nothing = gzip.compress(bytes(2**20), mtime=0)
    header = nibabel_header((30_000, 30_000))
    (tmp_path / "a.nii.gz").write_bytes(gzip.compress(header, mtime=0) + nothing)
    said = b"NRRD0004\ntype: uint8\ndimension: 2\nsizes: "
    (tmp_path / "b.nrrd").write_bytes(said + b"65536 65536\nencoding: gzip\n\n" + nothing)
    (tmp_path.parent / "elsewhere.raw").write_bytes(bytes(range(250)) * 2)
    for name, place in (("c.nrrd", b"../elsewhere.raw"), ("d.nrrd", str(tmp_path.parent / "elsewhere.raw").encode())):
        (tmp_path / name).write_bytes(said + b"20 25\nencoding: raw\ndata file: " + place + b"\n\n")
    frame = read_images(case(), images(tmp_path), plain_settings)
    assert frame["picture"].isna().all()
    assert frame.attrs["row_faults"] == {
        "picture: not a picture and not a volume, or too large": [0],
        "picture: more than 1000 million values": [1],
        "picture: its values are in another file, which is not looked for": [2, 3],
    }


def nibabel_header(shape: tuple[int, int]) -> bytes:
    """A header that says *shape*, with no values behind it."""
    import nibabel

    header = nibabel.Nifti1Header()
    header.set_data_dtype(np.uint8)
    header.set_data_shape(shape)
    header["magic"], header["vox_offset"] = b"n+1", 352
    return bytes(header.binaryblock) + bytes(4)


def test_a_compressed_volume_is_read_as_it_was_written(case, plain_settings, tmp_path, chest):
    import nrrd

    for name, encoding in (("a", "raw"), ("b", "gzip"), ("c", "bzip2"), ("d", "ascii")):
        nrrd.write(str(tmp_path / f"{name}.nrrd"), chest(1).T, {"encoding": encoding})
    frame = read_images(case(), images(tmp_path), plain_settings)
    assert all(np.array_equal(unpacked(cell), chest(1)) for cell in frame["picture"])


def test_an_archive_that_promises_more_than_it_holds_is_refused(archive, case, plain_settings, tmp_path, monkeypatch):
    header = repr({"descr": "|u1", "fortran_order": False, "shape": (10**9, 1000, 1000)}).encode().ljust(117) + b"\n"
    with zipfile.ZipFile(tmp_path / "promise.npz", "w") as made:
        made.writestr("train_images.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
    np.save(tmp_path / "single", archive)
    (tmp_path / "single.npy").rename(tmp_path / "single.npz")
    for name in ("promise.npz", "single.npz"):
        with pytest.raises(InputFault, match="no NPZ archive of numbers"):
            read_images(case(), images(name, split="train"), plain_settings)
    monkeypatch.setattr("wardround.sources.images.MOST_BYTES", 100)
    with pytest.raises(InputFault, match="an array in it is over"):
        read_images(case(), images("set.npz", split="train"), plain_settings)


def test_no_library_logs_what_it_found_in_a_broken_file(case, plain_settings, tmp_path, caplog):
    (tmp_path / "a.tif").write_bytes(b"II*\0" + b"\x39\x05\x00\x00" + b"Rumpelstilzchen" * 9)
    read_images(case(), images(tmp_path), plain_settings)
    assert not caplog.records
