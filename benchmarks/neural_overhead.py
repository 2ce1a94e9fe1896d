"""What wardround adds to training a network, beside a plain script of PyTorch on the same rows in the same run.

Per family both sides train the same architecture for the same epochs on the same generated rows, with one patient in
five held out, the best epoch kept, and the result written to files. The plain script begins with arrays in memory and
knows nothing of wardround; wardround begins with the canonical frame, unpacks every cell, checks, scales, calibrates
and describes. Every run has a process of its own, so that its peak memory is its own; the two sides take turns. Time is
processor time on one thread; of each figure the least of the runs counts, since other work on the machine can only add.

    python benchmarks/neural_overhead.py [--quick] [--runs N] [--family NAME ...]
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time

os.environ["OMP_NUM_THREADS"] = "1"
EPOCHS = 20  # by default up to 20 (recurrent), 30 (cnn) and 40 (unet) are made
EPOCHS_OF_TABLES = 40  # a pass over a table takes 0.1 s; by default it is made up to 60 or 100 times
MOST = 1.10
TABLES = ("dense", "autoencoder_features", "autoencoder")
CASES = ("dense", "autoencoder_features", "cnn on pictures", "cnn on signals", "recurrent", "unet", "autoencoder")


def data(case):  # type: ignore[no-untyped-def]
    """Return the generated inputs and what is to be learned, as arrays."""
    import numpy as np

    random = np.random.default_rng(0)
    if case in TABLES:
        x = random.normal(size=(6000, 30))
        return x, (x[:, :3].sum(1) + random.normal(size=6000) > 0).astype(float)
    if case == "cnn on pictures":
        y = random.integers(0, 2, 800).astype(float)
        x = (random.normal(100, 20, (800, 28, 28)) + 20 * y[:, None, None] * (np.arange(28) > 14)).clip(0, 255)
        return x.astype(np.uint8), y
    if case == "cnn on signals":
        y = random.integers(0, 2, 600).astype(float)
        x = random.normal(size=(600, 140)) + np.sin(np.arange(140) / (5 + 5 * y[:, None]))
        return x.astype(np.float32), y
    if case == "recurrent":
        y = random.integers(0, 2, 500).astype(float)
        x = [random.normal(each, 1, (int(random.integers(20, 60)), 4)).astype(np.float32) for each in y]
        return x, y
    x = random.normal(60, 10, (48, 64, 64))
    y = np.zeros((48, 64, 64), dtype=np.uint16)
    for mask in y:
        for number in range(1, 8):
            i, j = random.integers(4, 52, 2)
            mask[i : i + 8, j : j + 8] = number
    return (x + 60 * (y > 0)).clip(0, 255).astype(np.uint8), y


def ours(case, epochs):  # type: ignore[no-untyped-def]
    """Train with wardround; return (seconds, size of the files)."""
    from dataclasses import replace

    import numpy as np
    import pandas as pd

    from wardround import models
    from wardround.contents.arrays import packed
    from wardround.use_cases import load
    from wardround.use_cases.base import Content, Feature

    x, y = data(case)
    frame = pd.DataFrame({"patient_id": [f"p{i}" for i in range(len(x))]})
    features, contents = (), ()
    problem = {"unet": "segmentation", "autoencoder": "anomaly"}.get(case, "classification")
    if case in TABLES:
        features = tuple(Feature(name=f"number_{i}", kind="numeric") for i in range(x.shape[1]))
        frame = pd.concat([frame, pd.DataFrame(x, columns=[each.name for each in features])], axis=1)
    elif case in ("cnn on pictures", "unet"):
        contents = (Content(name="content", kind="image", channels=("grey",)),)
        frame["content"] = pd.Series([packed(each) for each in x], dtype=object)
        frame["truth"] = pd.Series([packed(each) for each in y] if case == "unet" else [None] * len(x), dtype=object)
    else:
        channels = np.atleast_2d(x[0].T).shape[0]
        contents = (Content(name="content", kind="series", channels=tuple(f"c{i}" for i in range(channels))),)
        cells = [packed(np.column_stack([np.arange(len(each)), each]).astype(np.float32)) for each in x]
        frame["content"] = pd.Series(cells, dtype=object)
    use_case = replace(load("heart_disease"), problem=problem, features=features, contents=contents)
    setting = {"epochs": epochs, "patience": epochs}
    if case in ("cnn on pictures", "cnn on signals", "unet"):
        setting["augment"] = "none"
    began = time.process_time()
    target = np.zeros(len(x)) if case == "unet" else y
    made = models.learner(case.split()[0], use_case, setting).fit(frame, target, seed=0, intervals=False)
    files = made.save()
    return time.process_time() - began, sum(map(len, files.values()))


def plain(case, epochs):  # type: ignore[no-untyped-def]
    """Train with PyTorch alone; return (seconds, size of the files)."""
    import copy

    import numpy as np
    import pandas as pd  # noqa: F401  # a script that reads a table has it
    import skops.io
    import torch
    from safetensors.torch import save
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from torch import nn
    from torch.nn import functional

    torch.set_num_threads(1)
    torch.manual_seed(0)

    def twice(conv, norm, a, b, kernel):  # type: ignore[no-untyped-def]
        return nn.Sequential(
            conv(a, b, kernel, padding=kernel // 2, bias=False), norm(b), nn.ReLU(),
            conv(b, b, kernel, padding=kernel // 2, bias=False), norm(b), nn.ReLU(),
        )  # fmt: skip

    class Pooled(nn.Module):
        def __init__(self, conv, norm, pool, kernel):  # type: ignore[no-untyped-def]
            super().__init__()
            widths = [(1, 16), (16, 32), (32, 64)]
            self.blocks = nn.ModuleList(twice(conv, norm, a, b, kernel) for a, b in widths)
            self.pool, self.drop, self.head = pool(2, ceil_mode=True), nn.Dropout(0.2), nn.Linear(64, 2)

        def forward(self, x):  # type: ignore[no-untyped-def]
            for place, block in enumerate(self.blocks):
                x = block(self.pool(x) if place else x)
            return self.head(self.drop(x.flatten(2).mean(2)))

    class Gated(nn.Module):
        def __init__(self):  # type: ignore[no-untyped-def]
            super().__init__()
            self.steps, self.head = nn.GRU(12, 32, batch_first=True), nn.Linear(64, 2)
            self.drop, self.decay = nn.Dropout(0.2), nn.Parameter(torch.zeros(2, 4))

        def forward(self, x):  # type: ignore[no-untyped-def]
            last, seen, gap = x[..., :4], x[..., 4:8], x[..., 8:12]
            kept = torch.exp(-functional.relu(self.decay[0] * gap + self.decay[1]))
            steps = torch.cat([last * (seen + (1 - seen) * kept), seen, gap], 2)
            lengths = x[..., -1].sum(1).long()
            packed = nn.utils.rnn.pack_padded_sequence(steps, lengths, batch_first=True, enforce_sorted=False)
            each, end = self.steps(packed)
            states, _ = nn.utils.rnn.pad_packed_sequence(each, batch_first=True)
            return self.head(self.drop(torch.cat([end[-1], states.sum(1) / lengths[:, None]], 1)))

    class U(nn.Module):
        def __init__(self):  # type: ignore[no-untyped-def]
            super().__init__()
            self.down = nn.ModuleList(twice(nn.Conv2d, nn.BatchNorm2d, a, b, 3) for a, b in ((1, 8), (8, 16), (16, 32)))
            self.up = nn.ModuleList(twice(nn.Conv2d, nn.BatchNorm2d, a, b, 3) for a, b in ((48, 16), (24, 8)))
            self.drop, self.head = nn.Dropout2d(0.1), nn.Conv2d(8, 2, 1)

        def forward(self, x):  # type: ignore[no-untyped-def]
            a = self.down[0](x)
            b = self.down[1](functional.max_pool2d(a, 2))
            c = self.drop(self.down[2](functional.max_pool2d(b, 2)))
            b = self.up[0](torch.cat([functional.interpolate(c, scale_factor=2), b], 1))
            return self.head(self.up[1](torch.cat([functional.interpolate(b, scale_factor=2), a], 1)))

    raw, y = data(case)
    began = time.process_time()
    scaler, size = None, 32
    if case in TABLES:
        scaler = make_pipeline(StandardScaler()).fit(raw)
        x = torch.from_numpy(scaler.transform(raw).astype(np.float32))
    elif case == "recurrent":
        mean, spread = np.concatenate(raw).mean(0), np.concatenate(raw).std(0)
        x = torch.zeros(len(raw), max(map(len, raw)), 13)
        for place, each in enumerate(raw):
            x[place, : len(each), :4] = torch.from_numpy((each - mean) / spread)
            x[place, : len(each), 4:8] = x[place, : len(each), -1:] = 1.0
            x[place, 1 : len(each), 8:12] = float(np.log(2.0))
    else:
        scaled = raw / 255.0 if raw.dtype == np.uint8 else raw
        x = torch.from_numpy(((scaled - scaled.mean()) / scaled.std()).astype(np.float32))[:, None]
    wanted, loss = torch.from_numpy(y.astype(np.int64)), functional.cross_entropy
    if case == "dense":
        network = nn.Sequential(nn.Linear(30, 64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 32), nn.ReLU(),
                                nn.Dropout(0.2), nn.Linear(32, 2))  # fmt: skip
    elif case in TABLES:
        wide, code, drop = (64, 8, 0.1) if case == "autoencoder_features" else (16, 4, 0.0)
        encoder = nn.Sequential(nn.Dropout(drop), nn.Linear(30, wide), nn.ReLU(), nn.Linear(wide, code), nn.Tanh())
        network = nn.Sequential(encoder, nn.Sequential(nn.Linear(code, wide), nn.ReLU(), nn.Linear(wide, 30)))
        wanted, loss = x, functional.mse_loss
    elif case == "unet":
        core = np.stack([_core(mask) for mask in y])
        network, size = U(), 8
        wanted = torch.from_numpy(np.stack([y > 0, core], 1).astype(np.float32))

        def loss(output, wanted):  # type: ignore[no-untyped-def]
            chance = torch.sigmoid(output)
            dice = 1 - (2 * (chance * wanted).sum((0, 2, 3)) + 1) / ((chance + wanted).sum((0, 2, 3)) + 1)
            return functional.binary_cross_entropy_with_logits(output, wanted) + dice.mean()
    elif case == "recurrent":
        network = Gated()
    else:
        parts = (
            (nn.Conv2d, nn.BatchNorm2d, nn.MaxPool2d, 3)
            if x.dim() == 4
            else (nn.Conv1d, nn.BatchNorm1d, nn.MaxPool1d, 7)
        )
        network = Pooled(*parts)
    order = torch.randperm(len(x))
    held, learn = order[: len(x) // 5], order[len(x) // 5 :]
    optimiser = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, epochs)
    best, kept = float("inf"), None
    for _ in range(epochs):
        network.train()
        for index in learn[torch.randperm(len(learn))].split(size):
            optimiser.zero_grad()
            loss(network(x[index]), wanted[index]).backward()
            optimiser.step()
        schedule.step()
        network.eval()
        with torch.inference_mode():
            figure = sum(float(loss(network(x[i]), wanted[i])) * len(i) for i in held.split(256))
        if figure < best:
            best, kept = figure, copy.deepcopy(network.state_dict())
    network.load_state_dict(kept)
    written = len(save(network.state_dict()))
    if case == "autoencoder_features":
        with torch.inference_mode():
            head = LogisticRegression(max_iter=1000).fit(encoder(x).numpy(), y)
        written = len(save(encoder.state_dict())) + len(skops.io.dumps(head))
    if scaler is not None:
        written += len(skops.io.dumps(scaler))
    return time.process_time() - began, written


def _core(mask):  # type: ignore[no-untyped-def]
    import numpy as np

    padded = np.pad(mask, 1, mode="edge")
    around = [padded[i : i + mask.shape[0], j : j + mask.shape[1]] for i in range(3) for j in range(3)]
    return (mask > 0) & np.all([each == mask for each in around], axis=0)


def _apart(side: str, case: str) -> dict[str, float]:
    done = subprocess.run([sys.executable, __file__, "--side", side, case], check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> int:
    """Print the table; exit 1 when wardround costs over 10 % more time, memory or room than the plain script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one run of each")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--family", nargs="*", default=list(CASES))
    parser.add_argument("--side", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        side, case = options.side
        train = ours if side == "ours" else plain
        train("dense", 1)  # the first call of a library loads it
        seconds, size = train(case, EPOCHS_OF_TABLES if case in TABLES else EPOCHS)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(json.dumps({"seconds": seconds, "size": size, "peak": peak / 1024}))
        return 0
    print(
        "| family | training, s | plain, s | ratio | peak memory, MiB | plain, MiB | ratio | files, kB | plain, kB | "
        "ratio |\n|---|---|---|---|---|---|---|---|---|---|",
        flush=True,
    )
    worst = 0.0
    for case in options.family:
        pairs = []
        for run in range(1 if options.quick else options.runs):
            sides = ("ours", "plain") if run % 2 else ("plain", "ours")
            found = {side: _apart(side, case) for side in sides}
            pairs.append((found["ours"], found["plain"]))
        cells = [case]
        for what, scale in (("seconds", 1), ("peak", 1), ("size", 1000)):
            mine, its = (min(pair[side][what] for pair in pairs) / scale for side in (0, 1))
            ratio = mine / its
            cells += [f"{mine:.1f}", f"{its:.1f}", f"{ratio:.2f}"]
            worst = max(worst, ratio)
        print("| " + " | ".join(cells) + " |", flush=True)
    return 0 if worst <= MOST else 1


if __name__ == "__main__":
    raise SystemExit(main())
