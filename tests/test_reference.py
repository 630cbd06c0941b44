from dataclasses import dataclass

import pytest
import yaml

from data.files import ROOT, read_text
from train.reference import PAGE, render
from train.settings import TrainerSettings, describe


def test_the_reference_of_config_keys_is_up_to_date() -> None:
    assert read_text(PAGE) == render(), "run python train/reference.py"


def test_every_key_has_its_type_default_and_sentence() -> None:
    row = next(line for line in render().splitlines() if line.startswith("| `model.kind`"))
    assert "`span` or `pair`" in row
    assert "| `span` |" in row
    assert "`trainer.report_to` | list of texts | `[]` |" in render()
    assert all(f"`trainer.{name}`" in render() for name in describe(TrainerSettings))


def test_a_setting_without_a_sentence_is_an_error() -> None:
    @dataclass
    class Settings:
        """Something.

        Attributes:
            known: What it does.
        """

        known: int = 1
        forgotten: int = 2

    with pytest.raises(ValueError, match="forgotten"):
        describe(Settings)


def test_the_citation_names_version_and_licence_of_the_package() -> None:
    citation = yaml.safe_load(read_text(ROOT / "CITATION.cff"))
    project = read_text(ROOT / "pyproject.toml")
    assert f'version = "{citation["version"]}"' in project
    assert f'license = "{citation["license"]}"' in project
    assert {"cff-version", "message", "title", "authors"} <= citation.keys()
