"""Does loading keep the accelerator busy: images a second beside PIL with torchvision, and the step time.

Both pipelines read the same temporary JPEGs of 1000 x 700 pixels and do what the released CHR recipe does:
warp to 256 x 256, flip, crop 224 x 224, floats in 0..1. Ours is `FileBatches`; the other is what a tutorial
shows: PIL, ``torchvision.transforms``, a torch ``DataLoader`` with as many workers (processes, where ours
are threads). Rounds alternate, and each one counts from the first batch on, so that the start of workers
does not count. The step is a forward and backward pass of ResNet-18 with SGD at the same batch size.

Example:
    python benchmarks/loading.py --workers 2 --batch-size 64
    python benchmarks/loading.py --workers 12 --batch-size 256 --batches 60 --device cuda
"""

import argparse
import itertools
import os
import platform
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, RandomSampler

from beltline.data.annotations import ImageList
from beltline.models import ensure_torchvision_ops
from beltline.training.files import FileBatches

ensure_torchvision_ops()

import timm  # noqa: E402
from torchvision import transforms  # noqa: E402

HEIGHT, WIDTH, CLASSES = 700, 1000, 5
Stream = Callable[[], Iterator[tuple[Tensor, Tensor]]]


def write_images(root: Path, count: int) -> ImageList:
    """JPEGs of about 100 kB: overlapping coloured boxes on white with a little noise, as scans are."""
    rng = np.random.default_rng(0)
    names = tuple(f"{index:04d}.jpg" for index in range(count))
    for name in names:
        pixels = np.full((HEIGHT, WIDTH, 3), 255, np.float32)
        for _ in range(60):
            top, left = rng.integers(0, HEIGHT), rng.integers(0, WIDTH)
            box = (
                slice(top, top + int(rng.integers(10, 300))),
                slice(left, left + int(rng.integers(10, 300))),
            )
            pixels[box] *= rng.uniform(0.6, 1.0, 3)
        pixels += 3 * rng.normal(size=(HEIGHT, WIDTH, 1))
        cv2.imwrite(str(root / name), pixels.clip(0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 90])
    labels = (rng.random((count, CLASSES)) < 0.2).astype(np.float32)
    return ImageList(root, names, labels, tuple("abcde"))


class PlainDataset(Dataset[tuple[Tensor, Tensor]]):
    """One image at a time by PIL and torchvision."""

    def __init__(self, images: ImageList) -> None:
        self.images = images
        self.transform = transforms.Compose(
            [
                transforms.Resize((256, 256)),
                transforms.RandomHorizontalFlip(),
                transforms.RandomCrop(224),
                transforms.ToTensor(),
            ]
        )

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        with Image.open(self.images.path(index)) as image:
            view: Any = self.transform(image.convert("RGB"))
        return view, torch.from_numpy(self.images.labels[index])


def plain_stream(images: ImageList, *, batch_size: int, batches: int, workers: int) -> Stream:
    """The tutorial's loader, an epoch long enough for one round."""
    dataset = PlainDataset(images)
    sampler = RandomSampler(dataset, replacement=True, num_samples=batch_size * batches)
    loader = DataLoader(dataset, batch_size, sampler=sampler, num_workers=workers)
    return lambda: iter(loader)


def images_a_second(stream: Stream, batches: int) -> float:
    """Rate of one round of ``batches`` after the first one."""
    iterator = stream()
    next(iterator)
    began = time.perf_counter()
    count = sum(len(image) for image, _ in itertools.islice(iterator, batches))
    rate = count / (time.perf_counter() - began)
    if hasattr(iterator, "close"):
        iterator.close()
    return rate


def step_images_a_second(batch_size: int, device: str, repeats: int) -> float:
    """Rate of ResNet-18's training step, loading not included."""
    model = timm.create_model("resnet18", num_classes=CLASSES).to(device, memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(model.parameters(), 0.01, momentum=0.9)
    image = torch.rand(batch_size, 3, 224, 224, device=device).to(memory_format=torch.channels_last)
    labels = torch.zeros(batch_size, CLASSES, device=device)
    seconds = []
    for _ in range(repeats + 1):
        began = time.perf_counter()
        with torch.autocast(device, torch.bfloat16, enabled=device != "cpu"):
            logits = model(image)
        nn.functional.binary_cross_entropy_with_logits(logits.float(), labels).backward()
        optimizer.step()
        optimizer.zero_grad()
        if device == "cuda":
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - began)
    return batch_size / statistics.median(seconds[1:])


def main() -> None:
    """Print the rates, their paired ratio and the step's rate."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--images", type=int, default=64)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--batches", type=int, default=12, help="batches a round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    args = parser.parse_args()
    warnings.filterwarnings("ignore", category=UserWarning)  # DataLoader advises on the number of workers
    with tempfile.TemporaryDirectory() as folder:
        images = write_images(Path(folder), args.images)
        ours = FileBatches(images, batch_size=args.batch_size, workers=args.workers)
        plain = plain_stream(
            images, batch_size=args.batch_size, batches=args.batches + 1, workers=args.workers
        )
        streams: tuple[Stream, Stream] = (lambda: iter(ours(0)), plain)
        rates = [[images_a_second(s, args.batches) for s in streams] for _ in range(args.rounds)]
    step = step_images_a_second(args.batch_size, args.device, repeats=3)
    fast, slow = (statistics.median(column) for column in zip(*rates, strict=True))
    ratios = sorted(a / b for a, b in rates)
    machine = f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores"
    print(f"{machine}, {args.workers} workers, batch {args.batch_size}, JPEGs of {WIDTH} x {HEIGHT} pixels\n")
    print("| what | images/s |\n|---|---|")
    print(f"| FileBatches | {fast:.0f} |\n| PIL, torchvision, DataLoader | {slow:.0f} |")
    print(f"| ResNet-18 training step, {args.device} | {step:.0f} |\n")
    print(f"Ours is {statistics.median(ratios):.2f} times as fast ({ratios[0]:.2f} to {ratios[-1]:.2f}).")
    print(f"Loading is {fast / step:.1f} times as fast as the step. Load average: {os.getloadavg()[0]:.1f}.")


if __name__ == "__main__":
    main()
