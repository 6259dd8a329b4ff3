// The chart view: one Plotly chart with its title, its text alternative, its data table and its saves.
(() => {
  "use strict";
  const { views, h, uid, saveFile, saveCsv: saveRows, announce, quickRepaint, forgetQuick } = globalThis.llmplanRuntime;
  const TYPES = { f4: Float32Array, f8: Float64Array, i4: Int32Array };
  const CONFIG = { displayModeBar: false, responsive: false, showTips: false, doubleClick: "reset" };

  // ---------------------------------------------------------------- from the wire to Plotly
  const isBuffer = (value) => value && typeof value === "object" && "dtype" in value && "data" in value;
  function toArray(value) {
    const view = value.data;
    const bytes = view.buffer ? view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength) : view.slice(0);
    const flat = new TYPES[value.dtype](bytes);
    if (!value.shape || value.shape.length < 2) return flat;
    const width = value.shape[1];
    return Array.from({ length: value.shape[0] }, (_, i) => flat.subarray(i * width, (i + 1) * width));
  }
  // Tokens for colours that follow the theme: "@ink", "@muted", "@1" to "@8", each with "/0.2" for a tint.
  function colour(token, css) {
    const [name, alpha] = token.slice(1).split("/");
    const value = css.getPropertyValue(`--lp-${/^\d/.test(name) ? "series-" + name : name}`).trim() || "#888888";
    if (!alpha) return value;
    const rgb = value.match(/[0-9a-f]{2}/gi).slice(0, 3).map((pair) => parseInt(pair, 16));
    return `rgba(${rgb.join(",")},${alpha})`;
  }
  function decode(value, css) {
    if (typeof value === "string") return /^@[a-z0-9-]+(\/[0-9.]+)?$/.test(value) ? colour(value, css) : value;
    if (!value || typeof value !== "object" || ArrayBuffer.isView(value)) return value;
    if (isBuffer(value)) return toArray(value);
    if (Array.isArray(value)) return value.map((item) => decode(item, css));
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, decode(item, css)]));
  }
  function merge(base, extra) {
    const out = { ...base };
    for (const [key, value] of Object.entries(extra || {})) {
      const plain = value && typeof value === "object" && !Array.isArray(value) && !ArrayBuffer.isView(value);
      out[key] = plain && out[key] && typeof out[key] === "object" ? merge(out[key], value) : value;
    }
    return out;
  }
  function house(css, width) {
    const ink = css.getPropertyValue("--lp-ink").trim();
    const muted = css.getPropertyValue("--lp-muted").trim();
    const grid = css.getPropertyValue("--lp-grid").trim();
    const paper = css.getPropertyValue("--lp-card").trim();
    const narrow = width < 520;
    const axis = { gridcolor: grid, zeroline: false, linecolor: muted, tickcolor: muted, ticks: "outside", ticklen: 4,
      automargin: false, title: { standoff: 8, font: { size: narrow ? 11 : 13 } }, fixedrange: narrow };
    return {
      font: { family: "Inter, system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif", size: narrow ? 11 : 13, color: ink },
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      margin: narrow ? { l: 52, r: 12, t: 12, b: 48 } : { l: 72, r: 24, t: 16, b: 56 },
      colorway: [1, 2, 3, 4, 5, 6, 7, 8].map((i) => css.getPropertyValue(`--lp-series-${i}`).trim()),
      hoverlabel: { bgcolor: paper, bordercolor: muted, font: { color: ink } },
      legend: { orientation: "h", yanchor: "bottom", y: 1.01, x: 0, font: { size: narrow ? 10 : 12 } },
      dragmode: narrow ? false : "zoom", hovermode: "closest", uirevision: "kept", xaxis: axis, yaxis: axis, separators: ".,",
    };
  }
  const AXIS = /^[xy]axis\d*$/;
  function withHouse(layout, css, width) {
    const base = house(css, width);
    const given = { ...layout };
    for (const key of Object.keys(layout)) {
      if (!AXIS.test(key)) continue;
      const axis = layout[key];
      base[key] = { ...base.xaxis };
      if (typeof axis.title === "string") given[key] = { ...axis, title: { text: axis.title } };
      // On a logarithmic axis one label a decade, unless it spans less than two.
      const decades = axis.range ? Math.abs(axis.range[1] - axis.range[0]) : 9;
      if (axis.type === "log" && decades >= 2) base[key].dtick = 1;
    }
    return merge(base, given);
  }

  // ---------------------------------------------------------------- the data behind the chart
  const cell = (value) => typeof value === "number"
    ? (Number.isFinite(value) ? Number(value.toPrecision(7)) : "") : (value ?? "");
  const axisTitle = (layout, key, fallback) => {
    const title = layout[key] && layout[key].title;
    return (title && (title.text ?? title)) || fallback;
  };
  function tableOf(figure, data) {
    const x = axisTitle(figure.layout, "xaxis", "x");
    const y = axisTitle(figure.layout, "yaxis", "y");
    const rows = [];
    for (const trace of data) {
      if (trace.type === "heatmap") {
        trace.z.forEach((line, j) => Array.from(line).forEach((z, i) =>
          rows.push([trace.name || "", cell(trace.x ? trace.x[i] : i), cell(trace.y ? trace.y[j] : j), cell(z)])));
      } else if (trace.x || trace.y) {
        const length = Math.max(trace.x ? trace.x.length : 0, trace.y ? trace.y.length : 0);
        for (let i = 0; i < length; i += 1) rows.push([trace.name || "", cell(trace.x?.[i]), cell(trace.y?.[i])]);
      }
    }
    const wide = rows.some((r) => r.length === 4);
    return { columns: wide ? ["series", x, y, "value"] : ["series", x, y], rows };
  }
  const shown = (value) => typeof value === "number"
    ? value.toLocaleString("en-US", { maximumSignificantDigits: 6 }) : value;
  const ROWS_SHOWN = 300;
  function tableNode(table, caption) {
    const body = table.rows.slice(0, ROWS_SHOWN).map((r) => h("tr", {}, ...r.map((v, i) =>
      i ? h("td", { text: shown(v) }) : h("th", { scope: "row", text: shown(v) }))));
    const more = table.rows.length > ROWS_SHOWN
      ? h("p", { class: "lp-help", text: `The first ${ROWS_SHOWN} of ${table.rows.length} rows; the CSV holds all.` }) : null;
    return h("div", { class: "lp-scroll", tabindex: 0, role: "region", "aria-label": `Data table: ${caption}` },
      h("table", { class: "lp-data" }, h("caption", { text: caption }),
        h("thead", {}, h("tr", {}, ...table.columns.map((c) => h("th", { scope: "col", text: c })))),
        h("tbody", {}, ...body)), more);
  }

  // A chart's first drawing is its slowest: one a frame, top to bottom, so that the first is seen early.
  const waiting = [];
  let drawing = false;
  function drawSoon(job) {
    waiting.push(job);
    if (!drawing) drawNext();
  }
  function drawNext() {
    const job = waiting.shift();
    drawing = Boolean(job);
    if (!job) return;
    job();
    let done = false;
    const go = () => { if (!done) { done = true; drawNext(); } };
    requestAnimationFrame(() => setTimeout(go, 0));
    setTimeout(go, 250);   // a hidden page has no frames
  }

  // ---------------------------------------------------------------- the view
  views.chart = (model, el, call) => {
    const title = h("h3", {});
    const what = h("p", { class: "lp-what" });
    const plot = h("div", { class: "lp-plot", role: "img" });
    const tableId = uid("table");
    const tableSlot = h("div", { id: tableId, class: "lp-table", hidden: true });
    const tool = (label, action) => h("button", { type: "button", class: "lp-tool", text: label, onclick: action });
    const toggle = tool("Data table", () => showTable(tableSlot.hidden));
    toggle.setAttribute("aria-expanded", "false");
    toggle.setAttribute("aria-controls", tableId);
    const tools = h("div", { class: "lp-tools", role: "group" }, toggle, tool("CSV", saveCsv),
      tool("PNG", () => savePicture("png")), tool("SVG", () => savePicture("svg")));
    el.append(h("figure", { class: "lp-chart" }, h("figcaption", {}, title, what), plot, tools, tableSlot));

    let figure = null;
    let data = [];
    let visible = false;   // until the observer has looked
    let dirty = false;
    let turn = "none";   // of its first drawing: "none", "queued", "now"
    let width = 0;

    let drawn = null;   // what Plotly itself drew last
    let resting = 0;
    const SETTLE_MS = 250;

    const css = () => getComputedStyle(plot);
    function draw(whole, counter = "paints") {
      if (!figure || !figure.data) return;
      if (!globalThis.Plotly) { globalThis.addEventListener("lp-plotly", () => draw(true), { once: true }); return; }
      const room = plot.clientWidth;
      if (!visible || !room) { dirty = true; return; }
      if (!drawn && turn !== "now") {
        if (turn === "queued") return;
        turn = "queued";
        drawSoon(() => { turn = "now"; draw(true); });
        return;
      }
      dirty = false;
      const style = css();
      data = figure.data.map((trace) => decode(trace, style));
      const layout = withHouse(decode(figure.layout, style), style, room);
      layout.width = room;
      layout.height = figure.meta.height || 420;
      clearTimeout(resting);
      const next = { data, layout };
      if (!whole && drawn && room === width && quickRepaint(plot, drawn, next)) {
        resting = setTimeout(settle, SETTLE_MS);
      } else {
        forgetQuick(plot);
        resting = 0;
        width = room;
        // Plotly keeps and edits what it is given; `drawn` must stay as it was sent.
        drawn = { data: data.map((trace) => ({ ...trace })), layout: structuredClone(layout) };
        Plotly.react(plot, data, layout, CONFIG);
      }
      plot.dataset[counter] = 1 + Number(plot.dataset[counter] || 0);
    }
    function settle() {
      draw(true, "settles");   // the same picture: not news for whoever counts paints
    }
    plot.addEventListener("pointerenter", () => { if (resting) settle(); });
    function receive() {
      figure = model.get("figure");
      if (!figure || !figure.meta) return;
      const { meta } = figure;
      if (title.textContent !== meta.title) title.textContent = meta.title;
      if (what.textContent !== meta.what) what.textContent = meta.what;
      what.hidden = !meta.what;
      if (plot.getAttribute("aria-label") !== meta.alt) plot.setAttribute("aria-label", meta.alt);
      tools.setAttribute("aria-label", `Save or read the data of: ${meta.title}`);
      plot.style.minHeight = `${meta.height || 420}px`;
      draw(false);
      if (!tableSlot.hidden) showTable(true);
    }
    // A table of its own is fetched when it is asked for, so that it costs nothing while a slider moves.
    async function table() {
      if (!figure.meta.has_table) return tableOf(figure, data.length ? data : figure.data.map((t) => decode(t, css())));
      const { columns, lists } = await call({ table: true });
      const length = Math.max(0, ...lists.map((l) => l.length));
      return { columns, rows: Array.from({ length }, (_, i) => lists.map((l) => cell(l[i]))) };
    }
    async function showTable(on) {
      tableSlot.hidden = !on;
      toggle.setAttribute("aria-expanded", String(on));
      const node = on ? tableNode(await table(), figure.meta.title) : null;
      if (on === !tableSlot.hidden) tableSlot.replaceChildren(...(node ? [node] : []));
    }
    const filename = (ending) => `${figure.meta.filename || "chart"}.${ending}`;
    async function saveCsv() {
      const { columns, rows } = await table();
      saveRows([columns, ...rows], figure.meta.filename || "chart");
    }
    async function savePicture(format) {
      const style = css();
      const layout = merge(withHouse(decode(figure.layout, style), style, 1200), {
        width: 1200, height: 675, paper_bgcolor: style.getPropertyValue("--lp-card").trim(),
        margin: { t: 90, b: 90 }, title: { text: figure.meta.title, x: 0.02, xanchor: "left" },
        annotations: [...(figure.layout.annotations ? decode(figure.layout.annotations, style) : []), {
          text: figure.meta.footnote || "", showarrow: false, xref: "paper", yref: "paper", x: 0, y: -0.16,
          xanchor: "left", yanchor: "bottom", font: { size: 11 } }],
      });
      const picture = await Plotly.toImage({ data, layout, config: CONFIG }, { format, width: 1200, height: 675, scale: 2 });
      const blob = format === "svg"
        ? new Blob([decodeURIComponent(picture.slice(picture.indexOf(",") + 1))], { type: "image/svg+xml" })
        : await fetchless(picture);
      saveFile(blob, filename(format));
      announce(`${filename(format)} saved`);
    }
    // data: addresses may not be fetched under the page's security policy, so decode by hand.
    async function fetchless(url) {
      const bytes = atob(url.slice(url.indexOf(",") + 1));
      return new Blob([Uint8Array.from(bytes, (c) => c.charCodeAt(0))], { type: "image/png" });
    }

    const resize = new ResizeObserver(() => { if (plot.clientWidth && (dirty || plot.clientWidth !== width)) draw(true); });
    resize.observe(plot);
    const sight = new IntersectionObserver((entries) => {
      visible = entries[entries.length - 1].isIntersecting;
      if (visible && dirty) draw(true);
    }, { rootMargin: "200px" });
    sight.observe(el);
    const recolour = () => draw(true);
    const beforePrint = () => { visible = true; if (dirty) draw(true); };
    document.addEventListener("lp-theme", recolour);
    addEventListener("beforeprint", beforePrint);
    model.on("change:figure", receive);
    receive();
    return () => {
      clearTimeout(resting);
      resize.disconnect();
      sight.disconnect();
      document.removeEventListener("lp-theme", recolour);
      removeEventListener("beforeprint", beforePrint);
      if (globalThis.Plotly) Plotly.purge(plot);
    };
  };
})();
