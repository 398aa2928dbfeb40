"""What the models said of each scan, kept beside the store, so that a pick among thousands takes seconds."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from beltline.core import BadInputError, Progress, Scan, counted
from beltline.formats import write_atomic
from beltline.rounds.pick import Candidates
from beltline.rounds.prelabels import PreLabel

FILE = "survey.npz"
SAVE_EVERY = 200  # scans


@dataclass(frozen=True, eq=False)
class Survey:
    """N scans as the models saw them.

    Attributes:
        items: (N,) numbers of the items.
        chances: (N, K).
        disagreement: (N,) of the click model that was current then.
        embeddings: (N, D).
    """

    items: NDArray[np.int64]
    chances: NDArray[np.float64]
    disagreement: NDArray[np.float64]
    embeddings: NDArray[np.float32]

    def candidates(self, items: Sequence[int]) -> Candidates:
        """These items, for `pick`; those that were never looked at are left out."""
        places = {int(item): row for row, item in enumerate(self.items)}
        rows = [places[item] for item in items if item in places]
        return Candidates(
            self.items[rows].tolist(), self.chances[rows], self.disagreement[rows], self.embeddings[rows]
        )


def read_survey(folder: Path, classes: int) -> Survey:
    """The survey of a project, empty where there is none, or none of so many classes."""
    path = folder / FILE
    if path.is_file():
        try:
            with np.load(path) as found:
                survey = Survey(*(found[name] for name in ("items", "chances", "disagreement", "embeddings")))
        except (OSError, ValueError, KeyError) as error:
            raise BadInputError(f"{path}: damaged ({error}); delete it, it is made again") from error
        if survey.chances.shape[1:] == (classes,):
            return survey
    empty = np.zeros(0)
    return Survey(empty.astype(np.int64), np.zeros((0, classes)), empty, np.zeros((0, 0), np.float32))


def surveyed(
    folder: Path,
    classes: int,
    items: Iterable[int],
    scan: Callable[[int], Scan],
    look: Callable[[Scan], PreLabel],
    on_progress: Progress | None = None,
) -> Survey:
    """The survey with these items looked at; kept on the way, so that a stopped one goes on.

    Args:
        folder: Of the project.
        classes: How many.
        items: That are wanted.
        scan: Reads one.
        look: Asks the models.
        on_progress: Told items.
    """
    survey = read_survey(folder, classes)
    known = set(survey.items.tolist())
    todo = [item for item in items if item not in known]
    fresh: list[tuple[int, PreLabel]] = []
    for item in counted(todo, on_progress):
        fresh.append((item, look(scan(item))))
        if len(fresh) == SAVE_EVERY:
            survey, fresh = _kept(folder, survey, fresh), []
    return _kept(folder, survey, fresh) if fresh else survey


def _kept(folder: Path, survey: Survey, fresh: Sequence[tuple[int, PreLabel]]) -> Survey:
    points = np.stack([one.embedding for _, one in fresh])
    before = survey.embeddings if len(survey.items) else np.zeros((0, points.shape[1]), np.float32)
    longer = Survey(
        np.concatenate([survey.items, [item for item, _ in fresh]]).astype(np.int64),
        np.concatenate([survey.chances, [one.chances for _, one in fresh]]),
        np.concatenate([survey.disagreement, [one.disagreement for _, one in fresh]]),
        np.concatenate([before, points]),
    )
    stream = io.BytesIO()
    np.savez(
        stream, items=longer.items, chances=longer.chances, disagreement=longer.disagreement,
        embeddings=longer.embeddings,
    )  # fmt: skip
    write_atomic(folder / FILE, stream.getvalue())
    return longer
