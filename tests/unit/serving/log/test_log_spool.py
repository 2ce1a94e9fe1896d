"""The spool: what was acknowledged is read back, whatever cut the file off or damaged it."""

import os
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardround.errors import LogFull
from wardround.serving.log.spool import MARK, Folder, Segment, Writer, framed, frames

BODIES = st.lists(st.binary(max_size=60), max_size=6)


@given(bodies=BODIES, cut=st.integers(0, 400))
def test_a_file_that_was_cut_off_gives_all_frames_before_the_cut(bodies, cut):
    data = b"".join(map(framed, bodies))
    ends = [sum(len(framed(b)) for b in bodies[: n + 1]) for n in range(len(bodies))]
    read = frames(data[:cut])
    whole = sum(end <= cut for end in ends)
    if not any(MARK in body for body in bodies):
        assert read.bodies == bodies[:whole]
        assert read.damaged == 0
        assert read.torn == min(cut, len(data)) - (ends[whole - 1] if whole else 0)


@given(
    bodies=st.lists(st.text(max_size=40).map(str.encode), min_size=2, max_size=6),
    place=st.integers(0),
    change=st.integers(1, 255),
)
def test_a_damaged_byte_costs_one_frame_and_is_noticed(bodies, place, change):
    data = bytearray(b"".join(map(framed, bodies)))
    place %= len(data)
    data[place] ^= change
    read = frames(bytes(data))
    lost = [body for body in bodies if body not in read.bodies]
    assert len(read.bodies) == len(bodies) - 1
    assert len(lost) <= 1
    assert read.damaged + read.torn > 0


def test_a_frame_that_the_disk_does_not_take_leaves_the_file_as_it_was(tmp_path, monkeypatch):
    writer = Writer(Segment(number=1, path=tmp_path / "00000001.spool"))
    writer.append(b"first")
    real = os.pwrite

    def half(file, data, offset):
        if len(data) < 20:
            raise OSError(28, "No space left on device")
        return real(file, data[: len(data) // 2], offset)

    monkeypatch.setattr(os, "pwrite", half)
    with pytest.raises(LogFull, match="No space left on device"):
        writer.append(b"second, which is too long")
    monkeypatch.undo()
    writer.append(b"third")
    writer.close()
    read = writer.segment.frames()
    assert (read.bodies, read.damaged, read.torn) == ([b"first", b"third"], 0, 0)


def test_only_its_owner_may_look_into_the_spool(tmp_path):
    before = os.umask(0)
    try:
        folder = Folder.new(tmp_path / "serving", "one")
        Writer(folder.segment(1)).close()
    finally:
        os.umask(before)
    places = [tmp_path / "serving", folder.path, folder.path / "lock", folder.segment(1).path]
    assert [stat.S_IMODE(place.stat().st_mode) for place in places] == [0o700, 0o700, 0o600, 0o600]


def test_a_folder_whose_server_runs_is_left_alone_and_one_whose_server_ended_is_found(tmp_path):
    running, ended = Folder.new(tmp_path, "running"), Folder.new(tmp_path, "ended")
    for folder in (running, ended):
        Writer(folder.segment(1)).close()
    ended.close()
    assert [folder.name for folder in Folder.abandoned(tmp_path)] == [ended.name]
    assert ended.path.exists(), "what is in it was not shipped"
    ended.segment(1).path.unlink()
    assert [folder.name for folder in Folder.abandoned(tmp_path)] == [ended.name]
    assert not ended.path.exists()
    assert running.path.exists()
