// A plain figure (colours as tokens, no looks of its own) as Plotly takes it, and as a picture to save: the dashboard
// and the HTML report both draw with this file.
(() => {
  "use strict";
  const TYPES = { f4: Float32Array, f8: Float64Array, i4: Int32Array };
  const CONFIG = { displayModeBar: false, responsive: false, showTips: false, doubleClick: "reset" };

  // Texts that come again and again stand once each: "texts", and which of them stands where, "at".
  const isTexts = (value) => Array.isArray(value.texts) && "at" in value && Object.keys(value).length === 2;
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
    if (isTexts(value)) return Array.from(toArray(value.at), (place) => value.texts[place]);
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
      automargin: false, title: { standoff: 8, font: { size: narrow ? 12 : 13 } }, fixedrange: narrow };
    return {
      font: { family: "Inter, system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif", size: narrow ? 12 : 13, color: ink },
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      margin: narrow ? { l: 60, r: 12, t: 12, b: 48 } : { l: 72, r: 24, t: 16, b: 56 },
      colorway: [1, 2, 3, 4, 5, 6, 7, 8].map((i) => css.getPropertyValue(`--lp-series-${i}`).trim()),
      hoverlabel: { bgcolor: paper, bordercolor: muted, font: { color: ink } },
      legend: { orientation: "h", yanchor: "bottom", y: 1.01, x: 0, maxheight: 1, font: { size: 12 }, traceorder: "normal" },
      dragmode: narrow ? false : "zoom", hovermode: "closest", uirevision: "kept", xaxis: axis, yaxis: axis, separators: ".,",
    };
  }
  const AXIS = /^[xy]axis\d*$/;
  function withHouse(layout, css, width) {
    const base = house(css, width);
    const plainAxis = base.xaxis;
    const given = { ...layout };
    for (const key of Object.keys(layout)) {
      if (!AXIS.test(key)) continue;
      const axis = layout[key];
      base[key] = { ...plainAxis };
      if (typeof axis.title === "string") given[key] = { ...axis, title: { text: axis.title } };
      // On a logarithmic axis one label a decade, unless it spans less than two.
      const decades = axis.range ? Math.abs(axis.range[1] - axis.range[0]) : 9;
      if (axis.type === "log" && decades >= 2) base[key].dtick = 1;
    }
    return merge(base, given);
  }

  // A picture as a file: the title on top, where the numbers come from below.
  async function pictureOf({ data, layout, meta }, css, format) {
    const size = { width: 1200, height: 675 };
    const dressed = merge(withHouse(layout, css, size.width), {
      ...size, paper_bgcolor: css.getPropertyValue("--lp-card").trim(),
      margin: meta.title ? { t: 90, b: 90 } : { t: 40, b: 60 }, title: { text: meta.title || "", x: 0.02, xanchor: "left" },
      annotations: [...(layout.annotations || []), {
        text: meta.footnote || "", showarrow: false, xref: "paper", yref: "paper", x: 0, y: -0.16,
        xanchor: "left", yanchor: "bottom", font: { size: 12 } }],
    });
    const url = await Plotly.toImage({ data, layout: dressed, config: CONFIG }, { format, ...size, scale: 2 });
    const text = url.slice(url.indexOf(",") + 1);
    if (format === "svg") return new Blob([decodeURIComponent(text)], { type: "image/svg+xml" });
    // data: addresses may not be fetched under the page's security policy, so decode by hand.
    return new Blob([Uint8Array.from(atob(text), (c) => c.charCodeAt(0))], { type: "image/png" });
  }

  globalThis.llmplanFigure = { CONFIG, decode, withHouse, pictureOf };
})();
