"""The shipped plotly.js is the one that the Plotly package speaks to, and says whose it is."""

import json
import re
from pathlib import Path

from plotly.offline import get_plotlyjs_version

ROOT = Path(__file__).resolve().parents[2]
BUNDLE = ROOT / "llmplan/app/voila/templates/llmplan/static/plotly.min.js"
BUILD = ROOT / "tools/plotly"


def test_bundle_and_build_have_the_packages_version() -> None:
    version = get_plotlyjs_version()
    bundled = BUNDLE.read_text(encoding="utf-8")
    assert re.findall(r'\.version="([\d.]+)"', bundled)[0] == version
    assert bundled.startswith(f"/*!\nplotly.js {version}, a partial bundle\nMIT License\n")
    assert json.loads((BUILD / "package.json").read_text())["dependencies"] == {"plotly.js": version}


def test_bundle_carries_its_notice_and_beside_it_those_of_its_parts() -> None:
    head = BUNDLE.read_text(encoding="utf-8")[:1_300]
    assert "Copyright (c)" in head and "Plotly Technologies Inc." in head
    assert "The above copyright notice and this permission notice shall be included" in head
    parts = BUNDLE.with_name("plotly.LICENSE.txt").read_text(encoding="utf-8")
    for name in ("plotly.js", "@plotly/d3", "@plotly/d3-sankey", "d3-format", "culori"):
        assert re.search(rf"^{re.escape(name)} [\d.]+$", parts, flags=re.MULTILINE)


def test_every_package_of_the_build_is_pinned_by_its_hash_and_by_no_host() -> None:
    pinned = json.loads((BUILD / "package-lock.json").read_text())["packages"]
    assert pinned.pop("")["dependencies"] == {"plotly.js": get_plotlyjs_version()}
    assert len(pinned) > 100
    for name, package in pinned.items():
        assert package["version"] and package["integrity"].startswith("sha"), name
        assert "resolved" not in package, name
