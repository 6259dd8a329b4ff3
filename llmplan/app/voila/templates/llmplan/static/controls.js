// The control panel: native inputs with labels, units and typed values, built from a plain description.
(() => {
  "use strict";
  const { views, h, uid } = globalThis.llmplanRuntime;
  const REST_MS = 1000;
  const AHEAD_MS = 30;   // until an answer is painted: then Python works ahead
  const KEY_WAYS = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 };
  const STEPS = 1000;   // positions of a slider; a logarithmic one spreads them evenly over the decades

  const SUFFIX = { k: 1e3, m: 1e6, b: 1e9 };
  function parseNumber(text) {
    const match = /^([+-]?\d*\.?\d+(?:e[+-]?\d+)?)([kmb])?$/i.exec(text.replace(/[\s,_$%€£]/g, ""));
    return match ? Number(match[1]) * (SUFFIX[(match[2] || "").toLowerCase()] || 1) : NaN;
  }
  const formats = [];
  const formatOf = (digits) => formats[digits] ??= new Intl.NumberFormat("en-US", { maximumFractionDigits: digits });
  function formatNumber(value, spec) {
    if (value === null || value === undefined) return "";
    const shown = value * timesOf(spec);
    return formatOf(spec.decimals ?? (Math.abs(shown) >= 100 || Number.isInteger(shown) ? 0 : 2)).format(shown);
  }
  // By what a value is multiplied where it is shown.
  const timesOf = (spec) => (spec.percent ? 100 : spec.times || 1);
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
    const rounded = Number((value * timesOf(spec)).toPrecision(spec.digits || 3)) / timesOf(spec);
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
    const unit = h("span", { class: "lp-unit" });
    const show = (value) => {
      if (unit.textContent !== unitText(spec)) unit.textContent = unitText(spec);
      shown = formatNumber(value, spec);
      if (text.value !== shown) text.value = shown;
      text.setAttribute("aria-invalid", "false");
      note(id, spec.help || "");
    };
    text.addEventListener("focus", () => { held = true; });
    text.addEventListener("input", () => { held = true; text.dataset.typing = "yes"; });
    text.addEventListener("blur", () => {
      held = false;
      delete text.dataset.typing;
      if (waiting !== undefined && text.value === shown) show(waiting);
      waiting = undefined;
    });
    if (spec.empty) text.placeholder = spec.empty;
    const commit = () => {
      held = false;
      delete text.dataset.typing;
      waiting = undefined;
      if (spec.empty && !text.value.trim()) {
        text.setAttribute("aria-invalid", "false");
        send(spec.key, null);
        return true;
      }
      const typed = parseNumber(text.value) / timesOf(spec);
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
      nodes: [text, unit],
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
    // From a press of the pointer or of a key, held or not, to the next: one drag, and one step back.
    let drag = nextDrag();
    const begin = (event) => { if (!event.repeat) drag = nextDrag(); };
    // A key moves it by one step: what either shows is worked out before it is pressed, the way it went first.
    let way = 1;
    const ahead = () => send.ahead([way, -way].map((step) => Number(range.value) + step * (Number(range.step) || 1))
      .filter((position) => position >= 0 && position <= STEPS).map((position) => ({ [spec.key]: fromPosition(position, spec) })));
    range.addEventListener("focus", () => { if (range.matches(":focus-visible")) ahead(); });   // by a key: a pointer jumps
    range.addEventListener("keydown", (event) => { way = KEY_WAYS[event.key] || way; });
    // Under a pointer it moves on, so that what can wait does, until it is let go of.
    let moving = false;
    const release = () => { if (moving) send.settle(); moving = false; };
    range.addEventListener("pointerdown", (event) => { begin(event); moving = true; });
    range.addEventListener("keydown", begin);
    range.addEventListener("change", release);
    range.addEventListener("pointerup", release);
    range.addEventListener("pointercancel", release);
    range.addEventListener("input", () => {
      const value = fromPosition(Number(range.value), spec);
      number.set(value);
      describe(value);
      say(value);
      send(spec.key, value, drag, moving);
      if (!moving) ahead();
    });
    // Marks at values, as a ladder on the slider; the texts of the present one and of the next stand below.
    const ticks = h("div", { class: "lp-ticks", "aria-hidden": "true" });
    let marks = [];
    const say = (value) => {
      const at = marks.findIndex(([place]) => place >= value - 1e-9);
      note(id, marks.length ? marks.slice(at < 0 ? -1 : at).slice(0, 2).map(([, text]) => text).join("\n") : spec.help || "");
    };
    const mark = (found, value) => {
      marks = found;
      ticks.replaceChildren(...marks.filter(([place]) => place >= spec.min && place <= spec.max).map(([place, text]) =>
        h("i", { title: text, style: `left: calc(8px + (100% - 16px) * ${toPosition(place, spec) / STEPS})` })));
      say(value);
    };
    return {
      mark,
      nodes: [...number.nodes, range, ticks],
      set: (value) => {
        number.set(value);
        describe(value);
        if (marks.length) say(value);
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
    if (line && line.textContent !== text) { line.textContent = text; line.hidden = !text; }
  }

  let drags = Math.floor(Math.random() * 2 ** 40);
  const nextDrag = () => ++drags;

  function row(spec, field, id) {
    if (field.bare) return h("div", { class: "lp-field lp-field-button" }, ...field.nodes);
    const help = h("p", { class: "lp-help", id: `${id}-help`, text: spec.help || "", hidden: !spec.help });
    const kind = `lp-field lp-field-${spec.type}`;
    const hint = { text: spec.label, title: spec.hint || null };
    return field.group
      ? h("fieldset", { class: kind }, h("legend", hint), ...field.nodes, help)
      : h("div", { class: kind }, h("label", { for: id, ...hint }), ...field.nodes, help);
  }

  // One call under way: of the changes that wait those of one drag are one, every other stays a step of its own.
  // What may be asked for next is asked for when nothing is; the first of it is shown at once if it is asked for then.
  // `settled()` is called after every answer: inputs then show what counts, also where it is what counted before.
  function inTurn(call, values, settled) {
    const waiting = [];
    let flying = null;
    let next = [];
    let known = null;
    let asking = false;
    let timer = 0;
    const after = (set) => JSON.stringify([set, values()]);
    const ahead = async () => {
      if (asking) return;
      asking = true;
      while (next.length && !flying) {
        const mine = next;
        const set = mine.shift();
        const of = after(set);
        const answer = await call({ ahead: set, show: !known, rest: true });
        if (next === mine && answer.parts) known = { of, answer };
      }
      asking = false;
    };
    const pump = async () => {
      clearTimeout(timer);
      if (flying) return;
      if (!waiting.length) { timer = setTimeout(ahead, AHEAD_MS); return; }
      flying = waiting.shift();
      try { await call(flying); } finally { flying = null; settled(); pump(); }
    };
    const send = (change) => {
      const there = known?.of === after(change.set) ? known.answer : null;
      [next, known] = [[], null];
      const last = waiting.at(-1);
      if (last && change.drag !== null && last.drag === change.drag) {
        Object.assign(last.set, change.set);
        last.moving = change.moving;
      }
      else {
        for (const earlier of waiting) earlier.moving = true;  // it is moved on already
        waiting.push(change);
      }
      pump();
      if (there) globalThis.llmplanHost.show(there);
    };
    // What was changed and not answered yet.
    send.asked = () => Object.assign({}, flying?.set, ...waiting.map((change) => change.set));
    send.ahead = (changes) => { next = globalThis.llmplanHost ? changes : []; pump(); };
    return send;
  }

  views.controls = (model, el, call) => {
    let built = {};
    const send = inTurn(call, () => model.get("values"), () => paint());
    const local = (key, value, drag = null, moving = false) => send({ set: { [key]: value }, drag, moving });
    local.ahead = send.ahead;
    local.settle = () => { if (model.get("rests")) send({ rest: true, set: {}, drag: null }); };
    const form = h("form", { class: "lp-controls", "aria-label": model.get("label"), onsubmit: (e) => e.preventDefault() });
    // On a narrow screen the inputs stand above the answer: folded behind one line, it is seen at once.
    const narrow = matchMedia("(max-width: 900px)");
    const folds = model.get("folds");
    const shell = folds ? h("details", { class: "lp-fold" }, h("summary", { text: model.get("label") }), form) : form;
    const fold = () => { if (folds) shell.open = !narrow.matches; };
    narrow.addEventListener("change", fold);
    fold();
    el.append(shell);
    // A group whose inputs are as before stays as it is, in the middle of a drag for instance.
    const groups = new Map();
    const more = model.get("more") ? h("details", { class: "lp-more" }, h("summary", { text: model.get("more") })) : null;
    const closed = new Set(model.get("closed_groups"));
    const makeGroup = (name, specs) => {
      const rows = specs.map((spec) => {
        const id = `lp-${model.get("prefix")}-${spec.key}`;
        built[spec.key] = { spec, ...fields[spec.type](spec, id, local) };
        return row(spec, built[spec.key], id);
      });
      if (!name) return h("div", { class: "lp-group lp-bare" }, ...rows);
      const open = groups.get(name)?.node.open ?? (!closed.has(name) && (folds || !narrow.matches));
      return h("details", { class: "lp-group", open }, h("summary", { text: name }), ...rows);
    };
    const build = () => {
      const focused = form.contains(document.activeElement) ? document.activeElement.id : null;
      const specs = new Map();
      for (const spec of model.get("spec")) specs.set(spec.group, [...(specs.get(spec.group) || []), spec]);
      const known = new Set(model.get("spec").map((spec) => spec.key));
      for (const key of Object.keys(built)) if (!known.has(key)) delete built[key];
      for (const name of [...groups.keys()]) {
        if (!specs.has(name)) { groups.get(name).node.remove(); groups.delete(name); }
      }
      for (const [name, list] of specs) {
        const before = groups.get(name);
        const text = JSON.stringify(list);
        if (before?.text === text) continue;
        const node = makeGroup(name, list);
        if (before) before.node.replaceWith(node);
        else (closed.has(name) && more ? more : form).append(node);
        groups.set(name, { text, node });
      }
      if (more?.childElementCount > 1 && form.lastElementChild !== more) form.append(more);
      paint();
      if (focused && document.activeElement?.id !== focused) document.getElementById(focused)?.focus();
    };
    const paint = () => {
      const values = { ...model.get("values"), ...send.asked() };
      for (const [key, [times, unit, help]] of Object.entries(model.get("units"))) if (built[key]) Object.assign(built[key].spec, { times, unit, help });
      for (const [key, field] of Object.entries(built)) if (key in values) field.set(values[key]);
    };
    const mark = () => {
      for (const [key, marks] of Object.entries(model.get("marks"))) built[key]?.mark(marks, model.get("values")[key]);
    };
    // What no slider waits for is asked for once the inputs rest.
    let resting = 0;
    const rest = () => {
      clearTimeout(resting);
      if (model.get("rests")) resting = setTimeout(() => call({ rest: true }), REST_MS);
    };
    // Ctrl+Z takes back a step, but for a text that is being typed.
    const undo = (event) => {
      const key = event.key.toLowerCase();
      if (!built.undo || !(event.ctrlKey || event.metaKey) || !["z", "y"].includes(key)) return;
      if (event.target.matches?.("input[type=text], textarea") && event.target.dataset.typing) return;
      event.preventDefault();
      local(key === "y" || event.shiftKey ? "redo" : "undo", true);
    };
    const keys = globalThis.llmplanHost ? document : el;
    keys.addEventListener("keydown", undo);
    model.on("change:spec", () => { build(); mark(); });
    model.on("change:units", paint);
    model.on("change:values", () => { paint(); rest(); });
    model.on("change:marks", mark);
    build();
    mark();
    rest();
    return () => { clearTimeout(resting); keys.removeEventListener("keydown", undo); narrow.removeEventListener("change", fold); };
  };
})();
