// Points of an atlas, in two or three dimensions: drawn into an image by this script itself.
//
// plotly's WebGL stops the page at 100,000 points where there is no GPU, and has no lasso in three
// dimensions. Here a frame is one loop over the points that copies a small stamp of each, and
// leaves behind which point every pixel belongs to: that answers hover and clicks. plot.js, which
// stands below this in one file, has the rest: width, theme, keys, files.

const INDEX = 4294967295; // no point

function numbers(view, Kind) {
  // A buffer of the kernel may begin anywhere; typed arrays must begin at a whole number.
  return new Kind(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
}

function rgb(text) {
  const hex = text.match(/^#(..)(..)(..)$/);
  if (hex) return hex.slice(1).map((part) => parseInt(part, 16));
  return (text.match(/[\d.]+/g) ?? [255, 255, 255]).slice(0, 3).map(Number);
}

function ground(element) {
  for (let at = element; at; at = at.parentElement) {
    const colour = getComputedStyle(at).backgroundColor;
    if (colour && !/^(transparent|rgba\(.*, 0\))$/.test(colour)) return rgb(colour);
  }
  return [255, 255, 255];
}

// What one marker covers: offsets from its middle and how much of each pixel.
function stampOf(shape, px, edge) {
  const side = 2 * Math.ceil(px / 2 + edge + 1) + 1;
  const canvas = new OffscreenCanvas(side, side);
  const ctx = canvas.getContext("2d", { willReadFrequently: true });
  const scale = px / 11;
  const at = side / 2 - 6 * scale;
  ctx.setTransform(scale, 0, 0, scale, at, at);
  const path = new Path2D(shape);
  const read = () => ctx.getImageData(0, 0, side, side).data.filter((_, i) => i % 4 === 3);
  ctx.fill(path);
  const inner = read();
  let outer = null;
  if (edge) {
    ctx.lineWidth = (2 * edge) / scale;
    ctx.stroke(path);
    outer = read();
  }
  const whole = outer ?? inner;
  const found = [];
  for (let i = 0; i < whole.length; i++) {
    if (whole[i] > 8) found.push([i % side - (side >> 1), Math.floor(i / side) - (side >> 1), inner[i], whole[i]]);
  }
  return {
    half: side >> 1,
    dx: Int16Array.from(found, (f) => f[0]), dy: Int16Array.from(found, (f) => f[1]),
    inner: Uint8Array.from(found, (f) => f[2]), outer: outer && Uint8Array.from(found, (f) => f[3]),
    on: null, // offsets in a row-major image; set for its width
  };
}

function makeCloud({ model, host, canvas, send }) {
  const picture = document.createElement("canvas");
  const over = document.createElement("canvas");
  over.className = "dx-cloud-over";
  picture.className = "dx-cloud-points";
  picture.setAttribute("role", "img");
  picture.setAttribute("aria-label", "No points yet");
  const tools = document.createElement("div");
  tools.className = "dx-cloud-tools";
  const card = document.createElement("div");
  card.className = "dx-card";
  card.hidden = true;
  const labels = document.createElement("div");
  labels.className = "dx-cloud-axes";
  const foot = document.createElement("div");
  foot.className = "dx-cloud-frames";
  const slider = document.createElement("input");
  Object.assign(slider, { type: "range", min: 0, step: 1, className: "dx-frame" });
  slider.setAttribute("aria-label", "Layer");
  const play = document.createElement("button");
  play.className = "dx-frame-play";
  play.title = "Go through the layers";
  const shownFrame = document.createElement("output");
  foot.append(play, slider, shownFrame);
  canvas.classList.add("dx-cloud", "dx-cloud-empty"); // a frame alone, until there are points
  canvas.append(picture, over, labels, tools, card, foot);

  let cloud = null; // what the kernel sent, with its arrays unpacked
  let marks = { chosen: new Uint32Array(), current: -1, starred: new Uint32Array() };
  let is = new Uint8Array(); // of every point: 1 chosen, 2 starred
  let mode = "lasso";
  let width = 0, height = 0, dpr = 1;
  let image = null, pixels = null, owner = null, pad = 0, across = 0;
  let view = { x: 0, y: 0, z: 0, scale: 1, rotation: [1, 0, 0, 0, 1, 0, 0, 0, 1] };
  let frame = 0; // may lie between two
  let sx = new Float32Array(), sy = new Float32Array(), depth = new Float32Array();
  let sorted = new Uint32Array();
  let back = [255, 255, 255];
  let lasso = null, drag = null, hovered = INDEX, cards = new Map(), asking = 0, moving = 0;

  const three = () => cloud.dims === 3;
  const hidden = (i) => cloud.off[cloud.codes[i]] === 1;

  // Where points are ----------------------------------------------------------------------------

  const fit = () => {
    const { dims, n, positions } = cloud;
    const low = [Infinity, Infinity, Infinity], high = [-Infinity, -Infinity, -Infinity];
    for (let i = 0; i < n * cloud.frames.length; i++) {
      for (let d = 0; d < dims; d++) {
        const value = positions[i * dims + d];
        if (value < low[d]) low[d] = value;
        if (value > high[d]) high[d] = value;
      }
    }
    const middle = low.map((value, d) => (d < dims ? (value + high[d]) / 2 : 0));
    const extent = low.map((value, d) => (d < dims ? Math.max(high[d] - value, 1e-9) : 0));
    // No point under the buttons above, nor under the names of the axes.
    const room = [Math.max(width - 36, 20), Math.max(height - 64, 20)];
    const scale = dims === 3
      ? Math.min(...room) / Math.hypot(...extent) * 1.4
      : Math.min(room[0] / extent[0], room[1] / extent[1]);
    view = { x: middle[0], y: middle[1], z: middle[2], scale, rotation: view.rotation };
  };

  const place = () => {
    const { dims, n, positions } = cloud;
    const first = Math.floor(frame), part = frame - first;
    const a = first * n * dims, b = Math.min(first + 1, cloud.frames.length - 1) * n * dims;
    const s = view.scale * dpr, mx = (width * dpr) / 2, my = (height * dpr) / 2;
    const [r0, r1, r2, r3, r4, r5, r6, r7, r8] = view.rotation;
    for (let i = 0; i < n; i++) {
      const p = i * dims;
      let x = positions[a + p], y = positions[a + p + 1];
      if (part) {
        x += (positions[b + p] - x) * part;
        y += (positions[b + p + 1] - y) * part;
      }
      x -= view.x;
      y -= view.y;
      if (dims === 3) {
        const z = positions[a + p + 2] - view.z;
        sx[i] = mx + s * (r0 * x + r1 * y + r2 * z);
        sy[i] = my - s * (r3 * x + r4 * y + r5 * z);
        depth[i] = r6 * x + r7 * y + r8 * z;
      } else {
        sx[i] = mx + s * x;
        sy[i] = my - s * y;
      }
    }
  };

  // Far ones first; 512 steps of depth are as good as all.
  const starts = new Uint32Array(513);
  const order = () => {
    const { n } = cloud;
    let low = Infinity, high = -Infinity;
    for (let i = 0; i < n; i++) {
      if (depth[i] < low) low = depth[i];
      if (depth[i] > high) high = depth[i];
    }
    const step = 511 / Math.max(high - low, 1e-12);
    starts.fill(0);
    for (let i = 0; i < n; i++) starts[(((depth[i] - low) * step) | 0) + 1]++;
    for (let k = 0; k < 512; k++) starts[k + 1] += starts[k];
    for (let i = 0; i < n; i++) sorted[starts[((depth[i] - low) * step) | 0]++] = i;
    return { low, range: Math.max(high - low, 1e-12) };
  };

  // Drawing -------------------------------------------------------------------------------------

  // By code, and for points with an outline by code too: looked up for every point of a frame.
  let plainStamps = [], starStamps = [];
  const makeStamps = () => {
    const made = new Map();
    const stamp = (code, star) => {
      const symbol = cloud.symbols[code % cloud.symbols.length];
      const key = `${symbol} ${star}`;
      if (!made.has(key)) {
        const px = (star ? Math.max(cloud.size, 13) : cloud.size) * dpr;
        const edge = star ? 1.5 * dpr : cloud.size >= 6 ? 0.6 * dpr : 0;
        const one = stampOf(cloud.shapes[symbol], px, edge);
        one.on = Int32Array.from(one.dx, (dx, k) => one.dy[k] * across + dx);
        made.set(key, one);
      }
      return made.get(key);
    };
    plainStamps = cloud.palette.map((_, code) => stamp(code, false));
    starStamps = cloud.palette.map((_, code) => stamp(code, true));
  };

  const put = (i, opacity, star) => {
    const code = cloud.codes[i];
    const x = Math.round(sx[i]), y = Math.round(sy[i]);
    const stamp = (star ? starStamps : plainStamps)[code];
    const half = stamp.half;
    if (!(x > half - pad && y > half - pad
      && x < picture.width + pad - half && y < picture.height + pad - half)) return;
    const at = (y + pad) * across + x + pad;
    const { on, inner, outer } = stamp;
    if (outer) {
      const edge = star ? cloud.ink : back;
      blend(at, on, outer, edge[0], edge[1], edge[2], star ? 256 : opacity >> 1);
    }
    blend(at, on, inner, cloud.red[code], cloud.green[code], cloud.blue[code], opacity);
    const mine = i + 1;
    for (let k = 0; k < on.length; k++) owner[at + on[k]] = mine;
  };

  const blend = (at, on, cover, r, g, b, opacity) => {
    for (let k = 0; k < on.length; k++) {
      const a = (cover[k] * opacity) >> 8;
      const p = at + on[k];
      const before = pixels[p];
      const keep = 256 - a;
      pixels[p] = 0xff000000
        | ((((before >> 16) & 255) * keep + b * a) >> 8) << 16
        | ((((before >> 8) & 255) * keep + g * a) >> 8) << 8
        | (((before & 255) * keep + r * a) >> 8);
    }
  };

  const paint = () => {
    if (!cloud || !width) return;
    place();
    pixels.fill(255 << 24 | back[2] << 16 | back[1] << 8 | back[0]);
    owner.fill(0);
    const { n } = cloud;
    const faded = marks.chosen.length > 0;
    const far = three() ? order() : null;
    const strong = 220, weak = Math.round(256 * cloud.faint);
    for (const pass of faded ? [0, 1, 2] : [0, 2]) {
      for (let k = 0; k < n; k++) {
        const i = far ? sorted[k] : k;
        const kind = is[i] & 2 ? 2 : faded && is[i] & 1 ? 1 : 0;
        if (kind !== pass || hidden(i)) continue;
        let opacity = faded && !(is[i] & 1) ? weak : strong;
        if (far) opacity = (opacity * (0.6 + (0.4 * (depth[i] - far.low)) / far.range)) | 0;
        put(i, opacity, pass === 2);
      }
    }
    const ctx = picture.getContext("2d");
    ctx.putImageData(image, -pad, -pad);
    if (marks.current >= 0 && marks.current < n && !hidden(marks.current)) {
      ctx.strokeStyle = cloud.select;
      ctx.lineWidth = 2.5 * dpr;
      ctx.beginPath();
      ctx.arc(sx[marks.current], sy[marks.current], 8.5 * dpr, 0, 7);
      ctx.stroke();
    }
    cover();
  };

  // What changes with the pointer alone: the lasso, the point under it, the axes in space.
  const cover = () => {
    const ctx = over.getContext("2d");
    ctx.setTransform(dpr, 0, 0, dpr, 0, 0);
    ctx.clearRect(0, 0, width, height);
    if (lasso) {
      ctx.strokeStyle = cloud.select;
      ctx.fillStyle = cloud.selectFill;
      ctx.lineWidth = 1.5;
      ctx.setLineDash([4, 3]);
      ctx.beginPath();
      for (const [x, y] of lasso) ctx.lineTo(x, y);
      ctx.fill();
      ctx.closePath();
      ctx.stroke();
      ctx.setLineDash([]);
    }
    if (hovered !== INDEX && hovered < cloud.n) {
      ctx.strokeStyle = cloud.text;
      ctx.lineWidth = 1.5;
      ctx.beginPath();
      ctx.arc(sx[hovered] / dpr, sy[hovered] / dpr, 6, 0, 7);
      ctx.stroke();
    }
    if (three()) {
      ctx.font = "11px system-ui, sans-serif";
      ctx.strokeStyle = ctx.fillStyle = cloud.muted;
      ctx.lineWidth = 1;
      for (let d = 0; d < 3; d++) {
        const [x, y] = [34 + 22 * view.rotation[d], height - 56 - 22 * view.rotation[3 + d]];
        ctx.beginPath();
        ctx.moveTo(34, height - 56);
        ctx.lineTo(x, y);
        ctx.stroke();
        ctx.fillText(String(d + 1), x + (x < 34 ? -8 : 3), y + (y > height - 56 ? 11 : -2));
      }
    }
  };

  let due = 0;
  const soon = () => {
    due ||= requestAnimationFrame(() => {
      due = 0;
      paint();
    });
  };

  // From the kernel -----------------------------------------------------------------------------

  const takeCloud = () => {
    const sent = model.get("cloud");
    if (!sent?.n) {
      cloud = null;
      return;
    }
    const same = cloud && cloud.key === sent.key;
    cloud = {
      ...sent,
      positions: numbers(sent.positions, Float32Array), codes: numbers(sent.codes, Uint16Array),
      ink: rgb(sent.text),
    };
    const colours = cloud.palette.map(rgb);
    [cloud.red, cloud.green, cloud.blue] = [0, 1, 2].map((part) => Uint8Array.from(colours, (c) => c[part]));
    cloud.off = new Uint8Array(cloud.palette.length);
    cards = new Map();
    sx = new Float32Array(cloud.n);
    sy = new Float32Array(cloud.n);
    depth = new Float32Array(cloud.n);
    sorted = new Uint32Array(cloud.n);
    if (!same) {
      frame = sent.frame;
      fitted = false;
      if (three()) view.rotation = turn(turn([1, 0, 0, 0, 1, 0, 0, 0, 1], 0.5, 0), 0, 0.35);
    }
    const choices = three() ? ["lasso", "rotate", "pan"] : ["lasso", "pan"];
    if (!choices.includes(mode)) mode = "lasso";
    if (!same && three()) mode = "rotate";
    tools.replaceChildren(...[...choices, "whole"].map(tool));
    picture.setAttribute("aria-label", `${cloud.n.toLocaleString("en")} points, ${cloud.axis}`);
    labels.textContent = three() ? `${cloud.axis} 1, 2 and 3` : `→ ${cloud.axis} 1   ↑ ${cloud.axis} 2`;
    canvas.classList.remove("dx-cloud-empty");
    foot.hidden = cloud.frames.length < 2;
    slider.max = cloud.frames.length - 1;
    slider.value = Math.round(frame);
    tellFrame();
  };
  let fitted = false;

  const takeMarks = () => {
    const sent = model.get("marks");
    if (!sent?.chosen || !cloud) return;
    marks = {
      chosen: numbers(sent.chosen, Uint32Array), current: sent.current,
      starred: numbers(sent.starred, Uint32Array),
    };
    is = new Uint8Array(cloud.n);
    for (const i of marks.chosen) is[i] |= 1;
    for (const i of marks.starred) is[i] |= 2;
    cloud.off.fill(0);
    for (const code of sent.hidden) cloud.off[code] = 1;
  };

  const measure = (wide) => {
    if (wide === width && cloud.height === height && dpr === (devicePixelRatio || 1) && image) return;
    [width, height, dpr] = [wide, cloud.height, devicePixelRatio || 1];
    for (const one of [picture, over]) {
      one.width = Math.round(width * dpr);
      one.height = Math.round(height * dpr);
      one.style.width = `${width}px`;
      one.style.height = `${height}px`;
    }
    pad = Math.ceil(24 * dpr);
    across = picture.width + 2 * pad;
    image = new ImageData(across, picture.height + 2 * pad);
    pixels = new Int32Array(image.data.buffer);
    owner = new Uint32Array(pixels.length);
    fitted = fitted && zoomed;
  };
  let zoomed = false; // by a person: a window that is drawn wider keeps that

  const draw = (wide) => {
    takeCloud();
    if (!cloud) return 0;
    takeMarks();
    back = ground(host);
    measure(wide);
    makeStamps();
    if (!fitted) {
      fit();
      fitted = true;
      zoomed = false;
    }
    host.dataset.points = cloud.n;
    paint();
    return cloud.height + (cloud.frames.length > 1 ? 30 : 0);
  };

  const remark = () => {
    takeMarks();
    paint();
  };

  // Of layers, one after the other --------------------------------------------------------------

  const tellFrame = () => {
    shownFrame.textContent = cloud.frames[Math.round(frame)] ?? "";
    play.textContent = moving ? "❚❚" : "▶";
  };
  const sendFrame = settle(250, () => send("frame", { frame: Math.round(frame) }));
  // Who asked for less motion sees one layer, then the next, and nothing between.
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const glide = (target, then) => {
    cancelAnimationFrame(moving);
    const from = frame, began = performance.now();
    const takes = still.matches && !then ? 1 : 350;
    const step = (now) => {
      const part = Math.min(1, Math.max(0, now - began) / takes);
      const way = still.matches ? 0 : part * part * (3 - 2 * part);
      frame = part < 1 ? from + (target - from) * way : target;
      moving = part < 1 || then ? requestAnimationFrame(part < 1 ? step : () => then()) : 0;
      slider.value = Math.round(frame);
      tellFrame();
      paint();
      if (part >= 1) sendFrame();
    };
    moving = requestAnimationFrame(step);
  };
  slider.addEventListener("input", () => glide(Number(slider.value)));
  play.addEventListener("click", () => {
    if (moving) {
      cancelAnimationFrame(moving);
      moving = 0;
      frame = Math.round(frame);
      tellFrame();
      soon();
      return;
    }
    const on = () => (frame < cloud.frames.length - 1
      ? glide(Math.floor(frame) + 1, frame < cloud.frames.length - 2 ? on : undefined)
      : glide(0));
    on();
  });

  // A person acts -------------------------------------------------------------------------------

  const named = {
    lasso: ["Lasso", "Draw about points to choose them; Shift adds, Alt takes away"],
    pan: ["Move", "Drag the map; Ctrl and the wheel zoom"],
    rotate: ["Turn", "Drag to turn"],
    whole: ["Whole", "See all points again"],
  };
  const tool = (name) => {
    const button = document.createElement("button");
    [button.textContent, button.title] = named[name];
    button.className = `dx-cloud-${name}`;
    button.setAttribute("aria-pressed", String(mode === name));
    button.onclick = () => {
      if (name === "whole") {
        zoomed = false;
        fit();
        soon();
      } else {
        mode = name;
        for (const other of tools.children) {
          other.setAttribute("aria-pressed", String(other.textContent === named[mode][0]));
        }
        over.dataset.mode = mode;
      }
    };
    over.dataset.mode = mode;
    return button;
  };

  const turn = (r, yaw, pitch) => {
    const [cy, sy_, cp, sp] = [Math.cos(yaw), Math.sin(yaw), Math.cos(pitch), Math.sin(pitch)];
    const by = [cy, 0, sy_, sp * sy_, cp, -sp * cy, -cp * sy_, sp, cp * cy];
    return Array.from({ length: 9 }, (_, k) => {
      const [row, column] = [3 * Math.floor(k / 3), k % 3];
      return by[row] * r[column] + by[row + 1] * r[3 + column] + by[row + 2] * r[6 + column];
    });
  };

  const pick = ([x, y], reach = 5) => {
    // The nearest pixel that belongs to a point: a small one need not be hit in the middle.
    const [px, py] = [Math.round(x * dpr) + pad, Math.round(y * dpr) + pad];
    const far = Math.round(reach * dpr);
    let best = INDEX, least = Infinity;
    for (let dy = -far; dy <= far; dy++) {
      for (let dx = -far; dx <= far; dx++) {
        const found = owner[(py + dy) * across + px + dx];
        const gap = dx * dx + dy * dy;
        if (found && gap < least) [best, least] = [found - 1, gap];
      }
    }
    return best;
  };

  const inside = (outline) => {
    const mask = new OffscreenCanvas(width, height);
    const ctx = mask.getContext("2d", { willReadFrequently: true });
    ctx.beginPath();
    for (const [x, y] of outline) ctx.lineTo(x, y);
    ctx.fill();
    const { data } = ctx.getImageData(0, 0, width, height);
    const found = [];
    for (let i = 0; i < cloud.n; i++) {
      const x = Math.round(sx[i] / dpr), y = Math.round(sy[i] / dpr);
      if (x < 0 || y < 0 || x >= width || y >= height || hidden(i)) continue;
      if (data[4 * (y * width + x) + 3] > 127) found.push(i);
    }
    return found;
  };

  const choose = (found, event) => {
    let next = found;
    if (event.shiftKey) next = [...new Set([...marks.chosen, ...found])].sort((a, b) => a - b);
    if (event.altKey) {
      const gone = new Set(found);
      next = [...marks.chosen].filter((i) => !gone.has(i));
    }
    // At once here; the kernel says the same in a moment.
    for (const i of marks.chosen) is[i] &= 2;
    marks.chosen = Uint32Array.from(next);
    for (const i of marks.chosen) is[i] |= 1;
    soon();
    send("chosen", { points: next });
  };

  const at = (event) => {
    const box = over.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };

  over.addEventListener("pointerdown", (event) => {
    if (!cloud || event.button) return;
    over.setPointerCapture(event.pointerId);
    drag = { from: at(event), last: at(event), moved: false };
    unhover();
  });
  over.addEventListener("pointermove", (event) => {
    if (!cloud) return;
    const here = at(event);
    if (!drag) {
      hover(here);
      return;
    }
    drag.moved ||= Math.hypot(here[0] - drag.from[0], here[1] - drag.from[1]) > 4;
    if (!drag.moved) return;
    const [dx, dy] = [here[0] - drag.last[0], here[1] - drag.last[1]];
    drag.last = here;
    if (mode === "lasso") {
      lasso ??= [drag.from];
      lasso.push(here);
      cover();
    } else if (mode === "rotate") {
      view.rotation = turn(view.rotation, dx / 120, dy / 120);
      soon();
    } else {
      shift(dx, dy);
    }
  });
  const shift = (dx, dy) => {
    zoomed = true;
    const r = view.rotation, s = view.scale;
    if (three()) { // the plane of the screen, in the coordinates of the points
      view.x -= (r[0] * dx - r[3] * dy) / s;
      view.y -= (r[1] * dx - r[4] * dy) / s;
      view.z -= (r[2] * dx - r[5] * dy) / s;
    } else {
      view.x -= dx / s;
      view.y += dy / s;
    }
    soon();
  };
  const release = (event) => {
    if (!drag) return;
    const was = drag;
    drag = null;
    if (lasso) {
      const outline = lasso;
      lasso = null;
      choose(inside(outline), event);
    } else if (!was.moved) {
      const found = pick(was.from);
      if (found !== INDEX) send("click", { data: found, shift: event.shiftKey });
    }
  };
  over.addEventListener("pointerup", release);
  over.addEventListener("pointercancel", () => {
    drag = lasso = null;
    soon();
  });
  over.addEventListener("dblclick", (event) => {
    if (!cloud || pick(at(event)) !== INDEX) return;
    zoomed = false;
    fit();
    soon();
    send("deselect", {});
  });
  const zoom = (factor, [x, y]) => {
    zoomed = true;
    const [dx, dy] = [x - width / 2, y - height / 2];
    shift(-dx, -dy); // what is under the pointer stays there
    view.scale *= factor;
    shift(dx, dy);
  };
  over.addEventListener("wheel", (event) => {
    // The page scrolls under a map that is only passed over.
    if (!cloud || !(event.ctrlKey || event.metaKey || document.activeElement === host)) return;
    event.preventDefault();
    zoom(Math.exp(-event.deltaY / 400), at(event));
  }, { passive: false });
  over.addEventListener("pointerleave", () => unhover());

  const unhover = () => {
    card.hidden = true;
    if (hovered === INDEX) return;
    hovered = INDEX;
    cover();
  };
  const ask = settle(60, () => {
    if (hovered !== INDEX && !cards.has(hovered)) {
      asking = hovered;
      send("hover", { data: hovered });
    }
  });
  const hover = (here) => {
    const found = pick(here, 3);
    if (found === hovered) return;
    hovered = found;
    if (found === INDEX) {
      card.hidden = true;
    } else {
      showCard();
      ask();
    }
    cover();
  };
  const showCard = () => {
    const html = cards.get(hovered);
    card.hidden = html === undefined;
    if (html === undefined) return;
    card.innerHTML = html; // the kernel escapes what is data
    const [x, y] = [sx[hovered] / dpr, sy[hovered] / dpr];
    card.style.left = x < width / 2 ? `${x + 14}px` : "";
    card.style.right = x < width / 2 ? "" : `${width - x + 14}px`;
    card.style.top = `${Math.max(2, Math.min(y - 20, height - card.offsetHeight - 4))}px`;
  };
  const showTold = ({ point, html }) => {
    cards.set(point, html);
    if (point === hovered) showCard();
  };

  // Scripts and tests find a point by this.
  host.pointPlace = (i) => {
    const box = over.getBoundingClientRect();
    return [box.left + sx[i] / dpr, box.top + sy[i] / dpr];
  };
  const key = (name) => {
    if (!cloud || !"+-0".includes(name)) return false;
    if (name === "0") fit();
    else zoom(name === "+" ? 1.4 : 1 / 1.4, [width / 2, height / 2]);
    zoomed = name !== "0";
    soon();
    return true;
  };
  return { draw, remark, key, card: showTold, get width() { return width; } };
}
