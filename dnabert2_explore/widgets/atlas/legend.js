// Classes as buttons: a press hides one or shows it again, Shift or a double press leaves it alone.
// Names are set as text, never as HTML.

const SVG = "http://www.w3.org/2000/svg";

function marker(shape, colour) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 12 12");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", shape);
  path.setAttribute("fill", colour);
  svg.append(path);
  return svg;
}

function hint(text) {
  const span = document.createElement("span");
  span.className = "dx-hint";
  span.textContent = text;
  return span;
}

function render({ model, el }) {
  const box = document.createElement("div");
  box.className = "dx-legend-line";
  el.append(box);

  const hide = (names) => {
    model.set("hidden", names);
    model.save_changes();
  };
  const alone = (name) => {
    const others = model.get("entries").map((one) => one.name).filter((one) => one !== name);
    const already = others.every((one) => model.get("hidden").includes(one));
    hide(already ? [] : others);
  };
  const press = (name, event) => {
    const hidden = model.get("hidden");
    if (event.shiftKey) alone(name);
    else hide(hidden.includes(name) ? hidden.filter((one) => one !== name) : [...hidden, name]);
  };

  const draw = () => {
    const hidden = new Set(model.get("hidden"));
    const entries = model.get("entries");
    const parts = entries.map((entry) => {
      const button = document.createElement("button");
      button.className = "dx-legend-class";
      button.setAttribute("aria-pressed", String(!hidden.has(entry.name)));
      button.title = "Press to hide or show; with Shift to see this class alone";
      button.append(marker(entry.shape, entry.colour), entry.name, " ", hint(entry.n.toLocaleString("en")));
      button.onclick = (event) => press(entry.name, event);
      return button;
    });
    if (hidden.size) {
      const all = document.createElement("button");
      all.className = "dx-legend-all";
      all.textContent = "Show all";
      all.onclick = () => hide([]);
      parts.push(all);
    }
    if (model.get("more")) parts.push(hint(`and ${model.get("more").toLocaleString("en")} classes more`));
    const scale = model.get("scale");
    if (scale.colours) {
      const bar = document.createElement("span");
      bar.className = "dx-legend-scale";
      bar.style.background = `linear-gradient(to right, ${scale.colours.join(", ")})`;
      const digits = (value) => value.toLocaleString("en", { maximumSignificantDigits: 4 });
      parts.push(hint(scale.field), hint(digits(scale.low)), bar, hint(digits(scale.high)));
    }
    const note = model.get("note");
    if (note) {
      const span = document.createElement("span");
      const ring = marker("M1 6a5 5 0 1 0 10 0a5 5 0 1 0 -10 0Z", "none");
      ring.firstChild.setAttribute("stroke", "currentColor");
      ring.firstChild.setAttribute("stroke-width", "1.5");
      span.append(ring, note);
      parts.push(span);
    }
    const held = document.activeElement?.closest?.(".dx-legend-line") === box
      ? [...box.children].indexOf(document.activeElement) : -1;
    box.replaceChildren(...parts);
    box.children[held]?.focus?.();
  };
  model.on("change:entries change:hidden change:scale change:note change:more", draw);
  draw();
  return () => model.off("change:entries change:hidden change:scale change:note change:more", draw);
}

export default { render };
