"""The notebook, run from top to bottom in a fresh process as a kernel would."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from data.files import ROOT, read_text

NOTEBOOK = ROOT / "docs" / "notebook.ipynb"


def cells(kind: str) -> list[dict[str, Any]]:
    return [cell for cell in json.loads(read_text(NOTEBOOK))["cells"] if cell["cell_type"] == kind]


def test_the_notebook_is_kept_without_outputs() -> None:
    notebook = json.loads(read_text(NOTEBOOK))
    assert notebook["nbformat"] == 4
    assert len({cell["id"] for cell in notebook["cells"]}) == len(notebook["cells"])
    assert [cell["id"] for cell in cells("code") if cell["outputs"] or cell["execution_count"] is not None] == []


def test_the_notebook_runs_from_top_to_bottom(tmp_path: Path) -> None:
    script = tmp_path / "notebook.py"
    script.write_text("\n\n".join("".join(cell["source"]) for cell in cells("code")), encoding="utf-8")
    done = subprocess.run([sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    assert "{'train': 9, 'dev': 3, 'test': 3} documents" in done.stdout
    assert "alpha=0.94" in done.stdout
    assert "Lenne Commission" in done.stdout
