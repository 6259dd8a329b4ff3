// The dashboard page's own widget host: it speaks the kernel's websocket protocol and the Jupyter
// widget protocol for exactly the models llmplan uses, so the page needs no JupyterLab front end.
(() => {
  "use strict";
  const config = JSON.parse(document.getElementById("lp-config").textContent);
  const runtime = globalThis.llmplanRuntime;
  const models = new Map();
  const session = crypto.randomUUID ? crypto.randomUUID() : String(Math.random()).slice(2);
  const text = new TextEncoder();
  const untext = new TextDecoder();
  const PROTOCOL = "v1.kernel.websocket.jupyter.org";
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

  function decodeFrame(data) {
    const view = new DataView(data);
    const count = Number(view.getBigUint64(0, true));
    const offset = (i) => Number(view.getBigUint64(8 * (i + 1), true));
    const part = (i) => new Uint8Array(data, offset(i), offset(i + 1) - offset(i));
    const json = (i) => JSON.parse(untext.decode(part(i)));
    const buffers = [];
    for (let i = 5; i < count - 1; i += 1) buffers.push(new DataView(data, offset(i), offset(i + 1) - offset(i)));
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
      post("comm_msg", { comm_id: this.id, data: { method: "custom", content } }, buffers);
    }
    update(state) {
      Object.assign(this.state, state);
      for (const key of Object.keys(state)) this.emit(`change:${key}`);
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
    if (!location.search) reveal();
  }
  function reveal() { document.documentElement.classList.remove("lp-waiting"); }

  // ---------------------------------------------------------------- messages from the kernel
  function onControl(data, buffers) {
    if (data.method !== "update_states") return;
    const states = withBuffers({ ...Object.fromEntries(Object.entries(data.states)) }, data.buffer_paths, buffers);
    const known = [];
    for (const [id, { state }] of Object.entries(states)) {
      if (models.has(id)) known.push([models.get(id), state]);
      else models.set(id, new Model(id, state));
    }
    for (const [model, state] of known) {
      const changed = Object.entries(state).filter(([key, value]) => JSON.stringify(value) !== JSON.stringify(model.get(key)));
      model.update(Object.fromEntries(changed));
    }
    runtime.connection("live");
    mountAll();
  }
  function onMessage({ header, content, buffers }) {
    if (header.msg_type === "comm_open" && content.target_name === "jupyter.widget") {
      models.set(content.comm_id, new Model(content.comm_id, withBuffers(content.data.state, content.data.buffer_paths, buffers)));
      return;
    }
    if (header.msg_type === "status" && content.execution_state === "dead") return void runtime.connection("dead");
    if (header.msg_type !== "comm_msg") return;
    if (content.comm_id === controlComm) return void onControl(content.data, buffers);
    const model = models.get(content.comm_id);
    if (!model) return;
    const { data } = content;
    if (data.method === "update") model.update(withBuffers(data.state, data.buffer_paths, buffers));
    else if (data.method === "custom") model.emit("msg:custom", data.content, buffers);
  }

  // ---------------------------------------------------------------- connect, and connect again
  const root = new URL(config.baseUrl, location.href);
  const kernelUrl = new URL(`api/kernels/${config.kernelId}`, root);
  function connect() {
    const url = new URL(`${kernelUrl.href}/channels?session_id=${session}`);
    url.protocol = url.protocol.replace("http", "ws");
    socket = new WebSocket(url, [PROTOCOL]);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      controlComm = `${session}-${Date.now()}`;
      post("comm_open", { comm_id: controlComm, target_name: "jupyter.widget.control", data: {} }, [], { version: "1.0.0" });
      post("comm_msg", { comm_id: controlComm, data: { method: "request_states" } });
      document.dispatchEvent(new CustomEvent("lp-reconnected"));
    };
    socket.onmessage = (event) => onMessage(decodeFrame(event.data));
    socket.onclose = () => reconnect();
  }
  let leaving = false;
  async function reconnect() {
    if (leaving) return;
    const banner = setTimeout(() => runtime.connection("lost"), 1500);
    const alive = await kernelAlive();
    if (alive === false) { clearTimeout(banner); runtime.connection("dead"); return; }
    setTimeout(() => { connect(); socket.addEventListener("open", () => clearTimeout(banner)); }, 800);
  }
  // true, false, or null when the server itself does not answer
  async function kernelAlive() {
    try {
      const answer = await fetch(kernelUrl, { cache: "no-store", credentials: "same-origin" });
      if (answer.ok) return (await answer.json()).execution_state !== "dead";
      return answer.status === 404 ? false : null;
    } catch { return null; }
  }
  // Nothing tells a page that its idle kernel was culled, so ask now and then.
  setInterval(async () => {
    if (document.hidden || document.documentElement.dataset.lpConnection === "dead") return;
    const alive = await kernelAlive();
    if (alive === false) runtime.connection("dead");
    else if (alive === null) runtime.connection("lost");
    else if (socket.readyState === WebSocket.OPEN) runtime.connection("live");
  }, (config.heartbeatSeconds || 10) * 1000);
  addEventListener("pagehide", () => {
    leaving = true;
    navigator.sendBeacon(new URL(`voila/api/shutdown/${config.kernelId}`, root));
  });
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

  globalThis.llmplanHost = { models, reveal };
  if (location.search) setTimeout(reveal, 5000);
  connect();
})();
