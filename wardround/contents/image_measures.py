"""What is measured of a picture: size, intensity, contrast, sharpness, noise, saturation, and a fixed embedding."""

import hashlib
from functools import lru_cache

import numpy as np

from wardround.contents.arrays import Floats

GRID = 32
"""Pixels a side of the small copy that the embedding looks at."""
LOW = 8
"""Rows and columns of the low frequencies that are kept of it; the first, the mean, is not."""
SIZE = 8
"""Numbers of an embedding."""
_EMBEDDING = tuple(f"embedding_{number}" for number in range(1, SIZE + 1))
_LUMINANCE = np.array([0.2125, 0.7154, 0.0721])  # ITU-R BT.709, as scikit-image's rgb2gray
_NOISE = np.array([[1.0, -2.0, 1.0], [-2.0, 4.0, -2.0], [1.0, -2.0, 1.0]])
_LAPLACE = np.array([[0.0, 1.0, 0.0], [1.0, -4.0, 1.0], [0.0, 1.0, 0.0]])


def grey(picture: Floats) -> Floats:
    """Return the luminance (height, width) of a picture (height, width[, 3])."""
    return picture if picture.ndim == 2 else np.asarray(picture @ _LUMINANCE)


def measures_of(picture: Floats) -> dict[str, float]:
    """Return every measure of a grey *picture* (height, width) of shares of its range, 0 to 1."""
    height, width = picture.shape
    darkest, median, brightest = np.quantile(picture, (0.01, 0.5, 0.99))
    return {
        "height": float(height), "width": float(width),
        "darkest": float(darkest), "median": float(median), "brightest": float(brightest),
        "mean": float(picture.mean()), "contrast": float(picture.std()),
        "sharpness": sharpness(picture), "noise": noise(picture),
        "saturation": float(((picture <= 0.0) | (picture >= 1.0)).mean()), "midline": midline(picture),
        **dict(zip(_EMBEDDING, embedding(picture).tolist(), strict=True)),
    }  # fmt: skip


def sharpness(picture: Floats) -> float:
    """Return the variance of the Laplacian over the variance of *picture*: 0 is a blur, 64 the most there can be.

    Source: Pech-Pacheco, Cristobal, Chamorro-Martinez and Fernandez-Valdivia (2000), "Diatom autofocusing in
    brightfield microscopy"; the division makes it independent of contrast.
    """
    spread = float(picture.var())
    return float(_filtered(picture, _LAPLACE).var()) / spread if spread > 0 else 0.0


def noise(picture: Floats) -> float:
    """Return the estimated standard deviation of the noise: Immerkaer (1996), "Fast noise variance estimation"."""
    found = np.abs(_filtered(picture, _NOISE))
    return float(np.sqrt(np.pi / 2) * found.mean() / 6)


def midline(picture: Floats) -> float:
    """Return how much brighter the middle columns are than those beside them, in the rows between two and five
    sevenths of the height.

    In a frontal chest picture it is the mediastinum between the lungs, so that a negative shown as a positive has the
    other sign.
    """
    height, width = picture.shape
    rows = picture[round(height * 2 / 7) : round(height * 5 / 7)].mean(axis=0)
    edges = [round(width * part / 28) for part in (4, 9, 11, 17, 19, 24)]
    sides = (rows[edges[0] : edges[1]].mean() + rows[edges[4] : edges[5]].mean()) / 2
    return float(rows[edges[2] : edges[3]].mean() - sides)


def embedding(picture: Floats) -> Floats:
    """Return a fixed projection (8,) of the low frequencies of *picture*.

    The picture, brought to mean 0 and spread 1, is averaged down to 32 x 32 pixels; the 63 lowest coefficients of its
    cosine transform (Ahmed, Natarajan and Rao 1974) are projected by fixed random signs (Achlioptas 2003,
    "Database-friendly random projections"), which keeps distances up to a factor and nobody trains: two pictures
    compare in the same way whichever model serves.
    """
    from scipy.fft import dctn

    spread = float(picture.std())
    small = _averaging(picture.shape[0]) @ picture @ _averaging(picture.shape[1]).T
    small = (small - picture.mean()) / (spread if spread > 0 else 1.0)
    low = dctn(small, norm="ortho")[:LOW, :LOW].ravel()[1:] / GRID
    return np.asarray(_signs() @ low)


@lru_cache(maxsize=64)
def _averaging(length: int) -> Floats:
    """Return the matrix (GRID, length) that averages a line of pixels over GRID equal stretches."""
    edges = np.arange(GRID + 1) * (length / GRID)
    pixels = np.arange(length)
    covered = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    return np.asarray(np.clip(covered, 0.0, None) * (GRID / length))


@lru_cache(maxsize=1)
def _signs() -> Floats:
    """Return the signs (SIZE, 63), read from a hash: no generator of random numbers may ever change them."""
    drawn = hashlib.shake_256(b"wardround: the embedding of pictures").digest(LOW * LOW)
    bits = np.unpackbits(np.frombuffer(drawn, dtype=np.uint8)).reshape(SIZE, LOW * LOW)[:, 1:]
    return bits.astype(np.float64) * 2.0 - 1.0


def _filtered(picture: Floats, kernel: Floats) -> Floats:
    """Return *picture* under a 3 x 3 *kernel*, only where the whole kernel lies inside it."""
    height, width = picture.shape
    found = np.zeros((height - 2, width - 2))
    for row in range(3):
        for column in range(3):
            if kernel[row, column]:
                found += kernel[row, column] * picture[row : row + height - 2, column : column + width - 2]
    return found
