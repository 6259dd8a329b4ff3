// The control panel: native inputs with labels, units and typed values, built from a plain description.
(() => {
  "use strict";
  const { views, h, uid, coalesced } = globalThis.llmplanRuntime;
  const STEPS = 1000;   // positions of a slider; a logarithmic one spreads them evenly over the decades

  const SUFFIX = { k: 1e3, m: 1e6, b: 1e9 };
  function parseNumber(text) {
    const match = /^([+-]?\d*\.?\d+(?:e[+-]?\d+)?)([kmb])?$/i.exec(text.replace(/[\s,_$%€£]/g, ""));
    return match ? Number(match[1]) * (SUFFIX[(match[2] || "").toLowerCase()] || 1) : NaN;
  }
  function formatNumber(value, spec) {
    if (value === null || value === undefined) return "";
    const shown = spec.percent ? value * 100 : value;
    const digits = spec.decimals ?? (Math.abs(shown) >= 100 || Number.isInteger(shown) ? 0 : 2);
    return shown.toLocaleString("en-US", { maximumFractionDigits: digits });
  }
  const unitText = (spec) => [spec.percent ? "%" : "", spec.unit].filter(Boolean).join(" ");

  // A slider position <-> a value, rounded the way a person would write it.
  function toPosition(value, spec) {
    const { min, max } = spec;
    const share = spec.log ? Math.log(value / min) / Math.log(max / min) : (value - min) / (max - min);
    return Math.round(STEPS * Math.min(1, Math.max(0, share)));
  }
  function fromPosition(position, spec) {
    const share = position / STEPS;
    if (!spec.log) {
      const step = spec.step || (spec.max - spec.min) / STEPS;
      const value = spec.min + Math.round(share * (spec.max - spec.min) / step) * step;
      return Number(Math.min(spec.max, value).toPrecision(12));
    }
    const value = spec.min * Math.pow(spec.max / spec.min, share);
    const rounded = Number(value.toPrecision(spec.digits || 3));
    const whole = spec.step ? Math.round(rounded / spec.step) * spec.step : rounded;
    return Math.min(spec.max, Math.max(spec.min, whole));
  }

  const fields = {};

  fields.number = (spec, id, send) => {
    const text = h("input", { type: "text", inputmode: "decimal", id, class: "lp-number", autocomplete: "off",
      "aria-describedby": `${id}-help` });
    // From focus to Enter the text is the reader's: an answer to an earlier change waits until the box is left.
    let held = false;
    let shown = "";
    let waiting;
    const show = (value) => {
      shown = formatNumber(value, spec);
      text.value = shown;
      text.setAttribute("aria-invalid", "false");
      note(id, spec.help || "");
    };
    text.addEventListener("focus", () => { held = true; });
    text.addEventListener("input", () => { held = true; });
    text.addEventListener("blur", () => {
      held = false;
      if (waiting !== undefined && text.value === shown) show(waiting);
      waiting = undefined;
    });
    if (spec.empty) text.placeholder = spec.empty;
    const commit = () => {
      held = false;
      waiting = undefined;
      if (spec.empty && !text.value.trim()) {
        text.setAttribute("aria-invalid", "false");
        send(spec.key, null);
        return true;
      }
      const typed = parseNumber(text.value) / (spec.percent ? 100 : 1);
      const valid = Number.isFinite(typed) && typed >= spec.min && typed <= spec.max;
      text.setAttribute("aria-invalid", String(!valid));
      if (valid) send(spec.key, typed);
      return valid;
    };
    text.addEventListener("change", () => {
      if (commit()) return;
      note(id, `Type a number from ${formatNumber(spec.min, spec)} to ${formatNumber(spec.max, spec)}${spec.percent ? " %" : ""}${spec.empty ? `, or nothing: ${spec.empty}` : ""}.`);
    });
    text.addEventListener("keydown", (event) => { if (event.key === "Enter") commit(); });
    return {
      nodes: [text, h("span", { class: "lp-unit", text: unitText(spec) })],
      set: (value) => {
        const invalid = text.getAttribute("aria-invalid") === "true";
        if (document.activeElement === text && (held || invalid)) waiting = value;
        else show(value);
      },
    };
  };

  fields.slider = (spec, id, send) => {
    const number = fields.number(spec, id, send);
    const range = h("input", { type: "range", min: 0, max: STEPS, step: "any", class: "lp-range", "data-key": spec.key,
      "aria-label": `${spec.label}, slider` });
    range.step = spec.log || !spec.step ? 1 : Math.max(1, STEPS * spec.step / (spec.max - spec.min));
    const describe = (value) => {
      const unit = unitText(spec);
      range.setAttribute("aria-valuetext", formatNumber(value, spec) + (unit ? ` ${unit}` : ""));
    };
    range.addEventListener("input", () => {
      const value = fromPosition(Number(range.value), spec);
      number.set(value);
      describe(value);
      send(spec.key, value);
    });
    return {
      nodes: [...number.nodes, range],
      set: (value) => {
        number.set(value);
        describe(value);
        const position = toPosition(value, spec);
        // A value between two positions must not move a slider the user is holding.
        if (document.activeElement !== range || fromPosition(Number(range.value), spec) !== value) range.value = position;
      },
    };
  };

  fields.select = (spec, id, send) => {
    const list = h("select", { id, "aria-describedby": `${id}-help` },
      ...spec.options.map(([value, label]) => h("option", { value, text: label })));
    list.addEventListener("change", () => send(spec.key, list.value));
    return { nodes: [list], set: (value) => { list.value = value; } };
  };

  fields.multi = (spec, id, send) => {
    const boxes = spec.options.map(([value, label]) => {
      const box = h("input", { type: "checkbox", value });
      box.addEventListener("change", () => send(spec.key, boxes.filter((b) => b.box.checked).map((b) => b.box.value)));
      return { box, node: h("label", { class: "lp-choice" }, box, h("span", { text: label })) };
    });
    return {
      group: true,
      nodes: [h("div", { class: "lp-choices" }, ...boxes.map((b) => b.node))],
      set: (value) => { const on = new Set(value || []); boxes.forEach((b) => { b.box.checked = on.has(b.box.value); }); },
    };
  };

  fields.check = (spec, id, send) => {
    const box = h("input", { type: "checkbox", id, "aria-describedby": `${id}-help` });
    box.addEventListener("change", () => send(spec.key, box.checked));
    return { nodes: [box], set: (value) => { box.checked = Boolean(value); } };
  };

  fields.text = (spec, id, send) => {
    const box = h("input", { type: "text", id, maxlength: spec.max_length || 200, "aria-describedby": `${id}-help` });
    box.addEventListener("change", () => send(spec.key, box.value));
    return { nodes: [box], set: (value) => { box.value = value ?? ""; } };
  };

  fields.button = (spec, id, send) => {
    const button = h("button", { type: "button", id, class: "lp-button", text: spec.label });
    button.addEventListener("click", () => send(spec.key, true));
    return { bare: true, nodes: [button], set: (value) => { button.disabled = value === false; } };
  };

  function note(id, text) {
    const line = document.getElementById(`${id}-help`);
    if (line) { line.textContent = text; line.hidden = !text; }
  }

  function row(spec, field, id) {
    if (field.bare) return h("div", { class: "lp-field lp-field-button" }, ...field.nodes);
    const help = h("p", { class: "lp-help", id: `${id}-help`, text: spec.help || "", hidden: !spec.help });
    const kind = `lp-field lp-field-${spec.type}`;
    return field.group
      ? h("fieldset", { class: kind }, h("legend", { text: spec.label }), ...field.nodes, help)
      : h("div", { class: kind }, h("label", { for: id, text: spec.label }), ...field.nodes, help);
  }

  views.controls = (model, el, call) => {
    let built = {};
    const send = coalesced(call, "set");
    const local = (key, value) => send({ [key]: value });
    const form = h("form", { class: "lp-controls", "aria-label": model.get("label"), onsubmit: (e) => e.preventDefault() });
    // On a narrow screen the inputs stand above the answer: folded behind one line, it is seen at once.
    const narrow = matchMedia("(max-width: 900px)");
    const folds = model.get("folds");
    const shell = folds ? h("details", { class: "lp-fold" }, h("summary", { text: model.get("label") }), form) : form;
    const fold = () => { if (folds) shell.open = !narrow.matches; };
    narrow.addEventListener("change", fold);
    fold();
    el.append(shell);
    const build = () => {
      const focused = form.contains(document.activeElement) ? document.activeElement.id : null;
      const groups = new Map();
      built = {};
      for (const spec of model.get("spec")) {
        const id = `lp-${model.get("prefix")}-${spec.key}`;
        const field = fields[spec.type](spec, id, local);
        built[spec.key] = field;
        const name = spec.group || "";
        if (!groups.has(name)) groups.set(name, []);
        groups.get(name).push(row(spec, field, id));
      }
      const closed = new Set(model.get("closed_groups"));
      form.replaceChildren(...[...groups].map(([name, rows]) => name
        ? h("details", { class: "lp-group", open: !closed.has(name) && (folds || !narrow.matches) }, h("summary", { text: name }), ...rows)
        : h("div", { class: "lp-group lp-bare" }, ...rows)));
      paint();
      if (focused) document.getElementById(focused)?.focus();
    };
    const paint = () => {
      const values = model.get("values");
      for (const [key, field] of Object.entries(built)) if (key in values) field.set(values[key]);
    };
    model.on("change:spec", build);
    model.on("change:values", paint);
    build();
    return () => narrow.removeEventListener("change", fold);
  };
})();
