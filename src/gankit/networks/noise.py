"""What z does to what a generator makes: the direction in noise along which it is shown.

Knows arrays alone.
"""

from __future__ import annotations

import numpy as np


def along_noise(z: np.ndarray, x: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """z [N, Z] projected on the direction along which x [N] moves most (least squares of x on z; of one number z
    itself): [N]; and which `count` of them to show, evenly spread in rank from 1% to 99%, rising: [count].

    >>> z = np.array([[0.0, 3.0], [1.0, 0.0], [0.0, -3.0], [-1.0, 0.0]])
    >>> along, shown = along_noise(z, 2 * z[:, 1], 2)
    >>> abs(along).round(3).tolist(), shown.tolist()
    ([3.0, 0.0, 3.0, 0.0], [2, 3])
    """
    direction = np.ones(1)
    if z.shape[1] > 1:
        direction = np.linalg.lstsq(z, x - x.mean(), rcond=None)[0]
        direction /= max(float(np.linalg.norm(direction)), 1e-12)
    along = z @ direction
    return along, np.argsort(along)[np.linspace(0.01 * len(z), 0.99 * len(z) - 1, count).astype(int)]
