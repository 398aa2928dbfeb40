"""PatchCore: the odd place is found, the coreset covers, masks hold, distances are the naive ones."""

import pytest
import torch
from tests.models.one_class_devices import boards, plant
from torch.testing import assert_close

from beltline.core import ShapeError
from beltline.models.frozen_features import FrozenFeatures, places_of
from beltline.models.patchcore import PatchCore, greedy_coreset, nearest, random_projection

TINY = {"backbone": "resnet10t", "pretrained": False, "channels": (8, 8, 8, 8), "normalisation": "xray"}


@pytest.fixture(scope="module")
def fitted():
    return PatchCore(share=0.1).fit([boards(3, seed=1), boards(3, seed=2)])


def seeded(**settings):
    torch.manual_seed(0)
    return PatchCore(**{"share": 0.1, **TINY, **settings})


def test_an_odd_texture_scores_highest_and_its_place_is_the_peak(fitted):
    pictures, masks = boards(3, seed=3)
    pictures[1] = plant(pictures[1], 40, 72)
    anomaly, scores = fitted(pictures, masks)
    assert scores.argmax() == 1
    assert scores[1] > 1.2 * scores[[0, 2]].max()
    row, column = divmod(int(anomaly[1].argmax()), anomaly.shape[2])
    assert 40 <= 8 * row + 4 < 64
    assert 72 <= 8 * column + 4 < 96


def test_air_is_neither_stored_nor_scored(fitted):
    pictures, masks = boards(1, seed=4)
    assert (fitted.features(pictures).shape[2:]) == (12, 16)
    anomaly, scores = fitted(plant(pictures, 0, 0, size=16), masks)  # in the corner, off the device
    air = ~places_of(masks, (12, 16))
    assert (anomaly[air] == 0).all()
    assert (anomaly[~air] > 0).all()
    assert scores[0] <= anomaly.max()
    everything = seeded(share=1.0).fit([(pictures, masks)])
    assert len(everything.bank) == (~air).sum()


def test_a_picture_without_a_device_has_no_score(fitted):
    pictures, masks = boards(2, seed=5)
    masks[0] = 0
    anomaly, scores = fitted(pictures, masks)
    assert scores.isnan().tolist() == [True, False]
    assert (anomaly[0] == 0).all()
    with pytest.raises(ValueError, match="all zero"):
        seeded().fit([(pictures, torch.zeros_like(masks))])


def test_what_was_stored_is_at_no_distance():
    batch = boards(1)
    anomaly, scores = seeded(share=1.0).fit([batch])(*batch)
    assert anomaly.max() < 1e-5
    assert scores.max() < 1e-5


def test_the_same_seed_gives_the_same_memory_and_another_one_another():
    first, again = (seeded(most=100).fit([boards(2), boards(2, seed=7)]).bank for _ in range(2))
    assert torch.equal(first, again)
    assert not torch.equal(first, seeded(most=100, seed=1).fit([boards(2), boards(2, seed=7)]).bank)


def test_no_more_than_the_most_go_in_and_each_batch_has_its_chance():
    model = seeded(share=1.0, most=60)
    batches = [boards(1, seed=seed) for seed in range(3)]
    model.fit(iter(batches))
    assert len(model.bank) == 60
    whole = [seeded(share=1.0).fit([batch]).bank for batch in batches]
    share = [(torch.cdist(model.bank, each).amin(1) < 1e-4).sum() for each in whole]
    assert min(share) > 10


def test_a_saved_memory_loads_into_an_empty_model_and_into_a_fuller_one(tmp_path):
    saved = seeded().fit([boards(2)])
    torch.save(saved.state_dict(), tmp_path / "memory.pt")
    state = torch.load(tmp_path / "memory.pt", weights_only=True)
    torch.manual_seed(9)
    for other in (PatchCore(**TINY), PatchCore(**TINY, share=1.0).fit([boards(3)])):
        other.load_state_dict(state)
        for ours, theirs in zip(other(*boards(2, seed=8)), saved(*boards(2, seed=8)), strict=True):
            assert torch.equal(ours, theirs)
    state["bank"] = state["bank"][:, :3]
    with pytest.raises(RuntimeError, match="size mismatch for bank"):
        PatchCore(**TINY).load_state_dict(state)


def test_an_empty_memory_and_other_masks_are_refused():
    pictures, masks = boards(1)
    with pytest.raises(ValueError, match="call fit"):
        seeded()(pictures, masks)
    with pytest.raises(ShapeError, match="like the images"):
        seeded().fit([(pictures, masks[:, 0])])


@pytest.mark.parametrize("change", [{"share": 0}, {"share": 1.5}, {"most": 0}, {"neighbours": 0}])
def test_settings_out_of_range_are_refused(change):
    with pytest.raises(ValueError, match="got"):
        seeded(**change)


def test_nearest_is_the_naive_one_however_small_the_steps():
    drawn = torch.Generator().manual_seed(0)
    vectors, bank = 5 + torch.rand(37, 6, generator=drawn), 5 + torch.rand(23, 6, generator=drawn)
    vectors[3] = bank[7]
    naive = (vectors[:, None].double() - bank.double()).norm(dim=2).min(1)
    for entries in (1, 50, 10_000):
        distances, indices = nearest(vectors, bank, entries=entries)
        assert torch.equal(indices, naive.indices)
        assert_close(distances.double(), naive.values, rtol=1e-5, atol=1e-6)
    assert distances[3] == 0


def test_the_coreset_covers_better_than_chance():
    drawn = torch.Generator().manual_seed(0)
    crowd = torch.randn(500, 3, generator=drawn)
    few = 8 + torch.randn(5, 3, generator=drawn)  # rare places that chance forgets
    vectors = torch.cat([crowd, few])

    def farthest(indices):
        return torch.cdist(vectors, vectors[indices]).amin(1).max().item()

    chosen = greedy_coreset(vectors, 20, generator=drawn)
    assert len(chosen.unique()) == 20
    by_chance = [farthest(torch.randperm(505, generator=drawn)[:20]) for _ in range(20)]
    assert farthest(chosen) < 0.8 * min(by_chance)


def test_the_coreset_takes_doubles_last_and_all_if_asked():
    vectors = torch.tensor([[0.0], [0.0], [1.0], [5.0]])
    drawn = torch.Generator().manual_seed(0)
    assert sorted(vectors[greedy_coreset(vectors, 3, generator=drawn)].ravel().tolist()) == [0, 1, 5]
    assert sorted(greedy_coreset(vectors, 4, generator=drawn).tolist()) == [0, 1, 2, 3]
    with pytest.raises(ValueError, match=r"1\.\.4"):
        greedy_coreset(vectors, 5, generator=drawn)


def test_a_projection_keeps_distances_nearly():
    drawn = torch.Generator().manual_seed(0)
    vectors = torch.randn(40, 400, generator=drawn)
    short = random_projection(vectors, 128, generator=drawn)
    ratio = torch.pdist(short) / torch.pdist(vectors)
    assert short.shape == (40, 128)
    assert 0.7 < ratio.min() < ratio.max() < 1.3
    assert random_projection(vectors, 0, generator=drawn) is vectors


def test_the_score_is_equation_7():
    model = seeded(neighbours=3)
    model.bank = torch.zeros(4, 16)
    model.bank[:, 0] = torch.tensor([0.0, 1.0, 3.0, 50.0])
    vector = torch.zeros(16)
    vector[0] = -2.0
    # the memory's neighbours 0, 1, 3 are 2, 3, 5 away from the vector
    weight = 1 - torch.tensor([2.0, 3.0, 5.0]).softmax(0)[0]
    assert_close(model._reweighted(vector, 0, torch.tensor(2.0)), 2 * weight)
    model.neighbours = 1
    assert model._reweighted(vector, 0, torch.tensor(2.0)) == 2


def test_features_are_those_of_the_whole_backbone_and_stay_frozen():
    import timm
    from torch.nn.functional import avg_pool2d, interpolate

    features = FrozenFeatures(normalisation="xray")
    assert features.channels == 152
    assert not any(p.requires_grad for p in features.parameters())
    assert not any(module.training for module in features.train().modules())
    whole = timm.create_model("tf_efficientnet_lite0", features_only=True, out_indices=(2, 3)).eval()
    found = features.state_dict().values()
    whole.load_state_dict(dict(zip(whole.state_dict(), found, strict=False)) | _rest(whole, len(found)))
    picture = boards(1)[0]
    with torch.no_grad():
        finer, coarser = whole((picture - features.mean) / features.spread)
    shown = features(picture)
    assert_close(shown[:, :40], avg_pool2d(finer, 3, 1, 1, count_include_pad=False))
    smooth = avg_pool2d(coarser, 3, 1, 1, count_include_pad=False)
    resized = interpolate(smooth, shown.shape[2:], mode="bilinear", align_corners=False)
    assert_close(shown[:, 40:], resized)


def _rest(whole, count):
    return dict(list(whole.state_dict().items())[count:])


def test_a_backbone_without_the_strides_is_refused():
    with pytest.raises(ValueError, match="strides"):
        FrozenFeatures("resnet10t", pretrained=False, channels=(8, 8, 8, 8), output_stride=8)
