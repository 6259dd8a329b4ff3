#!/bin/sh
# Make .venv hold exactly the locked versions and this checkout: tools/bootstrap.sh [main|dev].
# uv is used where it is on PATH, otherwise venv and pip; both read the same lock with hashes.
# A second run with nothing changed returns at once.
set -eu
cd "$(dirname "$0")/.."

# Settings of the user's own pip that would put packages elsewhere.
unset PIP_USER PIP_TARGET PIP_PREFIX PIP_REQUIRE_VIRTUALENV PYTHONPATH PYTHONHOME

wanted=${1:-main}
lock=requirements/$wanted.lock
here=$(pwd -P)

fail() {
    echo "llmplan set-up: $1" >&2
    exit 1
}

[ -f "$lock" ] || fail "$lock is missing; use 'main' or 'dev'"

is_recent() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }
has_venv() { "$1" -c 'import ensurepip, venv' >/dev/null 2>&1; }
# A uv from before 0.8 (July 2025) cannot read the lock's hashes right: it is passed over.
has_uv() { uv venv --help 2>/dev/null | grep -q -e --clear; }

# Print the first interpreter that is recent enough; the ones people have tested most come first.
find_python() {
    for name in "${PYTHON:-}" python3.13 python3.12 python3.11 python3.14 python3 python; do
        if [ -n "$name" ] && is_recent "$name" && { has_uv || has_venv "$name"; }; then
            command -v "$name"
            return
        fi
    done
}

explain_no_python() {
    for name in python3.13 python3.12 python3.11 python3.14 python3 python; do
        if is_recent "$name"; then
            fail "$name has no venv module; on Debian and Ubuntu: apt-get install python3-venv (or install uv)"
        fi
    done
    fail "no Python 3.11 or newer found; install one, or name it: make PYTHON=/path/to/python3.11"
}

make_venv() {
    python=$(find_python)
    if has_uv; then
        # Without a suitable Python uv fetches one.
        uv venv --quiet --clear --python "${python:-3.13}" .venv
    else
        [ -n "$python" ] || explain_no_python
        "$python" -m venv --clear .venv
        # ensurepip of Python 3.11 brings setuptools along, which no lock names.
        .venv/bin/python -m pip uninstall --quiet --yes setuptools 2>/dev/null || true
    fi
}

venv_is_usable() {
    [ -x .venv/bin/python ] && is_recent .venv/bin/python || return 1
    # Scripts in a virtual environment hold its absolute path: after a move they are useless.
    [ ! -f .venv/.llmplan-home ] || [ "$(cat .venv/.llmplan-home)" = "$here" ] || return 1
    has_uv || .venv/bin/python -m pip --version >/dev/null 2>&1
}

install() {
    if has_uv; then
        uv pip install --quiet --python .venv --require-hashes --requirement "$lock"
        uv pip install --quiet --python .venv --no-deps --no-build-isolation --editable .
    else
        .venv/bin/python -m pip install -qq --require-hashes --requirement "$lock"
        .venv/bin/python -m pip install -qq --no-deps --no-build-isolation --editable .
    fi
}

# The page's template is copied into .venv, for plain `voila` to find: a changed one is installed anew.
state_of() {
    printf '%s %s\n' "$here" "$(cat "requirements/$1.lock" pyproject.toml tools/bootstrap.sh \
        llmplan/app/voila/templates/llmplan/*.* llmplan/app/voila/templates/llmplan/static/*.* | cksum)"
}

is_current() { [ "$(cat ".venv/.llmplan-$1" 2>/dev/null)" = "$(state_of "$1")" ]; }

if venv_is_usable; then
    is_current "$wanted" && exit 0
else
    echo "llmplan set-up: creating .venv"
    make_venv
fi
echo "llmplan set-up: installing $lock (the first time takes a minute or two)"
rm -f .venv/.llmplan-main .venv/.llmplan-dev
install
printf '%s' "$here" > .venv/.llmplan-home
state_of "$wanted" > ".venv/.llmplan-$wanted"
# The dev lock holds the main lock's versions and more.
[ "$wanted" = main ] || state_of main > .venv/.llmplan-main
