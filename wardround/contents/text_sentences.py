"""Where sentences begin and end in a clinical text, English or Chinese, as offsets into it."""

import re

_ENDS = re.compile(
    r"""
    [。！？.!?\n:：;；] (?:                                # sought first: most places of a text are none of these
      (?<= [。！？] ) [。！？]* [”’」』）】》"')\]]*         # full-width ends, always
      | (?<= [.!?] ) (?<! \. [.!?] ) [.!?]* ["'”’)\]]* (?= \s | $ | [一-鿿])   # half-width: before a space or Chinese
      | (?<= \n ) [^\S\n]* (?= \n )                      # a blank line
      | (?<= \n ) (?= [^\S\n]* (?: [-*•·●] | [(（]?\d{1,2}[.)、）] | [A-Z][A-Za-z /]{1,40}: | [一-鿿]{2,12}[:：] ) )
      | (?<= [:：;；] ) [^\S\n]* \n | (?<= [一-鿿，、；]\n )  # a heading's line; Chinese is not wrapped at spaces
    )
    """,
    re.VERBOSE,
)
_NO_END = re.compile(
    r"""(?: ^ | [^A-Za-z] ) (?:
        Drs? | Mrs? | Ms | Prof | St | Jr | Sr | vs | e\.g | i\.e | cf | ca | approx | No | Nos | Fig | Figs | pt | pts
        | resp | Inc | Ltd | Co | dept | ext | al | etc | incl | [A-Z] | [A-Z]\.[A-Z] | a\.m | p\.m | q\.d | b\.i\.d
        | t\.i\.d | p\.o | i\.v ) \Z""",
    re.VERBOSE,
)
_ENUMERATED = re.compile(r"(?: ^ | \n | [.!?:;] \s ) \s* [(]? \d{1,2} \Z", re.VERBOSE)
_BEFORE = 24  # characters that can decide whether a full stop ends a sentence


def sentences(text: str) -> tuple[tuple[int, int], ...]:
    """Return start and end of each sentence of *text*, in order, without the white space around it.

    A full stop after a title, an initial, a common abbreviation or an item's number ends nothing; neither does one
    before a lower-case word. Line ends count where a blank line, a list's mark or a heading follows, and in Chinese.
    Every character that is not white space lies in exactly one sentence. Time is linear in the length.
    """
    found: list[tuple[int, int]] = []
    start = 0
    for match in _ENDS.finditer(text):
        if _goes_on(text, start, match):
            continue
        _keep(found, text, start, match.end())
        start = match.end()
    _keep(found, text, start, len(text))
    return tuple(found)


def _goes_on(text: str, start: int, match: "re.Match[str]") -> bool:
    """Whether a full stop at *match* ends no sentence."""
    if match.group()[0] != ".":
        return False
    after = text[match.end() : match.end() + 3].lstrip()
    if after[:1].islower():
        return True
    before = text[max(start, match.start() - _BEFORE) : match.start()]
    known = _ENUMERATED if before[-1:].isdecimal() else _NO_END
    return len(match.group()) == 1 and known.search(before) is not None


def _keep(found: list[tuple[int, int]], text: str, start: int, end: int) -> None:
    piece = text[start:end]
    left = len(piece) - len(piece.lstrip())
    if left < len(piece):
        found.append((start + left, start + len(piece.rstrip())))
