"""The loop: schedule by steps and by the clock, accumulation, averaging, interruption, divergence."""

import itertools
import json
import math
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from beltline.core import QualityGateError
from beltline.training import loop
from beltline.training.averaging import AveragedWeights
from beltline.training.checkpoint import CHECKPOINT, load_checkpoint
from beltline.training.loop import FitOptions, fit
from beltline.training.schedule import constant, cosine

QUIET = {"tensorboard": False, "log_steps": 1, "ema_decay": None}


class Line(nn.Module):
    """y = w x + b."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(1, 1)
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)

    def forward(self, x):
        return self.linear(x)


def batches(start, stride=1):
    """Batch number i: four points of y = 2 x + 1 that depend on i."""
    for index in itertools.count(start, stride):
        x = torch.rand(4, 1, generator=torch.Generator().manual_seed(index))
        yield x, 2 * x + 1


def loss(model, batch):
    return {"loss": (model(batch[0]) - batch[1]).square().mean()}


def run(steps=10, *, out=None, options=None, loss=loss, lr=0.1, **arguments):
    model = Line()
    optimizer = torch.optim.SGD(model.parameters(), lr)
    chosen = FitOptions(**{**QUIET, **(options or {})})
    return fit(model, batches, loss, optimizer, steps=steps, options=chosen, out=out, **arguments)


def lines(out, kind="train"):
    rows = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    return [row for row in rows if row["kind"] == kind]


def weights(result):
    return torch.cat([p.detach().flatten() for p in result.model.parameters()])


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still unless told: ``clock.now`` in seconds."""
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(loop, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


# --- schedules --------------------------------------------------------------------------------------------


@given(st.floats(0, 1), st.floats(0.01, 0.5))
def test_schedules_stay_between_zero_and_one(progress, warmup):
    for schedule in (cosine(warmup=warmup), constant()):
        assert 0 <= schedule(progress) <= 1 + 1e-12


def test_schedules_at_their_corners():
    assert [cosine(warmup=0.1)(p) for p in (0, 0.1, 1)] == pytest.approx([0, 1, 0])
    assert cosine(warmup=0.1, floor=0.2)(1) == pytest.approx(0.2)
    assert cosine(warmup=0)(0) == 1
    assert constant()(0.7) == 1


def test_learning_rate_follows_the_schedule_step_by_step(tmp_path):
    run(10, out=tmp_path, options={"schedule": cosine(warmup=0.2)})
    expected = [0.1 * cosine(warmup=0.2)(i / 10) for i in range(10)]
    assert [line["lr"] for line in lines(tmp_path)] == pytest.approx(expected)


# --- the clock --------------------------------------------------------------------------------------------


def ticking(clock, seconds=1.0):
    def slow_loss(model, batch):
        clock.now += seconds
        return loss(model, batch)

    return slow_loss


def test_a_run_ends_on_time_with_the_learning_rate_at_zero(tmp_path, clock):
    result = run(10**6, out=tmp_path, options={"max_minutes": 1.0}, loss=ticking(clock))
    assert result.step == 60  # a second each
    assert result.minutes == pytest.approx(1)
    rates = [line["lr"] for line in lines(tmp_path)]
    assert max(rates) == pytest.approx(0.1, rel=0.01)
    assert rates[-1] < 1e-3 * max(rates)
    assert all(b < a for a, b in itertools.pairwise(rates[2:]))


def test_whichever_of_steps_and_clock_is_further_counts(tmp_path, clock):
    assert run(20, options={"max_minutes": 1.0}, loss=ticking(clock)).step == 20
    assert run(20, options={"max_minutes": 1.0}, loss=ticking(clock, 6.0)).step == 10


def test_time_before_a_resume_counts(tmp_path, clock):
    def interrupted(model, batch):
        if clock.now >= 1020:
            raise KeyboardInterrupt
        return ticking(clock)(model, batch)

    options = {"max_minutes": 1.0}
    with pytest.raises(KeyboardInterrupt):
        run(10**6, out=tmp_path, options=options, loss=interrupted)
    clock.now += 5000  # nobody trains overnight
    result = run(10**6, out=tmp_path, options={**options, "resume": True}, loss=ticking(clock))
    assert result.step == 60
    rates = [line["lr"] for line in lines(tmp_path)]
    assert rates[20] == pytest.approx(0.1 * cosine()(20 / 60))
    assert rates[-1] < 1e-3


def test_a_run_that_is_over_does_nothing_when_resumed(tmp_path):
    first = run(5, out=tmp_path)
    again = run(5, out=tmp_path, options={"resume": True})
    assert again.step == 5
    assert torch.equal(weights(first), weights(again))


# --- what a step is ---------------------------------------------------------------------------------------


def test_one_step_of_gradient_descent_by_hand():
    result = run(1, options={"schedule": constant(), "clip_norm": None})
    x, y = next(batches(0))
    expected = [0.1 * 2 * (y * x).mean().item(), 0.1 * 2 * y.mean().item()]
    assert weights(result).tolist() == pytest.approx(expected)


def test_accumulated_batches_are_one_large_batch():
    def pairs(start, stride=1):
        stream = batches(2 * start)
        while True:
            (x1, y1), (x2, y2) = next(stream), next(stream)
            yield torch.cat([x1, x2]), torch.cat([y1, y2])

    small = run(6, options={"accumulate": 2})
    model = Line()
    options = FitOptions(**QUIET)
    large = fit(model, pairs, loss, torch.optim.SGD(model.parameters(), 0.1), steps=6, options=options)
    torch.testing.assert_close(weights(small), weights(large))


def test_the_gradient_is_clipped(tmp_path):
    limited = run(1, out=tmp_path, options={"schedule": constant(), "clip_norm": 0.01})
    assert weights(limited).norm().item() == pytest.approx(0.1 * 0.01, rel=1e-3)
    assert lines(tmp_path)[0]["grad_norm"] > 0.01  # as it was


def test_it_learns_the_line():
    result = run(400, options={"schedule": constant()}, lr=0.3)
    assert weights(result).tolist() == pytest.approx([2, 1], abs=0.02)


def test_a_run_without_a_folder_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run(2)
    assert list(tmp_path.iterdir()) == []


def test_no_steps_are_refused():
    with pytest.raises(ValueError, match="at least 1"):
        run(0)


# --- resume and interruption ------------------------------------------------------------------------------


@pytest.mark.parametrize("accumulate", [1, 3])
def test_an_interrupted_run_goes_on_at_the_next_batch(tmp_path, accumulate):
    calls = itertools.count()

    def interrupted(model, batch):
        if next(calls) == 5 * accumulate:
            raise KeyboardInterrupt
        return loss(model, batch)

    options = {"accumulate": accumulate, "ema_decay": 0.9}
    with pytest.raises(KeyboardInterrupt):
        run(9, out=tmp_path / "a", options=options, loss=interrupted)
    assert load_checkpoint(tmp_path / "a" / CHECKPOINT)["step"] == 5
    resumed = run(9, out=tmp_path / "a", options={**options, "resume": True})
    whole = run(9, out=tmp_path / "b", options=options)
    assert torch.equal(weights(resumed), weights(whole))
    numbers = [[line["loss"] for line in lines(tmp_path / name)] for name in "ab"]
    assert numbers[0] == numbers[1]


def test_remains_of_dead_writers_are_removed(tmp_path):
    (tmp_path / ".checkpoint.pt.1.999999999.tmp").write_bytes(b"half")
    run(1, out=tmp_path)
    assert not list(tmp_path.glob(".*"))


# --- divergence -------------------------------------------------------------------------------------------


def diverging(at, value=math.nan):
    calls = itertools.count()

    def found(model, batch):
        terms = loss(model, batch)
        return {"loss": terms["loss"] * value, "image": terms["loss"]} if next(calls) == at else terms

    return found


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_not_finite_stops_the_run(tmp_path, value):
    message = r"diverged at step 5: loss -?(nan|inf), image .*init=RUN"
    with pytest.raises(QualityGateError, match=message) as caught:
        run(9, out=tmp_path, options={"checkpoint_steps": 2}, loss=diverging(5, value))
    assert caught.value.exit_code == 7
    state = load_checkpoint(tmp_path / CHECKPOINT)
    assert state["step"] == 4  # the last good one
    assert all(value.isfinite().all() for value in state["model"].values())
    assert run(9, out=tmp_path, options={"resume": True}).step == 9


def test_weights_that_are_not_finite_are_never_saved(tmp_path):
    """A finite loss whose gradient is not: the square root of zero."""
    calls = itertools.count()

    def found(model, batch):
        terms = loss(model, batch)
        if next(calls) == 3:
            return {"loss": terms["loss"] + (0 * model.linear.weight).abs().sqrt().sum()}
        return terms

    with pytest.raises(QualityGateError, match="not finite"):
        run(9, out=tmp_path, options={"checkpoint_steps": 2}, loss=found)
    state = load_checkpoint(tmp_path / CHECKPOINT)
    assert state["step"] == 2
    assert all(value.isfinite().all() for value in state["model"].values())


# --- averaging and evaluation -----------------------------------------------------------------------------


def test_averaged_weights_by_hand():
    model = Line()
    average = AveragedWeights(model, decay=0.5)
    expected = 0.0
    for update in range(1, 30):
        nn.init.constant_(model.linear.weight, update)
        average.update(model)
        decay = min(0.5, (1 + update) / (10 + update))
        expected = decay * expected + (1 - decay) * update
        assert average.model.linear.weight.item() == pytest.approx(expected, rel=1e-5)
    assert not average.model.training
    assert not any(p.requires_grad for p in average.model.parameters())


def test_averaged_statistics_and_counters():
    model = nn.BatchNorm1d(1)
    average = AveragedWeights(model, decay=0.9)
    model(torch.full((4, 1), 3.0) + torch.arange(4.0)[:, None])
    average.update(model)
    assert average.model.num_batches_tracked.item() == 1
    assert 0 < average.model.running_mean.item() < model.running_mean.item()
    other = AveragedWeights(nn.BatchNorm1d(1), decay=0.9)
    other.restore(average.state())
    assert other.updates == 1
    assert torch.equal(other.model.running_mean, average.model.running_mean)


def test_evaluation_sees_the_averaged_model_at_rest(tmp_path):
    seen = []

    def evaluate(model):
        assert not model.training
        assert not torch.is_grad_enabled()
        seen.append(model)
        return {"auc": 0.5 + len(seen), "pointing": math.nan}

    options = {"ema_decay": 0.9, "evaluate_steps": 2}
    result = run(5, out=tmp_path, options=options, evaluate=evaluate)
    assert len(seen) == 3  # steps 2, 4 and the end
    assert all(model is result.model for model in seen)
    assert result.values["auc"] == 3.5
    rows = lines(tmp_path, "evaluate")
    assert [row["step"] for row in rows] == [2, 4, 5]
    assert rows[0]["pointing"] is None


def test_progress_and_notes_go_to_stderr(tmp_path, capsys):
    run(2, out=tmp_path, evaluate=lambda model: {"auc": 0.75})
    out, err = capsys.readouterr()
    assert out == ""
    assert "100.0 %  step 2" in err
    assert "auc 0.75" in err


def test_tensorboard_files_are_written(tmp_path):
    pytest.importorskip("tensorboard")
    run(2, out=tmp_path, options={"tensorboard": True})
    assert list((tmp_path / "tensorboard").glob("events.*"))


# --- checkpoints by time ----------------------------------------------------------------------------------


def slower(clock, seconds):
    """The loss, so many seconds later."""

    def later(model, batch):
        clock.now += seconds
        return loss(model, batch)

    return later


class Killed(Exception):
    """What nothing in the loop catches, as little as kill -9."""


def killed_after(steps, wrapped):
    calls = itertools.count(1)

    def dies(model, batch):
        if next(calls) > steps:
            raise Killed
        return wrapped(model, batch)

    return dies


def test_two_minutes_are_the_most_that_a_kill_costs(tmp_path, clock):
    saved = []
    for killed_at in range(1, 9):  # 50 seconds a step: a third one would make it 150
        out = tmp_path / str(killed_at)
        with pytest.raises(Killed):
            run(20, out=out, loss=killed_after(killed_at, slower(clock, 50)))
        path = out / CHECKPOINT
        saved.append(load_checkpoint(path)["step"] if path.is_file() else 0)
    assert saved == [0, 2, 2, 4, 4, 6, 6, 8]


def test_a_checkpoint_by_steps_starts_the_time_anew(tmp_path, clock):
    with pytest.raises(Killed):
        run(20, out=tmp_path, loss=killed_after(4, slower(clock, 50)), options={"checkpoint_steps": 2})
    assert load_checkpoint(tmp_path / CHECKPOINT)["step"] == 4
    with pytest.raises(Killed):
        run(
            20,
            out=tmp_path / "b",
            loss=killed_after(4, slower(clock, 50)),
            options={"checkpoint_minutes": None},
        )
    assert not (tmp_path / "b" / CHECKPOINT).exists()


@pytest.mark.parametrize("seconds", [7, 50, 61, 200])
def test_a_run_that_goes_on_from_a_checkpoint_by_time_ends_with_the_same_bits(tmp_path, clock, seconds):
    """Averaged weights, momentum and accumulation included, wherever the clock put the checkpoint."""
    options = {"ema_decay": 0.9, "accumulate": 2, "schedule": cosine(warmup=0.1)}
    whole = run(23, out=tmp_path / "whole", options=options)
    with pytest.raises(Killed):
        run(23, out=tmp_path / "killed", options=options, loss=killed_after(41, slower(clock, seconds / 2)))
    at = load_checkpoint(tmp_path / "killed" / CHECKPOINT)["step"]
    assert at == {7: 17, 50: 20, 61: 20, 200: 20}[seconds]
    resumed = run(23, out=tmp_path / "killed", options={**options, "resume": True})
    assert torch.equal(weights(whole), weights(resumed))
    one, other = (load_checkpoint(tmp_path / name / CHECKPOINT) for name in ("whole", "killed"))
    assert one["step"] == other["step"] == 23
    assert all(torch.equal(one["average"][k], other["average"][k]) for k in one["average"]
               if isinstance(one["average"][k], torch.Tensor))  # fmt: skip
