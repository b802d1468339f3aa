// What the page does: one sequence, its views, and what they say of it.
const $ = (id) => document.getElementById(id);
const about = JSON.parse($("dx-about").textContent);
const LONGEST = 10000; // bases the page reads
const LONGEST_SCAN = 1000; // bases it mutates
const LONGEST_MAP = 300; // bases of a dependency map

const state = { reading: null, picked: -1, result: null, number: 0, busy: null, pace: 0 };
let engine = null;
const opened = Engine.open(about);

// For other scripts; every call waits until the model is open.
const reading = async (bases) => (await opened).read(Tokenizer.clean(bases));
const never = () => false;
window.dnabert2 = {
  classes: about.classes,
  // Probabilities in the order of `classes`, of one plain forward pass.
  predict: async (bases) => (await opened).predict(bases),
  // Token ids with [CLS] and [SEP].
  tokens: async (bases) => (await reading(bases)).tokens.map((one) => one.id),
  // Attention, (layers, heads, tokens, tokens) as one list.
  attend: async (bases) => Array.from((await reading(bases)).attentions),
  // Changes of a class' logit, (bases, 4) as one list.
  mutate: async (bases, target) => Array.from(await (await opened).mutate(await reading(bases), target, () => {}, never)),
  // What the logit of a class loses where a token is hidden, (tokens).
  occlude: async (bases, target) => Array.from(await (await opened).occlude(await reading(bases), target, () => {}, never)),
  // Nats, (bases, tokens) as one list; NaN where nothing is said.
  depend: async (bases) => Array.from(await (await opened).depend(await reading(bases), () => {}, never)),
};

const said = (words, wrong = false) => {
  $("said").textContent = words;
  $("said").classList.toggle("wrong", wrong);
};
const percent = (x) => `${(100 * x).toFixed(1)}%`;

function element(tag, settings = {}, ...children) {
  const made = Object.assign(document.createElement(tag), settings);
  made.append(...children);
  return made;
}

function drawTokens() {
  const { tokens, bases } = state.reading;
  $("tokens").replaceChildren(...tokens.map((one, i) => {
    const kind = one.end > one.start ? (i % 2 ? "odd" : "even") : "special";
    const made = element("span", { className: `token ${kind}`, textContent: one.text, id: `token-${i}` });
    made.setAttribute("role", "option");
    made.setAttribute("aria-selected", String(i === state.picked));
    made.title = one.end > one.start ? `bases ${one.start + 1} to ${one.end}, id ${one.id}` : `id ${one.id}`;
    if (i === state.picked) made.classList.add("picked");
    made.addEventListener("click", () => pick(i));
    return made;
  }));
  const count = tokens.filter((one) => one.end > one.start).length;
  const unknown = (bases.match(/N/g) ?? []).length;
  const read = tokens.at(-1).end;
  $("tokens-said").textContent = `${read.toLocaleString("en")} bases in ${count.toLocaleString("en")} tokens, `
    + `${(read / count).toFixed(2)} bases a token`
    + (read < bases.length ? `; the other ${(bases.length - read).toLocaleString("en")} are not read: the model was trained on at most ${about.limit} tokens` : "")
    + (unknown ? `; ${unknown} are not A, C, G or T and are read as unknown.` : ".");
}

function pick(i) {
  if (!state.reading) return;
  state.picked = i;
  for (const [k, node] of [...$("tokens").children].entries()) {
    node.classList.toggle("picked", k === i);
    node.setAttribute("aria-selected", String(k === i));
  }
  $("tokens").setAttribute("aria-activedescendant", `token-${i}`);
  $(`token-${i}`)?.scrollIntoView({ block: "nearest" });
  drawAttention();
}

function drawClasses() {
  $("answer").hidden = !about.classes.length;
  if (!about.classes.length) return;
  const chances = engine.probabilities(state.reading.logits);
  $("classes").replaceChildren(...about.classes.map((name, k) => {
    const number = about.regression ? chances[k].toFixed(3) : percent(chances[k]);
    const bar = element("progress", { max: 1, value: about.regression ? 0 : chances[k] });
    bar.setAttribute("aria-label", name);
    return element("div", { className: "class" },
      element("span", { textContent: name }), bar, element("span", { className: "number", textContent: number }));
  }));
}

function drawAttention() {
  const { tokens, attentions } = state.reading;
  const n = tokens.length;
  const size = n * n;
  const start = (Number($("layer").value) * about.heads + Number($("head").value)) * size;
  const map = attentions.subarray(start, start + size);
  const most = drawMap($("attention"), map, n, state.picked);
  let words = `From tokens (down) to tokens (over); ${n} × ${n}, darkest ${most.toFixed(2)}. `;
  if (dark()) words = words.replace("darkest", "brightest");
  if (state.picked >= 0) {
    const row = Array.from(map.subarray(state.picked * n, (state.picked + 1) * n));
    const first = row.map((x, i) => [x, i]).sort((a, b) => b[0] - a[0]).slice(0, 3);
    words += `${tokens[state.picked].text} looks at ${first.map(([x, i]) => `${tokens[i].text}${tokens[i].end > tokens[i].start ? ` (bases ${tokens[i].start + 1}–${tokens[i].end})` : ""} ${percent(x)}`).join(", ")}.`;
  } else words += "Pick a token for its row.";
  $("attention-said").textContent = words;
  $("attention").setAttribute("aria-label", `Attention map. ${words}`);
}

function drawAtlasPlace() {
  const { atlas } = about;
  const moved = state.reading.mean.map((x, i) => x - atlas.mean[i]);
  const place = atlas.axes.map((axis) => axis.reduce((sum, x, i) => sum + x * moved[i], 0));
  drawAtlas($("atlas"), atlas, place);
  const near = atlas.points.map((p, i) => [(p[0] - place[0]) ** 2 + (p[1] - place[1]) ** 2, i])
    .sort((a, b) => a[0] - b[0]).slice(0, 10).map(([, i]) => atlas.labels[atlas.label[i]]);
  const counts = Object.entries(near.reduce((c, x) => ({ ...c, [x]: (c[x] ?? 0) + 1 }), {})).sort((a, b) => b[1] - a[1]);
  $("atlas-said").textContent = `The cross: this sequence among ${atlas.points.length} windows of 1,000 bp, on the first two principal components `
    + `(${atlas.share.map(percent).join(" and ")} of the variance) of the last layer's mean over tokens. Nearest ten on the plane: `
    + `${counts.map(([label, c]) => `${c} ${label}`).join(", ")}. Lengths and GC content move a sequence too: near does not mean related.`;
  $("atlas").setAttribute("aria-label", $("atlas-said").textContent);
}

function perBase(reading, tokenScores) {
  const values = new Float64Array(reading.bases.length);
  reading.tokens.forEach((one, t) => {
    for (let i = one.start; i < one.end; i += 1) values[i] = tokenScores[t] / (one.end - one.start);
  });
  return values;
}

function fillTable(head, rows) {
  const most = 400;
  const line = (cells, tag) => element("tr", {}, ...cells.map((x) => element(tag, { textContent: x })));
  $("table").replaceChildren(element("table", {},
    element("thead", {}, line(head, "th")), element("tbody", {}, ...rows.slice(0, most).map((row) => line(row, "td")))));
  if (rows.length > most) $("table").append(element("p", { textContent: `The first ${most} of ${rows.length} rows.` }));
}

function drawResult() {
  const { result, reading } = state;
  const canvas = $("scores"), side = $("scale");
  sheet(side, 0, 0);
  let wide = false;
  $("table").replaceChildren();
  if (!result || result.reading !== reading) {
    sheet(canvas, 10, 10);
    canvas.setAttribute("aria-label", "No scores yet");
    return;
  }
  const name = about.classes[result.target];
  const { bases } = reading;
  let words = "";
  if (result.kind === "occlude") {
    wide = drawScores(canvas, side, bases, perBase(reading, result.values), null);
    const best = [...result.values].map((x, t) => [x, t]).sort((a, b) => b[0] - a[0]).slice(0, 3).map(([x, t]) => `${reading.tokens[t].text} ${x.toFixed(2)}`);
    words = `What the logit of “${name}” loses where a token is hidden by [MASK], spread evenly over its bases. Most: ${best.join(", ")}.`;
    fillTable(["token", "bases", "logit lost"], reading.tokens.map((one, t) => [one.text, one.end > one.start ? `${one.start + 1}–${one.end}` : "", result.values[t].toFixed(4)]).filter((row) => row[1]));
  } else if (result.kind === "mutate") {
    const letters = Float64Array.from(bases, (_, i) => -(result.values[4 * i] + result.values[4 * i + 1] + result.values[4 * i + 2] + result.values[4 * i + 3]) / 3);
    wide = drawScores(canvas, side, bases, letters, result.values);
    const best = [...letters].map((x, i) => [x, i]).sort((a, b) => b[0] - a[0]).slice(0, 5).map(([x, i]) => `${bases[i]}${i + 1} ${x.toFixed(2)}`);
    words = `Every base by every other: the change of the logit of “${name}” (below: orange up, blue down; a dot is the base that stands), and its mean with the sign turned (letters). Most: ${best.join(", ")}. An untrained network draws pictures too: ask whether the model is any good first.`;
    fillTable(["base", "position", "A", "C", "G", "T"], [...bases].map((base, i) => [base, i + 1, ...[0, 1, 2, 3].map((k) => ("ACGT"[k] === base ? "·" : result.values[4 * i + k].toFixed(3)))]));
  } else {
    const most = drawDependencies(canvas, reading, result.values);
    words = `From a base (down) to tokens (over): the largest symmetrised KL divergence, over the base's three substitutions, of what the model predicts there; strongest ${most.toFixed(2)} nats. Grey: no substitution leaves the token as it is.`;
    fillTable(["position", "token that depends most", "nats"], [...bases].map((_, i) => {
      let best = -1;
      reading.tokens.forEach((one, t) => {
        const value = result.values[i * reading.tokens.length + t];
        if (!(one.start <= i && i < one.end) && (best < 0 ? !Number.isNaN(value) : value > result.values[i * reading.tokens.length + best])) best = t;
      });
      return [`${bases[i]}${i + 1}`, best < 0 ? "" : reading.tokens[best].text, best < 0 ? "" : result.values[i * reading.tokens.length + best].toFixed(3)];
    }));
  }
  if (wide) words += " The picture is wider than the page: scroll it, or move it with the arrow keys.";
  $("why-said").textContent = words;
  canvas.setAttribute("aria-label", words);
}

function offers() {
  const { reading } = state;
  const n = reading ? reading.bases.length : 0;
  const seconds = (passes) => {
    const s = passes * state.pace;
    return !state.pace ? "…" : s < 1 ? "less than a second" : `about ${s < 10 ? s.toFixed(0) : Math.round(s / 5) * 5} s`;
  };
  const busy = state.busy !== null;
  $("occlude").disabled = busy || !about.classes.length || n > LONGEST_SCAN;
  $("mutate").disabled = busy || !about.classes.length || n > LONGEST_SCAN;
  $("depend").disabled = busy || !about.masked || n > LONGEST_MAP;
  for (const id of ["occlude", "mutate"]) $(id).hidden = !about.classes.length;
  $("target").parentElement.hidden = !about.classes.length;
  $("depend").hidden = !about.masked;
  if (reading) {
    const tokens = reading.tokens.length;
    $("occlude").textContent = `Occlusion (${tokens} passes, ${seconds(tokens)})`;
    $("mutate").textContent = `Saturation mutagenesis (${3 * n} passes, ${seconds(3 * n)})`;
    $("depend").textContent = `Dependency map (${3 * n} passes, ${seconds(3 * n * 2)})`;
  }
  const tooLong = about.classes.length ? (n > LONGEST_SCAN ? `Scores are offered up to ${LONGEST_SCAN} bases: paste a shorter stretch.` : "")
    : (n > LONGEST_MAP ? `A dependency map is offered up to ${LONGEST_MAP} bases: paste a shorter stretch.` : "");
  if (!state.result || state.result.reading !== reading) $("why-said").textContent = tooLong || "Nothing is asked yet: choose a question above.";
}

async function ask(kind) {
  const { reading } = state;
  const job = { stop: false };
  state.busy = job;
  $("stop").hidden = false;
  $("progress").hidden = false;
  offers();
  const progress = (share) => { $("progress").value = share; };
  const stopped = () => job.stop || state.reading !== reading;
  const target = Number($("target").value || 0);
  try {
    const values = kind === "depend" ? await engine.depend(reading, progress, stopped)
      : await engine[kind](reading, target, progress, stopped);
    state.result = { kind, values, target, reading };
  } catch (error) {
    if (!(error instanceof Stopped)) said(error.message, true);
  } finally {
    state.busy = null;
    $("stop").hidden = true;
    $("progress").hidden = true;
    if (state.reading) { offers(); drawResult(); }
  }
}

// Seconds a pass in a batch, so that costs are said before they are paid.
async function measurePace(now) {
  if (!about.outputs.includes("logits")) return;
  await breathe();
  const rows = Array.from({ length: 8 }, () => now.tokens.map((one) => one.id));
  const begun = performance.now();
  await engine.many(rows, () => {}, () => {}, never);
  if (state.reading !== now) return;
  state.pace = (performance.now() - begun) / 8000;
  offers();
}

async function look(text) {
  state.number += 1;
  const { number } = state;
  try {
    const bases = Tokenizer.clean(text);
    if (bases.length > LONGEST) throw new Error(`This page reads up to ${LONGEST.toLocaleString("en")} bases; these are ${bases.length.toLocaleString("en")}.`);
    const reading = await engine.read(bases);
    if (number !== state.number) return;
    state.reading = reading;
    state.picked = -1;
    const [low, high] = about.lengths ?? [0, Infinity];
    const far = about.classes.length && (bases.length < low * 0.8 || bases.length > high * 1.2);
    said(far ? `The model was trained on ${low === high ? low : `${low} to ${high}`} bases: its answer for ${bases.length} is a guess.` : "", far);
    drawTokens();
    drawClasses();
    drawAttention();
    drawAtlasPlace();
    offers();
    drawResult();
    await measurePace(reading);
  } catch (error) {
    if (number === state.number) said(error.message, true);
  }
}

function option(value, text) { return element("option", { value, textContent: text }); }

async function start() {
  $("name").textContent = about.name;
  $("example").append(...about.examples.map((one, i) => option(i, `${one.label ? `${one.label}: ` : ""}${one.name}`)), option("", "my own"));
  $("layer").append(...Array.from({ length: about.layers }, (_, i) => option(i, i + 1)));
  $("layer").value = about.layers - 1;
  $("head").append(...Array.from({ length: about.heads }, (_, i) => option(i, i + 1)));
  $("target").append(...about.classes.map((name, i) => option(i, name)));
  $("foot").textContent = `Computed in this file by this browser (onnxruntime-web ${about.versions["onnxruntime-web"]}, WebAssembly, one thread, float32); nothing is sent anywhere. `
    + `Made by dnabert2_explore ${about.versions.dnabert2_explore}; weights sha256 ${about.sha256.slice(0, 16)}.`;
  try {
    engine = await opened;
  } catch (error) {
    $("about").textContent = `The model cannot be opened in this browser (${error.message}): a current Firefox, Chrome, Edge or Safari can.`;
    return;
  }
  $("about").textContent = about.info.replace(`${about.name} · `, "");
  let waiting = 0;
  $("bases").addEventListener("input", () => {
    $("example").value = "";
    clearTimeout(waiting);
    waiting = setTimeout(() => look($("bases").value), 250);
  });
  $("example").addEventListener("change", () => {
    const one = about.examples[$("example").value];
    if (!one) return;
    $("bases").value = one.bases;
    if (about.classes.includes(one.label)) $("target").value = about.classes.indexOf(one.label);
    look(one.bases);
  });
  $("mirror").addEventListener("click", () => {
    try {
      $("bases").value = Tokenizer.reverseComplement(Tokenizer.clean($("bases").value));
      $("example").value = "";
      look($("bases").value);
    } catch (error) { said(error.message, true); }
  });
  $("tokens").addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: 10, ArrowUp: -10 }[event.key];
    if (!step || !state.reading) return;
    event.preventDefault();
    pick(Math.max(0, Math.min(state.reading.tokens.length - 1, state.picked + step)));
  });
  $("layer").addEventListener("change", drawAttention);
  $("head").addEventListener("change", drawAttention);
  for (const kind of ["occlude", "mutate", "depend"]) $(kind).addEventListener("click", () => ask(kind));
  $("stop").addEventListener("click", () => { if (state.busy) state.busy.stop = true; });
  const again = () => { if (state.reading) { drawAttention(); drawAtlasPlace(); drawResult(); } };
  addEventListener("resize", again);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  $("example").value = 0;
  $("example").dispatchEvent(new Event("change"));
}

start();
