// Writes plotly.min.js, headed by Plotly's licence, and the licences of every package in it: node build.js FOLDER
import { build } from "esbuild";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";

const folder = process.argv[2];
const packageFile = (name) => JSON.parse(readFileSync(`node_modules/${name}/package.json`, "utf8"));
function licenceOf(name) {
  const file = readdirSync(`node_modules/${name}`).find((each) => /^licen[cs]e/i.test(each));
  return file ? readFileSync(`node_modules/${name}/${file}`, "utf8").trim() : `Licence: ${packageFile(name).license}`;
}

const plotly = packageFile("plotly.js");
const { metafile } = await build({
  entryPoints: ["bundle.cjs"], outfile: `${folder}/plotly.min.js`, metafile: true, logLevel: "warning",
  bundle: true, minify: true, format: "iife", globalName: "Plotly", target: "es2020", legalComments: "none",
  define: { global: "globalThis" }, alias: { stream: "stream-browserify" }, loader: { ".css": "empty" },
  banner: { js: `/*!\nplotly.js ${plotly.version}, a partial bundle\n${licenceOf("plotly.js")}\n*/` },
  footer: { js: 'globalThis.Plotly=Plotly;dispatchEvent(new Event("lp-plotly"));' },
});

// A package inside another one (node_modules/a/node_modules/b) is b's own copy.
const [{ inputs }] = Object.values(metafile.outputs);
const used = Object.keys(inputs).filter((path) => inputs[path].bytesInOutput > 0)
  .map((path) => path.match(/^node_modules\/(.*node_modules\/)?((@[^/]+\/)?[^/]+)/));
const names = [...new Set(used.filter(Boolean).map(([, nested = "", name]) => nested + name))].sort();
const texts = new Map();
for (const name of names) {
  const line = `${packageFile(name).name} ${packageFile(name).version}`;
  texts.set(licenceOf(name), [...(texts.get(licenceOf(name)) ?? []), line]);
}
const parts = [...texts].map(([text, lines]) => `${lines.join("\n")}\n\n${text}\n`);
writeFileSync(`${folder}/plotly.LICENSE.txt`, `What plotly.min.js is made of.\n\n${parts.join(`\n${"-".repeat(80)}\n\n`)}`);
