"""The command that makes pictures easier to read and shows what it did; its output belongs where the pictures are."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from wardround.cli.output import JsonOption, give, say, table

FIGURES = "figures.csv"


def enhance(
    source: Annotated[Path, typer.Argument(help="A picture (PNG, TIFF, npy, NIfTI, NRRD), a DICOM file, or a folder.")],
    out: Annotated[Path, typer.Argument(help="Your own folder for the pictures; it is made if it is not there.")],
    how: Annotated[
        Literal["equalised", "denoised", "sharpened"],
        typer.Option("--how", help="Contrast-limited equalisation, non-local means, or unsharp masking."),
    ] = "equalised",
    json: JsonOption = False,
) -> None:
    """Enhance pictures and write before-and-after pictures, with no-reference quality figures, into your own folder.

    The files are numbered in the order of the pictures' names, so that no name of a patient is carried on. The figures
    say what changed (contrast, entropy, sharpness, noise), not that it helped: a gate judges that, with the parameter
    `enhance` of a candidate.

    Example: `wardround enhance pictures/ enhanced/ --how equalised`
    """
    from wardround.contents.enhancing import FIGURES as MEASURED
    from wardround.contents.enhancing import before_after, enhanced, quality, span
    from wardround.errors import InputFault
    from wardround.sources.images import pictures_at

    found, unread = pictures_at(source)
    if not found:
        raise InputFault(str(source), f"{unread} file(s), none of them a picture that can be read", "Choose another")
    out.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, Any]] = []
    for number, picture in enumerate(found, start=1):
        (out / f"{number:05d}.png").write_bytes(before_after([picture], how))
        before = quality(picture)
        after = quality(enhanced(picture, how), of=span(picture))
        rows += [{"picture": number, "figure": name, "before": before[name], "after": after[name]} for name in MEASURED]
    lines = [f"{row['picture']},{row['figure']},{row['before']:.6g},{row['after']:.6g}" for row in rows]
    (out / FIGURES).write_text("\n".join(["picture,figure,before,after", *lines]) + "\n")
    if json:
        give({"how": how, "pictures": len(found), "unread": unread, "folder": str(out), "figures": _means(rows)})
        return
    table(
        f"{len(found)} picture(s), {how}: means of the quality figures", ("figure", "before", "after"),
        [(row["figure"], f"{row['before']:.4g}", f"{row['after']:.4g}") for row in _means(rows)],
    )  # fmt: skip
    say(f"pictures and {FIGURES} are in {out}" + (f"; {unread} file(s) could not be read" if unread else ""))


def _means(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    names = dict.fromkeys(row["figure"] for row in rows)

    def mean(name: str, side: str) -> float:
        values = [float(row[side]) for row in rows if row["figure"] == name]
        return sum(values) / len(values)

    return [{"figure": name, "before": mean(name, "before"), "after": mean(name, "after")} for name in names]
