"""A sweep's study: trials in one journal file that several processes and machines share, and those of killed ones retried."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from data.errors import InputError
from data.extras import import_extra
from train.claims import is_abandoned
from train.search_space import Space, Value

JOURNAL = "journal.log"
MAX_RETRIES = 2
"""How often a trial is begun again; one that kills its process each time is given up."""
LOCK_SECONDS = 10
"""After this long a lock on the journal belongs to a process killed while it wrote."""


def import_optuna() -> Any:
    """Import Optuna, quiet.

    Raises:
        InputError: it is not installed.
    """
    optuna = import_extra("optuna", "sweep", "the sweep")
    optuna.logging.set_verbosity(logging.ERROR)
    return optuna


@dataclass(frozen=True)
class Sweep:
    """An open study, its folder and its search space."""

    study: Any
    folder: Path
    space: Space

    def trials(self, *states: str) -> list[Any]:
        """Return the trials in the given states (COMPLETE, RUNNING, WAITING, FAIL), in their order."""
        return [trial for trial in self.study.get_trials(deepcopy=False) if trial.state.name in states]

    def folder_of(self, trial: Any) -> Path:
        """Return where a trial works; a retry goes on in the folder of the one that was killed."""
        return self.folder / str(trial.user_attrs.get("folder", f"trial-{trial.number:04}"))

    def ask(self) -> Any:
        """Begin a trial; its values depend on its number and the trials done before it, not on which process asks."""
        sampler = import_optuna().samplers.TPESampler
        self.study.sampler = sampler(seed=len(self.study.get_trials(deepcopy=False)), constant_liar=True)
        trial = self.study.ask()
        self.study.sampler = sampler(seed=trial.number, constant_liar=True)  # two that ask at once draw apart
        return trial

    def suggest(self, trial: Any) -> dict[str, Value]:
        """Return a trial's values for all settings of the space."""
        return {name: dimension.suggest(trial, name) for name, dimension in self.space.items()}

    def tell(self, trial: Any, value: float | None) -> None:
        """End a trial with its score, or without one as failed."""
        self.study.tell(trial.number, value, state=None if value is not None else import_optuna().trial.TrialState.FAIL)

    def retry_abandoned(self) -> list[int]:
        """Take the trials of dead processes off the list of running ones, put them up again, and return their numbers."""
        retried = []
        for trial in self.trials("RUNNING"):
            started = trial.datetime_start or datetime.now()
            if is_abandoned(self.folder_of(trial), started.timestamp()) and self._give_up(trial.number):
                retries = int(trial.user_attrs.get("retries", 0)) + 1
                if trial.params and retries <= MAX_RETRIES:
                    attributes = {"folder": self.folder_of(trial).name, "retries": retries, "retry_of": trial.number}
                    self.study.enqueue_trial(trial.params, user_attrs=attributes)
                    retried.append(trial.number)
        return retried

    def _give_up(self, number: int) -> bool:
        """Mark a trial failed; of several processes that try, one succeeds."""
        try:
            self.study.tell(number, state=import_optuna().trial.TrialState.FAIL)
        except (ValueError, RuntimeError):  # another process was faster
            return False
        return True


def open_sweep(folder: Path, name: str, space: Space, identity: dict[str, str]) -> Sweep:
    """Open the study in a folder, made if need be.

    Raises:
        InputError: the journal is no journal, or the study in it has another config, space or data.
    """
    optuna = import_optuna()
    folder.mkdir(parents=True, exist_ok=True)
    path = str((folder / JOURNAL).resolve())
    journal = optuna.storages.journal
    lock = journal.JournalFileOpenLock(path, grace_period=LOCK_SECONDS)
    lock.acquire()
    try:
        cut_unfinished_line(Path(path))
    finally:
        lock.release()
    try:
        storage = optuna.storages.JournalStorage(journal.JournalFileBackend(path, lock_obj=lock))
        study = optuna.create_study(storage=storage, study_name=name, direction="maximize", load_if_exists=True)
    except (ValueError, KeyError, TypeError, AssertionError) as error:
        raise InputError(f"{path}: not a journal of Optuna: {' '.join(str(error).split())[:200]}") from None
    _check_identity(study, path, identity)
    return Sweep(study, folder, space)


def cut_unfinished_line(path: Path) -> None:
    """Cut off what a full disk left of a last line; the next one would be glued to it and the journal lost."""
    if path.is_file():
        with path.open("r+b") as file:
            data = file.read()
            if data and not data.endswith(b"\n"):
                file.truncate(data.rfind(b"\n") + 1)


def _check_identity(study: Any, path: str, identity: dict[str, str]) -> None:
    theirs = study.user_attrs.get("identity")
    if theirs is None:
        study.set_user_attr("identity", identity)
    elif theirs != identity:
        changed = ", ".join(key for key in identity if theirs.get(key) != identity[key])
        raise InputError(f"{path}: holds a study of another {changed}; give --study a new name")


def propose_first(sweep: Sweep, values: dict[str, Any]) -> None:
    """Have the config's own values tried first, so that the best trial is no worse than it, if the space holds them all."""
    if not sweep.trials("COMPLETE", "RUNNING", "WAITING", "FAIL") and all(each.holds(values[name]) for name, each in sweep.space.items()):
        sweep.study.enqueue_trial(values, skip_if_exists=True)


def surplus(sweep: Sweep, trial: Any, wanted: int) -> bool:
    """Tell whether enough other trials are done or under way, because another process asked at the same time."""
    before: Sequence[Any] = [each for each in sweep.trials("COMPLETE", "RUNNING") if each.number < trial.number]
    return len(before) >= wanted
