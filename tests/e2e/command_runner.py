"""Run many `wardround` commands in one process, as a person would one after the other: reads and prints JSON."""

import contextlib
import io
import json
import os
import sys

from wardround.cli import main

for line in sys.stdin:
    case = json.loads(line)
    before = dict(os.environ)
    os.environ.update(case["environment"])
    sys.argv = ["wardround", *case["arguments"]]
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main()
        except SystemExit as leaving:
            code = leaving.code
    os.environ.clear()
    os.environ.update(before)
    print(json.dumps({"code": code, "out": out.getvalue(), "err": err.getvalue()}), flush=True)  # noqa: T201
