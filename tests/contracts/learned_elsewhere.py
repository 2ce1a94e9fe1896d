"""Let every family learn its rows and print the hashes of its files; run as a process of its own."""

import json
import sys
from pathlib import Path

import conftest

from wardround.errors.extras import ExtraMissing

found = {}
for each in conftest._EACH:
    try:
        found[conftest.name_of(each)] = conftest.case_of(*each, Path(sys.argv[1])).hashes
    except ExtraMissing:
        continue
sys.stdout.write(json.dumps(found))
