"""What the dashboard's server allows: one place for every limit and every setting."""

from __future__ import annotations

import os
from typing import Any

from llmplan.app.server.assets import APP_DIR, TEMPLATE_NAME
from llmplan.errors import InputError


def whole_number(name: str, default: int, least: int, most: int) -> int:
    """Return a setting from the environment; InputError for what is no whole number within its limits."""
    text = os.environ.get(name, "").strip()
    if not text:
        return default
    if not (text.isdecimal() and len(text) <= len(str(most)) and least <= int(text) <= most):
        rule = f"must be a whole number from {least} to {most}"
        raise InputError(name, text[:40], rule, f"set it so, or unset it for {default}")
    return int(text)


MAX_SESSIONS = whole_number("LLMPLAN_MAX_KERNELS", 40, 1, 10_000)
"""Visitors who calculate at once; who only reads needs no session."""
SESSION_MEMORY_MB = whole_number("LLMPLAN_KERNEL_MEMORY_MB", 1_024, 64, 65_536)
"""What a session may take beyond what all of them share."""
IDLE_SECONDS = 1800
"""A session that nobody has touched for so long ends; the page stays, and its next touch starts another."""
YIELD_SECONDS = 60
"""Where all sessions are taken, one that nobody has touched for so long makes room."""
UNCONNECTED_SECONDS = 60
"""A session whose page is not connected ends after this."""
MAX_URL_CHARACTERS = 8192
MAX_HEADER_BYTES = 32_768
MAX_BODY_BYTES = 65_536
MAX_WEBSOCKET_BYTES = 1_048_576
PING_INTERVAL_MS = 30_000
HEADER_SECONDS = 20
"""A connection that has not sent a whole request by then is closed."""
MAX_WAITING_PER_ADDRESS = 1_024
"""Connections of one address, a company's or a proxy's, that have not sent a request yet; one more closes the oldest."""
MAX_CONNECTIONS = 4_096
SNAPSHOT_BYTES = 67_108_864
SNAPSHOTS_AT_ONCE, SNAPSHOTS_WAITING = 2, 64
SNAPSHOT_SECONDS, RESTING_SECONDS = 60, 600
"""Until a page as it stands is given up, and until what is added to it at rest is."""
PREPARED_PAGES = whole_number("LLMPLAN_PREPARED_PAGES", 100, 0, 10_000)
"""Pages one choice away from the first that are made before anyone asks."""

# Scripts come from this server's files only; styles may be inline because Plotly and the charts set them;
# pictures may be made in the page (saving a PNG). Nothing at all comes from another host.
CONTENT_SECURITY_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self'",
        "connect-src 'self'",
        "frame-ancestors 'self'",
        "base-uri 'none'",
        "form-action 'self'",
    ]
)
SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def voila_settings() -> dict[str, dict[str, Any]]:
    """Return Voila's configuration, class by class; `voila.json` holds the same for plain `voila`."""
    return {
        "VoilaConfiguration": {
            "template": TEMPLATE_NAME,
            "allow_template_override": "NO",
            "allow_theme_override": "NO",
            "show_tracebacks": False,
            "strip_sources": True,
            "file_allowlist": [],
            "file_denylist": [".*"],
        },
    }


def add_template_path() -> None:
    """Let Voila find this package's template: from a checkout and from an installed wheel alike."""
    known = os.environ.get("JUPYTER_PATH", "")
    if str(APP_DIR) not in known.split(os.pathsep):
        os.environ["JUPYTER_PATH"] = os.pathsep.join(filter(None, [str(APP_DIR), known]))
