"""The networks, each built from a few whole numbers, so that a stored model needs no code of its own."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from wardround.models.neural.parameters import GREATEST

DEEPEST = 8


class Ordered(nn.Linear):
    """A linear layer that adds up its inputs one after the other in inference mode, which is how it is asked.

    A matrix product takes another kernel, hence another order of additions, by the number of rows; this gives a row
    the same bits in any batch, many rows at once. Training has no need of it.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return (rows, outputs)."""
        if not torch.is_inference_mode_enabled():
            return functional.linear(x, self.weight, self.bias)
        total = self.bias.expand(len(x), -1)
        for place in range(self.in_features):
            total = total + x[:, place : place + 1] * self.weight[:, place]
        return total


class Dense(nn.Module):
    """*layers* hidden layers, each half as wide as the one before; Glorot et al. 2011 (rectifiers)."""

    def __init__(self, inputs: int, outputs: int, width: int, layers: int, dropout: float):
        super().__init__()
        parts: list[nn.Module] = []
        for place in range(layers):
            wide = max(outputs, width >> place)
            parts += [Ordered(inputs, wide), nn.ReLU(), nn.Dropout(dropout)]
            inputs = wide
        self.layers = nn.Sequential(*parts, Ordered(inputs, outputs))

    def forward(self, x: Tensor, plain: Tensor | None = None) -> Tensor:
        """Return (rows, outputs)."""
        out: Tensor = self.layers(x)
        return out


def _by_dimensions(dimensions: int) -> tuple[Any, Any, Any]:
    if dimensions == 2:
        return nn.Conv2d, nn.BatchNorm2d, nn.MaxPool2d
    return nn.Conv1d, nn.BatchNorm1d, nn.MaxPool1d


def _twice(dimensions: int, inputs: int, outputs: int, kernel: int) -> nn.Sequential:
    convolution, norm, _ = _by_dimensions(dimensions)
    parts: list[nn.Module] = []
    for came in (inputs, outputs):
        parts += [convolution(came, outputs, kernel, padding=kernel // 2, bias=False), norm(outputs), nn.ReLU()]
    return nn.Sequential(*parts)


class Convolutional(nn.Module):
    """Blocks of two convolutions with batch normalisation (Simonyan & Zisserman 2015; Ioffe & Szegedy 2015), halved in
    size between them, averaged over the whole (Lin et al. 2014), the plain features beside, one linear layer.

    *dimensions* is 2 for pictures and 1 for signals.
    """

    def __init__(
        self, dimensions: int, channels: int, plain: int, outputs: int, width: int, blocks: int, kernel: int,
        dropout: float,
    ):  # fmt: skip
        super().__init__()
        self.blocks = nn.ModuleList()
        for place in range(blocks):
            self.blocks.append(_twice(dimensions, channels, width << place, kernel))
            channels = width << place
        self.halve = _by_dimensions(dimensions)[2](2, ceil_mode=True)
        self.drop = nn.Dropout(dropout)
        self.head = nn.Linear(channels + plain, outputs)

    def forward(self, x: Tensor, plain: Tensor | None = None) -> Tensor:
        """Return (rows, outputs) for x (rows, channels, *size) and plain (rows, features)."""
        for place, block in enumerate(self.blocks):
            x = block(x if place == 0 else self.halve(x))
        seen = x.flatten(2).mean(2)
        out: Tensor = self.head(self.drop(seen if plain is None else torch.cat([seen, plain], 1)))
        return out


class Recurrent(nn.Module):
    """A GRU (Cho et al. 2014) or LSTM (Hochreiter & Schmidhuber 1997) over irregular steps.

    A step holds, per channel, the last value seen, whether it was seen now and for how long it was not, and at the end
    1 (0: padding). What was not seen decays from the last value towards the mean, 0, at a rate learned per channel: the
    input decay of GRU-D (Che et al. 2018); mask and gaps go in beside it. The answer rests on the last state and
    the mean of all.
    """

    def __init__(self, cell: int, channels: int, plain: int, outputs: int, width: int, layers: int, dropout: float):
        super().__init__()
        self.channels = channels
        self.decay = nn.Parameter(torch.zeros(2, channels))
        made = (nn.GRU, nn.LSTM)[cell]
        self.steps = made(3 * channels, width, layers, batch_first=True, dropout=dropout if layers > 1 else 0.0)
        self.drop = nn.Dropout(dropout)
        self.head = nn.Linear(2 * width + plain, outputs)

    def forward(self, x: Tensor, plain: Tensor | None = None) -> Tensor:
        """Return (rows, outputs) for x (rows, steps, 3 channels + 1)."""
        last, seen, gap = (x[..., k * self.channels : (k + 1) * self.channels] for k in range(3))
        kept = torch.exp(-functional.relu(self.decay[0] * gap + self.decay[1]))
        steps = torch.cat([last * (seen + (1 - seen) * kept), seen, gap], 2)
        there = x[..., -1:]
        lengths = there.sum((1, 2)).to(torch.int64).cpu()
        packed = pack_padded_sequence(steps, lengths, batch_first=True, enforce_sorted=False)
        each, last_state = self.steps(packed)
        states, _ = pad_packed_sequence(each, batch_first=True, total_length=x.shape[1])
        end = last_state[0][-1] if isinstance(last_state, tuple) else last_state[-1]
        both = torch.cat([end, states.sum(1) / there.sum(1)], 1)
        out: Tensor = self.head(self.drop(both if plain is None else torch.cat([both, plain], 1)))
        return out


class UNet(nn.Module):
    """An encoder and a decoder with connections between equal sizes (Ronneberger et al. 2015)."""

    def __init__(self, channels: int, outputs: int, width: int, blocks: int, dropout: float):
        super().__init__()
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        for place in range(blocks):
            self.down.append(_twice(2, channels, width << place, 3))
            channels = width << place
        for place in reversed(range(blocks - 1)):
            self.up.append(_twice(2, channels + (width << place), width << place, 3))
            channels = width << place
        self.drop = nn.Dropout2d(dropout)
        self.head = nn.Conv2d(channels, outputs, 1)

    def forward(self, x: Tensor, plain: Tensor | None = None) -> Tensor:
        """Return (rows, outputs, height, width) for x (rows, channels, height, width) of any size."""
        seen = []
        for place, block in enumerate(self.down):
            x = block(x if place == 0 else functional.max_pool2d(x, 2, ceil_mode=True))
            seen.append(x)
        x = self.drop(x)
        for block, beside in zip(self.up, reversed(seen[:-1]), strict=True):
            x = block(torch.cat([functional.interpolate(x, size=beside.shape[2:], mode="nearest"), beside], 1))
        out: Tensor = self.head(x)
        return out


class DenseAutoencoder(nn.Module):
    """Features to a code of *code* numbers and back (Hinton & Salakhutdinov 2006); with *dropout*, inputs are left out
    while it learns (Vincent et al. 2008)."""

    def __init__(self, inputs: int, width: int, code: int, dropout: float):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Dropout(dropout), Ordered(inputs, width), nn.ReLU(), Ordered(width, code), nn.Tanh()
        )
        self.decoder = nn.Sequential(Ordered(code, width), nn.ReLU(), Ordered(width, inputs))

    def forward(self, x: Tensor, plain: Tensor | None = None) -> Tensor:
        """Return what it makes of x (rows, features) again."""
        out: Tensor = self.decoder(self.encoder(x))
        return out


class DenseCode(nn.Module):
    """The encoder of a `DenseAutoencoder` and a linear layer on its code."""

    def __init__(self, inputs: int, outputs: int, width: int, code: int, dropout: float):
        super().__init__()
        self.encoder = DenseAutoencoder(inputs, width, code, dropout).encoder
        self.head = Ordered(code, outputs)

    def forward(self, x: Tensor, plain: Tensor | None = None) -> Tensor:
        """Return (rows, outputs)."""
        out: Tensor = self.head(self.encoder(x))
        return out


class ConvolutionalAutoencoder(nn.Module):
    """A picture or a signal to a small one of *code* channels and back."""

    def __init__(self, dimensions: int, inputs: int, outputs: int, width: int, blocks: int, kernel: int, code: int):
        super().__init__()
        convolution, norm, _ = _by_dimensions(dimensions)
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        for place in range(blocks):
            wide = width << place
            self.down.append(
                nn.Sequential(
                    convolution(inputs, wide, kernel, stride=2, padding=kernel // 2, bias=False), norm(wide), nn.ReLU()
                )
            )
            inputs = wide
        self.narrow = convolution(inputs, code, 1)
        came = code
        for place in reversed(range(blocks)):
            wide = width << place
            self.up.append(
                nn.Sequential(convolution(came, wide, kernel, padding=kernel // 2, bias=False), norm(wide), nn.ReLU())
            )
            came = wide
        self.head = convolution(came, outputs, kernel, padding=kernel // 2)

    def forward(self, x: Tensor, plain: Tensor | None = None) -> Tensor:
        """Return (rows, outputs, *size) for x (rows, inputs, *size)."""
        sizes = []
        for block in self.down:
            sizes.append(x.shape[2:])
            x = block(x)
        x = self.narrow(x)
        for block, size in zip(self.up, reversed(sizes), strict=True):
            x = block(functional.interpolate(x, size=size, mode="nearest"))
        out: Tensor = self.head(x)
        return out


NETWORKS: Mapping[str, Callable[..., nn.Module]] = {
    "dense": Dense,
    "convolutional": Convolutional,
    "recurrent": Recurrent,
    "unet": UNet,
    "dense autoencoder": DenseAutoencoder,
    "dense code": DenseCode,
    "convolutional autoencoder": ConvolutionalAutoencoder,
}
BY_ROW = frozenset({"convolutional", "recurrent", "unet", "convolutional autoencoder"})
"""Networks that are asked row by row: their kernels hang on the shape of a batch."""


def built(name: str, shape: Mapping[str, int | float]) -> nn.Module:
    """Return the network *name* of *shape*, its arguments, with fresh weights.

    Raises:
        ValueError: a number is out of bounds.
    """
    deep = [value for key, value in shape.items() if key in ("blocks", "layers")]
    if any(not 0 <= value <= GREATEST for value in shape.values()) or any(value > DEEPEST for value in deep):
        raise ValueError("an architecture is out of bounds")
    return NETWORKS[name](**shape)
