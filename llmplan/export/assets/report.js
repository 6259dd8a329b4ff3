"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const byId = (id) => document.getElementById(id);
  const volumes = data.queries_per_day;
  const chosen = { unit: "month", scale: "log", at: data.volume_index };
  const DASH = { api: "solid", hosted: "dash", self_hosted: "solid", hybrid: "dashdot" };
  // A second line of a kind is dotted, and without a band: two of one colour would hide each other.
  const first = (line) => data.lines.find((other) => other.kind === line.kind) === line;
  const dash = (line) => (first(line) ? DASH[line.kind] || "solid" : "dot");
  const UNITS = {
    month: { title: `${data.money.name} a month`, of: () => 1 },
    query: { title: `${data.money.name} per 1,000 queries`, of: (volume) => 1000 / (volume * data.days_per_month) },
    mtok: { title: `${data.money.name} per million tokens`, of: (volume) => 1e6 / (volume * data.days_per_month * data.tokens_a_query) },
  };

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  // Plotly reads tags in names; a label is only ever text.
  const plain = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;");
  const count = (value) => value.toLocaleString("en-US", { maximumFractionDigits: 1 });
  const symbol = data.money.symbol;
  function sum(value) {
    if (value === null || !Number.isFinite(value)) return "–";
    for (const [step, unit] of [[1e9, "B"], [1e6, "M"], [1e3, "k"]]) {
      if (value >= Math.max(step * 0.9995, 9999.5)) return `${symbol}${Number((value / step).toPrecision(3))}${unit}`;
    }
    if (value >= 100) return `${symbol}${Math.round(value).toLocaleString("en-US")}`;
    if (value >= 0.1 || value === 0) return `${symbol}${value.toFixed(2).replace(/\.00$/, "")}`;
    return `${symbol}${Number(value.toPrecision(2)).toFixed(10).replace(/0+$/, "")}`;
  }

  const scaled = (values) => values.map((value, i) => (value === null ? null : value * UNITS[chosen.unit].of(volumes[i])));

  function traces() {
    const drawn = [];
    for (const line of data.lines) {
      const shade = colour(line.kind);
      const hover = `${plain(symbol)}%{y:,.4~f}<extra>${plain(line.label)}</extra>`;
      if (line.is_range && first(line)) {
        drawn.push({ x: volumes, y: scaled(line.low), mode: "lines", line: { width: 0 }, hoverinfo: "skip", showlegend: false, legendgroup: line.id });
        drawn.push({ x: volumes, y: scaled(line.high), mode: "lines", line: { width: 0 }, fill: "tonexty", fillcolor: `${shade}2e`, hoverinfo: "skip", showlegend: false, legendgroup: line.id });
      }
      drawn.push({ x: volumes, y: scaled(line.base), mode: "lines", name: plain(line.label), legendgroup: line.id, line: { color: shade, width: 2.5, dash: dash(line) }, hovertemplate: hover });
    }
    return drawn;
  }

  // Powers of ten as people write money; Plotly's own would call ten cents "$100m".
  function moneyTicks() {
    if (chosen.scale === "linear") return { tickprefix: symbol, tickformat: ",.4~g" };
    const tickvals = Array.from({ length: 22 }, (_, i) => 10 ** (i - 9));
    return { tickvals, ticktext: tickvals.map((value) => sum(Number(value.toPrecision(1)))) };
  }

  function layout() {
    const axis = { gridcolor: colour("grid"), linecolor: colour("line"), zeroline: false, automargin: true };
    const at = volumes[chosen.at];
    const marks = data.crossings.map((x) => ({ type: "line", x0: x, x1: x, y0: 0, y1: 1, yref: "paper", line: { color: colour("self_hosted"), width: 1, dash: "dash" } }));
    return {
      font: { family: "system-ui,sans-serif", size: 14, color: colour("ink") },
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      margin: { l: 70, r: 15, t: 10, b: 50 },
      hovermode: "x unified", hoverlabel: { bgcolor: colour("card"), bordercolor: colour("line"), font: { color: colour("ink") } },
      legend: { orientation: "h", y: -0.2 },
      xaxis: { ...axis, type: "log", title: { text: "Queries a day" }, tickformat: ",~s" },
      yaxis: { ...axis, type: chosen.scale, title: { text: UNITS[chosen.unit].title }, ...moneyTicks() },
      shapes: [...marks, { type: "line", x0: at, x1: at, y0: 0, y1: 1, yref: "paper", line: { color: colour("ink"), width: 1.5, dash: "dot" } }],
    };
  }

  const draw = () => Plotly.react("chart", traces(), layout(), { responsive: true, displaylogo: false, modeBarButtonsToRemove: ["toImage", "select2d", "lasso2d"] });

  function cellOf(row, text, tag = "td", name = "") {
    const made = document.createElement(tag);
    made.textContent = text;
    if (name) made.className = name;
    if (tag === "th") made.scope = "col";
    row.append(made);
    return made;
  }

  function showVolume() {
    const at = chosen.at;
    byId("volume-text").textContent = count(volumes[at]);
    byId("volume").setAttribute("aria-valuetext", `${count(volumes[at])} queries a day`);
    const body = byId("at-volume").tBodies[0];
    body.replaceChildren();
    const lines = [...data.lines].sort((a, b) => a.base[at] - b.base[at]);
    for (const line of lines) {
      const row = body.insertRow();
      const name = cellOf(row, line.label);
      const key = document.createElement("span");
      key.className = "key";
      key.style.color = colour(line.kind);
      key.style.borderTopStyle = { solid: "solid", dot: "dotted" }[dash(line)] || "dashed";
      name.prepend(key);
      cellOf(row, sum(line.base[at]), "td", "number");
      cellOf(row, line.is_range ? `${sum(line.low[at])} to ${sum(line.high[at])}` : "–", "td", "number");
      cellOf(row, sum((line.base[at] * 1000) / (volumes[at] * data.days_per_month)), "td", "number");
    }
  }

  function fillCurveTable() {
    const table = byId("curve-table");
    const head = table.createTHead().insertRow();
    for (const text of data.tables.curve.columns) cellOf(head, text, "th");
    const body = table.createTBody();
    for (const values of data.tables.curve.rows) {
      const row = body.insertRow();
      for (const value of values) cellOf(row, value === null ? "–" : count(value), "td", "number");
    }
  }

  const shown = { column: null, down: false, text: "" };
  function fillOptions() {
    const { columns, numeric, rows } = data.tables.shown_options;
    const table = byId("options-table");
    table.replaceChildren();
    const head = table.createTHead().insertRow();
    columns.forEach((text, column) => {
      const made = cellOf(head, "", "th", numeric[column] ? "number" : "");
      const button = document.createElement("button");
      button.textContent = text + (shown.column === column ? (shown.down ? " ▾" : " ▴") : "");
      button.addEventListener("click", () => { sortBy(column); byId("options-table").tHead.querySelectorAll("button")[column].focus(); });
      made.setAttribute("aria-sort", shown.column !== column ? "none" : shown.down ? "descending" : "ascending");
      made.append(button);
    });
    const wanted = rows.filter((row) => row.some((value) => String(value.text).toLowerCase().includes(shown.text)));
    const body = table.createTBody();
    for (const values of wanted) {
      const row = body.insertRow();
      values.forEach((value, column) => cellOf(row, value.text, "td", numeric[column] ? "number" : ""));
    }
  }
  function sortBy(column) {
    shown.down = shown.column === column ? !shown.down : false;
    shown.column = column;
    const sign = shown.down ? -1 : 1;
    data.tables.shown_options.rows.sort((a, b) => {
      const [x, y] = [a[column].value, b[column].value];
      if (x === null || y === null) return (x === null) - (y === null);
      return sign * (typeof x === "number" ? x - y : String(x).localeCompare(String(y)));
    });
    fillOptions();
  }

  function save(name, text, type) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }
  function addDownload(label, name, text, type) {
    const button = document.createElement("button");
    button.textContent = label;
    button.addEventListener("click", () => save(name, text, type));
    byId("downloads").append(button);
  }

  const slider = byId("volume");
  slider.max = volumes.length - 1;
  slider.value = chosen.at;
  const head = byId("at-volume").tHead.insertRow();
  ["Option", UNITS.month.title, "Low to high", "Per 1,000 queries"].forEach((text, i) => cellOf(head, text, "th", i ? "number" : ""));
  slider.addEventListener("input", () => {
    chosen.at = Number(slider.value);
    showVolume();
    Plotly.relayout("chart", { shapes: layout().shapes });
  });
  for (const option of byId("unit").options) option.textContent = UNITS[option.value].title;
  byId("unit").addEventListener("change", (event) => { chosen.unit = event.target.value; draw(); });
  byId("scale").addEventListener("change", (event) => { chosen.scale = event.target.value; draw(); });
  for (const format of ["png", "svg"]) {
    byId(format).addEventListener("click", () => Plotly.downloadImage("chart", { format, filename: "llmplan-cost-curve", width: 1280, height: 720 }));
  }
  byId("filter").addEventListener("input", (event) => { shown.text = event.target.value.toLowerCase(); fillOptions(); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { draw(); showVolume(); });
  for (const [name, text] of Object.entries(data.csv)) addDownload(`${name} (CSV)`, `${name}.csv`, text, "text/csv");
  addDownload("Scenario (TOML)", "scenario.toml", data.scenario_toml, "application/toml");
  draw();
  showVolume();
  fillCurveTable();
  fillOptions();
})();
