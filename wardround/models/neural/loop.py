"""The one training loop of all networks: optimisers, early stopping, seeds, one thread, progress per epoch."""

import copy
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from wardround.models.limits import beneath
from wardround.models.whole import Progress

Index = NDArray[np.intp]
FOLDS = 5
"""One in so many patients is held out for early stopping and calibration."""
_ONE = threading.RLock()


@dataclass(frozen=True, kw_only=True)
class Rows:
    """What a network is given: *x* one array per row, equally long but for the first axis; *plain* (rows, features).

    *whole* is *x* in one tensor, if somebody made it."""

    x: Sequence[NDArray[np.float32]]
    plain: NDArray[np.float32] | None = None
    whole: Tensor | None = None

    def stacked(self) -> "Rows":
        """Return the same in one tensor, if all are equally long: batches are cut from it faster."""
        if len({each.shape for each in self.x}) != 1:
            return self
        return replace(self, whole=torch.from_numpy(np.array(self.x)))

    def batch(self, index: Index) -> tuple[Tensor, Tensor | None]:
        """Return the rows at *index* as tensors, shorter ones padded with zeros at the end."""
        plain = None if self.plain is None else torch.from_numpy(self.plain[index])
        if self.whole is not None:
            return self.whole[torch.from_numpy(index)], plain
        chosen = [self.x[i] for i in index]
        longest = max(len(each) for each in chosen)
        x = np.zeros((len(chosen), longest, *chosen[0].shape[1:]), dtype=np.float32)
        for place, each in enumerate(chosen):
            x[place, : len(each)] = each
        return torch.from_numpy(x), plain


@contextmanager
def settled(seed: int = 0, *, device: str = "cpu") -> Iterator[None]:
    """Inside, torch gives the same result again: one thread, deterministic kernels, random numbers from *seed*.

    All of it is global in torch, so that one thread is inside at a time; on leaving, everything is as it was.
    """
    if device != "cpu":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it cuBLAS may not be deterministic
    with _ONE, torch.random.fork_rng(devices=[] if device == "cpu" else [torch.cuda.current_device()]):
        threads, strict = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
        filled = torch.utils.deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]
        torch.manual_seed(seed)
        torch.set_num_threads(1)
        torch.use_deterministic_algorithms(True)
        # nothing here reads memory that it did not write
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
        try:
            yield
        finally:
            torch.use_deterministic_algorithms(strict)
            torch.utils.deterministic.fill_uninitialized_memory = filled  # type: ignore[attr-defined]
            torch.set_num_threads(threads)


def held_out(strata: NDArray[Any], patients: NDArray[Any], *, seed: int, fold: int) -> NDArray[np.bool_]:
    """Return which rows (n,) belong to the patients held out in *fold* of `FOLDS`; none where there are too few.

    A patient belongs to the largest of its rows' *strata* (n,); each stratum gives one in `FOLDS` of its patients, a
    stratum of fewer none.
    """
    _, codes = np.unique(patients, return_inverse=True)
    first = np.full(codes.max() + 1, len(codes))
    np.minimum.at(first, codes, np.arange(len(codes)))
    codes = np.argsort(np.argsort(first))[codes]  # numbered as they come: names would hang on the installation's key
    stratum = np.full(len(first), -np.inf)
    np.maximum.at(stratum, codes, strata)
    chosen = np.zeros(len(first), dtype=bool)
    generator = np.random.default_rng(seed)
    for value in np.unique(stratum):
        members = generator.permutation(np.flatnonzero(stratum == value))
        if len(members) >= FOLDS:
            chosen[members[fold % FOLDS :: FOLDS]] = True
    return chosen[codes]


def trained(
    network: nn.Module,
    rows: Rows,
    target: Tensor,
    loss: Callable[[Tensor, Tensor], Tensor],
    *,
    learn: Index,
    held: Index,
    setting: Mapping[str, Any],
    device: str,
    seed: int,
    moved: Callable[[Tensor, Tensor, torch.Generator], tuple[Tensor, Tensor]],
    tell: Progress,
) -> None:
    """Train *network* in place on the rows *learn*; it keeps the weights with which it was best on the rows *held*.

    Without held-out rows all epochs are made. *moved* augments a batch (inputs, targets). *loss* gives the mean of
    a batch. The learning rate falls along a cosine (Loshchilov & Hutter 2017).

    Raises:
        FloatingPointError: the weights left the range of numbers.
        Refused: torch cannot make a step.
    """
    with beneath():
        network.to(device)
    generator = torch.Generator().manual_seed(seed)
    optimiser, epochs, size = _optimiser(network, setting), int(setting["epochs"]), int(setting["batch_size"])
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, epochs)
    best, best_epoch, best_weights = np.inf, epochs, None
    for epoch in range(1, epochs + 1):
        network.train()
        order = learn[torch.randperm(len(learn), generator=generator).numpy()]
        total = 0.0
        for start in range(0, len(order), size):
            index = order[start : start + size]
            if len(index) == 1 and start:  # batch normalisation has no spread to go by
                continue
            x, plain = rows.batch(index)
            x, wanted = moved(x, target[torch.from_numpy(index)], generator)
            optimiser.zero_grad()
            with beneath():
                given = _given(network, x, plain, device)
            worth = loss(given, wanted.to(device))
            with beneath():
                worth.backward()  # type: ignore[no-untyped-call]
                optimiser.step()
            total += worth.item() * len(index)
        schedule.step()
        figure = total / len(order)
        if not np.isfinite(figure):
            raise FloatingPointError("the weights left the range of numbers")
        if len(held):
            figure = held_loss(network, rows, target, loss, held, device=device)
            if figure < best:
                best, best_epoch, best_weights = figure, epoch, copy.deepcopy(network.state_dict())
        tell(f"epoch {epoch} of {epochs}: loss {figure:.4f}", epoch / epochs)
        if len(held) and setting["patience"] and epoch - best_epoch >= setting["patience"]:
            break
    if best_weights is not None:
        network.load_state_dict(best_weights)
    network.to("cpu").eval()


def held_loss(
    network: nn.Module,
    rows: Rows,
    target: Tensor,
    loss: Callable[[Tensor, Tensor], Tensor],
    held: Index,
    *,
    device: str,
) -> float:
    """Return the mean loss of the rows *held*."""
    network.eval()
    total = 0.0
    with torch.no_grad():  # not inference mode, in which layers take the time to add up in a fixed order
        for start in range(0, len(held), 256):
            index = held[start : start + 256]
            x, plain = rows.batch(index)
            total += loss(_given(network, x, plain, device), target[index].to(device)).item() * len(index)
    return total / len(held)


def asked(network: nn.Module, rows: Rows, *, by_row: bool, device: str = "cpu") -> list[NDArray[np.float32]]:
    """Return the network's output of each row; with *by_row* every row goes alone, so that its bits are its own."""
    out: list[NDArray[np.float32]] = []
    step = 1 if by_row else 512
    with torch.inference_mode():
        for start in range(0, len(rows.x), step):
            x, plain = rows.batch(np.arange(start, min(start + step, len(rows.x))))
            out.extend(_given(network, x, plain, device).cpu().numpy())
    return out


def shifted(x: Tensor, generator: torch.Generator, *, share: float, flip: bool = False) -> Tensor:
    """Return x (rows, channels, *size), each row moved along each axis by up to *share* of it, edges repeated; with
    *flip* each is mirrored along its last axis, or not."""
    for axis in range(2, x.dim()):
        size = x.shape[axis]
        most = int(size * share)
        offset = torch.randint(-most, most + 1, (len(x), 1), generator=generator)
        places = (torch.arange(size) + offset).clamp(0, size - 1)
        if flip and axis == x.dim() - 1:
            turned = torch.rand((len(x), 1), generator=generator) < 0.5
            places = torch.where(turned, size - 1 - places, places)
        shape = [len(x)] + [1] * (x.dim() - 1)
        shape[axis] = size
        x = torch.gather(x, axis, places.reshape(shape).expand(x.shape))
    return x


def _optimiser(network: nn.Module, setting: Mapping[str, Any]) -> torch.optim.Optimizer:
    rate, decay = float(setting["learning_rate"]), float(setting["weight_decay"])
    if setting["optimiser"] == "sgd":
        return torch.optim.SGD(
            network.parameters(), lr=rate, momentum=0.9, weight_decay=decay, nesterov=True, fused=True
        )
    # one call for all weights: of a small network a step takes a third less
    return torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=decay, fused=True)


def _given(network: nn.Module, x: Tensor, plain: Tensor | None, device: str) -> Tensor:
    out: Tensor = network(x.to(device)) if plain is None else network(x.to(device), plain.to(device))
    return out
