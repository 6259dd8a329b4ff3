#!/bin/sh
# Build the partial plotly.js bundle of the dashboard anew: tools/build-plotly.sh (needs node and npm).
set -eu
PLOTLY=4.1.1
ESBUILD=0.28.1
target="$(cd "$(dirname "$0")/.." && pwd)/llmplan/app/voila/templates/llmplan/static"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --no-audit --no-fund "plotly.js@$PLOTLY" "esbuild@$ESBUILD" >/dev/null
cat > bundle.js <<'JS'
const Plotly = require("plotly.js/lib/core");
Plotly.register([require("plotly.js/lib/bar"), require("plotly.js/lib/heatmap"), require("plotly.js/lib/sankey")]);
module.exports = Plotly;
JS
npx esbuild bundle.js --bundle --minify --format=iife --global-name=Plotly --target=es2020 \
  --define:global=globalThis --alias:stream=stream-browserify --legal-comments=none \
  '--footer:js=globalThis.Plotly=Plotly;dispatchEvent(new Event("lp-plotly"));' \
  --loader:.css=empty --outfile="$target/plotly.min.js" --log-level=warning
cp node_modules/plotly.js/LICENSE "$target/plotly.LICENSE.txt"
ls -l "$target/plotly.min.js"
