"""What the dashboard's server allows: one place for every limit and every setting."""

from __future__ import annotations

import os
import sys
from typing import Any

from llmplan.app.server.assets import APP_DIR, TEMPLATE_NAME

# Kernels kept ready with the page already computed; 0 starts every kernel when its visitor comes.
POOL_SIZE = int(os.environ.get("LLMPLAN_POOL_SIZE", "2"))
# Kernels at once, those kept ready included; who comes later is asked to come back.
MAX_KERNELS = int(os.environ.get("LLMPLAN_MAX_KERNELS", "40"))
CULL_IDLE_SECONDS = 1800
MAX_URL_CHARACTERS = 8192
MAX_HEADER_BYTES = 32_768
MAX_BODY_BYTES = 1_048_576
MAX_WEBSOCKET_BYTES = 1_048_576
PING_INTERVAL_MS = 30_000

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
    settings: dict[str, dict[str, Any]] = {
        "VoilaConfiguration": {
            "template": TEMPLATE_NAME,
            "allow_template_override": "NO",
            "allow_theme_override": "NO",
            "show_tracebacks": False,
            "strip_sources": True,
            "preheat_kernel": POOL_SIZE > 0,
            "default_pool_size": POOL_SIZE,
            "file_allowlist": [],
            "file_denylist": [".*"],
        },
        "VoilaExecutor": {"timeout": 120},
        "MappingKernelManager": {
            "cull_idle_timeout": CULL_IDLE_SECONDS,
            "cull_interval": 60,
            "cull_connected": True,
            "cull_busy": False,
            "buffer_offline_messages": False,
        },
    }
    if sys.platform != "win32":
        # Kernels listen on files only their owner can open, not on network ports.
        settings["KernelManager"] = {"transport": "ipc"}
    return settings


def add_template_path() -> None:
    """Let Voila find this package's template: from a checkout and from an installed wheel alike."""
    known = os.environ.get("JUPYTER_PATH", "")
    if str(APP_DIR) not in known.split(os.pathsep):
        os.environ["JUPYTER_PATH"] = os.pathsep.join(filter(None, [str(APP_DIR), known]))
