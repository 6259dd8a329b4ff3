// The chart view: one Plotly chart with its title, its text alternative, its data table and its saves.
(() => {
  "use strict";
  const { views, h, uid, painter, menu, saveFile, saveCsv: saveRows, announce, quickRepaint, forgetQuick } = globalThis.llmplanRuntime;
  const { CONFIG, decode, withHouse, pictureOf } = globalThis.llmplanFigure;

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
          rows.push([trace.name || "map", cell(trace.x ? trace.x[i] : i), cell(trace.y ? trace.y[j] : j), cell(z)])));
      } else if (trace.x || trace.y) {
        const length = Math.max(trace.x ? trace.x.length : 0, trace.y ? trace.y.length : 0);
        for (let i = 0; i < length; i += 1) rows.push([trace.name || "band", cell(trace.x?.[i]), cell(trace.y?.[i])]);
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

  const PAPER_WIDTH = 680; // px of a card within A4 or Letter, upright
  // The cells of a map have room for their letters and sums on a wide screen alone.
  const NARROW = 520;
  const narrowed = (trace, room) => trace.texttemplate && room < NARROW ? { ...trace, texttemplate: "" } : trace;

  // Nor have names of many rows beside it: they keep their beginning and their last word.
  const NAME_LETTERS = 20;
  const shortened = (name) => name.length > NAME_LETTERS ? `${name.slice(0, NAME_LETTERS - 6)}… ${name.split(" ").pop()}` : name;
  function nameRows(layout, data, room) {
    const map = room < NARROW && data.find((trace) => trace.type === "heatmap" && Array.isArray(trace.y));
    if (map) layout.yaxis.labelalias = Object.fromEntries(map.y.map((name) => [name, shortened(String(name))]));
  }

  // A legend has a row an entry there: those beyond two come on top of the chart's own height.
  const LEGEND_ROW = 19;
  function legendRoom({ data, layout }, room) {
    if (room >= NARROW || layout.showlegend === false) return 0;
    const entries = data.filter((trace) => trace.name && trace.showlegend !== false && trace.type !== "heatmap").length;
    return LEGEND_ROW * Math.max(0, entries - 2);
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
    const title = h("h2", {});
    const what = h("p", { class: "lp-what" });
    const plot = h("div", { class: "lp-plot", role: "img" });
    const tableId = uid("table");
    const tableSlot = h("div", { id: tableId, class: "lp-table", hidden: true });
    const tool = (label, action) => h("button", { type: "button", class: "lp-tool", text: label, onclick: action });
    const toggle = tool("Data table", () => showTable(tableSlot.hidden));
    toggle.setAttribute("aria-expanded", "false");
    toggle.setAttribute("aria-controls", tableId);
    const more = menu("…", "More", toggle, tool("CSV", saveCsv), tool("PNG", () => savePicture("png")),
      tool("SVG", () => savePicture("svg")), tool("Copy picture", copyPicture),
      model.get("slides") ? tool("Add to slides", addToSlides) : null);
    el.append(h("figure", { class: "lp-chart" }, h("figcaption", {}, title, what), more, plot, tableSlot));

    let figure = null;
    let data = [];
    let visible = false;   // until the observer has looked
    let dirty = false;
    let turn = "none";   // of its first drawing: "none", "queued", "now"
    let width = 0;

    let drawn = null;   // what Plotly itself drew last
    let room = 0;   // its width as the observer saw it: asking here would lay out the page anew for every chart
    let quick = false;   // its lines have moved on since
    let settled = 0;
    const SETTLED_MS = 300;   // Plotly's own drawing takes as long as ten answers: beside the screen it waits for a rest

    // Colours by name, asked once a theme.
    let colours = new Map();
    const css = () => ({
      getPropertyValue: (name) => {
        if (!colours.get(name)) colours.set(name, getComputedStyle(plot).getPropertyValue(name));
        return colours.get(name);
      },
    });
    function draw(whole, counter = "paints", seen = true) {
      clearTimeout(settled);
      if (!figure || !figure.data) return;
      if (!globalThis.Plotly) { globalThis.addEventListener("lp-plotly", () => draw(true), { once: true }); return; }
      if (!visible || !room) { dirty = true; return; }
      if (!drawn && turn !== "now") {
        if (turn === "queued") return;
        turn = "queued";
        drawSoon(() => { turn = "now"; draw(true); });
        return;
      }
      dirty = false;
      const style = css();
      data = figure.data.map((trace) => narrowed(decode(trace, style), room));
      const layout = withHouse(decode(figure.layout, style), style, room);
      nameRows(layout, data, room);
      layout.width = room;
      layout.height = (figure.meta.height || 420) + legendRoom(figure, room);
      const next = { data, layout };
      quick = !whole && drawn && room === width && quickRepaint(plot, drawn, next);
      if (!quick && !seen && drawn) { settled = setTimeout(() => draw(true), SETTLED_MS); return; }
      if (!quick) {
        forgetQuick(plot);
        // At another width Plotly.react would lay a legend out anew within the margins of the old one.
        const make = room === width ? Plotly.react : Plotly.newPlot;
        width = room;
        // Plotly keeps and edits what it is given; `drawn` must stay as it was sent.
        drawn = { data: data.map((trace) => ({ ...trace })), layout: structuredClone(layout) };
        make(plot, data, layout, CONFIG);
      }
      plot.dataset[counter] = 1 + Number(plot.dataset[counter] || 0);
    }
    // Plotly's own drawing knows what is under the pointer. It is the same picture: not news for whoever counts paints.
    const settle = () => { if (quick) draw(true, "settles"); };
    plot.addEventListener("pointerenter", settle);
    plot.addEventListener("pointermove", settle);
    function receive(seen) {
      figure = model.get("figure");
      if (!figure || !figure.meta) return;
      const { meta } = figure;
      if (title.textContent !== meta.title) title.textContent = meta.title;
      if (what.textContent !== meta.what) what.textContent = meta.what;
      what.hidden = !meta.what;
      more.hidden = !figure.data.length;   // nothing drawn, nothing to save
      if (plot.getAttribute("aria-label") !== meta.alt) plot.setAttribute("aria-label", meta.alt);
      more.firstChild.setAttribute("aria-label", `More of: ${meta.title}`);
      plot.style.minHeight = `${meta.height || 420}px`;
      draw(false, "paints", seen);
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
    function picture(format, meta) {
      const style = css();
      const traces = data.length ? data : figure.data.map((trace) => decode(trace, style));
      return pictureOf({ data: traces, layout: decode(figure.layout, style), meta }, style, format);
    }
    async function savePicture(format) {
      saveFile(await picture(format, figure.meta), filename(format));
      announce(`${filename(format)} saved`);
    }
    async function copyPicture() {
      try {
        await navigator.clipboard.write([new ClipboardItem({ "image/png": picture("png", figure.meta) })]);
        announce("Picture copied");
      } catch { announce("This browser does not let pages copy pictures: save it as PNG."); }
    }
    // The slide has the title and the footnote; the picture is the chart alone.
    async function addToSlides() {
      const blob = await picture("png", {});
      const answer = await call({ slide: true }, [await blob.arrayBuffer()]);
      if (answer.message) announce(answer.message);
    }

    const resize = new ResizeObserver(() => {
      room = plot.clientWidth;
      if (room && (dirty || room !== width)) draw(true);
    });
    resize.observe(plot);
    const sight = new IntersectionObserver((entries) => {
      visible = entries[entries.length - 1].isIntersecting;
      if (visible && dirty) draw(false, "paints", false);
    }, { rootMargin: "200px" });
    sight.observe(el);
    const recolour = () => { colours = new Map(); draw(true); };
    // Paper has one column, and no observer hears of it in time: charts are drawn to its width, and back.
    const beforePrint = () => { visible = true; room = PAPER_WIDTH; draw(true); };
    const afterPrint = () => { room = plot.clientWidth; draw(true); };
    document.addEventListener("lp-theme", recolour);
    addEventListener("beforeprint", beforePrint);
    addEventListener("afterprint", afterPrint);
    const painting = painter(el, receive);
    model.on("change:figure", painting.ask);
    receive(true);
    return () => {
      painting.end();
      clearTimeout(settled);
      resize.disconnect();
      sight.disconnect();
      document.removeEventListener("lp-theme", recolour);
      removeEventListener("beforeprint", beforePrint);
      removeEventListener("afterprint", afterPrint);
      if (globalThis.Plotly) Plotly.purge(plot);
    };
  };
})();
