"""What the shipped questions about pictures, signals, texts, groups and few labels reach on real data, in one table.

Every candidate is learned and judged as a round does it (`wardround.training.fit_and_evaluate`), alone, so that no
figure is that of a winner. Intervals resample patients, or rows where nobody knows the patient. Figures of the notes
are counts, with exact binomial intervals.

    WARDROUND_DATA=... python benchmarks/figures_by_kind [--quick] [--only NAME ...]
"""

import argparse
import os
import sys
import time

os.environ["OMP_NUM_THREADS"] = "1"

from groups import few_labels, patient_clusters  # after the threads are set
from pictures_and_signals import chest_xray, ecg_beats, icu_labs, nuclei
from table import Table
from texts import clinical_entities_zh, notes, radiology_summary, radiology_topics

SUBJECTS = {
    one.__name__: one
    for one in (
        chest_xray, nuclei, ecg_beats, icu_labs, clinical_entities_zh, radiology_summary, radiology_topics, notes,
        patient_clusters, few_labels,
    )
}  # fmt: skip


def main() -> None:
    """Print the table of all subjects, or of those named."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="few rows, epochs and resamples: only that it runs")
    parser.add_argument("--only", action="append", choices=sorted(SUBJECTS), help="a subject (all, unless given)")
    options = parser.parse_args()
    table = Table(quick=options.quick)
    print("| question | data and split | rows | family | figure | value | 95 % interval | wanted | remark |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name in options.only or SUBJECTS:
        SUBJECTS[name](table)
    print(f"{time.process_time() / 60:.0f} minutes of one core", file=sys.stderr)


if __name__ == "__main__":
    main()
