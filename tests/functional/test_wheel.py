"""The wheel holds everything that an installed program needs."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_an_installed_wheel_makes_a_project_that_passes_check(tmp_path):
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "dist")],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        # Unpacked is installed: it is all Python.
        archive.extractall(tmp_path / "site")
    assert "dissemination/_shipped/templates/newsletter.mjml" in names
    assert "dissemination/_shipped/templates/public/style.css" in names
    assert "dissemination/locales/sl/LC_MESSAGES/dissemination.po" in names
    assert any(name.startswith("dissemination/_shipped/news/") for name in names)
    assert any(name.endswith("0001_first_schema.py") for name in names)

    place = f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r})"

    def run(code: str, *words: str, folder: Path = tmp_path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", f"{place}; {code}", *words]
        return subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)

    main = "from dissemination.__main__ import main; main()"
    assert str(tmp_path) in run("import dissemination; print(dissemination.__file__)").stdout
    made = run(main, "init", "project")
    assert made.returncode == 0, made.stderr
    checked = run(main, "check", "--json", folder=tmp_path / "project")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert json.loads(checked.stdout)["findings"][1:] == []  # the funding visual's placeholder
