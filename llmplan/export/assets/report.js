// The report's controls: Python has drawn figures, tables and texts; here they are chosen, moved, sorted and saved.
"use strict";
(() => {
  const { CONFIG, decode, withHouse, pictureOf } = globalThis.llmplanFigure;
  const byId = (id) => document.getElementById(id);
  const data = JSON.parse(byId("data").textContent);
  const chart = byId("chart");
  const chosen = { unit: "month", scale: "log", at: data.volume_index };

  // The figure of the chosen unit and scale, its mark of the present volume moved to the chosen one.
  function figure(style) {
    const { traces, layouts } = data.figures[chosen.unit];
    const layout = decode(layouts[chosen.scale], style);
    const volume = data.queries_per_day[chosen.at];
    const ofVolume = ({ name }) => name === data.mark;
    Object.assign(layout.shapes.find(ofVolume), { x0: volume, x1: volume });
    const text = chosen.at === data.volume_index ? data.mark : data.volume_texts[chosen.at];
    Object.assign(layout.annotations.find(ofVolume), { x: Math.log10(volume), text });
    return { data: decode(traces, style), layout, meta: data.meta };
  }
  function draw() {
    const style = getComputedStyle(chart);
    const shown = figure(style);
    const size = { width: chart.clientWidth, height: chart.clientHeight };
    Plotly.react(chart, shown.data, { ...withHouse(shown.layout, style, size.width), ...size }, CONFIG);
  }

  function showVolume() {
    const { at } = chosen;
    byId("volume-text").textContent = data.volume_texts[at];
    byId("volume").setAttribute("aria-valuetext", `${data.volume_texts[at]} queries a day`);
    const body = byId("at-volume").tBodies[0];
    const line = (row) => data.lines[row.dataset.line];
    const rows = [...body.rows].sort((a, b) => line(a).base[at] - line(b).base[at]);
    for (const row of rows) {
      ["base_texts", "range_texts", "each_texts"].forEach((name, i) => { row.cells[i + 1].textContent = line(row)[name][at]; });
    }
    body.append(...rows);
  }

  const options = byId("options-table");
  function sortBy(head) {
    const sign = head.ariaSort === "ascending" ? -1 : 1;
    for (const other of options.tHead.rows[0].cells) other.ariaSort = "none";
    head.ariaSort = sign > 0 ? "ascending" : "descending";
    const value = (row) => row.cells[head.cellIndex].dataset.value;
    const compare = head.className === "number" ? (x, y) => x - y : (x, y) => x.localeCompare(y);
    const body = options.tBodies[0];
    body.append(...[...body.rows].sort((a, b) => {
      const [x, y] = [value(a), value(b)];
      return x && y ? sign * compare(x, y) : !x - !y;   // what is not known goes last
    }));
  }
  function filter(text) {
    for (const row of options.tBodies[0].rows) row.hidden = !row.textContent.toLowerCase().includes(text.toLowerCase());
  }

  function save(blob, name) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  byId("volume").addEventListener("input", (event) => {
    chosen.at = Number(event.target.value);
    showVolume();
    const { shapes, annotations } = figure(getComputedStyle(chart)).layout;
    Plotly.relayout(chart, { shapes, annotations });   // the marks alone: lines are slow to draw
  });
  for (const name of ["unit", "scale"]) byId(name).addEventListener("change", (event) => { chosen[name] = event.target.value; draw(); });
  for (const format of ["png", "svg"]) {
    byId(format).addEventListener("click", async () => {
      const style = getComputedStyle(chart);
      save(await pictureOf(figure(style), style, format), `llmplan-cost-curve.${format}`);
    });
  }
  for (const head of options.tHead.rows[0].cells) head.firstChild.addEventListener("click", () => sortBy(head));
  byId("filter").addEventListener("input", (event) => filter(event.target.value));
  for (const button of document.querySelectorAll("[data-file]")) {
    const { file } = button.dataset;
    button.addEventListener("click", () => save(new Blob([data.files[file]], { type: "text/plain" }), file));
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  new ResizeObserver(draw).observe(chart);
  showVolume();
})();
