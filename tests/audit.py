"""Look the locked dependencies up in the public lists of vulnerabilities: python tests/audit.py

Runs pip-audit (extra [audit]) over constraints.txt, against PyPI's list and, where that does not answer, OSV's. Exit code 1 for a known
vulnerability, 2 if no list could be asked: then nothing was audited.
"""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from data.errors import InputError, run_command
from data.extras import install_command
from data.files import ROOT

SERVICES = ("pypi", "osv")


def ask(service: str) -> list[dict[str, Any]] | None:
    """Return what a service knows of every locked package; None if it did not answer."""
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(ROOT / "constraints.txt"), "--no-deps", "--disable-pip"]
    command += ["--vulnerability-service", service, "--format", "json", "--progress-spinner", "off", "--timeout", "20"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
        found: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, ValueError, KeyError, TypeError):
        return None
    return found


def describe(packages: list[dict[str, Any]]) -> list[str]:
    """Return a line for every known vulnerability: package, id and the version that mends it."""
    return [
        f"{package['name']} {package['version']}: {fault['id']}, mended in {', '.join(fault['fix_versions']) or 'no version yet'}"
        for package in packages
        for fault in package.get("vulns", [])
    ]


def main() -> int:
    """Audit and print what was found."""
    if find_spec("pip_audit") is None:
        raise InputError(f"pip-audit is not installed; {install_command('audit')}")
    for service in SERVICES:
        packages = ask(service)
        audited = [package for package in packages or [] if "skip_reason" not in package]
        if packages and audited:
            lines = describe(audited)
            print("\n".join(lines) if lines else "no known vulnerability")
            print(f"audited {len(audited)} of {len(packages)} packages with {service}'s list, {len(lines)} vulnerabilities")
            return 1 if lines else 0
    raise InputError(f"NOT audited: none of the lists ({', '.join(SERVICES)}) can be reached from here; run make audit with a network")


if __name__ == "__main__":
    run_command(main)
