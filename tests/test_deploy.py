"""The files in deploy/ say what the server understands."""

import re
from pathlib import Path

import yaml

from llmplan.app.server.http import READER

ROOT = Path(__file__).resolve().parents[1]
DEPLOY = ROOT / "deploy"
SOURCES = "".join(path.read_text() for path in (ROOT / "llmplan").rglob("*.py"))


def test_the_manifest_is_locked_down_and_asks_for_health() -> None:
    service, deployment = yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text())
    pod = deployment["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert service["spec"]["selector"] == deployment["spec"]["template"]["metadata"]["labels"]
    assert pod["securityContext"]["runAsNonRoot"] and not pod["automountServiceAccountToken"]
    security = container["securityContext"]
    assert security["readOnlyRootFilesystem"] and not security["allowPrivilegeEscalation"]
    assert security["capabilities"] == {"drop": ["ALL"]}
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["httpGet"]["path"] == "/healthz"
    assert deployment["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


def test_every_setting_named_is_one_that_is_read() -> None:
    places = [*DEPLOY.iterdir(), ROOT / "docs/deployment.md", ROOT / "docs/dashboard_security.md"]
    named = {name for path in places for name in re.findall(r"LLMPLAN_[A-Z_]+", path.read_text())}
    assert {name for name in named if f'"{name}"' not in SOURCES} == set()


def test_the_image_needs_no_root_and_the_proxy_routes_by_the_server_s_cookie() -> None:
    image = (DEPLOY / "Containerfile").read_text()
    assert (
        re.search(r"^USER 10001$", image, re.MULTILINE)
        and "HEALTHCHECK" in image
        and "--require-hashes" in image
    )
    assert f"hash $cookie_{READER}" in (DEPLOY / "nginx.conf").read_text()
