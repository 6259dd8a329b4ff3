#!/bin/sh
# What the tests drive beside Python: a Chromium, LibreOffice and Java (for Spark). Installs what is missing where that
# can be done without asking (Debian or Ubuntu, as root or with password-less sudo), else says what to do.
set -eu
cd "$(dirname "$0")/.."

# LLMPLAN_BROWSER names a browser to use; otherwise the usual commands, then the one that Playwright keeps.
has_browser() {
    for name in "${LLMPLAN_BROWSER:-}" chromium chromium-browser google-chrome google-chrome-stable chrome; do
        if [ -n "$name" ] && "$name" --version >/dev/null 2>&1; then return 0; fi
    done
    .venv/bin/python - <<'PYTHON' 2>/dev/null
import pathlib, sys
from playwright.sync_api import sync_playwright
with sync_playwright() as playwright:
    sys.exit(not pathlib.Path(playwright.chromium.executable_path).exists())
PYTHON
}

has_office() {
    for name in soffice libreoffice; do
        if command -v "$name" >/dev/null 2>&1; then return 0; fi
    done
    return 1
}

has_java() { java -version >/dev/null 2>&1; }

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

can_apt() {
    command -v apt-get >/dev/null 2>&1 && as_root true >/dev/null 2>&1
}

apt_install() {
    can_apt || return 1
    echo "llmplan tests: installing $*"
    as_root apt-get update -qq || true
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

has_browser || apt_install chromium || true
has_browser || { echo "llmplan tests: asking Playwright for a Chromium"; .venv/bin/python -m playwright install chromium; } || true
has_office || apt_install libreoffice-calc-nogui libreoffice-impress-nogui || true
has_java || apt_install default-jre-headless || true

missing=""
if ! has_browser; then
    missing="$missing
  a Chromium (Debian: apt-get install chromium; elsewhere: .venv/bin/python -m playwright install chromium)"
fi
if ! has_office; then
    missing="$missing
  LibreOffice (Debian: apt-get install libreoffice-calc-nogui libreoffice-impress-nogui; elsewhere: libreoffice.org)"
fi
if ! has_java; then
    missing="$missing
  Java 17 or newer (Debian: apt-get install default-jre-headless; elsewhere: adoptium.net)"
fi
if [ -n "$missing" ]; then
    echo "llmplan tests need, and could not install:$missing" >&2
    exit 1
fi
