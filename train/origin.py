"""Where a run's bits come from: config, data, code, versions, hardware, threads; and how two runs differ in it."""

import hashlib
import platform
import subprocess
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

from data.files import ROOT
from train.ranks import processes
from train.settings import RunConfig

PACKAGES = ("torch", "transformers", "datasets", "accelerate", "scikit-learn", "numpy", "tokenizers", "safetensors")
SOURCES = ("data", "eval", "train")
ASPECTS = {
    "config": ("config_hash",),
    "data": ("data_fingerprint",),
    "teachers": ("teachers_sha256",),
    "code": ("code_sha256",),
    "versions": ("versions",),
    "hardware": ("hardware",),
    "threads": ("threads", "processes"),
}
"""What can change between two runs, and the keys of the manifest that tell."""


def describe_origin(config: RunConfig, fingerprint: str, teachers: str | None = None) -> dict[str, Any]:
    """Return what decides the bits of a run that starts now in this process; `teachers` is a hash of their weights."""
    commit, dirty = git_state()
    return {
        "config_hash": config.hash(),
        "data_fingerprint": fingerprint,
        "teachers_sha256": teachers,
        "code_sha256": code_sha256(),
        "git_commit": commit,
        "git_dirty": dirty,
        "versions": {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
        "hardware": {
            "processor": processor_name(),
            "cores": psutil.cpu_count(),
            "memory_gb": round(psutil.virtual_memory().total / 2**30),
            "accelerator": accelerator_name(),
        },
        "threads": config.trainer.threads,
        "processes": processes(),
    }


def changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, str]:
    """Return for each aspect that differs what it was and is; what an older manifest does not tell is left out."""
    found = {}
    for aspect, keys in ASPECTS.items():
        parts = []
        for key in keys:
            parts += _differences(key, before.get(key), now.get(key))
        if parts:
            found[aspect] = ", ".join(parts)
    return found


def _differences(key: str, before: Any, now: Any) -> list[str]:
    if isinstance(before, dict) and isinstance(now, dict):
        return [text for name in sorted(before.keys() & now.keys()) for text in _differences(name, before[name], now[name])]
    if before is None or before == now:
        return []
    short = [str(value)[:12] if key.endswith("sha256") else value for value in (before, now)]
    return [f"{key} {short[0]} -> {short[1]}"]


def code_sha256() -> str:
    """Return the hash of the project's Python source, which tells changed code apart from a changed README."""
    digest = hashlib.sha256()
    for path in sorted(path for folder in SOURCES for path in (ROOT / folder).rglob("*.py")):
        digest.update(f"{path.relative_to(ROOT).as_posix()}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()


def git_state() -> tuple[str | None, bool | None]:
    """Return the commit of the source tree and whether it has uncommitted changes; None outside git."""

    def git(*arguments: str) -> str:
        return subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=True).stdout.strip()

    try:
        return git("rev-parse", "HEAD"), bool(git("status", "--porcelain", "--untracked-files=no"))
    except (OSError, subprocess.CalledProcessError):
        return None, None


def processor_name() -> str:
    """Return the processor's name as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def accelerator_name() -> str:
    """Return the name of the GPU that is used, "none" on a CPU."""
    from torch import cuda

    return str(cuda.get_device_name(0)) if cuda.is_available() else "none"
