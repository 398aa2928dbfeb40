"""What a container is: parts around a box of free room."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from beltline.simulate.draws import Rng
from beltline.simulate.solids import Part


@dataclass(frozen=True, eq=False)
class Container:
    """A bag without its contents.

    Attributes:
        kind: Name in ``CONTAINERS``.
        parts: Signed parts, placed about the inner box; z up, thinnest direction along z.
        inner_size: (3,) mm free for packing, centred at the origin.
        params: What was drawn, JSON values.
        tray: Parts of a security tray it lies in, empty without.
    """

    kind: str
    parts: tuple[Part, ...]
    inner_size: NDArray[np.float64]
    params: Mapping[str, object] = field(default_factory=dict)
    tray: tuple[Part, ...] = ()

    def __post_init__(self) -> None:
        """Validate the inner box."""
        if np.shape(self.inner_size) != (3,) or not np.all(np.asarray(self.inner_size) > 0):
            raise ValueError(f"inner_size must be (3,) positive mm, got {self.inner_size!r}")


ContainerMaker = Callable[[Rng], Container]
