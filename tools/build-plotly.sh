#!/bin/sh
# Build the partial plotly.js bundle of dashboard and HTML report anew: tools/build-plotly.sh
# Needs npm and the node that tools/plotly/package.json asks for; the lock beside it pins every package by its hash.
set -eu
root="$(cd "$(dirname "$0")/.." && pwd)"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
cp "$root"/tools/plotly/* "$work"
cd "$work"
# plotly.js asks for a newer node for its own tests; esbuild, which does the work here, is no node program.
node -e '
  const least = require("./package.json").engines.node.replace(">=", "");
  if (Number(process.versions.node.split(".")[0]) < Number(least)) {
    console.error(`node ${least} or newer is needed, this is ${process.versions.node}`);
    process.exit(1);
  }'
npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
node build.js "$root/llmplan/app/voila/templates/llmplan/static"
