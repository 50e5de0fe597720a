const SVG = "http://www.w3.org/2000/svg";
const FILTERED_ROWS = 8; // tables with more rows have a filter

function make(name, attributes = {}, ...children) {
  const element = name === "circle" || name === "rect" ? document.createElementNS(SVG, name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

function makeSortable(table) {
  const heads = [...table.tHead.rows[0].cells];
  const body = table.tBodies[0];
  const key = (row, column) => {
    const cell = row.cells[column];
    return cell.dataset.sort === undefined ? cell.textContent.trim() : Number(cell.dataset.sort);
  };
  const compare = (a, b) =>
    typeof a === "number" && typeof b === "number" ? a - b
      : typeof a === typeof b ? a.localeCompare(b, "en", { numeric: true })
      : typeof a === "number" ? -1 : 1;
  heads.forEach((head, column) => {
    const button = make("button", { type: "button" }, ...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const rows = [...body.rows].sort((a, b) => compare(key(a, column), key(b, column)));
      body.append(...(down ? rows.reverse() : rows));
    });
  });
}

function makeFilterable(table) {
  const rows = [...table.tBodies[0].rows];
  if (rows.length <= FILTERED_ROWS) return;
  const input = make("input", { type: "search", "aria-label": `Filter rows of ${table.caption.textContent.trim()}` });
  const count = make("output");
  const sums = table.tFoot ? "; sums are of all rows" : "";
  const show = () => {
    const words = input.value.toLowerCase().split(/\s+/);
    for (const row of rows) row.hidden = !words.every((word) => row.textContent.toLowerCase().includes(word));
    const shown = rows.filter((row) => !row.hidden).length;
    count.textContent = shown < rows.length ? `${shown} of ${rows.length} rows${sums}` : `${rows.length} rows`;
  };
  input.addEventListener("input", show);
  show();
  table.parentElement.before(make("div", { class: "filter" }, make("label", {}, "Filter rows ", input), count));
}

const tip = make("div", { id: "tip", "aria-hidden": "true", hidden: "" });
document.body.append(tip);

// A group's text refers to its row's cells as {0}, to the names whose numbers a cell holds as {0*}, to its arm as {*}.
function describe(group, row, names) {
  const cells = row.split("|");
  return group.dataset.text.replace(/\{(\d*)(\*?)\}/g, (_, cell, isName) =>
    !cell ? names[group.dataset.arm]
      : isName ? cells[cell].split(",").map((place) => names[place]).join(`\n${group.dataset.joint} `)
      : cells[cell]);
}

function listPoints(svg, names) {
  return [...svg.querySelectorAll("[data-rows]")].flatMap((group) => {
    const rows = group.dataset.rows.split(";");
    const marks = [...group.querySelectorAll("use")];
    if (rows.length !== marks.length) return [];
    return marks.map((mark, place) => ({
      mark, group, x: mark.x.baseVal.value, y: mark.y.baseVal.value, text: () => describe(group, rows[place], names),
    }));
  });
}

function addPointTooltips(svg, names) {
  const points = listPoints(svg, names);
  if (!points.length) return;
  const ring = make("circle", { class: "ring", r: 5, visibility: "hidden" });
  svg.append(ring);
  const visible = () => points.filter((point) => point.group.style.display !== "none");
  const hide = () => {
    tip.hidden = true;
    ring.setAttribute("visibility", "hidden");
  };
  const show = (point) => {
    ring.setAttribute("cx", point.x);
    ring.setAttribute("cy", point.y);
    ring.setAttribute("visibility", "visible");
    tip.textContent = point.text();
    tip.hidden = false;
    const place = ring.getBoundingClientRect();
    tip.style.left = `${Math.max(8, Math.min(place.right + 6, innerWidth - tip.offsetWidth - 8))}px`;
    const below = place.bottom + 6;
    tip.style.top = `${below + tip.offsetHeight < innerHeight ? below : place.top - tip.offsetHeight - 6}px`;
  };
  const showNearest = (event, reach) => {
    const matrix = svg.getScreenCTM();
    const pointer = new DOMPoint(event.clientX, event.clientY).matrixTransform(matrix.inverse());
    const distance = (point) => Math.hypot(point.x - pointer.x, point.y - pointer.y);
    const nearest = visible().reduce((best, point) => (!best || distance(point) < distance(best) ? point : best), null);
    if (nearest && distance(nearest) * matrix.a < reach) show(nearest);
    else hide();
  };
  svg.addEventListener("pointermove", (event) => showNearest(event, 12));
  svg.addEventListener("pointerleave", hide);
  svg.addEventListener("click", (event) => showNearest(event, 24));

  // One point at a time is reached by the tab key; the arrow keys lead on from it.
  let current = null;
  const choose = (point) => {
    current?.mark.setAttribute("tabindex", -1);
    current = point;
    for (const [key, value] of Object.entries({ tabindex: 0, role: "img", "aria-label": point.text() })) {
      point.mark.setAttribute(key, value);
    }
  };
  const move = (key) => {
    const candidates = visible();
    const place = candidates.indexOf(current);
    if (key === "ArrowRight") return candidates[place + 1];
    if (key === "ArrowLeft") return candidates[place - 1];
    const groups = [...new Set(candidates.map((point) => point.group))];
    const group = groups[groups.indexOf(current.group) + (key === "ArrowDown" ? 1 : -1)];
    const apart = (point) => Math.abs(point.x - current.x);
    return candidates.filter((point) => point.group === group).sort((a, b) => apart(a) - apart(b))[0];
  };
  choose(points[0]);
  svg.addEventListener("keydown", (event) => {
    if (event.key === "Escape") hide();
    if (event.target !== current.mark || !/^Arrow/.test(event.key)) return;
    event.preventDefault();
    const next = move(event.key);
    if (next) {
      choose(next);
      next.mark.focus();
    }
  });
  svg.addEventListener("focusin", (event) => {
    if (event.target === current.mark) show(current);
  });
  svg.addEventListener("focusout", hide);
  svg.addEventListener("arms", () => {
    hide();
    const first = visible()[0];
    if (first && current.group.style.display === "none") choose(first);
  });
}

function makeArmsHide(svg, names) {
  const entries = [...svg.querySelectorAll("[data-legend]")];
  const boxes = entries.map((entry) => entry.getBBox());
  entries.forEach((entry, place) => {
    const { x, y, width, height } = boxes[place];
    const arm = entry.dataset.legend;
    const button = make("rect", {
      class: "entry", x: x - 26, y: y - 1, width: width + 28, height: height + 2, rx: 2,
      role: "button", tabindex: 0, "aria-pressed": "false", "aria-label": `Hide ${names[arm]}`,
    });
    svg.append(button);
    const toggle = () => {
      const isHidden = button.getAttribute("aria-pressed") === "false";
      button.setAttribute("aria-pressed", isHidden);
      for (const part of svg.querySelectorAll("[data-arm]")) {
        if (part.dataset.arm === arm) part.style.display = isHidden ? "none" : "";
      }
      svg.dispatchEvent(new Event("arms"));
    };
    button.addEventListener("click", toggle);
    button.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      toggle();
    });
  });
}

for (const table of document.querySelectorAll("table")) {
  makeSortable(table);
  makeFilterable(table);
}
for (const svg of document.querySelectorAll("figure svg")) {
  const names = svg.querySelector("[data-names]")?.dataset.names.split("\n") ?? [];
  addPointTooltips(svg, names);
  makeArmsHide(svg, names);
}
