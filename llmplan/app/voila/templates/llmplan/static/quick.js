// A quick repaint for a chart whose lines and points have moved but whose frame has not: it writes the new places
// into the drawing Plotly made, in a millisecond or two, so that a dragged slider feels attached to the
// curve. Whenever anything else differs it says so and Plotly redraws the whole; and Plotly always
// redraws before a pointer reads the chart, so hover and later drawing never see the shortcut.
(() => {
  "use strict";
  const UNSEEN = new Set(["x", "y", "customdata", "hovertext", "hovertemplate", "ids", "meta"]);
  const MOVING = new Set(["x", "y", "x0", "x1"]);

  const sameList = (a, b) => {
    if (a === b) return true;
    if (!a || !b || a.length !== b.length) return false;
    for (let i = 0; i < a.length; i += 1) if (a[i] !== b[i] && !(Number.isNaN(a[i]) && Number.isNaN(b[i]))) return false;
    return true;
  };
  const said = new WeakMap();   // what was drawn last is asked at every move
  function looks(value, without) {
    if (!said.has(value)) said.set(value, JSON.stringify(value, (key, item) => (without.has(key) ? undefined : item)));
    return said.get(value);
  }
  const isLine = (trace) => (trace.type || "scatter") === "scatter" && trace.mode === "lines"
    && (!trace.fill || trace.fill === "none" || trace.fill === "tonexty");

  const isMarks = (trace) => (trace.type || "scatter") === "scatter" && trace.mode === "markers";

  // Trace by trace: what kind of change is it? "same", "moved" (a line with new points), "shifted" (as many marks
  // elsewhere), or "other".
  function change(before, after) {
    const same = sameList(before.x, after.x) && sameList(before.y, after.y);
    if (looks(before, UNSEEN) !== looks(after, UNSEEN)) return "other";
    if (same) return "same";
    if (isMarks(after) && before.x.length === after.x.length) return "shifted";
    return isLine(after) ? "moved" : "other";
  }

  const cut = (number) => Math.round(Math.max(-1e5, Math.min(1e5, number)) * 100) / 100;
  function pixels(trace, full) {
    const xs = Float64Array.from(trace.x, (v) => full._xA.d2p(v));
    const ys = Float64Array.from(trace.y, (v) => full._yA.d2p(v));
    return { xs, ys, steps: (trace.line && trace.line.shape) === "hv" };
  }
  function forward({ xs, ys, steps }) {
    let path = "";
    let pen = false;
    for (let i = 0; i < xs.length; i += 1) {
      if (!Number.isFinite(xs[i]) || !Number.isFinite(ys[i])) { pen = false; continue; }
      path += pen ? `${steps ? `H${cut(xs[i])}V` : `L${cut(xs[i])},`}${cut(ys[i])}` : `M${cut(xs[i])},${cut(ys[i])}`;
      pen = true;
    }
    return path;
  }
  function backward({ xs, ys, steps }) {
    let path = "";
    for (let i = xs.length - 1; i >= 0; i -= 1) {
      if (!Number.isFinite(xs[i]) || !Number.isFinite(ys[i])) continue;
      path += path && steps ? `V${cut(ys[i])}H${cut(xs[i])}` : `L${cut(xs[i])},${cut(ys[i])}`;
    }
    return path + "Z";
  }

  const moved = (before, after, keys) => keys.some((key) => before[key] !== after[key]);
  // Upright or level lines and annotations may slide along their axes; returns the shift in pixels or null.
  function shift(before, after, gd, project, keys) {
    const axis = (ref) => gd._fullLayout[`${ref[0]}axis${ref.slice(1)}`];
    const delta = (letter, key) => {
      if (before[key] === after[key]) return 0;
      const found = axis(after[`${letter}ref`] || letter);
      return found ? found[project](after[key]) - found[project](before[key]) : NaN;
    };
    const [kx, ky] = keys;
    return [delta("x", kx), delta("y", ky)];
  }
  function slides(gd, before, after) {
    const plan = [];
    for (const [part, project, keys, selector] of [
      ["shapes", "d2p", ["x0", "y0"], ".shapelayer path"], ["annotations", "r2p", ["x", "y"], "g.annotation"]]) {
      const old = before[part] || [];
      const now = after[part] || [];
      if (old.length !== now.length) return null;
      for (let i = 0; i < now.length; i += 1) {
        if (!moved(old[i], now[i], ["x", "y", "x0", "x1", "y0", "y1"])) continue;
        const line = now[i].x0 === now[i].x1 && old[i].x0 === old[i].x1 && !moved(old[i], now[i], ["y0", "y1"]);
        if (part === "shapes" && !(now[i].type === "line" && line)) return null;
        const [dx, dy] = shift(old[i], now[i], gd, project, keys);
        const node = gd.querySelector(`${selector}[data-index="${i}"]`);
        if (!node || !Number.isFinite(dx) || !Number.isFinite(dy)) return null;
        plan.push([node, dx, dy]);
      }
    }
    return plan;
  }

  // Marks and their upright error bars, each with where it stands now; null where Plotly drew others than these, or where
  // a bar has moved up or down, which changes its length on a logarithmic axis.
  function shifts(before, after, { node3, trace: full }) {
    const marks = node3.node().querySelectorAll("path.point");
    const bars = node3.node().querySelectorAll("g.errorbar");
    const [was, now] = [pixels(before, full), pixels(after, full)];
    const all = [was.xs, was.ys, now.xs, now.ys].every((list) => list.every(Number.isFinite));
    if (!all || marks.length !== now.xs.length || (bars.length && bars.length !== marks.length)) return null;
    if (bars.length && now.ys.some((y, i) => y !== was.ys[i])) return null;
    const plan = Array.from(marks, (mark, i) => [mark, cut(now.xs[i]), cut(now.ys[i])]);
    bars.forEach((bar, i) => plan.push([bar, cut(now.xs[i] - was.xs[i]), 0]));
    return plan;
  }

  // Repaint `gd`, drawn by Plotly from `drawn`, as `next`; false when only Plotly can.
  function quickRepaint(gd, drawn, next) {
    const full = gd._fullLayout;
    const calc = gd.calcdata;
    if (!full || !calc || drawn.data.length !== next.data.length) return false;
    if (looks(drawn.layout, MOVING) !== looks(next.layout, MOVING)) return false;
    const changes = next.data.map((trace, i) => change(drawn.data[i], trace));
    if (changes.includes("other")) return false;
    if (changes.some((kind) => kind !== "same") && (full.xaxis.autorange || full.yaxis.autorange)) return false;
    const plan = slides(gd, drawn.layout, next.layout);
    if (!plan) return false;
    const byIndex = new Map(calc.map((points) => [points[0].trace.index, points[0]]));
    const nodes = next.data.map((_, i) => byIndex.get(i));
    if (changes.some((kind, i) => kind !== "same" && !(nodes[i] && nodes[i].node3 && nodes[i].trace._xA))) return false;

    for (const [i, kind] of changes.entries()) {
      if (kind !== "shifted" || nodes[i].trace.visible !== true) continue;
      const marks = shifts(drawn.data[i], next.data[i], nodes[i]);
      if (!marks) return false;
      plan.push(...marks);
    }

    const cache = next.data.map(() => null);
    const points = (i) => (cache[i] ??= pixels(next.data[i], nodes[i].trace));
    next.data.forEach((trace, i) => {
      if (changes[i] === "moved" && nodes[i].trace.visible === true) {
        const line = nodes[i].node3.node().querySelector(".js-line");
        if (line) line.setAttribute("d", forward(points(i)));
      }
      const band = trace.fill === "tonexty" && i > 0 && (changes[i] === "moved" || changes[i - 1] === "moved");
      if (band && nodes[i - 1] && nodes[i - 1].node3) {
        const fill = nodes[i - 1].node3.node().querySelector(".fills g:last-child .js-fill");
        if (fill) fill.setAttribute("d", forward(points(i - 1)) + backward(points(i)));
      }
    });
    for (const [node, dx, dy] of plan) node.setAttribute("transform", `translate(${dx},${dy})`);
    return true;
  }
  // Plotly does not know of the slides: take them off before it draws.
  function forget(gd) {
    for (const node of gd.querySelectorAll(".shapelayer path[transform], g.annotation[transform], g.errorbar[transform]")) node.removeAttribute("transform");
  }

  Object.assign(globalThis.llmplanRuntime, { quickRepaint, forgetQuick: forget });
})();
