"""What the characters of a text give away: an encoding that went wrong, and the script it is written in."""

import re

CHINESE = r"㐀-䶿一-鿿豈-﫿"
"""Ranges of Chinese characters, for the inside of a character class."""

_CHINESE = re.compile(f"[{CHINESE}]")
_LETTER = re.compile(r"[^\W\d_]")
_LATIN = re.compile("[A-Za-z\xaa-\u024f\u1e00-\u1eff]")
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f]")
_LOST = re.compile("�|[\x80-\x9f]|[\ud800-\udfff]|[￾￿]|\\?{4,}")
_WIDE = re.compile("[\u2e80-\uffef]")
_BYTES = {
    letter: bytes([code]) for code in range(0x80, 0xA0) for letter in bytes([code]).decode("cp1252", "ignore")
}  # Windows-1252 where it differs from Latin-1
_HIGH = re.compile(f"[\x80-\xff{''.join(_BYTES)}]{{2,}}")
_RUN = re.compile(f"[{CHINESE}€]{{5,}}")
_MOSTLY = 0.8


def control_characters(text: str) -> int:
    """Return how many control characters *text* holds, tabs and line ends apart."""
    return _count(_CONTROL, text)


def broken_characters(text: str) -> int:
    """Return how many characters of *text* were read in a wrong encoding, or lost in one.

    Counted are replacement and unpaired surrogate characters, runs of four and more question marks, UTF-8
    read as Latin-1 or Windows-1252 (``Ã¤``) or as GB 18030 (``鎮ｈ``), and GB 18030 read as Latin-1 (``»¼Õß``):
    a run of letters counts as such where its bytes make sense in the other encoding. Private-use characters are not:
    hospitals have glyphs of their own.
    """
    count = _count(_LOST, text)
    if text.isascii():
        return count
    for run in _HIGH.finditer(text):
        data = b"".join(_BYTES.get(letter) or letter.encode("latin-1") for letter in run.group())
        if _as_utf8(data) >= 2 or _as_gb18030(data):
            count += len(run.group())
    for run in _RUN.finditer(text):
        data = run.group().encode("gb18030")
        if 3 * len(_WIDE.findall(data.decode("utf-8", "ignore"))) >= _MOSTLY * len(data):
            count += len(run.group())
    return count


def script_shares(text: str) -> tuple[int, float, float]:
    """Return the number of letters of *text*, and the shares of them that are Chinese and Latin (NaN without any)."""
    letters = _count(_LETTER, text)
    if not letters:
        return 0, float("nan"), float("nan")
    return letters, _count(_CHINESE, text) / letters, _count(_LATIN, text) / letters


def _count(pattern: "re.Pattern[str]", text: str) -> int:
    return sum(len(found) for found in pattern.findall(text))


def _as_utf8(data: bytes) -> int:
    """Return how many bytes make sense as UTF-8 beyond ASCII."""
    return len("".join(letter for letter in data.decode("utf-8", "ignore") if letter > "\x9f").encode())


def _as_gb18030(data: bytes) -> bool:
    if len(data) < 6:
        return False
    letters = data.decode("gb18030", "ignore")
    return len(_CHINESE.findall(letters)) * 2 >= _MOSTLY * len(data)
