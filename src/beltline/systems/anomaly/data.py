"""Batches of anomaly models: devices with their twins, or single pictures of parts and objects."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from beltline.core.device_parts import framed, object_picture
from beltline.formats.device_shards import UNKNOWN, DeviceShards, devices_in
from beltline.models.dense_anomaly import STRIDE
from beltline.systems.anomaly.recipe import AnomalyRecipe
from beltline.training.ahead import built_ahead
from beltline.training.augment import apply_to_masks, apply_to_pixels, sample_augmentation

Rng = np.random.Generator
Pixels = NDArray[np.uint8]
Placed = tuple[Pixels, Pixels, Pixels]
"""A picture (H, W, 3), and of its places (H / 4, W / 4) the share that is concealed and that is device."""
CLEAR = 16.0  # grey values by which a place differs from the twin's where what is concealed shows well


class PlaceBatch(NamedTuple):
    """B devices, no two of them twins unless the recipe asks for it.

    Attributes:
        images: (B, 3, H, W) float32 in [0, 1].
        hidden: (B, 1, H / 4, W / 4) float32 share of each place that is concealed.
        device: (B, 1, H / 4, W / 4) float32 share that is device, less where something is concealed that the
            picture hardly shows, see `shown`.
        scans: (S, 3, H, W) whole scans; S is 0 where there are none.
        found: (S, 1, H / 4, W / 4) share that is device in them.
    """

    images: Tensor
    hidden: Tensor
    device: Tensor
    scans: Tensor
    found: Tensor


class TwinBatch(NamedTuple):
    """B devices and how they would be without what is concealed.

    Attributes:
        corrupted: (B, 3, H, W) float32 in [0, 1]; in half of them nothing is concealed.
        clean: (B, 3, H, W) of the benign twin.
        mask: (B, 1, H, W) float32, 0 or 1: what is concealed.
    """

    corrupted: Tensor
    clean: Tensor
    mask: Tensor


class ScanBatch(NamedTuple):
    """B whole scans.

    Attributes:
        images: (B, 3, H, W) float32 in [0, 1].
        masks: Of each (N, H, W) bool, one device each.
    """

    images: Tensor
    masks: list[Tensor]


class PictureBatch(NamedTuple):
    """B pictures of parts or devices.

    Attributes:
        images: (B, 3, H, W) float32 in [0, 1].
        labels: (B,) int64: 0 benign, 1 anomalous.
    """

    images: Tensor
    labels: Tensor


@dataclass(frozen=True, eq=False)
class AnomalyBatches:
    """Batches for `fit`: batch ``i`` depends on nothing but the shards, the recipe and ``i``.

    Attributes:
        shards: Devices.
        recipe: What a batch is of.
    """

    shards: DeviceShards
    recipe: AnomalyRecipe

    def __call__(self, start: int, stride: int = 1) -> Iterator[Any]:
        """Batches number ``start``, ``start + stride``, ..., prepared ahead, without end."""
        kinds: dict[str, Callable[[int], Any]] = {
            "places": self.places,
            "twins": self.twins,
            "scan": self.whole_scans,
        }
        build = kinds.get(self.recipe.level, self.pictures)
        workers = max(self.recipe.training.workers, 1)
        return built_ahead(build, itertools.count(start, stride), workers, "devices")

    def places(self, index: int) -> PlaceBatch:
        """Devices, of twins benign and not in turn, never beside each other unless the recipe asks for it.

        Devices without a twin come as often as the set has them, and pairs again where it has fewer than a
        batch.
        A network that normalises by batches tells twins in one batch apart by what the batch's mean owes to
        the other one, which there is nothing of in use.
        """
        rng = np.random.default_rng((self.recipe.training.seed, 1, index))
        count, each = self.recipe.training.batch_size, 2 if self.recipe.twins else 1
        drawn = rng.choice(len(self._pairs), -(-count // each), replace=len(self._pairs) < count)
        seeds = rng.integers(2**40, size=len(drawn))
        rows = [
            # augmented alike where both are there
            self._one_of(np.random.default_rng(seeds[n // each]), self._pairs[drawn[n // each]], n % 2)
            for n in range(count)
        ]
        images, hidden, device = zip(*rows, strict=True)
        scans, found = self._scans(rng)
        return PlaceBatch(as_images(images), _shares(hidden), _shares(device), scans, found)

    def twins(self, index: int) -> TwinBatch:
        """Devices beside their benign twins, both augmented alike."""
        rng = np.random.default_rng((self.recipe.training.seed, 1, index))
        whole = [pair for pair in self._pairs if len(pair) == 2]
        corrupted, clean, masks = [], [], []
        for number in range(self.recipe.training.batch_size):
            pair = whole[int(rng.integers(len(whole)))]
            order = np.argsort(self.shards.devices["positive"][pair], kind="stable")
            seed = int(rng.integers(2**40))
            planes = (self.shards.planes(int(row)) for row in pair[order])
            benign, hiding = (self._placed(np.random.default_rng(seed), each) for each in planes)
            shown_one = hiding if number % 2 else benign
            corrupted.append(shown_one[0])
            clean.append(benign[0])
            masks.append(shown_one[1] > 127)
        coarse = torch.from_numpy(np.array(masks)[:, None]).float()
        mask = torch.nn.functional.interpolate(coarse, scale_factor=STRIDE, mode="nearest")
        return TwinBatch(as_images(corrupted), as_images(clean), mask)

    def whole_scans(self, index: int) -> ScanBatch:
        """Scans with the devices in them."""
        rng = np.random.default_rng((self.recipe.training.seed, 1, index))
        drawn = [self._scan(rng, stride=1) for _ in range(self.recipe.training.batch_size)]
        masks = [
            np.array(devices_in(covered), np.bool_).reshape(-1, *self.recipe.shape) for _, covered in drawn
        ]
        return ScanBatch(as_images([p for p, _ in drawn]), [torch.from_numpy(each) for each in masks])

    def pictures(self, index: int) -> PictureBatch:
        """Pictures drawn so that benign and anomalous ones are as many: the rarer class repeats."""
        rng = np.random.default_rng((self.recipe.training.seed, 1, index))
        images, labels = [], []
        for number in range(self.recipe.training.batch_size):
            label = number % 2
            images.append(self.picture(rng, int(rng.choice(self.rows_of[label]))))
            labels.append(label)
        return PictureBatch(as_images(images), torch.tensor(labels))

    @property
    def concealing(self) -> int:
        """Devices that are taught, and of which it is known where something is concealed."""
        devices = self.shards.devices
        return int((devices["masked"] & devices["positive"] & self._taught).sum())

    @property
    def beside(self) -> int:
        """Pairs that are taught, of which both twins are there."""
        return sum(len(pair) == 2 for pair in self._pairs)

    def picture(self, rng: Rng | None, row: int) -> Pixels:
        """A part, or a device, (H, W, 3) as the network sees it; augmented where there is a generator."""
        shape = self.recipe.shape
        if self.recipe.level == "part":
            plain = framed(self.shards.part(row), shape)
        else:
            plain = object_picture(self.shards.device(row), shape)
        if rng is None:
            return plain
        drawn = sample_augmentation(rng, self.recipe.augmentation, source=shape, output=shape)
        return apply_to_pixels(plain, drawn, shape)

    @cached_property
    def rows_of(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Rows of benign and of anomalous parts, or devices, that are taught."""
        taught = self._taught
        if self.recipe.level == "part":
            labels, taught = self.shards.parts["label"], taught[self.shards.parts["device"]]
        else:
            labels = self.shards.devices["positive"].astype(np.int8)
        return np.flatnonzero(taught & (labels == 0)), np.flatnonzero(taught & (labels == 1))

    @cached_property
    def _taught(self) -> NDArray[np.bool_]:
        """Devices (N,) whose pair conceals something of the recipe's kinds and difficulties, or nothing."""
        devices, recipe = self.shards.devices, self.recipe
        wanted = ~(devices["difficulty"] > recipe.hardest)  # NaN is not known
        if recipe.kinds:
            numbers = [UNKNOWN, *(k for k, name in enumerate(self.shards.kinds) if name in recipe.kinds)]
            wanted &= np.isin(devices["kind"], numbers)
        left_out = np.unique(devices["pair"][devices["positive"] & ~wanted])
        return ~np.isin(devices["pair"], left_out)

    @cached_property
    def _pairs(self) -> list[NDArray[np.int64]]:
        """Rows of each device and its twin; of devices whose anomaly's place is not known none."""
        known = np.flatnonzero(self.shards.devices["masked"] & self._taught)
        _, group = np.unique(self.shards.devices["pair"][known], return_inverse=True)
        order = np.argsort(group, kind="stable")
        return np.split(known[order], np.flatnonzero(np.diff(group[order])) + 1)

    def _scans(self, rng: Rng) -> tuple[Tensor, Tensor]:
        height, width = self.recipe.shape
        if not (self.shards.scans and self.recipe.scans):
            return torch.zeros(0, 3, height, width), torch.zeros(0, 1, height // STRIDE, width // STRIDE)
        pictures, found = zip(*(self._scan(rng) for _ in range(self.recipe.scans)), strict=True)
        return as_images(pictures), _shares(found)

    def _scan(self, rng: Rng, *, stride: int = STRIDE) -> tuple[Pixels, Pixels]:
        """A whole scan and where devices are in it, the latter smaller by the stride."""
        shape = self.recipe.shape
        planes = self.shards.scan(int(rng.integers(self.shards.scans)))
        cells = (shape[1] // stride, shape[0] // stride)
        picture = cv2.resize(np.ascontiguousarray(planes[..., :3]), shape[::-1], interpolation=cv2.INTER_AREA)
        covered = cv2.resize(np.ascontiguousarray(planes[..., 3]), cells, interpolation=cv2.INTER_AREA)
        drawn = sample_augmentation(rng, self.recipe.augmentation, source=shape, output=shape)
        (found,) = apply_to_masks(np.asarray(covered, np.uint8)[None], drawn, shape, stride=stride)
        return apply_to_pixels(np.asarray(picture, np.uint8), drawn, shape), found

    def _one_of(self, rng: Rng, twins: NDArray[np.int64], which: int) -> Placed:
        """The benign one of twins, or the other; a device without a twin is itself.

        Twins whose masks reach a row more or less are not compared: all of what they conceal counts.
        """
        order = np.argsort(self.shards.devices["positive"][twins], kind="stable")
        ordered = [self.shards.planes(int(row)) for row in twins[order]]
        mine = ordered[min(which, len(ordered) - 1)]
        alike = len(ordered) == 2 and ordered[0].shape == ordered[1].shape
        return self._placed(rng, mine, shown(ordered) if alike else None)

    def _placed(self, rng: Rng, planes: Pixels, shows: Pixels | None = None) -> Placed:
        """A device augmented; where ``shows`` (h, w) is low, what is concealed there does not count."""
        shape = self.recipe.shape
        picture = framed(np.ascontiguousarray(planes[..., :3]), shape)
        masks = framed_masks(planes, shape, shows)
        drawn = sample_augmentation(rng, self.recipe.augmentation, source=shape, output=shape)
        hidden, device, unseen = apply_to_masks(masks, drawn, shape, stride=STRIDE)
        counted = device - np.minimum(device, unseen)
        return apply_to_pixels(picture, drawn, shape), hidden, counted


def shown(twins: Sequence[Pixels]) -> Pixels:
    """How clearly each pixel (h, w) of a device differs from its twin's, 255 from 16 grey values on.

    A thin sheet behind a battery is there, but no network can learn to see it; taught all the same, it would
    be noise.

    Args:
        twins: Planes (h, w, 5) of both, see `DeviceShards`.

    Example:
        >>> benign = np.full((2, 2, 5), 200, np.uint8); other = benign.copy(); other[0] -= np.uint8(8)
        >>> shown([benign, other]).tolist()
        [[127, 127], [0, 0]]
    """
    one, other = (planes[..., :3].astype(np.int16) for planes in twins)
    difference = np.abs(one - other).mean(axis=2)
    return np.asarray(255 * np.clip(difference / CLEAR, 0, 1), np.uint8)


def framed_masks(planes: Pixels, shape: tuple[int, int], shows: Pixels | None = None) -> Pixels:
    """Coverage (3, H / 4, W / 4) uint8, framed as its picture is.

    Args:
        planes: (h, w, 5) of a device.
        shape: (H, W) of the picture.
        shows: (h, w) how clearly the picture shows what is concealed; all of it if None.

    Returns:
        What is concealed, what is device, and what is concealed without being shown.
    """
    hidden = np.where(planes[..., 4] == 1, np.uint8(255), np.uint8(0))
    device = np.where(planes[..., 3] != 255, np.uint8(255), np.uint8(0))
    unseen = hidden * 0 if shows is None else np.minimum(hidden, 255 - shows)
    small = (shape[0] // STRIDE, shape[1] // STRIDE)
    # `framed` pads with white, so what is not there is white while it does
    found = 255 - framed(255 - np.dstack([hidden, device, unseen]), small)
    return np.ascontiguousarray(found.transpose(2, 0, 1))


def as_images(pictures: Sequence[Pixels]) -> Tensor:
    """(B, 3, H, W) float32 in [0, 1] of pictures (H, W, 3) uint8."""
    stacked = np.stack(pictures).transpose(0, 3, 1, 2)
    return torch.from_numpy(np.ascontiguousarray(stacked)).float() / 255


def _shares(planes: Any) -> Tensor:
    return torch.from_numpy(np.stack(planes)[:, None]).float() / 255
