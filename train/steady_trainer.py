"""transformers' Trainer, made to give the same bits however often it was stopped and on however many processes its steps are shared.

Nothing random is carried from step to step: dropout depends on (seed, step, rank) and the order of the windows on (seed, epoch), so
a checkpoint needs no generator state and may be taken at any step. It holds weights, optimizer, schedule, early stopping, and what
the training curve needs to go on.
"""

import shutil
import sys
import time
from collections.abc import Sequence
from contextlib import nullcontext
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from accelerate.utils import broadcast_object_list
from safetensors.torch import load_file
from torch.utils.data import DataLoader
from transformers import Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments, set_seed

from train.batches import RankBatches, derived_seed
from train.checkpoints import Carried, Checkpoint, latest_usable, prune, seal
from train.faults import NotANumber
from train.interrupts import INTERRUPTS, Interrupted
from train.lanes import Lanes
from train.optimisation import AdamW
from train.packed import fits
from train.process import using_threads
from train.ranks import is_first, processes, rank, wait_for_all

SAVE_SECONDS = 300.0
"""A checkpoint is written at the end of every epoch, and within an epoch this often."""


class SteadyTrainer(Trainer):
    """A Trainer that continues with the same bits.

    Args:
        batch_size: windows a step, over all processes.
        versions: how many windows of the training data make a version of it; each epoch reads the next.
        passes: how often a batch is read in a training step, each time under other dropout.
        save_seconds: how often a checkpoint is written within an epoch.
        arguments: those of Trainer.
    """

    def __init__(
        self, *, batch_size: int, versions: Sequence[int], passes: int = 1, save_seconds: float = SAVE_SECONDS, **arguments: Any
    ) -> None:
        super().__init__(**arguments)
        self.batch_size = batch_size
        self.versions = versions
        self.passes = passes
        self.save_seconds = save_seconds
        self.carried = Carried()
        self.started = time.perf_counter(), time.process_time()
        self.batches: RankBatches | None = None
        self.lanes: Lanes | None = None
        self.threads = torch.get_num_threads()
        self.add_callback(StepControl(self))

    @property
    def checkpoints(self) -> Path:
        """Return where the checkpoints lie."""
        return Path(str(self.args.output_dir))

    @property
    def step_seed(self) -> int:
        """Return what seeds all that is random in the next step of this process."""
        return derived_seed("step", self.args.seed, self.state.global_step, rank())

    def train_or_continue(self) -> Carried:
        """Train to the end, from the last usable checkpoint on if there is one; return what was spent in earlier processes.

        Raises:
            Interrupted: a signal came; a checkpoint was saved.
            NotANumber: the loss is not a number any more.
        """
        checkpoint = self._choose_checkpoint()
        if checkpoint:
            self.carried = checkpoint.carried
            print(f"continuing from {checkpoint.folder}", file=sys.stderr)
        earlier = self.carried
        if checkpoint and checkpoint.ends_training:
            self.state = TrainerState.load_from_json(str(checkpoint.folder / "trainer_state.json"))
            best = self.checkpoints / f"checkpoint-{self.state.best_global_step or self.state.global_step}"
            model: Any = self.model
            model.load_state_dict(load_file(best / "model.safetensors"), strict=False)
        else:
            self.lanes = self._build_lanes()
            with INTERRUPTS.deferred(), using_threads(1 if self.lanes else self.threads), self.lanes or nullcontext():
                self.train(resume_from_checkpoint=str(checkpoint.folder) if checkpoint else None)
            self.lanes = None
        self.model = self.accelerator.unwrap_model(self.model, keep_fp32_wrapper=False)
        return earlier

    def curve(self) -> list[dict[str, float]]:
        """Return the training curve without what depends on the clock, in the order of keys that a checkpoint gives back."""
        rows = [row for row in self.state.log_history if "train_runtime" not in row]
        return [{key: row[key] for key in sorted(row) if not key.endswith(("_runtime", "_per_second"))} for row in rows]

    def get_train_dataloader(self) -> DataLoader[Any]:
        """Return the batches of this process."""
        dataset: Any = self.train_dataset
        lengths = iter(dataset["length"])
        self.batches = RankBatches(
            [list(islice(lengths, windows)) for windows in self.versions],
            self.batch_size,
            self.args.gradient_accumulation_steps,
            self.args.seed,
            rank=rank(),
            processes=processes(),
        )
        return DataLoader(
            self._remove_unused_columns(dataset),
            batch_sampler=self.batches,
            collate_fn=self.data_collator,
            num_workers=self.args.dataloader_num_workers,
            pin_memory=self.args.dataloader_pin_memory,
        )

    def training_step(self, model: Any, inputs: dict[str, Any], num_items_in_batch: Any = None) -> torch.Tensor:
        """Learn from a batch; refuse to go on when the loss is not a number."""
        windows = inputs["input_ids"], inputs["attention_mask"]
        loss: torch.Tensor
        if self.lanes:
            loss = self._learn_in_lanes(self.lanes, self._prepare_inputs(inputs), num_items_in_batch)
        else:
            loss = super().training_step(model, inputs, num_items_in_batch)
        if not torch.isfinite(loss):
            raise NotANumber(self.state.global_step + 1, [row[kept.bool()].tolist() for row, kept in zip(*windows, strict=True)])
        return loss

    def compute_loss(self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None) -> Any:
        """Return the loss of a batch; in training it is read `passes` times, as one batch with its windows repeated."""
        if self.passes > 1 and model.training:
            inputs = {name: torch.cat([values] * self.passes) for name, values in inputs.items()}
            num_items_in_batch = None if num_items_in_batch is None else num_items_in_batch * self.passes
        return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)

    def prediction_step(self, model: Any, inputs: dict[str, Any], prediction_loss_only: bool, ignore_keys: Any = None) -> Any:
        """Return loss, logits and labels of a batch; in lanes those of what is read alone, as one row."""
        if not self.lanes:
            return super().prediction_step(model, inputs, prediction_loss_only, ignore_keys)
        logits, labels = self.lanes.answer(self._prepare_inputs(inputs))
        loss: Any = self.compute_loss_func
        with torch.no_grad():
            return loss({"logits": logits}, labels), logits[None], labels[None]

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:
        """Return the optimizer; it uses the threads of the lanes."""
        made = super().create_optimizer(model)
        if self.lanes and isinstance(made, AdamW):
            made.pool = self.lanes.pool
        return made

    def _clip_grad_norm(self, model: Any) -> Any:
        if self.lanes:
            return self.lanes.clip(self.args.max_grad_norm)
        return super()._clip_grad_norm(model)  # type: ignore[no-untyped-call]

    def _build_lanes(self) -> Lanes | None:
        """Return lanes where there is a CPU for this process alone and a model that they can read."""
        if processes() > 1 or self.args.device.type != "cpu" or not fits(self.model):
            return None
        return Lanes(self.model, torch.bfloat16 if self.args.bf16 else torch.float32, self.threads)

    def _learn_in_lanes(self, lanes: Lanes, inputs: dict[str, Any], num_items_in_batch: Any) -> torch.Tensor:
        """Learn from a batch as `compute_loss` would."""
        loss: Any = self.compute_loss_func
        labels = num_items_in_batch * self.passes
        return lanes.learn(self.step_seed, inputs, self.passes, lambda outputs, wanted: loss(outputs, wanted, labels))

    def _choose_checkpoint(self) -> Checkpoint | None:
        """Let the first process choose, so that all continue from the same checkpoint."""
        chosen = [latest_usable(self.checkpoints) if is_first() else None]
        if processes() > 1:
            broadcast_object_list(chosen)
        return chosen[0]

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        folder = self.checkpoints / f"checkpoint-{self.state.global_step}"
        now = time.perf_counter() - self.started[0], time.process_time() - self.started[1]
        carried = Carried(
            self.carried.wall_seconds + now[0],
            self.carried.cpu_seconds + now[1],
            self.accelerator.gather(self._tr_loss.reshape(1)).tolist(),
            self._globalstep_last_logged,
            self._total_loss_scalar,
        )
        try:
            super()._save_checkpoint(model, trial)
            if is_first():
                seal(folder, carried)
                prune(self.checkpoints)
        except Exception:
            if is_first():  # what is there of it takes up room that a full disk needs
                shutil.rmtree(folder, ignore_errors=True)
            raise
        wait_for_all()

    def _save_rng_state(self, output_dir: str) -> None:
        """Save none: see the module."""


class StepControl(TrainerCallback):
    """Seeds every step, takes up the training curve, and saves when it is time or the process is asked to stop."""

    def __init__(self, trainer: SteadyTrainer) -> None:
        self.trainer = trainer
        self.saved = time.monotonic()

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Take up what the Trainer starts anew: the open end of the curve, and where the best checkpoint lies now."""
        trainer, carried = self.trainer, self.trainer.carried
        sums = carried.loss_sums or [0.0]
        trainer._tr_loss += sums[rank()] if len(sums) == processes() else sum(sums) / len(sums)
        trainer._globalstep_last_logged = carried.logged_step
        trainer._total_loss_scalar = carried.logged_sum
        trainer._initial_global_step = 0
        if state.best_global_step:
            state.best_model_checkpoint = str(trainer.checkpoints / f"checkpoint-{state.best_global_step}")

    def on_epoch_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Tell the batches which epoch it is."""
        if self.trainer.batches:
            self.trainer.batches.epoch = int(state.epoch or 0)

    def on_step_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Seed dropout and whatever else is random in a step."""
        set_seed(self.trainer.step_seed)

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Have a checkpoint written, if all processes agree; at the end of an epoch one is written anyway, after its evaluation."""
        if float(state.epoch or 0).is_integer() or state.global_step >= state.max_steps:
            return
        due = INTERRUPTS.signal is not None or time.monotonic() - self.saved >= self.trainer.save_seconds
        if processes() > 1:
            flags = torch.tensor([float(due)], device=args.device)
            due = bool(self.trainer.accelerator.gather(flags).max() > 0)
        if due:
            control.should_save = True

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Leave after a save if any process was asked to."""
        self.saved = time.monotonic()
        asked = INTERRUPTS.signal is not None
        if processes() > 1:
            asked = bool(self.trainer.accelerator.gather(torch.tensor([float(asked)], device=args.device)).max() > 0)
        if asked:
            raise Interrupted(
                f"interrupted by {INTERRUPTS.signal or 'another process'}; saved step {state.global_step} of {state.max_steps}"
            )
