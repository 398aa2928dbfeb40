"""The page shows what was left out, asks no network, and takes no name for markup."""

import re

import numpy as np
from tests.data.curate.drawn import bag, write, write_bags, write_set

from beltline.data.curate import CurationRule, curate, render_page
from beltline.data.curate.histogram import histogram


def test_the_page_shows_every_reason_and_is_whole_in_itself(tmp_path):
    write_bags(tmp_path / "in", 21)
    write(tmp_path / "in/small.png", bag(50)[:150])
    write(tmp_path / "in/narrow.png", bag(51, size=(200, 900)))
    write(tmp_path / "in/twice.png", bag(3)[:, ::-1])
    (tmp_path / "in/<b>.png").write_bytes(b"no & picture")
    write(tmp_path / "test/x.png", bag(4))
    curation = curate(tmp_path / "in", against=[tmp_path / "test"])
    page = render_page(curation)
    for reason in ("unreadable", "resolution", "aspect", "sharpness", "duplicate"):
        assert f'id="{reason}"' in page
        assert f'href="#{reason}"' in page
    assert "mirrored left to right" in page
    assert "in the other set" in page
    assert "&lt;b&gt;.png" in page
    assert "<b>" not in page
    assert "<script" not in page
    assert not re.findall(r"(?:src|href)=\"(?!data:|#)", page)
    assert page.count("<svg") == 4
    assert page.count("data:image/jpeg") >= 8


def test_names_of_any_bytes_and_many_pictures_fit(tmp_path, monkeypatch):
    from beltline.data.curate import page as module

    monkeypatch.setattr(module, "MOST_SHOWN", 3)
    write_bags(tmp_path / "in", 3)
    for number in range(9):
        write(tmp_path / f"in/\x1b[2J{number}.png", bag(60 + number)[: 100 + number])
    curation = curate(tmp_path / "in", CurationRule(only=("resolution",)))
    page = render_page(curation)
    assert "\x1b" not in page
    assert "3 shown" in page
    shown = [int(value) for value in re.findall(r"<strong>(\d+) px</strong>", page)]
    assert shown[:3] == [108, 104, 100]


def test_pairs_at_odds_are_shown(tmp_path):
    root = write_set(tmp_path / "set", {"a": (bag(1), "gun"), "b": (bag(1)[1:], "knife")})
    page = render_page(curate(root, CurationRule(only=("duplicate",))))
    assert "Kept, but at odds" in page
    assert 'id="duplicate"' not in page
    assert "resolution, not looked at" in page


def test_a_histogram_has_its_threshold_in_place():
    drawn = histogram("x", np.arange(50.0, 101), np.arange(0.0, 50), limit=50, words="at least 50")
    assert drawn is not None
    assert drawn.threshold == 200.0
    left = [bar for bar in drawn.bars if bar[3] > 0]
    kept = [bar for bar in drawn.bars if bar[2] > 0]
    assert max(bar[0] for bar in left) <= 200
    assert min(bar[0] for bar in kept) >= 180
    assert histogram("x", np.zeros(0), np.zeros(0), limit=1) is None
    same = histogram("x", np.full(3, 7.0), np.zeros(0), limit=None, logarithmic=True)
    assert same is not None
    assert sum(bar[2] > 0 for bar in same.bars) == 1
    assert len(same.ticks) >= 1
