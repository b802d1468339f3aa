// Motifs as cards: a press on one tells the kernel. Words are set as text, never as HTML; the
// logos are SVG that the package draws itself.

function render({ model, el }) {
  const box = document.createElement("div");
  box.className = "dx-logos";
  el.append(box);

  const mark = () => {
    [...box.children].forEach((card, at) => {
      card.setAttribute("aria-current", String(at === model.get("current")));
    });
  };
  const draw = () => {
    box.replaceChildren(...model.get("cards").map(({ svg, lines }, at) => {
      const card = document.createElement("button");
      card.className = "dx-motif-card";
      card.title = "See it in the next chosen sequence that holds it";
      card.innerHTML = svg;
      const words = document.createElement("span");
      lines.forEach((line, i) => words.append(...(i ? [document.createElement("br"), line] : [line])));
      card.append(words);
      card.onclick = () => model.send({ event: "card", key: at });
      return card;
    }));
    mark();
  };
  model.on("change:cards", draw);
  model.on("change:current", mark);
  draw();
  return () => {
    model.off("change:cards", draw);
    model.off("change:current", mark);
  };
}

export default { render };
