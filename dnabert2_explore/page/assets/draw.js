// Pictures on canvases, sharp on any screen, in colours that colour-blind people tell apart.
const dark = () => matchMedia("(prefers-color-scheme: dark)").matches;
const ink = () => (dark() ? "#e6edf3" : "#1b1f24");
const BASE_COLOURS = { A: "#009e73", C: "#0072b2", G: "#e69f00", T: "#d55e00", N: "#888888" };
const CLASS_COLOURS = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#888888"];

function sheet(canvas, width, height) {
  const scale = globalThis.devicePixelRatio || 1;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const pen = canvas.getContext("2d");
  pen.scale(scale, scale);
  pen.font = "11px system-ui, sans-serif";
  pen.fillStyle = ink();
  return pen;
}

// From nothing (paper) to most (ink of the scale); t in [0, 1].
function rising(t) {
  const x = Math.max(0, Math.min(1, t));
  const [from, to] = dark() ? [[22, 27, 34], [255, 200, 110]] : [[255, 255, 255], [8, 60, 120]];
  return `rgb(${from.map((a, i) => Math.round(a + (to[i] - a) * Math.sqrt(x))).join(",")})`;
}

// Above zero orange, below it blue; t in [-1, 1].
function diverging(t) {
  const x = Math.max(-1, Math.min(1, t));
  const middle = dark() ? [34, 39, 46] : [250, 250, 250];
  const end = x > 0 ? [213, 94, 0] : (dark() ? [86, 180, 233] : [0, 90, 170]);
  return `rgb(${middle.map((a, i) => Math.round(a + (end[i] - a) * Math.abs(x))).join(",")})`;
}

// A square map, pooled by maximum where it has more cells than pixels.
function drawMap(canvas, values, n, picked) {
  const size = Math.min(canvas.parentElement.clientWidth - 26, 380);
  const pen = sheet(canvas, size, size);
  const cells = Math.min(n, Math.floor(size));
  let most = 1e-9;
  const pooled = new Float64Array(cells * cells);
  for (let i = 0; i < n; i += 1) {
    for (let j = 0; j < n; j += 1) {
      const at = Math.floor((i * cells) / n) * cells + Math.floor((j * cells) / n);
      const value = values[i * n + j];
      if (value > pooled[at]) pooled[at] = value;
      if (value > most) most = value;
    }
  }
  const step = size / cells;
  for (let i = 0; i < cells; i += 1) {
    for (let j = 0; j < cells; j += 1) {
      pen.fillStyle = rising(pooled[i * cells + j] / most);
      pen.fillRect(j * step, i * step, Math.ceil(step), Math.ceil(step));
    }
  }
  if (picked >= 0) {
    pen.strokeStyle = dark() ? "#ffffff" : "#d55e00";
    pen.lineWidth = 1.5;
    pen.strokeRect(0, (picked * size) / n, size, Math.max(size / n, 2));
  }
  return most;
}

const LEFT = 34;

// Scores of bases as letters above and below a line, and mutants as a map of four rows below. What
// the rows are stands on a canvas of its own, which stays where it is when the picture scrolls.
function drawScores(canvas, side, bases, letters, changes) {
  const fits = Math.floor((canvas.parentElement.clientWidth - LEFT - 12) / bases.length);
  const cell = fits < 6 ? 9 : Math.min(16, fits);
  const height = 120, whole = height + 18 + (changes ? 4 * 14 + 6 : 0);
  const pen = sheet(canvas, cell * bases.length + 12, whole);
  const scales = sheet(side, LEFT, whole);
  const low = Math.min(0, ...letters);
  const high = Math.max(0, ...letters, 1e-9);
  const scale = (height - 8) / (high - low);
  const zero = 4 + high * scale;
  scales.textAlign = "right";
  scales.fillText(high.toPrecision(2), LEFT - 4, 12);
  if (low < 0) scales.fillText(low.toPrecision(2), LEFT - 4, height);
  pen.strokeStyle = ink();
  pen.beginPath();
  pen.moveTo(0, zero);
  pen.lineTo(cell * bases.length, zero);
  pen.stroke();
  pen.textAlign = "center";
  for (let i = 0; i < bases.length; i += 1) {
    const tall = letters[i] * scale;
    const x = cell * (i + 0.5);
    if (Math.abs(tall) > 1.5) {
      pen.save();
      pen.fillStyle = BASE_COLOURS[bases[i]];
      pen.translate(x, zero - (tall > 0 ? 0 : -Math.abs(tall)));
      pen.scale(cell / 9.5, Math.abs(tall) / 8.2);
      pen.font = "bold 11px ui-monospace, monospace";
      pen.fillText(bases[i], 0, 0);
      pen.restore();
    }
    if (i % 10 === 9) pen.fillText(String(i + 1), x, height + 14);
  }
  if (changes) {
    const top = height + 20;
    const largest = Math.max(1e-9, ...Array.from(changes, Math.abs));
    for (let k = 0; k < 4; k += 1) {
      scales.fillText("ACGT"[k], LEFT - 6, top + 14 * k + 11);
      for (let i = 0; i < bases.length; i += 1) {
        const x = cell * i;
        if ("ACGT"[k] === bases[i]) {
          pen.fillStyle = ink();
          pen.fillRect(x + cell / 2 - 1, top + 14 * k + 6, 2, 2);
        } else {
          pen.fillStyle = diverging(changes[4 * i + k] / largest);
          pen.fillRect(x, top + 14 * k, cell - 0.5, 13.5);
        }
      }
    }
  }
  // Where the picture is wider than the screen, the strongest letter is in sight.
  const strongest = letters.reduce((best, x, i) => (Math.abs(x) > Math.abs(letters[best]) ? i : best), 0);
  const frame = canvas.parentElement;
  frame.scrollLeft = LEFT + cell * strongest - frame.clientWidth / 2;
  return LEFT + cell * bases.length + 12 > frame.clientWidth;
}

// Bases down, tokens over: which tokens' predictions depend on which bases.
function drawDependencies(canvas, reading, values) {
  const { bases, tokens } = reading;
  const width = Math.min(canvas.parentElement.clientWidth - 8, 640);
  const size = Math.max(200, width - LEFT);
  const pen = sheet(canvas, LEFT + size, size + 18);
  const most = values.reduce((a, x) => (x > a ? x : a), 1e-9);
  const step = size / bases.length;
  for (let i = 0; i < bases.length; i += 1) {
    tokens.forEach((one, t) => {
      const value = values[i * tokens.length + t];
      if (one.end <= one.start) return;
      pen.fillStyle = Number.isNaN(value) ? (dark() ? "#30363d" : "#d8dce1") : rising(value / most);
      pen.fillRect(LEFT + one.start * step, i * step, Math.ceil((one.end - one.start) * step), Math.ceil(step));
    });
  }
  pen.fillStyle = ink();
  pen.textAlign = "right";
  for (let i = 9; i < bases.length; i += 10) pen.fillText(String(i + 1), LEFT - 4, (i + 0.5) * step + 4);
  pen.textAlign = "center";
  for (let i = 19; i < bases.length; i += 20) pen.fillText(String(i + 1), LEFT + (i + 0.5) * step, size + 14);
  return most;
}

function drawAtlas(canvas, atlas, place) {
  const width = Math.min(canvas.parentElement.clientWidth - 26, 380);
  const pen = sheet(canvas, width, width * 0.86);
  const height = width * 0.86 - 44;
  const all = place ? [...atlas.points, place] : atlas.points;
  const ranges = [0, 1].map((k) => [Math.min(...all.map((p) => p[k])), Math.max(...all.map((p) => p[k]))]);
  const at = (p) => [
    8 + ((p[0] - ranges[0][0]) / (ranges[0][1] - ranges[0][0])) * (width - 16),
    8 + (1 - (p[1] - ranges[1][0]) / (ranges[1][1] - ranges[1][0])) * (height - 16),
  ];
  atlas.points.forEach((point, i) => {
    const [x, y] = at(point);
    pen.fillStyle = CLASS_COLOURS[atlas.label[i] % CLASS_COLOURS.length];
    pen.globalAlpha = 0.7;
    pen.beginPath();
    pen.arc(x, y, 3, 0, 7);
    pen.fill();
  });
  pen.globalAlpha = 1;
  if (place) {
    const [x, y] = at(place);
    pen.strokeStyle = ink();
    pen.lineWidth = 2.5;
    pen.beginPath();
    pen.arc(x, y, 8, 0, 7);
    pen.moveTo(x - 13, y);
    pen.lineTo(x + 13, y);
    pen.moveTo(x, y - 13);
    pen.lineTo(x, y + 13);
    pen.stroke();
  }
  pen.textAlign = "left";
  let x = 8;
  let y = height + 14;
  atlas.labels.forEach((label, k) => {
    const wide = pen.measureText(label).width + 22;
    if (x + wide > width) { x = 8; y += 15; }
    pen.fillStyle = CLASS_COLOURS[k % CLASS_COLOURS.length];
    pen.fillRect(x, y - 8, 9, 9);
    pen.fillStyle = ink();
    pen.fillText(label, x + 13, y);
    x += wide;
  });
}
