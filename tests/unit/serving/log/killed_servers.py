"""Run some servers that log without pause, one after the other, each killed with SIGKILL; say what was acknowledged.

Arguments: how many servers, a seed. The environment tells where the store is.
"""

import hashlib
import os
import random
import signal
import sys
import time
import uuid
from datetime import UTC, datetime

import pandas  # noqa: F401  # loaded once, before any server is forked
import pyarrow.parquet  # noqa: F401

from wardround.serving.log import Entry, PredictionLog, names
from wardround.settings import Settings
from wardround.store import Store
from wardround.use_cases.heart_disease import USE_CASE

SETTINGS = Settings()


def entry() -> Entry:
    request = uuid.uuid4().hex
    record, patient = names(USE_CASE, SETTINGS, request, None, request=request)
    return Entry(
        use_case=USE_CASE, request=request, record_id=record, patient_id=patient, site="Cleveland",
        answered_at=datetime.now(UTC), input_sha256=hashlib.sha256(request.encode()).hexdigest(), caller="key1",
        version="0123456789abcdef", value=0.5, features={"age": 63.0, "sex": "Male"},
    )  # fmt: skip


def serve(acknowledged: int) -> None:
    """Log until killed, and write the id of each entry to *acknowledged* once `append` has returned."""
    log = PredictionLog(SETTINGS, Store.from_settings(SETTINGS), every=0.02, rows=40, sync_every=0.01)
    log.append([first := entry()])
    log.ship()  # the first shipment opens the connection, however slow the machine is
    os.write(acknowledged, f"{first.request}\n".encode())
    log.start()
    while True:
        batch = [entry() for _ in range(5)]
        log.append(batch)
        os.write(acknowledged, "".join(f"{one.request}\n" for one in batch).encode())
        time.sleep(0.001)


def main(servers: int, seed: int) -> None:
    chance = random.Random(seed)
    Store.from_settings(SETTINGS).probe()  # loads what a client needs
    for _ in range(servers):
        read, write = os.pipe()
        child = os.fork()
        if not child:
            os.close(read)
            serve(write)
        os.close(write)
        with os.fdopen(read) as told:
            said = [told.readline()]
            time.sleep(chance.uniform(0.0, 0.3))
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            said += told.readlines()
        sys.stdout.write("".join(said))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
