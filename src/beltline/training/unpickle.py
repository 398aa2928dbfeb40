"""Pickled weights turned into safetensors by a process of its own: ``python -m beltline.training.unpickle``.

Tensors and plain values alone are read (``weights_only``), nothing is executed. Should a crafted file get the
better of the reader, or of the memory, it is the child that ends, and what it left is not used.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from beltline.core import BadInputError, BeltlineError, UntrustedWeightsError


def convert(files: Mapping[Path, Path]) -> None:
    """Write the tensors of pickled state dicts as safetensors, all in one child.

    Args:
        files: To each ``.bin``, ``.pt`` or ``.pth`` of ``torch.save`` the ``.safetensors`` file to write.

    Raises:
        UntrustedWeightsError: If a file holds more than tensors and plain values.
        BadInputError: If one is no state dict, or the child ended without a word.
    """
    ended = subprocess.run(
        [sys.executable, "-m", __name__, *(str(path) for pair in files.items() for path in pair)],
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode == 0:
        return
    said = (ended.stderr.strip().splitlines() or [""])[-1]
    if ended.returncode == UntrustedWeightsError.exit_code:
        raise UntrustedWeightsError(said)
    if ended.returncode == BadInputError.exit_code:
        raise BadInputError(said)
    names = ", ".join(map(str, files))
    raise BadInputError(f"{names}: conversion ended with {ended.returncode}: {said or 'out of memory?'}")


def _convert_here(source: Path, target: Path) -> None:
    from safetensors.torch import save_file

    from beltline.models.backbones import read_tensors

    tensors = read_tensors(source)
    # safetensors takes no two names for one memory, and only contiguous ones
    copies = {name: tensor.clone().contiguous() for name, tensor in tensors.items()}
    save_file(copies, target, metadata={"format": "pt"})


if __name__ == "__main__":
    try:
        for source, target in zip(sys.argv[1::2], sys.argv[2::2], strict=True):
            _convert_here(Path(source), Path(target))
    except BeltlineError as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        sys.exit(error.exit_code)
