"""Takes the query editor from npm when the wheel is built, pinned and checked by package-lock.json.

Without npm the wheel is built all the same, and its query page has a plain form instead.
"""

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

BUILT = "service/competency_graph/web/static/built"
EDITOR = "@zazuko/yasqe/build/yasqe.min"


class EditorHook(BuildHookInterface[Any]):
    """Fills the folder that the query page looks into; an up-to-date one is left alone."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Take the editor; ``version`` is ``editable`` for a checkout, ``standard`` for a wheel.

        Raises:
            SystemExit: of a wheel, npm could not take what the lock file names.
        """
        root = Path(self.root)
        stamp = root / BUILT / "made-of.sha256"
        made_of = (root / "package-lock.json").read_bytes() + Path(__file__).read_bytes()
        digest = hashlib.sha256(made_of).hexdigest()
        if stamp.is_file() and stamp.read_text(encoding="ascii") == digest:
            return
        npm = shutil.which("npm")
        if npm is None:
            _say("There is no npm here: the query page has a plain form, without completion.")
            return
        with tempfile.TemporaryDirectory() as folder:
            for name in ("package.json", "package-lock.json"):
                shutil.copy(root / name, folder)
            taken = subprocess.run(
                [npm, "ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund"],
                cwd=folder,
                check=False,
                capture_output=True,
                text=True,
            )
            if taken.returncode == 0:
                _put(Path(folder) / "node_modules", root / BUILT)
                stamp.write_text(digest, encoding="ascii")
            elif version == "editable":
                _say("npm could not take the editor: the query page has a plain form.")
            else:
                raise SystemExit(f"npm could not take the query editor.\n{taken.stderr}")


def _put(modules: Path, built: Path) -> None:
    """Copy the editor's script and style, and the licence of everything that is in them."""
    shutil.rmtree(built, ignore_errors=True)
    built.mkdir(parents=True)
    for ending in (".js", ".css"):
        shutil.copy(modules / (EDITOR + ending), built)
    texts = []
    for manifest in sorted([*modules.glob("*/package.json"), *modules.glob("@*/*/package.json")]):
        told = json.loads(manifest.read_text(encoding="utf-8"))
        texts.append(f"== {told['name']} {told['version']}: {told['license']}")
        texts += [f"By {told['author']}"] if isinstance(told.get("author"), str) else []
        files = sorted(manifest.parent.glob("[Ll][Ii][Cc][Ee][Nn][CcSs][Ee]*"))
        texts += [file.read_text(encoding="utf-8").strip() for file in files]
    (built / "LICENCES.txt").write_text("\n\n".join(texts), encoding="utf-8")


def _say(sentence: str) -> None:
    print(f"== {sentence}", file=sys.stderr)
