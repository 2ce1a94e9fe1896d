"""Networks with PyTorch alone: the architectures, and one loop that keeps the best epoch."""

import copy
from pathlib import Path
from typing import Any

import numpy as np
import skops.io
import torch
from rows import Rows
from safetensors.torch import save_file
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.nn import functional

torch.set_num_threads(1)


def _twice(conv: Any, norm: Any, a: int, b: int, kernel: int) -> nn.Sequential:
    return nn.Sequential(
        conv(a, b, kernel, padding=kernel // 2, bias=False), norm(b), nn.ReLU(),
        conv(b, b, kernel, padding=kernel // 2, bias=False), norm(b), nn.ReLU(),
    )  # fmt: skip


class Pooled(nn.Module):
    """Three blocks of two convolutions, averaged."""

    def __init__(self, conv: Any, norm: Any, pool: Any, kernel: int):
        super().__init__()
        self.blocks = nn.ModuleList(_twice(conv, norm, a, b, kernel) for a, b in ((1, 16), (16, 32), (32, 64)))
        self.pool, self.drop, self.head = pool(2, ceil_mode=True), nn.Dropout(0.2), nn.Linear(64, 2)

    def forward(self, x: Any) -> Any:
        """Return the scores of two classes."""
        for place, block in enumerate(self.blocks):
            x = block(self.pool(x) if place else x)
        return self.head(self.drop(x.flatten(2).mean(2)))


class Gated(nn.Module):
    """A GRU with input decay."""

    def __init__(self) -> None:
        super().__init__()
        self.steps, self.head = nn.GRU(12, 32, batch_first=True), nn.Linear(64, 2)
        self.drop, self.decay = nn.Dropout(0.2), nn.Parameter(torch.zeros(2, 4))

    def forward(self, x: Any) -> Any:
        """Return the scores of two classes."""
        last, seen, gap = x[..., :4], x[..., 4:8], x[..., 8:12]
        kept = torch.exp(-functional.relu(self.decay[0] * gap + self.decay[1]))
        steps = torch.cat([last * (seen + (1 - seen) * kept), seen, gap], 2)
        lengths = x[..., -1].sum(1).long()
        packed = nn.utils.rnn.pack_padded_sequence(steps, lengths, batch_first=True, enforce_sorted=False)
        each, end = self.steps(packed)
        states, _ = nn.utils.rnn.pad_packed_sequence(each, batch_first=True)
        return self.head(self.drop(torch.cat([end[-1], states.sum(1) / lengths[:, None]], 1)))


class U(nn.Module):
    """A U-Net of three levels with two outputs: foreground and core."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.ModuleList(_twice(nn.Conv2d, nn.BatchNorm2d, a, b, 3) for a, b in ((1, 8), (8, 16), (16, 32)))
        self.up = nn.ModuleList(_twice(nn.Conv2d, nn.BatchNorm2d, a, b, 3) for a, b in ((48, 16), (24, 8)))
        self.drop, self.head = nn.Dropout2d(0.1), nn.Conv2d(8, 2, 1)

    def forward(self, x: Any) -> Any:
        """Return the scores of every pixel."""
        a = self.down[0](x)
        b = self.down[1](functional.max_pool2d(a, 2))
        c = self.drop(self.down[2](functional.max_pool2d(b, 2)))
        b = self.up[0](torch.cat([functional.interpolate(c, scale_factor=2), b], 1))
        return self.head(self.up[1](torch.cat([functional.interpolate(b, scale_factor=2), a], 1)))


def _encoder(wide: int, code: int, drop: float) -> nn.Sequential:
    return nn.Sequential(nn.Dropout(drop), nn.Linear(30, wide), nn.ReLU(), nn.Linear(wide, code), nn.Tanh())


def _rebuilder(wide: int, code: int, drop: float) -> nn.Sequential:
    decoder = nn.Sequential(nn.Linear(code, wide), nn.ReLU(), nn.Linear(wide, 30))
    return nn.Sequential(_encoder(wide, code, drop), decoder)


def _both(output: Any, wanted: Any) -> Any:
    chance = torch.sigmoid(output)
    dice = 1 - (2 * (chance * wanted).sum((0, 2, 3)) + 1) / ((chance + wanted).sum((0, 2, 3)) + 1)
    return functional.binary_cross_entropy_with_logits(output, wanted) + dice.mean()


def _core(mask: Any) -> Any:
    padded = np.pad(mask, 1, mode="edge")
    around = [padded[i : i + mask.shape[0], j : j + mask.shape[1]] for i in range(3) for j in range(3)]
    return (mask > 0) & np.all([each == mask for each in around], axis=0)


def _trained(network: nn.Module, x: Any, wanted: Any, loss: Any, *, epochs: int, size: int = 32) -> None:
    """Fit *network* to four rows of five and leave it as it was after its best epoch on the fifth."""
    order = torch.randperm(len(x))
    held, learn = order[: len(x) // 5], order[len(x) // 5 :]
    optimiser = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, epochs)
    best, kept = float("inf"), {}
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


def _normal(content: Any) -> Any:
    scaled = content / 255.0 if content.dtype == np.uint8 else content
    return torch.from_numpy(((scaled - scaled.mean()) / scaled.std()).astype(np.float32))[:, None]


def of_numbers(family: str, rows: Rows, folder: Path, epochs: int) -> None:
    """Fit and keep a network of plain numbers: ``dense``, ``autoencoder`` or ``autoencoder_features``."""
    torch.manual_seed(0)
    scaler = StandardScaler().fit(rows.content)
    x = torch.from_numpy(scaler.transform(rows.content).astype(np.float32))
    skops.io.dump(scaler, folder / "scaler.skops")
    if family == "dense":
        network = nn.Sequential(nn.Linear(30, 64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 32), nn.ReLU(),
                                nn.Dropout(0.2), nn.Linear(32, 2))  # fmt: skip
        wanted = torch.from_numpy(rows.target.astype(np.int64))
        _trained(network, x, wanted, functional.cross_entropy, epochs=epochs)
    else:
        network = _rebuilder(16, 4, 0.0) if family == "autoencoder" else _rebuilder(64, 8, 0.1)
        _trained(network, x, x, functional.mse_loss, epochs=epochs)
        if family == "autoencoder_features":
            network = network[0]
            with torch.inference_mode():
                head = LogisticRegression(max_iter=1000).fit(network(x).numpy(), rows.target)
            skops.io.dump(head, folder / "head.skops")
    save_file(network.state_dict(), folder / "model.safetensors")


def cnn(family: str, rows: Rows, folder: Path, epochs: int) -> None:
    """Fit and keep a convolutional network of pictures or signals."""
    torch.manual_seed(0)
    x = _normal(rows.content)
    flat = (nn.Conv2d, nn.BatchNorm2d, nn.MaxPool2d, 3)
    network = Pooled(*flat if x.dim() == 4 else (nn.Conv1d, nn.BatchNorm1d, nn.MaxPool1d, 7))
    wanted = torch.from_numpy(rows.target.astype(np.int64))
    _trained(network, x, wanted, functional.cross_entropy, epochs=epochs)
    save_file(network.state_dict(), folder / "model.safetensors")


def recurrent(family: str, rows: Rows, folder: Path, epochs: int) -> None:
    """Fit and keep a recurrent network of series."""
    torch.manual_seed(0)
    raw = rows.content
    mean, spread = np.concatenate(raw).mean(0), np.concatenate(raw).std(0)
    x = torch.zeros(len(raw), max(map(len, raw)), 13)
    for place, each in enumerate(raw):
        x[place, : len(each), :4] = torch.from_numpy((each - mean) / spread)
        x[place, : len(each), 4:8] = x[place, : len(each), -1:] = 1.0
        x[place, 1 : len(each), 8:12] = float(np.log(2.0))
    network = Gated()
    wanted = torch.from_numpy(rows.target.astype(np.int64))
    _trained(network, x, wanted, functional.cross_entropy, epochs=epochs)
    save_file(network.state_dict(), folder / "model.safetensors")


def unet(family: str, rows: Rows, folder: Path, epochs: int) -> None:
    """Fit and keep a U-Net of pictures and their masks."""
    torch.manual_seed(0)
    core = np.stack([_core(mask) for mask in rows.masks])
    wanted = torch.from_numpy(np.stack([rows.masks > 0, core], 1).astype(np.float32))
    network = U()
    _trained(network, _normal(rows.content), wanted, _both, epochs=epochs, size=8)
    save_file(network.state_dict(), folder / "model.safetensors")
