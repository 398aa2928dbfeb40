"""The only training loop, on Lightning Fabric. What differs between systems enters as functions."""

import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from beltline.core import QualityGateError
from beltline.formats import remove_leftovers
from beltline.training.averaging import AveragedWeights
from beltline.training.checkpoint import CHECKPOINT, WEIGHTS, load_checkpoint, save_checkpoint, save_weights
from beltline.training.journal import Journal
from beltline.training.schedule import Schedule, cosine

# A resumed run keeps its rate and precision, so it would diverge again.
_WAY_OUT = "begin a new run from its last weights (init=RUN) with a lower lr or precision=32-true"
Loss = Callable[[nn.Module, Any], Mapping[str, Tensor]]
Evaluate = Callable[[nn.Module], Mapping[str, float]]


class Batches(Protocol):
    """Source of training batches that can start anywhere: the same index always gives the same batch."""

    def __call__(self, start: int, stride: int = 1) -> Iterable[Any]:
        """Batches number ``start``, ``start + stride``, ... without end; one start a process."""
        ...


@dataclass(frozen=True)
class FitOptions:
    """How to train; what to train is given to `fit`.

    Attributes:
        max_minutes: Planned wall-clock length. The schedule follows whichever of steps and clock is further,
            so that the run ends on time with the learning rate annealed. Time before a resume counts.
        schedule: Learning-rate factor as a function of progress in [0, 1].
        accumulate: Batches an optimizer step.
        clip_norm: Largest gradient norm, None for no limit.
        ema_decay: Decay of the averaged weights, None for none.
        checkpoint_steps: Steps between checkpoints; also one at the end and on interruption.
        checkpoint_minutes: Most minutes between checkpoints, however slow the steps, so that a kill costs no
            more; a step that takes longer is followed by one. None for by steps alone.
        log_steps: Steps between lines of progress.
        evaluate_steps: Steps between evaluations, 0 for only at the end.
        resume: Go on from the checkpoint in ``out`` where there is one.
        tensorboard: Write TensorBoard files beside the JSON lines.
        channels_last: Memory layout of the model's weights.
        still: Parts of the model that stay in eval mode while the rest trains.
    """

    max_minutes: float | None = None
    schedule: Schedule = field(default_factory=cosine)
    accumulate: int = 1
    clip_norm: float | None = 5.0
    ema_decay: float | None = 0.998
    checkpoint_steps: int = 200
    checkpoint_minutes: float | None = 2.0
    log_steps: int = 20
    evaluate_steps: int = 0
    resume: bool = False
    tensorboard: bool = True
    channels_last: bool = True
    still: tuple[nn.Module, ...] = ()


@dataclass
class FitResult:
    """What a run came to: the weights to use (averaged where asked for) and the last numbers."""

    model: nn.Module
    step: int
    minutes: float
    values: dict[str, float]


def fit(
    model: nn.Module,
    batches: Batches,
    loss: Loss,
    optimizer: torch.optim.Optimizer,
    *,
    steps: int,
    options: FitOptions | None = None,
    out: Path | None = None,
    fabric: Fabric | None = None,
    evaluate: Evaluate | None = None,
) -> FitResult:
    """Train ``model`` until the steps or the minutes are used up.

    Args:
        model: Trained in place.
        batches: See `Batches`; batch number ``i`` belongs to step ``i // (accumulate * processes)``.
        loss: ``loss(model, batch)`` returns named scalars; ``"loss"`` is minimised, all are logged.
        optimizer: Over the model's parameters; its learning rates are the schedule's peaks.
        steps: Optimizer steps of the whole run; with ``max_minutes`` an upper bound.
        options: See `FitOptions`.
        out: Folder of checkpoint, weights and metrics; None writes nothing.
        fabric: Device, precision and processes; default one CPU process in float32.
        evaluate: ``evaluate(model)`` on the averaged weights returns named numbers to log.

    Raises:
        QualityGateError: At the first non-finite loss, or where non-finite weights would be saved; the last
            checkpoint stays as it was.
    """
    if steps < 1:
        raise ValueError(f"steps must be at least 1, got {steps}")
    options = options or FitOptions()
    fabric = fabric or Fabric(accelerator="cpu", devices=1)
    for group in optimizer.param_groups:
        group.setdefault("peak_lr", group["lr"])  # kept in the optimizer's state through a resume
    if options.channels_last:
        model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    average = AveragedWeights(model, options.ema_decay) if options.ema_decay else None
    wrapped, wrapped_optimizer = fabric.setup(model, optimizer)
    if average is not None:
        average.model.to(fabric.device)
    run = _Fit(model, wrapped, wrapped_optimizer, average, steps, options, out, fabric)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        remove_leftovers(out)
        if options.resume and (out / CHECKPOINT).is_file():
            run.restore(load_checkpoint(out / CHECKPOINT))
    return run.execute(batches, loss, evaluate)


@dataclass(eq=False)
class _Fit:
    model: nn.Module
    wrapped: Any
    optimizer: Any
    average: AveragedWeights | None
    steps: int
    options: FitOptions
    out: Path | None
    fabric: Fabric
    step: int = 0
    seconds_before: float = 0.0
    began: float = field(default_factory=time.monotonic)
    saved: float = field(default_factory=time.monotonic)
    values: dict[str, float] = field(default_factory=dict)

    def execute(self, batches: Batches, loss: Loss, evaluate: Evaluate | None) -> FitResult:
        self.began = self.saved = time.monotonic()
        out = self.out if self.fabric.global_rank == 0 else None
        journal = Journal(out, start_step=self.step, tensorboard=self.options.tensorboard)
        rank, world = self.fabric.global_rank, self.fabric.world_size
        stream = iter(batches(self.step * self.options.accumulate * world + rank, world))
        try:
            self._train(stream, loss, evaluate, journal)
            self.save()
            if evaluate:
                self._evaluate(journal, evaluate)
        except KeyboardInterrupt:
            self.save()
            journal.note(f"interrupted at step {self.step}, state saved; go on with --resume")
            raise
        finally:
            journal.close()
            if hasattr(stream, "close"):
                stream.close()
        return FitResult(self.best_model(), self.step, self.seconds() / 60, dict(self.values))

    def _train(self, stream: Any, loss: Loss, evaluate: Evaluate | None, journal: Journal) -> None:
        options = self.options
        first = done = self.progress()
        while done < 1:
            began = time.monotonic()
            self.values = self._advance(stream, loss, done)
            self.values["ms"] = 1000 * (time.monotonic() - began)
            self._report(journal, first)
            if self._checkpoint_due():
                self.save()
            if evaluate and options.evaluate_steps and self.step % options.evaluate_steps == 0:
                self._evaluate(journal, evaluate)
            done = self.progress()

    def _checkpoint_due(self) -> bool:
        """By steps, or because with another step like this one the last checkpoint would be too old."""
        if self.step % self.options.checkpoint_steps == 0:
            return True
        if self.options.checkpoint_minutes is None:
            return False
        seconds = time.monotonic() - self.saved + self.values["ms"] / 1000
        return seconds > 60 * self.options.checkpoint_minutes

    def seconds(self) -> float:
        return self.seconds_before + time.monotonic() - self.began

    def progress(self) -> float:
        done = self.step / self.steps
        if self.options.max_minutes is not None:
            # of several processes the first one's clock counts, so that all stop at the same step
            seconds = self.fabric.broadcast(self.seconds()) if self.fabric.world_size > 1 else self.seconds()
            done = max(done, seconds / 60 / self.options.max_minutes)
        return min(1.0, done)

    def best_model(self) -> nn.Module:
        return self.average.model if self.average is not None else self.model

    def _advance(self, stream: Any, loss: Loss, done: float) -> dict[str, float]:
        self.wrapped.train()
        for part in self.options.still:
            part.eval()
        factor = self.options.schedule(done)
        for group in self.optimizer.param_groups:
            group["lr"] = group["peak_lr"] * factor
        sums: dict[str, float] = {}
        for micro in range(self.options.accumulate):
            last = micro == self.options.accumulate - 1
            sync: AbstractContextManager[Any] = nullcontext()
            if not last and self.fabric.world_size > 1:
                sync = self.fabric.no_backward_sync(self.wrapped)
            batch = self.fabric.to_device(next(stream))
            with sync:
                terms = loss(self.wrapped, batch)
                self._check_finite(terms)
                self.fabric.backward(terms["loss"] / self.options.accumulate)
            for name, value in terms.items():
                sums[name] = sums.get(name, 0.0) + float(value.detach()) / self.options.accumulate
        if self.options.clip_norm is not None:
            norm = self.fabric.clip_gradients(
                self.wrapped, self.optimizer, max_norm=self.options.clip_norm, error_if_nonfinite=False
            )
            sums["grad_norm"] = float(norm) if norm is not None else 0.0
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.step += 1
        if self.average is not None:
            self.average.update(self.model)
        sums["lr"] = self.optimizer.param_groups[0]["lr"]
        return sums

    def _check_finite(self, terms: Mapping[str, Tensor]) -> None:
        if torch.isfinite(terms["loss"]):
            return
        text = ", ".join(f"{name} {float(value.detach()):.4g}" for name, value in terms.items())
        raise QualityGateError(f"training diverged at step {self.step}: {text}; {_WAY_OUT}")

    def _check_weights(self) -> None:
        # a finite loss may have had gradients that were not
        for name, value in self.model.state_dict().items():
            if value.is_floating_point() and not torch.isfinite(value).all():
                raise QualityGateError(
                    f"training diverged before step {self.step}: {name} is not finite; {_WAY_OUT}"
                )

    def _report(self, journal: Journal, first: float) -> None:
        done = self.progress()
        due = self.step % self.options.log_steps == 0 or done >= 1
        if self.fabric.global_rank != 0 or not due:
            return
        journal.record(self.step, self.values)
        journal.progress(self.step, done, done - first, self.values)

    def _evaluate(self, journal: Journal, evaluate: Evaluate) -> None:
        model = self.best_model().eval()
        with torch.no_grad():
            found = dict(evaluate(model))
        self.values.update(found)
        if self.fabric.global_rank == 0:
            journal.record(self.step, found, kind="evaluate")
            journal.note("  ".join(f"{k} {v:.4g}" for k, v in found.items()))

    def save(self) -> None:
        if self.out is None or self.fabric.global_rank != 0:
            return
        self._check_weights()
        state = {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "average": self.average.state() if self.average is not None else None,
            "step": self.step,
            "seconds": self.seconds(),
            "rng": torch.get_rng_state(),
        }
        save_checkpoint(self.out / CHECKPOINT, state)
        save_weights(self.out / WEIGHTS, self.best_model().state_dict())
        self.saved = time.monotonic()

    def restore(self, state: Mapping[str, Any]) -> None:
        self.model.load_state_dict(state["model"], strict=True)
        self.optimizer.load_state_dict(state["optimizer"])
        if self.average is not None and state["average"] is not None:
            self.average.restore(state["average"])
        self.step = int(state["step"])
        self.seconds_before = float(state["seconds"])
        torch.set_rng_state(state["rng"])
