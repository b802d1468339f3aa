// A table of rows: a click on a heading sorts, a click or the arrow keys on a row tell the kernel.
// Text is set as text, never as HTML: names are data.

function render({ model, el }) {
  const box = document.createElement("div");
  box.className = "dx-rows";
  const table = document.createElement("table");
  const head = table.createTHead().insertRow();
  const body = table.createTBody();
  box.append(table);
  el.append(box);
  let by = null; // column sorted by, and which way
  let down = false;

  const digits = (value, column) => {
    if (typeof value !== "number") return value ?? "";
    if (!Number.isFinite(value)) return value > 0 ? "∞" : "–";
    if (column.form === "whole") return value.toLocaleString("en");
    if (column.form === "share") return `${(100 * value).toFixed(value < 0.1 ? 1 : 0)} %`;
    if (column.form === "p") return value < 1e-300 ? "<1e-300" : value < 1e-3 ? value.toExponential(0) : value.toFixed(3);
    return Math.abs(value) >= 1000 ? Math.round(value).toLocaleString("en") : value.toPrecision(3);
  };

  const mark = () => {
    for (const row of body.rows) {
      row.classList.toggle("dx-current", Number(row.dataset.key) === model.get("current"));
    }
  };

  const draw = () => {
    const columns = model.get("columns");
    head.replaceChildren();
    columns.forEach((column, at) => {
      const cell = document.createElement("th");
      const button = document.createElement("button");
      button.textContent = column.label + (by === at ? (down ? " ▾" : " ▴") : "");
      button.title = column.tip ?? `Sort by ${column.label}`;
      button.onclick = () => {
        down = by === at ? !down : column.form !== undefined && column.form !== "p";
        by = at;
        draw();
      };
      if (column.form) cell.className = "dx-number";
      cell.setAttribute("aria-sort", by === at ? (down ? "descending" : "ascending") : "none");
      cell.append(button);
      head.append(cell);
    });
    const rows = model.get("rows").map((cells, at) => ({ cells, key: model.get("row_keys")[at] }));
    if (by !== null) {
      rows.sort((a, b) => {
        const [x, y] = [a.cells[by], b.cells[by]];
        const order = typeof x === "number" && typeof y === "number"
          ? x - y : String(x ?? "").localeCompare(String(y ?? ""));
        return down ? -order : order;
      });
    }
    body.replaceChildren(...rows.map(({ cells, key }) => {
      const row = document.createElement("tr");
      row.dataset.key = key;
      if (model.get("pressable")) row.tabIndex = 0;
      cells.forEach((value, at) => {
        const cell = row.insertCell();
        cell.textContent = digits(value, columns[at]);
        if (columns[at].form) cell.className = "dx-number";
        if (columns[at].mono) cell.classList.add("dx-mono");
      });
      return row;
    }));
    box.classList.toggle("dx-pressable", model.get("pressable"));
    mark();
  };

  const press = (row) => {
    if (row && model.get("pressable")) model.send({ event: "row", key: Number(row.dataset.key) });
  };
  body.addEventListener("click", (event) => press(event.target.closest("tr")));
  body.addEventListener("keydown", (event) => {
    const row = event.target.closest("tr");
    const next = { ArrowDown: row?.nextElementSibling, ArrowUp: row?.previousElementSibling }[event.key];
    if (event.key === "Enter" || event.key === " ") press(row);
    else if (next) { next.focus(); press(next); }
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  const fresh = () => { by = null; draw(); };
  model.on("change:columns", fresh);
  model.on("change:rows", draw);
  model.on("change:row_keys", draw);
  model.on("change:current", mark);
  draw();
  return () => {
    model.off("change:columns", fresh);
    model.off("change:rows", draw);
    model.off("change:row_keys", draw);
    model.off("change:current", mark);
  };
}

export default { render };
