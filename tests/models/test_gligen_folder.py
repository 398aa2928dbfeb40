"""A GLIGEN from a folder: whole or refused in one line."""

import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.testing import assert_close

from beltline.core import BadInputError
from beltline.models.gligen import encode, gligen_denoise
from beltline.models.gligen_folder import load_gligen, save_gligen
from beltline.models.gligen_prompt import grounded_prompt
from beltline.models.gligen_tiny import gligen_tiny

UNET = "unet/diffusion_pytorch_model.safetensors"
TEXT = "text_encoder/model.safetensors"


@pytest.fixture(scope="module")
def model():
    return gligen_tiny(latents=8)


@pytest.fixture(scope="module")
def saved(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("gligen")
    save_gligen(model, folder)
    return folder


@pytest.fixture
def folder(saved, tmp_path):
    return Path(shutil.copytree(saved, tmp_path / "gligen"))


def rewritten(file, change):
    tensors = load_file(file)
    change(tensors)
    save_file(tensors, file, metadata={"format": "pt"})


def output(model):
    prompt = grounded_prompt(model.tokenizer, ["Gun"])
    known = encode(model, torch.linspace(-1, 1, 3 * 256).reshape(1, 3, 16, 16))
    denoise = gligen_denoise(
        model, prompt, torch.tensor([[0.0, 0.0, 0.5, 0.5]]), known, torch.ones(1, 1, 8, 8)
    )
    return denoise(torch.ones(1, 4, 8, 8), torch.tensor([100]), True).detach()


def test_what_is_saved_is_loaded(model, folder):
    loaded = load_gligen(folder)
    assert_close(output(loaded), output(model))
    assert torch.equal(loaded.scheduler.alphas_cumprod, model.scheduler.alphas_cumprod)
    assert not any(part.training for part in (loaded.unet, loaded.vae, loaded.text_encoder))


def test_names_of_older_text_encoders_are_understood(model, folder):
    def older(tensors):
        for name in list(tensors):
            tensors[f"text_model.{name}"] = tensors.pop(name)
        tensors["text_model.embeddings.position_ids"] = torch.arange(77)[None]

    rewritten(folder / TEXT, older)
    assert_close(output(load_gligen(folder)), output(model))


def test_half_precision_is_read_as_single(folder):
    def halve(tensors):
        tensors.update({name: tensor.half() for name, tensor in tensors.items()})

    for weights in (UNET, TEXT):
        rewritten(folder / weights, halve)
    loaded = load_gligen(folder)
    assert {loaded.unet.dtype, loaded.text_encoder.dtype} == {torch.float32}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda folder: shutil.rmtree(folder / "vae"), "vae: no config.json; expected a model in the layout"),
        (
            lambda folder: (folder / UNET).unlink(),
            "get the whole model",
        ),
        (
            lambda folder: (folder / TEXT).rename(folder / "text_encoder/pytorch_model.bin"),
            "pytorch_model.bin is a pickle: convert it by beltline models import",
        ),
        (
            lambda folder: (folder / UNET).write_bytes(b"no"),
            "unet: not",
        ),
        (lambda folder: (folder / "unet/config.json").write_text("{"), "unet: not readable as UNet2D"),
        (lambda folder: shutil.rmtree(folder / "tokenizer"), "tokenizer: not readable as CLIPTokenizer"),
        (lambda folder: shutil.rmtree(folder / "scheduler"), "scheduler: not readable as DDIMScheduler"),
        (
            lambda folder: rewritten(
                folder / UNET,
                lambda tensors: tensors.pop("position_net.null_position_feature"),
            ),
            "unet: lacks position_net.null_position_feature",
        ),
        (
            lambda folder: rewritten(
                folder / UNET,
                lambda tensors: tensors.update({"conv_in.weight": torch.zeros(32, 4, 3, 3)}),
            ),
            "size mismatch for conv_in.weight",
        ),
        (
            lambda folder: rewritten(
                folder / TEXT,
                lambda tensors: tensors.pop("embeddings.position_embedding.weight"),
            ),
            "text_encoder: lacks embeddings.position_embedding.weight",
        ),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else "",
)
def test_what_is_not_whole_is_refused(folder, change, said):
    change(folder)
    with pytest.raises(BadInputError, match=said):
        load_gligen(folder)
