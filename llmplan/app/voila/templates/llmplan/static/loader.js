// The module every llmplan widget carries. In the dashboard page the runtime is a static file that is
// already there; in JupyterLab the first widget asks the kernel for it once, and all others share it.
const KEY = "llmplanRuntime";

function install(files) {
  const style = document.createElement("style");
  style.textContent = files.css;
  document.head.append(style);
  const run = (source) => new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    script.onload = resolve;
    script.onerror = () => reject(new Error("The llmplan runtime did not start."));
    document.head.append(script);
  });
  return run(files.plotly).then(() => run(files.runtime)).then(() => globalThis[KEY]);
}

function fetchRuntime(model) {
  return new Promise((resolve, reject) => {
    const onMessage = (message, buffers) => {
      if (!message || message.kind !== "runtime") return;
      model.off("msg:custom", onMessage);
      const text = new TextDecoder();
      const files = {};
      message.names.forEach((name, i) => { files[name] = text.decode(buffers[i]); });
      install(files).then(resolve, reject);
    };
    model.on("msg:custom", onMessage);
    model.send({ kind: "need-runtime" });
  });
}

async function render({ model, el }) {
  if (!globalThis[KEY]) {
    globalThis[KEY + "Loading"] ??= fetchRuntime(model);
    await globalThis[KEY + "Loading"];
  }
  return globalThis[KEY].render(model, el);
}

export default { render };
