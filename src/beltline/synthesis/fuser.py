"""The one interface of all fusion methods: two aligned colour pictures and a mask in, one picture out."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Rgb: TypeAlias = NDArray[np.uint8]

#: (bag, item, mask) -> fused. Bag, item and fused are (H, W, 3) uint8, item white where it is not; mask is
#: (H, W) float32 in [0, 1].
Fuser: TypeAlias = Callable[[Rgb, Rgb, NDArray[np.float32]], Rgb]
