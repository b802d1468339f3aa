// One plotly.js per page, many views of it. The script itself arrives once through the widget
// `runtime` (no CDN, no second copy), figures arrive as JSON in `spec` and are drawn by
// Plotly.react. What must feel instant happens here and not in the kernel: linked zoom and the
// shared crosshair of all views whose x axis is the base axis of one selection (`group`).

const page = (globalThis.__dnabert2_explore ??= { plotly: null, groups: new Map() });

// Pixels of the window that are not for views: menu, tab, toolbar and status bar of a notebook;
// margins and link of the app.
const NOTEBOOK = 122, APP = 64;

function loadPlotly(model) {
  page.plotly ??= (async () => {
    const id = model.get("runtime").replace("IPY_MODEL_", "");
    const runtime = await model.widget_manager.get_model(id);
    const module = { exports: {} };
    new Function("module", "exports", "define", runtime.get("source"))(module, module.exports);
    return module.exports;
  })().catch((error) => {
    page.plotly = null;
    throw error;
  });
  return page.plotly;
}

function pageTheme() {
  const { jpThemeLight } = document.body.dataset;
  if (jpThemeLight !== undefined) return jpThemeLight === "false" ? "dark" : "light";
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

const settle = (wait, fn) => {
  let timer;
  return (...args) => {
    clearTimeout(timer);
    timer = setTimeout(() => fn(...args), wait);
  };
};

function plain(value) {
  return ArrayBuffer.isView(value) ? Array.from(value) : value;
}

// ipywidgets gives controls a title, which screen readers may leave unsaid: it becomes their name.
const CONTROLS = ":is(.dx-workbench, .dx-alone) :is(select, input, textarea)[title]:not([aria-label])";
// The handle of a slider and the icons of a player have not even that.
const HANDLES = ":is(.dx-workbench, .dx-alone) .noUi-handle:not([aria-label])";
const PLAYERS = ":is(.dx-workbench, .dx-alone) .widget-play button:not([aria-label])";
const ICONS = { "fa-play": "Play", "fa-pause": "Pause", "fa-stop": "Stop", "fa-repeat": "Repeat" };
const nameControls = settle(200, () => {
  for (const control of document.querySelectorAll(CONTROLS)) {
    control.setAttribute("aria-label", control.title);
  }
  for (const handle of document.querySelectorAll(HANDLES)) {
    const named = handle.closest(".widget-slider")?.querySelector("[title]");
    handle.setAttribute("aria-label", handle.closest("[title]")?.title || named?.title || "Slider");
  }
  for (const button of document.querySelectorAll(PLAYERS)) {
    const icon = Object.keys(ICONS).find((name) => button.querySelector(`.${name}`));
    button.setAttribute("aria-label", ICONS[icon] || "Repeat");
  }
});
let naming = null;

function download(content, filename, type) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content], { type }));
  link.download = filename;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

// A picture says where it comes from: SVG in its metadata, PNG in a text chunk before its end.
function svgWith(url, { record, keyword }) {
  const text = decodeURIComponent(url.slice(url.indexOf(",") + 1));
  if (!record) return text;
  const data = `<metadata id="${keyword}"><![CDATA[${record}]]></metadata>`;
  return text.replace(/<svg\b[^>]*>/, (start) => start + data);
}

function pngWith(url, { record, keyword }) {
  const picture = Uint8Array.from(atob(url.slice(url.indexOf(",") + 1)), (c) => c.charCodeAt(0));
  if (!record) return picture;
  const body = new TextEncoder().encode(`tEXt${keyword}\0${record}`); // both are ASCII
  const chunk = new Uint8Array(body.length + 8);
  const numbers = new DataView(chunk.buffer);
  numbers.setUint32(0, body.length - 4);
  chunk.set(body, 4);
  numbers.setUint32(body.length + 4, crc32(body));
  const end = picture.length - 12; // IEND, the last chunk, has no content
  const whole = new Uint8Array(picture.length + chunk.length);
  whole.set(picture.subarray(0, end));
  whole.set(chunk, end);
  whole.set(picture.subarray(end), end + chunk.length);
  return whole;
}

function crc32(bytes) {
  let sum = ~0;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
  }
  return ~sum >>> 0;
}

async function render({ model, el }) {
  if (!naming) {
    naming = new MutationObserver(nameControls);
    naming.observe(document.body, { childList: true, subtree: true });
  }
  nameControls();
  const host = document.createElement("div");
  host.className = "dx-plot";
  host.tabIndex = 0;
  const canvas = document.createElement("div");
  const cross = document.createElement("div");
  cross.className = "dx-cross";
  host.append(canvas, cross);
  el.append(host);

  // The kernel draws with the page's colours: tell it before the first figure, and on a change.
  const tellTheme = () => {
    if (model.get("theme") !== pageTheme()) {
      model.set("theme", pageTheme());
      model.save_changes();
    }
  };
  tellTheme();
  const themes = new MutationObserver(tellTheme);
  themes.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light"] });

  // With cloud.js above this in one file, points are drawn in its way, and plotly.js only for files.
  const ofPoints = typeof makeCloud === "function";
  let Plotly = ofPoints ? null : await loadPlotly(model);
  let spec = null;
  let zoomedAt = 0; // when a person last zoomed: a figure computed before must not undo it
  let drawing = Promise.resolve();
  let waiting = false;
  let pressed = false;
  let missed = false; // a figure that came while this was hidden is not drawn yet

  const members = () => {
    const key = model.get("group");
    if (!key) return new Set();
    if (!page.groups.has(key)) page.groups.set(key, new Set());
    return page.groups.get(key);
  };
  const me = { host, range: () => canvas._fullLayout?.xaxis?.range };

  const drawPoints = () => {
    const width = Math.floor(host.clientWidth);
    missed = Boolean(model.get("cloud")?.n) && width < 40;
    if (width < 40) return;
    const height = cloud.draw(width);
    if (!height) return;
    host.style.height = `${height}px`;
    host.dataset.drawn = String(Number(host.dataset.drawn ?? 0) + 1);
  };
  const draw = async () => {
    if (ofPoints) return drawPoints();
    const text = model.get("spec");
    const width = Math.floor(host.clientWidth);
    missed = Boolean(text) && width < 40;
    if (!text || width < 40) return; // hidden: the ResizeObserver calls again
    spec = JSON.parse(text);
    const layout = { ...spec.layout, width, autosize: false };
    if (spec.linked && performance.now() - zoomedAt < 700 && me.range()) {
      layout.xaxis = { ...layout.xaxis, range: [...me.range()] };
    }
    host.style.height = `${layout.height}px`;
    cross.hidden = true;
    await Plotly.react(canvas, spec.data, layout, spec.config);
    if (!canvas.dataset.wired) wire();
    spec.linked ? members().add(me) : members().delete(me);
    host.dataset.drawn = String(Number(host.dataset.drawn ?? 0) + 1);
  };
  const fade = () => host.classList.toggle("dx-stale", model.get("stale"));
  fade();
  const redraw = () => {
    if (waiting) return;
    waiting = true;
    drawing = drawing.then(() => {
      waiting = false;
      return draw();
    }).catch((error) => console.warn("dnabert2_explore: a figure could not be drawn:", error));
  };

  me.zoom = (range) => {
    zoomedAt = performance.now();
    Plotly.relayout(canvas, { "xaxis.range": range, "xaxis.autorange": false });
  };
  me.point = (x) => {
    const axis = canvas._fullLayout?.xaxis;
    const size = canvas._fullLayout?._size;
    if (!axis || x === null || x < axis.range[0] || x > axis.range[1]) {
      cross.hidden = true;
      return;
    }
    cross.hidden = false;
    cross.style.left = `${axis._offset + axis.d2p(x)}px`;
    cross.style.top = `${size.t}px`;
    cross.style.height = `${size.h}px`;
    cross.dataset.base = Math.round(x).toLocaleString("en");
  };

  const send = (event, more) => model.send({ event, ...more });
  const cloud = ofPoints ? makeCloud({ model, host, canvas, send }) : null;
  const remark = () => {
    if (!host.dataset.drawn) return;
    cloud.remark();
    host.dataset.drawn = String(Number(host.dataset.drawn) + 1);
  };
  const sendZoom = settle(120, (range) => send("zoom", { range }));

  function wire() {
    canvas.dataset.wired = "yes";
    canvas.on("plotly_relayout", (change) => {
      if (!spec?.linked) return;
      let range = null;
      if (change["xaxis.range[0]"] !== undefined) {
        range = [change["xaxis.range[0]"], change["xaxis.range[1]"]];
      } else if (change["xaxis.autorange"]) {
        range = spec.bounds;
      }
      if (!range) return;
      zoomedAt = performance.now();
      if (change["xaxis.autorange"]) Plotly.relayout(canvas, { "xaxis.range": range });
      for (const other of members()) if (other !== me) other.zoom(range);
      sendZoom(range);
    });
    // Plotly also reports a selection after a redraw: only what follows a press is a person's.
    canvas.on("plotly_selected", (what) => {
      if (!what || !pressed) return;
      pressed = false;
      if (spec?.linked) {
        const x = what.range?.x ?? what.lassoPoints?.x;
        if (x) send("stretch", { range: [Math.min(...x), Math.max(...x)] });
      } else {
        send("chosen", { points: what.points.map((p) => plain(p.customdata)) });
      }
    });
    canvas.on("plotly_deselect", () => {
      if (pressed) send("deselect", {});
    });
    canvas.on("plotly_click", (what) => {
      const p = what.points[0];
      send("click", {
        curve: p.curveNumber, x: p.x, y: p.y, data: plain(p.customdata) ?? null,
        shift: Boolean(what.event?.shiftKey),
      });
    });
  }

  // Where the pointer is, in data coordinates of the panel under it; null outside all panels.
  const locate = (event) => {
    const full = canvas._fullLayout;
    if (!full?.xaxis) return null;
    const box = canvas.getBoundingClientRect();
    const px = event.clientX - box.left;
    const py = event.clientY - box.top;
    const { xaxis } = full;
    if (px < xaxis._offset || px > xaxis._offset + xaxis._length) return null;
    for (const id of full._subplots.yaxis) {
      const axis = full[id.replace("y", "yaxis")];
      if (py >= axis._offset && py <= axis._offset + axis._length) {
        return { x: xaxis.p2d(px - xaxis._offset), y: axis.p2d(py - axis._offset), panel: id };
      }
    }
    return null;
  };

  let down = null;
  host.addEventListener("mousedown", (event) => {
    pressed = true;
    down = { at: [event.clientX, event.clientY], where: locate(event) };
    host.classList.add("dx-pointed"); // focus by pointer needs no ring
    if (!event.target.closest(".modebar")) host.focus({ preventScroll: true });
  }, true);
  const up = (event) => {
    const start = down;
    down = null;
    if (!start?.where || !spec?.pressable || event.target.closest?.(".modebar, .legend")) return;
    const moved = Math.hypot(event.clientX - start.at[0], event.clientY - start.at[1]);
    if (moved < 4) send("press", { ...start.where, shift: event.shiftKey });
  };
  window.addEventListener("mouseup", up, true);
  host.addEventListener("mousemove", (event) => {
    if (!spec?.linked) return;
    const where = locate(event);
    for (const member of members()) member.point(where ? where.x : null);
  });
  host.addEventListener("mouseleave", () => {
    for (const member of members()) member.point(null);
  });
  host.addEventListener("blur", () => host.classList.remove("dx-pointed"));
  host.addEventListener("keydown", (event) => {
    if (event.target.matches("input") && event.key !== "Escape") {
      event.stopPropagation(); // a slider's own keys, which JupyterLab would take for its own
      return;
    }
    const letter = event.key.length === 1 ? event.key.toUpperCase() : "";
    const typed = letter && spec?.typed?.includes(letter);
    if (typed && (event.ctrlKey || event.metaKey || event.altKey)) return; // Ctrl+C stays a copy
    if (typed || ["Escape", "ArrowLeft", "ArrowRight", "+", "-", "0"].includes(event.key)) {
      event.stopPropagation();
      event.preventDefault();
      if (!cloud?.key(event.key)) send("key", { key: typed ? letter : event.key, shift: event.shiftKey });
    }
  });

  const command = async (message, buffers) => {
    if (message.do === "image") {
      const figure = JSON.parse(message.figure);
      Plotly ??= await loadPlotly(model);
      const { format, filename } = message;
      const url = await Plotly.toImage(figure, {
        format, width: figure.layout.width, height: figure.layout.height,
        scale: format === "png" ? 3 : 1,
      });
      const made = format === "svg" ? svgWith(url, message) : pngWith(url, message);
      download(made, `${filename}.${format}`, format === "svg" ? "image/svg+xml" : "image/png");
    } else if (message.do === "file") {
      download(message.text ?? buffers[0], message.filename, message.type);
    } else if (message.do === "card") {
      cloud?.card(message);
    } else if (message.do === "copy") {
      // Without permission there is still the box to copy from.
      await navigator.clipboard?.writeText(message.text).catch(() => {});
    }
  };
  model.on("msg:custom", command);
  model.on("change:spec change:cloud", redraw);
  if (cloud) model.on("change:marks", remark);
  model.on("change:stale", fade);
  const measure = settle(60, () => {
    const width = Math.floor(host.clientWidth);
    if (width < 40) return;
    const room = innerHeight - (document.querySelector(".jp-NotebookPanel") ? NOTEBOOK : APP);
    if (model.get("width") !== width || model.get("room") !== room) {
      model.set("width", width);
      model.set("room", room);
      model.save_changes();
    }
    if (missed || (cloud ?? canvas._fullLayout)?.width !== width) redraw();
  });
  const sizes = new ResizeObserver(measure);
  sizes.observe(host);
  window.addEventListener("resize", measure);
  redraw();

  return () => {
    members().delete(me);
    themes.disconnect();
    sizes.disconnect();
    window.removeEventListener("resize", measure);
    window.removeEventListener("mouseup", up, true);
    model.off("msg:custom", command);
    model.off("change:spec change:cloud", redraw);
    if (cloud) model.off("change:marks", remark);
    model.off("change:stale", fade);
    Plotly?.purge(canvas);
  };
}

export default { render };
