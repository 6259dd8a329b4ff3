// The dashboard page's own widget host: it shows a snapshot of the page, and from the first touch on a
// session of the reader's own, over Jupyter's websocket and widget protocols for exactly the models llmplan
// uses. A page that plain Voila made has a kernel from the start instead of a snapshot.
(() => {
  "use strict";
  const config = JSON.parse(document.getElementById("lp-config").textContent);
  const runtime = globalThis.llmplanRuntime;
  const models = new Map();
  const session = crypto.randomUUID ? crypto.randomUUID() : String(Math.random()).slice(2);
  const text = new TextEncoder();
  const untext = new TextDecoder();
  const PROTOCOL = "v1.kernel.websocket.jupyter.org";
  const root = new URL(config.baseUrl || "./", location.href);
  const plainVoila = Boolean(config.kernelId);
  let kernelId = config.kernelId || null;
  let socket = null;
  let controlComm = null;

  // ---------------------------------------------------------------- the wire
  // A frame is: number of offsets, the offsets (64 bit, little endian), then the parts:
  // channel, header, parent header, metadata, content, buffers.
  function encodeFrame(type, content, buffers, metadata) {
    const header = { msg_id: `${session}_${++encodeFrame.count}`, msg_type: type, session, username: "",
      date: new Date().toISOString(), version: "5.4" };
    const parts = ["shell", JSON.stringify(header), "{}", JSON.stringify(metadata || {}), JSON.stringify(content)]
      .map((part) => text.encode(part)).concat((buffers || []).map((b) => new Uint8Array(b)));
    const head = 8 * (parts.length + 2);
    const frame = new Uint8Array(parts.reduce((sum, part) => sum + part.length, head));
    const view = new DataView(frame.buffer);
    view.setBigUint64(0, BigInt(parts.length + 1), true);
    let offset = head;
    parts.forEach((part, i) => {
      view.setBigUint64(8 * (i + 1), BigInt(offset), true);
      frame.set(part, offset);
      offset += part.length;
    });
    view.setBigUint64(8 * (parts.length + 1), BigInt(offset), true);
    return frame;
  }
  encodeFrame.count = 0;

  // Or they are frames themselves, after the word "bundle". Returns each one's parts.
  function framesIn(bytes) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const count = Number(view.getBigUint64(0, true));
    if (!(count > 1 && count <= bytes.byteLength / 8 - 1)) throw new Error("no frame");
    const offset = (i) => Number(view.getBigUint64(8 * (i + 1), true));
    const parts = Array.from({ length: count - 1 }, (_, i) => bytes.subarray(offset(i), offset(i + 1)));
    return untext.decode(parts[0]) === "bundle" ? parts.slice(1).flatMap(framesIn) : [parts];
  }
  function messageOf(parts) {
    if (parts.length < 5) throw new Error("no frame");
    const json = (i) => JSON.parse(untext.decode(parts[i]));
    const buffers = parts.slice(5).map((part) => new DataView(part.buffer, part.byteOffset, part.byteLength));
    return { header: json(1), content: json(4), buffers };
  }
  function post(type, content, buffers, metadata) {
    if (socket && socket.readyState === WebSocket.OPEN) socket.send(encodeFrame(type, content, buffers, metadata));
  }

  // ---------------------------------------------------------------- models
  class Model {
    constructor(id, state) { this.id = id; this.state = state; this.handlers = new Map(); }
    get(key) { return this.state[key]; }
    on(name, handler) {
      if (!this.handlers.has(name)) this.handlers.set(name, new Set());
      this.handlers.get(name).add(handler);
    }
    off(name, handler) { this.handlers.get(name)?.delete(handler); }
    emit(name, ...values) { for (const handler of [...(this.handlers.get(name) || [])]) handler(...values); }
    send(content, _callbacks, buffers) {
      if (kernelId) post("comm_msg", { comm_id: this.id, data: { method: "custom", content } }, buffers);
      else answerAtRest(this, content);
    }
    acknowledge(seq, answer) { this.emit("msg:custom", { kind: "ack", seq, ...answer }, []); }
    // Only what differs: an answer may be there already, since it was asked for ahead.
    update(state) {
      const news = Object.keys(state).filter((key) => !same(state[key], this.state[key]));
      Object.assign(this.state, state);
      for (const key of news) this.emit(`change:${key}`);
    }
  }
  function withBuffers(state, paths, buffers) {
    (paths || []).forEach((path, i) => {
      let place = state;
      for (const key of path.slice(0, -1)) place = place[key];
      place[path[path.length - 1]] = buffers[i];
    });
    return state;
  }

  // ---------------------------------------------------------------- views
  const BOXES = { VBoxModel: "lp-vbox", HBoxModel: "lp-hbox", BoxModel: "lp-box", GridBoxModel: "lp-box" };
  const nodes = new Map();
  function nodeOf(reference) {
    const id = reference.replace(/^IPY_MODEL_/, "");
    if (!nodes.has(id) && models.has(id)) nodes.set(id, build(models.get(id)));
    return nodes.get(id) || null;
  }
  function build(model) {
    const node = document.createElement("div");
    let classes = [];
    const paintClasses = () => {
      node.classList.remove(...classes);
      classes = [...(model.get("_dom_classes") || [])];
      node.classList.add(...classes);
    };
    model.on("change:_dom_classes", paintClasses);
    const box = BOXES[model.get("_model_name")];
    if (box) {
      node.classList.add(box);
      const fill = () => {
        const wanted = model.get("children").map(nodeOf).filter(Boolean);
        const same = wanted.length === node.children.length && wanted.every((n, i) => n === node.children[i]);
        if (!same) node.replaceChildren(...wanted);
      };
      model.on("change:children", fill);
      fill();
    } else if (model.get("kind")) {
      runtime.render(model, node);
    } else {
      node.textContent = "This part is shown in JupyterLab only.";
    }
    paintClasses();
    return node;
  }
  function mountAll() {
    for (const place of document.querySelectorAll("[data-lp-model]")) {
      const node = nodeOf(place.dataset.lpModel);
      if (!node || place.firstChild === node) continue;
      place.replaceChildren(node);
    }
    if (models.size) document.documentElement.dataset.lpMounted = "yes";
    if (!plainVoila || !location.search) reveal();
  }
  function reveal() { document.documentElement.classList.remove("lp-waiting"); }

  function same(a, b) {
    if (Object.is(a, b)) return true;
    if (!a || !b || typeof a !== "object" || typeof b !== "object") return false;
    if (a instanceof DataView && b instanceof DataView) {
      if (a.byteLength !== b.byteLength) return false;
      for (let i = 0; i < a.byteLength; i += 1) if (a.getUint8(i) !== b.getUint8(i)) return false;
      return true;
    }
    const keys = Object.keys(a);
    return keys.length === Object.keys(b).length && keys.every((key) => same(a[key], b[key]));
  }
  // What every widget shows now. A part that is the same kind of part as before goes on with new values, so that
  // nothing flickers and nobody loses the focus.
  function takeStates({ states, buffer_paths: paths }, buffers) {
    const kindOf = (state) => `${state._model_name} ${state.kind || ""}`;
    const known = [];
    const replaced = new Set();
    for (const [id, { state }] of Object.entries(withBuffers(states, paths, buffers))) {
      const model = models.get(id);
      if (model && kindOf(model.state) === kindOf(state)) { known.push([model, state]); continue; }
      models.set(id, new Model(id, state));
      if (nodes.delete(id)) replaced.add(id);
    }
    for (const id of [...models.keys()]) if (!(id in states)) { models.delete(id); nodes.delete(id); }
    for (const [model, state] of known) {
      model.update(state);
    }
    if (replaced.size) for (const model of models.values()) model.emit("change:children");
    mountAll();
  }

  // ---------------------------------------------------------------- messages from the kernel
  function onControl(data, buffers) {
    if (data.method !== "update_states") return;
    takeStates(data, buffers);
    runtime.connection("live");
  }
  function onMessage({ header, content, buffers }) {
    if (header.msg_type === "comm_open" && content.target_name === "jupyter.widget") {
      nodes.delete(content.comm_id);
      models.set(content.comm_id, new Model(content.comm_id, withBuffers(content.data.state, content.data.buffer_paths, buffers)));
      return;
    }
    if (header.msg_type === "status" && GONE.has(content.execution_state)) return void ended();
    if (header.msg_type !== "comm_msg") return;
    if (content.comm_id === controlComm) return void onControl(content.data, buffers);
    const model = models.get(content.comm_id);
    if (!model) return;
    const { data } = content;
    if (data.method === "update") model.update(withBuffers(data.state, data.buffer_paths, buffers));
    else if (data.method === "custom") model.emit("msg:custom", data.content, buffers);
  }

  // An answer comes part by part, and an acknowledgement after the last: they are painted in one frame, since each frame
  // lays the page out anew. Of a slow answer the parts that are there are painted meanwhile.
  const PARTS_WAIT_MS = 50;
  const arrived = [];
  let waits = 0;
  function arrive(data) {
    let messages;
    try { messages = framesIn(new Uint8Array(data)).map(messageOf); } catch (problem) { return void reportError(problem); }
    if (!arrived.length) waits = setTimeout(takeArrived, PARTS_WAIT_MS);
    arrived.push(...messages);
    if (messages.some(({ content }) => content.data?.content?.kind === "ack")) takeArrived();
  }
  function takeArrived() {
    clearTimeout(waits);
    for (const message of arrived.splice(0)) {
      try { onMessage(message); } catch (problem) { reportError(problem); }
    }
  }

  // ---------------------------------------------------------------- the page at rest
  // Until it is touched the page needs nobody to calculate: it is a snapshot, and so are the pages beside it.
  const urlModel = () => [...models.values()].find((model) => model.get("kind") === "url");
  const navModel = () => [...models.values()].find((model) => model.get("kind") === "nav");
  const atRest = () => !kernelId && !waking;
  // What is shown, on another page where one is named; a preset leaves the shown values behind.
  function link({ page, preset }) {
    const shown = new URLSearchParams(urlModel()?.get("query") ?? location.search);
    const fields = preset ? new URLSearchParams({ preset }) : shown;
    const named = page ?? shown.get("page");
    fields.delete("page");
    if (named && named !== navModel()?.get("pages")[0]?.[0]) fields.set("page", named);
    fields.delete("token");
    return fields.toString();
  }
  let shownSnapshot = "";   // its address
  async function fetchFrame(address) {
    const answer = await fetch(new URL(address, root));
    if (!answer.ok || answer.redirected) throw Object.assign(new Error("no snapshot"), { answer });
    return messageOf(...framesIn(new Uint8Array(await answer.arrayBuffer())));
  }
  // A published copy has files for what is one choice away, named by the fields in order.
  function addressOf(query) {
    if (!config.files) return `snapshot?${query}`;
    const asked = new URLSearchParams(query);
    const preset = asked.get("preset") ?? panelModel()?.get("values").preset;
    const fields = new URLSearchParams(Object.entries({ page: asked.get("page"), preset }).filter(([, value]) => value));
    return config.files[fields.toString()];
  }
  const panelModel = () => [...models.values()].find((model) => model.get("kind") === "controls");
  async function showSnapshot(address, stillWanted = () => true) {
    const { content, buffers } = await fetchFrame(address);
    if (!stillWanted()) return;
    shownSnapshot = address;
    if (!document.querySelector("[data-lp-model]")) {
      document.getElementById("lp-main").append(...content.outputs.map(placeOf));
    }
    takeStates(content, buffers);
    if (content.partial) later(address);
  }
  // What takes longer than a page may wait is added to its snapshot while the reader reads.
  const later = (address) => setTimeout(() => refresh(address), 3000);
  function refresh(address) {
    const stillShown = () => address === shownSnapshot && atRest();
    if (stillShown()) showSnapshot(address, stillShown).catch(() => later(address));
  }
  function placeOf(output) {
    const place = document.createElement(output.text ? "pre" : "div");
    if (output.model) place.dataset.lpModel = output.model;
    else place.className = output.error ? "lp-error" : "lp-output";
    if (output.html) place.innerHTML = output.html;
    else if (!output.model) place.textContent = output.text || output.error || "";
    return place;
  }
  async function firstSnapshot() {
    for (let tries = 0; ; tries += 1) {
      try { return await showSnapshot(config.snapshot); } catch (problem) {
        const { answer } = problem;
        if (answer && answer.redirected) return void location.reload();
        if (!answer || answer.status !== 503 || tries > 60) return void (runtime.connection("error"), reveal());
        await pause(1000 * Math.min(5, 1 + tries));
      }
    }
  }
  const pause = (milliseconds) => new Promise((resolve) => { setTimeout(resolve, milliseconds); });
  const tablesOf = (address) => config.files ? `${address}.tables` : address.replace("snapshot?", "snapshot/tables?");

  async function answerAtRest(model, content) {
    const { seq, go, table, set, rest } = content;
    const preset = set && Object.keys(set).length === 1 ? set.preset : null;
    if (rest) return void model.acknowledge(seq, {});   // a snapshot has had its rest
    if (go || preset) return void turnTo(go ? { page: go } : { preset }, model, content);
    if (table && shownSnapshot && atRest()) {
      const found = await fetchFrame(tablesOf(shownSnapshot)).catch(() => null);
      if (found) return void model.acknowledge(seq, found.content[model.id]);
    }
    needSession(model, content);
  }
  // Another page or preset. Of those that a quick reader asks for the last is shown, whichever comes first; a session
  // that starts meanwhile, or because one cannot be had, starts there.
  let wanted = {};
  let turns = 0;
  async function turnTo(change, model, content) {
    const mine = ++turns;
    const stillWanted = () => mine === turns && atRest();
    wanted = { ...wanted, ...change };
    const address = addressOf(link(wanted));
    const came = atRest() && address && await showSnapshot(address, stillWanted).then(() => true, () => false);
    if (mine !== turns) return void model.acknowledge(content.seq, {});
    if (kernelId) return void model.send(content);
    // Where links name no page, only a session can turn to one.
    if (!came || (change.page && model.get("current") !== change.page && !config.files)) return void needSession(model, content);
    wanted = {};
    model.acknowledge(content.seq, {});
  }
  // Its answer comes from the session, which is asked again once it is there; a published copy has none.
  function needSession(model, content) {
    if (config.files) model.acknowledge(content.seq, {});
    wake();
  }

  // ---------------------------------------------------------------- connect, and connect again
  const ASLEEP = 4000;
  const GONE = new Set(["dead", "restarting", "autorestarting"]);
  const FAILURES_MS = 60000;
  const failures = [];   // when sessions ended that should not have
  let waking = null;
  const kernelUrl = () => new URL(`api/kernels/${kernelId}`, root);
  // A session of the reader's own, which starts at what the address says.
  function wake() {
    if (!config.files) waking ??= startSession().finally(() => { waking = null; });
    else runtime.connection("published", config.live && `${config.live}?${link({})}`);
    return waking;
  }
  async function startSession() {
    for (;;) {
      let answer = null;
      try { answer = await fetch(new URL(`api/kernels?${link(wanted)}`, root), { method: "POST" }); } catch { /* below */ }
      if (answer && answer.ok && !answer.redirected) {
        kernelId = (await answer.json()).id;
        wanted = {};
        shownSnapshot = "";
        return connect();
      }
      if (answer && answer.status !== 503) return void runtime.connection("error");
      const full = answer ? (await answer.json().catch(() => ({}))).full : false;
      runtime.connection(full ? "full" : "lost");
      await pause(2000);
    }
  }
  function connect() {
    const url = new URL(`${kernelUrl().href}/channels?session_id=${session}`);
    url.protocol = url.protocol.replace("http", "ws");
    socket = new WebSocket(url, [PROTOCOL]);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      controlComm = `${session}-${Date.now()}`;
      if (plainVoila) post("comm_open", { comm_id: controlComm, target_name: "jupyter.widget.control", data: {} }, [], { version: "1.0.0" });
      post("comm_msg", { comm_id: controlComm, data: { method: "request_states", bundles: true } });
      document.dispatchEvent(new CustomEvent("lp-reconnected"));
    };
    socket.onmessage = (event) => arrive(event.data);
    socket.onclose = (event) => {
      if (leaving) return;
      if (event.code === ASLEEP) kernelId = null;   // the next touch starts another session
      else if (event.code === ASLEEP + 1) ended();
      else reconnect();
    };
  }
  // The session has ended under the reader: say so, and start another one where this one stood.
  async function ended() {
    runtime.connection(plainVoila ? "dead" : "ended");
    if (plainVoila) return;
    kernelId = null;
    const now = performance.now();
    failures.push(now);
    if (failures.filter((then) => now - then < FAILURES_MS).length > 2) return void runtime.connection("dead");
    await pause(1500);
    if (!kernelId) wake();
  }
  let leaving = false;
  async function reconnect() {
    const banner = setTimeout(() => runtime.connection("lost"), 1500);
    const alive = await kernelAlive();
    if (leaving || alive === false) { clearTimeout(banner); if (!leaving) ended(); return; }
    setTimeout(() => { connect(); socket.addEventListener("open", () => clearTimeout(banner)); }, 800);
  }
  // true, false, or null when the server itself does not answer
  async function kernelAlive() {
    try {
      const answer = await fetch(kernelUrl(), { cache: "no-store" });
      if (answer.ok) return !GONE.has((await answer.json()).execution_state);
      return answer.status === 404 ? false : null;
    } catch { return null; }
  }
  // Voila tells no page that its idle kernel was culled or has died, so ask now and then.
  async function heartbeat() {
    if (document.hidden || document.documentElement.dataset.lpConnection === "dead") return;
    const alive = await kernelAlive();
    if (alive === false) runtime.connection("dead");
    else if (alive === null) runtime.connection("lost");
    else if (socket.readyState === WebSocket.OPEN) runtime.connection("live");
  }
  addEventListener("pagehide", () => {
    leaving = true;
    if (kernelId) navigator.sendBeacon(new URL(`voila/api/shutdown/${kernelId}`, root));
  });
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

  // States of parts that Python has sent ahead of the change that leads to them.
  const show = ({ parts, buffer_paths: paths, buffers }) => {
    for (const [id, state] of Object.entries(withBuffers(parts, paths, buffers))) models.get(id)?.update(state);
  };
  globalThis.llmplanHost = { models, reveal, show, opensLinks: !plainVoila };
  if (plainVoila) {
    setInterval(heartbeat, 3000);
    if (location.search) setTimeout(reveal, 5000);
    connect();
  } else firstSnapshot();
})();
