"""SAM: equal to transformers' on random weights, and the official names, shapes and checkpoints."""

import re

import pytest
import torch

from beltline.core.errors import BadInputError, ShapeError, UntrustedWeightsError
from beltline.models.apsam import Apsam, apsam_small
from beltline.models.sam import VIT_B, VIT_L, Sam, load_sam_weights, official_shapes, sam_small
from beltline.models.sam_encoder import SMALL

SIDE = SMALL.table * 16  # of the "official" checkpoint of the small size


@pytest.fixture(scope="module")
def official() -> dict[str, torch.Tensor]:
    """A random checkpoint of the small size under the official names."""
    generator = torch.Generator().manual_seed(0)
    return {
        name: torch.randn(shape, generator=generator) * 0.1 for name, shape in official_shapes(SMALL).items()
    }


@pytest.fixture
def checkpoint(official, tmp_path):
    path = tmp_path / "sam_small.pth"
    torch.save(official, path)
    return path


# ours to transformers', in this order
RENAMED = (
    (r"^image_encoder\.", "vision_encoder."),
    (r"patch_embed\.proj", "patch_embed.projection"),
    (r"\.blocks\.", ".layers."),
    (r"neck\.0\.", "neck.conv1."),
    (r"neck\.1\.", "neck.layer_norm1."),
    (r"neck\.2\.", "neck.conv2."),
    (r"neck\.3\.", "neck.layer_norm2."),
    (r"norm_final_attn", "layer_norm_final_attn"),
    (r"\.norm(\d)\.", r".layer_norm\1."),
    (r"pe_layer\.positional_encoding_gaussian_matrix", "shared_embedding.positional_embedding"),
    (r"point_embeddings\.", "point_embed."),
    (r"mask_downscaling\.0", "mask_embed.conv1"),
    (r"mask_downscaling\.1", "mask_embed.layer_norm1"),
    (r"mask_downscaling\.3", "mask_embed.conv2"),
    (r"mask_downscaling\.4", "mask_embed.layer_norm2"),
    (r"mask_downscaling\.6", "mask_embed.conv3"),
    (r"output_upscaling\.0", "upscale_conv1"),
    (r"output_upscaling\.1", "upscale_layer_norm"),
    (r"output_upscaling\.3", "upscale_conv2"),
    (r"(mlps\.\d|head)\.layers\.0", r"\1.proj_in"),
    (r"(mlps\.\d|head)\.layers\.1", r"\1.layers.0"),
    (r"(mlps\.\d|head)\.layers\.2", r"\1.proj_out"),
)


def theirs(name: str) -> str:
    for pattern, replacement in RENAMED:
        name = re.sub(pattern, replacement, name)
    return name


@pytest.fixture(scope="module")
def reference(official):
    """transformers' SAM with the same weights, at 96 pixels: 6 tokens a side, padded to the windows of 8."""
    from transformers import SamConfig, SamModel

    vision = {
        "hidden_size": SMALL.width,
        "output_channels": SMALL.out,
        "num_hidden_layers": SMALL.depth,
        "num_attention_heads": SMALL.heads,
        "image_size": SIDE,
        "window_size": SMALL.window,
        "global_attn_indexes": list(SMALL.global_blocks),
        "num_pos_feats": SMALL.out // 2,
    }
    prompt = {"hidden_size": SMALL.out, "image_size": SIDE}
    # the official decoder keeps torch's epsilon, transformers' default is another
    decoder = {
        "hidden_size": SMALL.out,
        "mlp_dim": SMALL.mlp,
        "iou_head_hidden_dim": SMALL.out,
        "layer_norm_eps": 1e-5,
    }
    config = SamConfig(vision_config=vision, prompt_encoder_config=prompt, mask_decoder_config=decoder)
    model = SamModel(config).eval()
    renamed = {theirs(name): value for name, value in official.items()}
    positions = renamed["prompt_encoder.shared_embedding.positional_embedding"]
    model.load_state_dict({**renamed, "shared_image_embedding.positional_embedding": positions})
    return model


def test_encoder_prompts_and_decoder_equal_those_of_transformers(official, reference):
    ours = Sam(SMALL, SIDE).eval()
    ours.load_state_dict(official)
    generator = torch.Generator().manual_seed(1)
    image = torch.randn(1, 3, SIDE, SIDE, generator=generator)
    points = torch.tensor([[[100.0, 40.0], [300.0, 200.0]]])
    labels = torch.tensor([[1, 0]])
    given = torch.randn(1, 1, 4 * SMALL.table, 4 * SMALL.table, generator=generator)
    with torch.inference_mode():
        features = ours.image_encoder(image)
        torch.testing.assert_close(features, reference.vision_encoder(image)[0], rtol=1e-3, atol=1e-4)
        for mask in (None, given):
            prompts = ours.prompt_encoder(points, labels, mask)
            masks, quality = ours.mask_decoder(features, ours.prompt_encoder.positions(), prompts)
            want = reference(
                image_embeddings=features,
                input_points=points[:, None],
                input_labels=labels[:, None],
                input_masks=mask,
                multimask_output=True,
            )
            torch.testing.assert_close(masks[:, 1:], want.pred_masks[:, 0], rtol=1e-3, atol=1e-4)
            torch.testing.assert_close(quality[:, 1:], want.iou_scores[:, 0], rtol=1e-3, atol=1e-4)


def test_windows_that_do_not_divide_the_grid_are_padded(official):
    ours = Sam(SMALL, 160)  # 10 tokens in windows of 8
    features = ours.encode(torch.rand(1, 3, 160, 160))
    assert features.shape == (1, SMALL.out, 10, 10)


def official_names(depth: int) -> set[str]:
    """Written down from segment_anything's modules, apart from ours."""

    def both(*names: str) -> list[str]:
        return [f"{name}.{kind}" for name in names for kind in ("weight", "bias")]

    names = ["pos_embed", *both("patch_embed.proj", "neck.1", "neck.3"), "neck.0.weight", "neck.2.weight"]
    for index in range(depth):
        inner = ["attn.rel_pos_h", "attn.rel_pos_w"]
        inner += both("norm1", "norm2", "attn.qkv", "attn.proj", "mlp.lin1", "mlp.lin2")
        names += [f"blocks.{index}.{name}" for name in inner]
    whole = {f"image_encoder.{name}" for name in names}
    names = [
        "pe_layer.positional_encoding_gaussian_matrix",
        "not_a_point_embed.weight",
        "no_mask_embed.weight",
    ]
    names += [f"point_embeddings.{index}.weight" for index in range(4)]
    names += both(*(f"mask_downscaling.{index}" for index in (0, 1, 3, 4, 6)))
    whole |= {f"prompt_encoder.{name}" for name in names}
    projections = ("q_proj", "k_proj", "v_proj", "out_proj")
    names = ["iou_token.weight", "mask_tokens.weight"]
    for index in range(2):
        layer = [
            f"{attention}.{projection}"
            for attention in ("self_attn", "cross_attn_token_to_image", "cross_attn_image_to_token")
            for projection in projections
        ]
        layer += ["norm1", "norm2", "norm3", "norm4", "mlp.lin1", "mlp.lin2"]
        names += both(*(f"transformer.layers.{index}.{name}" for name in layer))
    names += both(*(f"transformer.final_attn_token_to_image.{name}" for name in projections))
    names += both("transformer.norm_final_attn", *(f"output_upscaling.{index}" for index in (0, 1, 3)))
    names += both(*(f"output_hypernetworks_mlps.{m}.layers.{n}" for m in range(4) for n in range(3)))
    names += both(*(f"iou_prediction_head.layers.{n}" for n in range(3)))
    return whole | {f"mask_decoder.{name}" for name in names}


@pytest.mark.parametrize(
    ("size", "tensors", "parameters"),
    [(VIT_B, 314, 93_735_472), (VIT_L, 482, 312_342_832)],  # transformers' counts, its position matrix apart
)
def test_official_names_and_sizes(size, tensors, parameters):
    shapes = official_shapes(size)
    assert set(shapes) == official_names(size.depth)
    assert len(shapes) == tensors
    buffer = 2 * 128
    assert sum(torch.Size(shape).numel() for shape in shapes.values()) - buffer == parameters


@pytest.mark.parametrize(
    ("name", "shape"),
    [  # of sam_vit_b_01ec64.pth
        ("image_encoder.pos_embed", (1, 64, 64, 768)),
        ("image_encoder.patch_embed.proj.weight", (768, 3, 16, 16)),
        ("image_encoder.blocks.0.attn.rel_pos_h", (27, 64)),
        ("image_encoder.blocks.11.attn.rel_pos_w", (127, 64)),
        ("image_encoder.blocks.0.attn.qkv.weight", (2304, 768)),
        ("image_encoder.neck.2.weight", (256, 256, 3, 3)),
        ("prompt_encoder.pe_layer.positional_encoding_gaussian_matrix", (2, 128)),
        ("prompt_encoder.mask_downscaling.3.weight", (16, 4, 2, 2)),
        ("mask_decoder.mask_tokens.weight", (4, 256)),
        ("mask_decoder.transformer.layers.1.cross_attn_image_to_token.q_proj.weight", (128, 256)),
        ("mask_decoder.output_upscaling.3.weight", (64, 32, 2, 2)),
        ("mask_decoder.output_hypernetworks_mlps.3.layers.2.weight", (32, 256)),
        ("mask_decoder.iou_prediction_head.layers.2.weight", (4, 256)),
    ],
)
def test_shapes_of_the_official_vit_b(name, shape):
    assert official_shapes(VIT_B)[name] == shape


def test_a_checkpoint_gives_every_tensor(official, checkpoint):
    model = Sam(SMALL, SIDE)
    loaded = load_sam_weights(model, checkpoint)
    assert (loaded.copied, loaded.resized, loaded.unused) == (len(official), (), ())
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, official[name])


def test_positions_are_interpolated_to_another_grid(official, checkpoint):
    model = sam_small(128)
    loaded = load_sam_weights(model, checkpoint)
    tables = {f"image_encoder.blocks.{index}.attn.rel_pos_{axis}" for index in (1, 3) for axis in "hw"}
    assert set(loaded.resized) == tables | {"image_encoder.pos_embed"}
    whole = official["image_encoder.pos_embed"]
    assert model.image_encoder.pos_embed.mean().item() == pytest.approx(whole.mean().item(), abs=1e-3)


def test_apsam_takes_what_it_shares_with_sam(official, checkpoint):
    model = apsam_small()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    loaded = load_sam_weights(model, checkpoint)
    assert loaded.unused == ("mask_decoder.mask_tokens.weight",)
    assert len(loaded.resized) == 4  # relative positions of two global blocks; the absolute ones stay whole
    after = model.state_dict()
    assert torch.equal(after["image_encoder.pos_embed"], official["image_encoder.pos_embed"])
    own = set(after) - set(official)
    assert own
    assert all(torch.equal(after[name], before[name]) for name in own)


def test_vit_b_has_a_place_for_all_but_the_mask_tokens():
    with torch.device("meta"):
        names = set(Apsam(VIT_B, 256).state_dict())
    assert set(official_shapes(VIT_B)) - names == {"mask_decoder.mask_tokens.weight"}


def test_the_first_tensor_that_does_not_fit_is_named(official, tmp_path):
    path = tmp_path / "other.pth"
    name = "image_encoder.blocks.1.attn.rel_pos_h"
    model = sam_small()
    before = model.state_dict()[name].clone()
    cases = {
        f"lacks {name}": {key: value for key, value in official.items() if key != name},
        f"{name} is (3, 32), expected (63, 32)": {**official, name: torch.zeros(3, 32)},
        "has an unknown head.weight": {**official, "head.weight": torch.zeros(1)},
    }
    for message, state in cases.items():
        torch.save(state, path)
        with pytest.raises(BadInputError, match=re.escape(message)) as caught:
            load_sam_weights(model, path)
        assert "\n" not in str(caught.value)
    assert torch.equal(model.state_dict()[name], before)


def test_a_file_that_runs_code_or_is_another_is_refused(official, checkpoint, tmp_path):
    path = tmp_path / "whole.pth"
    torch.save(torch.nn.Linear(1, 1), path)
    with pytest.raises(UntrustedWeightsError, match="more than tensors"):
        load_sam_weights(sam_small(), path)
    with pytest.raises(UntrustedWeightsError, match="expected 00"):
        load_sam_weights(sam_small(), checkpoint, sha256="00")
    with pytest.raises(BadInputError, match="no such file"):
        load_sam_weights(sam_small(), tmp_path / "none.pth")


def test_empty_clicks_change_nothing():
    torch.manual_seed(0)
    prompts = sam_small().prompt_encoder
    one, _ = prompts(torch.tensor([[[5.0, 7.0]]]), torch.tensor([[1]]))
    two, _ = prompts(torch.tensor([[[5.0, 7.0], [99.0, 3.0]]]), torch.tensor([[1, -1]]))
    assert torch.equal(one[:, 0], two[:, 0])
    assert torch.equal(one[:, 1], two[:, 1])  # an empty click is SAM's padding, wherever it lies


@pytest.mark.parametrize("trainable", ["nothing", "decoder"])
def test_frozen_sam_takes_its_best_mask_and_a_trained_one_the_single_mask(trainable):
    torch.manual_seed(0)
    model = Sam(SMALL, 128, trainable=trainable)
    points, labels = torch.tensor([[[40.0, 60.0]], [[90.0, 20.0]]]), torch.ones(2, 1)
    embedding = model.encode(torch.rand(2, 3, 128, 128))
    positions = model.prompt_encoder.positions()
    masks, quality = model.mask_decoder(embedding, positions, model.prompt_encoder(points, labels))
    found = model.decode(embedding, points, labels)
    for row in range(2):
        best = 0 if trainable == "decoder" else 1 + int(quality[row, 1:].argmax())
        assert torch.equal(found[row, 0], masks[row, best])


def test_shapes_are_checked():
    model = sam_small()
    points, labels = torch.zeros(1, 1, 2), torch.ones(1, 1)
    with pytest.raises(ShapeError, match=r"\(B, 3, 128, 128\)"):
        model(torch.rand(1, 3, 64, 128), points, labels)
    with pytest.raises(ShapeError, match=r"points \(1, N, 2\)"):
        model(torch.rand(1, 3, 128, 128), points[0], labels)
    with pytest.raises(ValueError, match="multiple of 16"):
        Sam(SMALL, 100)
