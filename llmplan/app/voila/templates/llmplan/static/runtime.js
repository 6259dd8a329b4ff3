// What every llmplan widget does in the browser. Runs in two hosts: the dashboard page (host.js gives
// it models over the kernel's websocket) and JupyterLab (anywidget gives it models). No dependency but
// the global Plotly, and that only for charts.
(() => {
  "use strict";
  if (globalThis.llmplanRuntime) return;
  const views = {};

  // ---------------------------------------------------------------- small helpers
  function h(tag, attributes, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) {
      if (value === null || value === undefined || value === false) continue;
      if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else if (name === "text") node.textContent = value;
      else node.setAttribute(name, value === true ? "" : value);
    }
    node.append(...children.filter((child) => child !== null && child !== undefined));
    return node;
  }
  let nextId = 0;
  const uid = (prefix) => `lp-${prefix}-${++nextId}`;

  function saveFile(blob, filename) {
    const link = h("a", { href: URL.createObjectURL(blob), download: filename });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  // A cell that starts like a formula would run in a spreadsheet: quote it.
  const csvCell = (value) => {
    let text = String(value);
    if (typeof value === "string" && /^[=+\-@\t]/.test(text) && !/^[+-]?[\d.,]+%?$/.test(text)) text = `'${text}`;
    return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  function saveCsv(rows, name) {
    const text = rows.map((row) => row.map(csvCell).join(",")).join("\r\n") + "\r\n";
    saveFile(new Blob([text], { type: "text/csv" }), `${name}.csv`);
    announce(`${name}.csv saved`);
  }

  function announce(text) {
    let region = document.getElementById("lp-announcer");
    if (!region) {
      region = h("div", { id: "lp-announcer", class: "lp-sr-only", "aria-live": "polite" });
      document.body.append(region);
    }
    region.textContent = "";
    requestAnimationFrame(() => { region.textContent = text; });
  }

  // What opens below its name, and closes at a choice, at Escape, and when something else is clicked.
  function menu(label, name, ...items) {
    const head = h("summary", { class: "lp-button", "aria-label": name, title: name, text: label });
    const node = h("details", { class: "lp-menu" }, head, h("div", { class: "lp-menu-list" }, ...items));
    const close = () => { node.open = false; };
    node.addEventListener("click", (event) => { if (event.target.closest(".lp-menu-list button, .lp-menu-list .lp-button")) setTimeout(close); });
    node.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !node.open) return;
      close();
      head.focus();
    });
    return node;
  }
  document.addEventListener("click", (event) => {
    for (const node of document.querySelectorAll(".lp-menu[open]")) if (!node.contains(event.target)) node.open = false;
  });

  // ---------------------------------------------------------------- calls to Python, with an answer
  // One call a view is under way at a time; what the user does meanwhile is merged into the next one,
  // so a fast drag never queues up work.
  const BUSY_AFTER_MS = 500;
  const LOST_AFTER_MS = 30000;
  let sequence = Math.floor(Math.random() * 2 ** 40);   // a reloaded page must not repeat an earlier one's numbers
  let open = 0;
  const busyBar = () => {
    let bar = document.getElementById("lp-busy");
    if (!bar) {
      bar = h("div", { id: "lp-busy", role: "status", hidden: true }, h("span", { text: "Calculating…" }));
      document.body.append(bar);
    }
    return bar;
  };
  const started = new Map();
  function watchBusy() {
    const now = performance.now();
    let oldest = 0;
    for (const t of started.values()) oldest = Math.max(oldest, now - t);
    busyBar().hidden = !(oldest > BUSY_AFTER_MS);
    if (oldest > LOST_AFTER_MS) {
      started.clear();
      busyBar().hidden = true;
      connection("silent");
    }
    open = started.size ? setTimeout(watchBusy, 100) : 0;
  }
  function track(id) {
    started.set(id, performance.now());
    if (!open) open = setTimeout(watchBusy, BUSY_AFTER_MS);
  }
  function settle(id) {
    started.delete(id);
    if (!started.size) busyBar().hidden = true;
  }

  function caller(model) {
    const waiting = new Map();
    model.on("msg:custom", (message, buffers) => {
      if (!message || message.kind !== "ack") return;
      const asked = waiting.get(message.seq);
      if (!asked) return;
      waiting.delete(message.seq);
      settle(message.seq);
      asked.resolve({ ...message, buffers: buffers || [] });
    });
    // What a dropped connection took along is sent again; Python knows by the number what it has done already.
    document.addEventListener("lp-reconnected", () => waiting.forEach((asked) => asked.post()));
    return (content, buffers) => new Promise((resolve) => {
      const seq = ++sequence;
      const post = () => model.send({ ...content, seq }, undefined, buffers);
      waiting.set(seq, { resolve, post });
      if (!content.rest) track(seq);   // nobody waits for what is done at rest
      post();
    });
  }

  // ---------------------------------------------------------------- the state of the connection
  const MESSAGES = {
    silent: "The calculation has not answered for a while. The figures shown may be out of date.",
    ended: "The calculation has stopped; it starts again with your scenario. The figures shown are the last ones.",
    full: "Too many people are calculating at once. The figures shown are right; yours follow as soon as there is room.",
    published: "This is a published copy: its figures stand still.",
    lost: "The connection to the server is lost. Trying to reconnect; the figures shown may be out of date.",
    dead: "This session has ended. The figures shown are no longer live.",
    error: "This page could not be started.",
  };
  function connection(state, live) {
    document.documentElement.dataset.lpConnection = state;
    let banner = document.getElementById("lp-banner");
    if (state === "live") { if (banner) banner.remove(); return; }
    if (!banner) {
      banner = h("div", { id: "lp-banner", role: "alert" }, h("span", {}),
        h("button", { type: "button", text: "Reload (your scenario is kept)", onclick: () => location.reload() }));
      document.body.prepend(banner);
    }
    banner.firstChild.textContent = MESSAGES[state] || state;
    if (state === "published") banner.replaceChildren(banner.firstChild, ...(live ? [h("a", { href: live, text: "Calculate there" })] : []));
  }

  // ---------------------------------------------------------------- theme
  const dark = matchMedia("(prefers-color-scheme: dark)");
  function applyTheme() {
    const lab = document.body?.dataset.jpThemeLight;
    const chosen = document.documentElement.dataset.lpChosenTheme;
    const theme = chosen || (lab ? (lab === "true" ? "light" : "dark") : (dark.matches ? "dark" : "light"));
    if (document.documentElement.dataset.lpTheme === theme) return;
    document.documentElement.dataset.lpTheme = theme;
    document.dispatchEvent(new CustomEvent("lp-theme"));
  }
  // The reader's own choice, kept for the next visit where the browser allows it.
  const THEMES = ["auto", "light", "dark"];
  const remembered = (() => { try { return localStorage.getItem("lp-theme"); } catch { return null; } })();
  if (THEMES.includes(remembered) && remembered !== "auto") document.documentElement.dataset.lpChosenTheme = remembered;
  const chosenTheme = () => document.documentElement.dataset.lpChosenTheme || "auto";
  function nextTheme() {
    const next = THEMES[(THEMES.indexOf(chosenTheme()) + 1) % THEMES.length];
    if (next === "auto") delete document.documentElement.dataset.lpChosenTheme;
    else document.documentElement.dataset.lpChosenTheme = next;
    try { localStorage.setItem("lp-theme", next); } catch { /* private window: this visit only */ }
    applyTheme();
    return next;
  }
  dark.addEventListener("change", applyTheme);
  if (document.body) new MutationObserver(applyTheme).observe(document.body, { attributeFilter: ["data-jp-theme-light"] });
  applyTheme();

  // ---------------------------------------------------------------- what is on the screen first
  // A part on the screen is painted at once; one beside it after the frame that shows those, so that it keeps nobody waiting.
  const beside = new Set();
  let framed = 0;
  function afterFrame() {
    clearTimeout(framed);
    framed = 0;
    for (const paint of [...beside]) if (beside.delete(paint)) paint();
  }
  const FRAME_MS = 250;   // a hidden page has no frames
  function paintBeside(paint) {
    beside.add(paint);
    if (framed) return;
    framed = setTimeout(afterFrame, FRAME_MS);
    requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(afterFrame)));
  }
  // `ask()` has `paint(seen)` called; `end()` when its part is gone.
  function painter(el, paint) {
    let seen = true;   // until the observer has looked
    const unseen = () => paint(false);
    const now = () => { beside.delete(unseen); paint(true); };
    const owed = () => { if (beside.has(unseen)) now(); };
    const sight = new IntersectionObserver((entries) => { seen = entries.at(-1).isIntersecting; if (seen) owed(); });
    sight.observe(el);
    addEventListener("beforeprint", owed);
    return {
      ask: () => (seen ? now() : paintBeside(unseen)),
      end: () => { sight.disconnect(); beside.delete(unseen); removeEventListener("beforeprint", owed); },
    };
  }

  // ---------------------------------------------------------------- html view
  // Every table can be saved as it stands, with full values where the short ones carry them as a title.
  const labelOf = (region) => region.getAttribute("aria-label") || "table";
  function addSave(region) {
    const label = `CSV: ${labelOf(region)}`;
    region.after(h("button", { type: "button", class: "lp-tool lp-table-csv", text: "CSV", "aria-label": label, onclick: saveAbove }));
  }
  function saveAbove(event) {
    const region = event.currentTarget.previousElementSibling;   // the table that stands there by now
    const name = labelOf(region).toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "");
    const full = (cell) => (cell.querySelector("[title]")?.title || cell.innerText).trim();
    saveCsv([...region.querySelectorAll("tr")].map((row) => [...row.cells].map(full)), name);
  }
  // On a phone the rows of a table of three columns or more are cards (style.css): each cell says what column it is of.
  // Texts as they stand: `innerText` would lay out the page anew for every table.
  function nameCells(region) {
    const heads = [...region.querySelectorAll("thead th")].map((head) => head.textContent);
    if (heads.length < 3) return;
    region.classList.add("lp-wide");
    for (const row of region.querySelectorAll("tbody tr")) [...row.cells].forEach((cell, i) => {
      if (i) cell.dataset.head = heads[i];
      cell.classList.toggle("lp-none", cell.textContent.trim() === "–");
    });
  }
  // Make a node say what another says, touching only what differs: what stays keeps its focus and need not be laid out.
  function morph(old, now) {
    if (old.nodeName !== now.nodeName) { old.replaceWith(now); return; }
    if (!old.attributes) { if (old.data !== now.data) old.data = now.data; return; }
    if (old.isEqualNode(now)) return;
    for (const { name } of [...old.attributes]) if (!now.hasAttribute(name) && name !== "open") old.removeAttribute(name);
    for (const { name, value } of now.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    morphChildren(old, now);
  }
  function morphChildren(old, now) {
    const wanted = [...now.childNodes];
    const there = [...old.childNodes];
    for (const extra of there.slice(wanted.length)) extra.remove();
    wanted.forEach((node, i) => (i < there.length ? morph(there[i], node) : old.append(node)));
  }
  views.html = (model, el, call) => {
    const slot = h("div", { class: "lp-html" });
    if (model.get("live")) Object.assign(slot, { ariaLive: "polite", ariaAtomic: "true" });
    el.append(slot);
    // What takes longer than a slider may wait is asked for once the reader rests: `data-rest` says when [ms].
    let resting = 0;
    const askAtRest = () => {
      const source = slot.querySelector("[data-rest]");
      clearTimeout(resting);
      if (!source) return;
      const ask = () => {
        if (document.hidden || !slot.isConnected) { resting = setTimeout(ask, 2000); return; }
        call({ action: source.dataset.action, value: null, rest: true });
      };
      resting = setTimeout(ask, Number(source.dataset.rest));
    };
    const paint = () => {
      const focused = document.activeElement && slot.contains(document.activeElement)
        ? document.activeElement.dataset : null;
      const fresh = h("template");
      fresh.innerHTML = model.get("html");
      fresh.content.querySelectorAll(".lp-scroll").forEach(nameCells);
      fresh.content.querySelectorAll(".lp-scroll:not([data-csv])").forEach(addSave);
      morphChildren(slot, fresh.content);
      if (focused && focused.action && !slot.contains(document.activeElement)) {
        const again = [...slot.querySelectorAll("[data-action]")]
          .find((n) => n.dataset.action === focused.action && n.dataset.value === focused.value);
        if (again) again.focus();
      }
      slot.dataset.paints = 1 + Number(slot.dataset.paints || 0);
      askAtRest();
    };
    slot.addEventListener("click", (event) => {
      const source = event.target.closest("[data-action]");
      if (!source) return;
      if (source.tagName === "A") event.preventDefault();
      call({ action: source.dataset.action, value: source.dataset.value ?? null });
    });
    const painting = painter(el, paint);
    model.on("change:html", painting.ask);
    paint();
    return () => { painting.end(); clearTimeout(resting); };
  };

  // ---------------------------------------------------------------- navigation bar
  views.nav = (model, el, call) => {
    const nav = h("nav", { class: "lp-nav", "aria-label": "Pages" });
    const theme = h("button", { type: "button", class: "lp-theme", onclick: () => { nextTheme(); nameTheme(); announce(theme.title); } });
    const nameTheme = () => {
      theme.title = `Theme: ${chosenTheme()}`;
      theme.setAttribute("aria-label", theme.title);
      theme.replaceChildren("◐ ", h("span", { text: theme.title }));
    };
    nameTheme();
    // JupyterLab has a theme, a title and headings of its own.
    const heading = globalThis.llmplanHost ? h("h1", { class: "lp-sr-only" }) : null;
    el.append(...(heading ? [heading] : []), h("div", { class: "lp-bar" }, nav, heading ? theme : null));
    const ask = (key) => { asked = pageIn(location.search) || ""; call({ go: key }); };
    // The address turns at once: Python writes it when the page is made, which a quick reader does not wait for.
    const go = (key) => {
      settleAddress();
      const search = new URLSearchParams(location.search);
      search.set("page", key);
      if (key === model.get("pages")[0][0]) search.delete("page");
      if (heading) history.pushState(null, "", location.pathname + (search.size ? `?${search}` : "") + location.hash);
      ask(key);
    };
    // The browser's Back and Forward go from page to page; the scenario stays as it is.
    const back = () => {
      const key = pageIn(location.search) || model.get("pages")[0][0];
      if (asked !== null || key !== model.get("current")) ask(key);
    };
    if (heading) addEventListener("popstate", back);
    const paint = () => {
      const current = model.get("current");
      const name = (model.get("pages").find(([key]) => key === current) || ["", ""])[1];
      if (heading) heading.textContent = document.title = `${name} · ${model.get("brand")}`;
      const list = h("select", { "aria-label": "Page", onchange: () => go(list.value) },
        ...model.get("pages").map(([key, label]) => h("option", { value: key, text: label, selected: key === current })));
      nav.replaceChildren(h("span", { class: "lp-brand", text: model.get("brand") }), list,
        h("ul", {}, ...model.get("pages").map(([key, label]) => h("li", {},
          h("button", {
            type: "button", text: label, "data-page": key, "aria-current": key === current ? "page" : null,
            onclick: () => go(key),
          })))));
      nav.querySelector("[aria-current]")?.scrollIntoView?.({ block: "nearest", inline: "nearest" });
    };
    const keepFocus = () => {
      const key = nav.contains(document.activeElement) ? document.activeElement.dataset.page : null;
      paint();
      if (key) nav.querySelector(`[data-page="${CSS.escape(key)}"]`)?.focus();
    };
    model.on("change:current", keepFocus);
    model.on("change:pages", keepFocus);
    paint();
    return () => removeEventListener("popstate", back);
  };
  const pageIn = (search) => new URLSearchParams(search).get("page");
  let asked = null;   // the page in the address that a reader waits for, in the dashboard
  // Browsers let an address change only so often, and let the page wait for it: it follows a slider once it rests.
  const ADDRESS_MS = 300;
  let following = 0;
  const settleAddress = () => {
    if (following && asked === null) history.replaceState(null, "", linkOfPage() + location.hash);
    clearTimeout(following);
    following = 0;
  };
  addEventListener("pagehide", settleAddress);

  // ---------------------------------------------------------------- downloads and menus
  views.download = (model, el, call) => {
    const status = h("span", { class: "lp-note", role: "status" });
    const button = h("button", { type: "button", class: "lp-button" });
    const paint = () => { button.textContent = model.get("label"); button.title = model.get("help"); };
    button.addEventListener("click", async () => {
      button.disabled = true;
      status.textContent = "Preparing…";
      const answer = await call({ build: true });
      button.disabled = false;
      status.textContent = answer.error || "";
      if (answer.error) return;
      saveFile(new Blob(answer.buffers, { type: answer.mime }), answer.filename);
      announce(`${answer.filename} saved`);
    });
    model.on("change:label", paint);
    paint();
    el.append(button, status);
  };

  // A hidden file input and the label that opens it; a file within the limit is handed on.
  function chooser({ label, accept, max_bytes: most }, status, send) {
    const id = uid("upload");
    const input = h("input", { type: "file", id, accept, class: "lp-sr-only lp-file" });
    input.addEventListener("change", async () => {
      const file = input.files[0];
      if (!file) return;
      if (file.size > most) status.textContent = `This file is too large (limit ${Math.round(most / 1024)} kB).`;
      else await send(file, await file.arrayBuffer());
      input.value = "";
    });
    return [input, h("label", { for: id, class: "lp-button", text: label })];
  }
  views.upload = (model, el, call) => {
    const status = h("span", { class: "lp-note", role: "status" });
    const spec = Object.fromEntries(["label", "accept", "max_bytes"].map((name) => [name, model.get(name)]));
    el.append(...chooser(spec, status, async (file, data) => {
      status.textContent = "Reading…";
      const answer = await call({ upload: file.name }, [data]);
      status.textContent = answer.error || answer.message || "";
    }), status);
  };

  // Files to save, a file to open, choices and things to do under one name.
  views.menu = (model, el, call) => {
    const status = h("span", { class: "lp-note", role: "status" });
    const checked = () => [...el.querySelectorAll(".lp-menu-list input:checked")].map((box) => box.value);
    const told = (answer) => { status.textContent = answer.error || answer.message || ""; return !answer.error; };
    const ask = async (entry, more, buffers) => {
      status.textContent = "Preparing…";
      const answer = await call({ choose: entry.key, chosen: checked(), ...more }, buffers);
      if (!told(answer) || !answer.filename) return;
      saveFile(new Blob(answer.buffers, { type: answer.mime }), answer.filename);
      announce(`${answer.filename} saved`);
    };
    const button = (entry, onclick) => h("button", { type: "button", class: "lp-button", text: entry.label, title: entry.help, onclick });
    const makers = {
      file: (entry) => button(entry, () => ask(entry)),
      action: (entry) => button(entry, () => ask(entry)),
      link: (entry) => button(entry, () => copyLink(status)),
      checks: (entry) => h("fieldset", { class: "lp-choices" }, h("legend", { text: entry.label }), ...entry.options.map(([value, label]) =>
        h("label", { class: "lp-choice" }, h("input", { type: "checkbox", value, checked: true }), h("span", { text: label })))),
      upload: (entry) => h("div", {}, ...chooser(entry, status, (file, data) => ask(entry, { upload: file.name }, [data]))),
    };
    const label = model.get("label");
    el.append(menu(`${label} ▾`, label, ...model.get("entries").map((entry) => makers[entry.type](entry))), status);
  };

  // ---------------------------------------------------------------- the scenario in the address
  let linkOfPage = () => location.href;
  async function copyLink(status) {
    try {
      await navigator.clipboard.writeText(linkOfPage());
      status.textContent = "Link copied";
    } catch {
      const box = h("input", { type: "text", value: linkOfPage(), "aria-label": "Link to this scenario", readonly: true });
      status.replaceChildren(box);
      box.select();
    }
  }
  views.url = (model, el, call) => {
    const page = globalThis.llmplanHost;   // only in the dashboard page; JupyterLab's address is not ours
    const status = h("span", { class: "lp-note", role: "status" });
    linkOfPage = () => (page ? location.origin + location.pathname : "") + (model.get("query") ? "?" + model.get("query") : "");
    if (model.get("button")) el.append(h("button", { type: "button", class: "lp-button", text: "Copy link", onclick: () => copyLink(status) }));
    el.append(status);
    // Another page is a step that Back takes back; another input is not. What was left meanwhile is not written.
    const write = () => {
      if (page && asked !== null && asked !== (pageIn(model.get("query")) || "")) return;
      asked = null;
      const turned = (pageIn(location.search) || "") !== (pageIn(model.get("query")) || "");
      status.textContent = "";
      clearTimeout(following);
      following = 0;
      if (!page) return;
      if (turned) history.pushState(null, "", linkOfPage() + location.hash);
      else following = setTimeout(settleAddress, ADDRESS_MS);
    };
    if (page && !model.llmplanSearchSent) {
      model.llmplanSearchSent = true;
      const given = new URLSearchParams(location.search);
      given.delete("token");   // of the server, if it asks for one; not part of a scenario
      const search = given.toString();
      const ready = () => { model.on("change:query", write); page.reveal(); };
      if (search && !page.opensLinks) call({ search }).then(() => { ready(); write(); });
      else ready();
    } else model.on("change:query", write);
  };

  // ---------------------------------------------------------------- render any of them
  function render(model, el) {
    const kind = model.get("kind");
    el.classList.add("lp", `lp-view-${kind}`);
    // JupyterLab's notebook would take arrows and letters for its own commands.
    el.dataset.lmSuppressShortcuts = "true";
    if (!globalThis.llmplanHost) el.addEventListener("keydown", (e) => { if (e.key !== "Escape") e.stopPropagation(); });
    const body = h("div", { class: "lp-body" });
    const error = h("p", { class: "lp-error", role: "alert", hidden: true });
    el.append(error, body);
    let refused = "";   // what Python said to the last call
    const ask = caller(model);
    const call = async (content, buffers) => {
      const answer = await ask(content, buffers);
      if (content.ahead) return answer;   // the reader has asked for nothing
      const told = ["download", "menu", "upload"].includes(kind);   // these tell it beside their button
      refused = told ? "" : answer.error || "";
      showError();
      return answer;
    };
    const showError = () => {
      const text = model.get("error") || refused;
      error.textContent = text;
      error.hidden = !text;
      body.hidden = Boolean(model.get("error")) && kind !== "controls";
    };
    model.on("change:error", showError);
    showError();
    const view = views[kind];
    if (!view) { error.textContent = `Unknown part: ${kind}`; error.hidden = false; return undefined; }
    return view(model, body, call);
  }

  globalThis.llmplanRuntime = { render, views, h, uid, painter, menu, announce, saveFile, saveCsv, connection, caller };
})();
