"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const state = { at: null, kept: null, hidden: new Set() };

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function className(i) {
  return data.labels[i] >= 0 ? data.classes[data.labels[i]] : "";
}

function thumb(i, kind) {
  const made = element("span", "thumb " + kind);
  made.title = data.names[i] + (className(i) ? ", " + className(i) : "");
  if (data.sprite) {
    const column = i % data.columns, row = Math.floor(i / data.columns), side = 40;
    const rows = Math.ceil(data.labels.length / data.columns);
    made.style.backgroundImage = "url(" + data.sprite + ")";
    made.style.backgroundSize = data.columns * side + "px " + rows * side + "px";
    made.style.backgroundPosition = -column * side + "px " + -row * side + "px";
  } else {
    made.textContent = className(i) || data.names[i];
  }
  return made;
}

function strip(encoder, i) {
  const line = element("div", "strip");
  line.append(element("b", "", data.encoders[encoder]), thumb(i, "self"));
  for (const other of data.neighbors[encoder][i]) {
    line.append(thumb(other, data.labels[other] === data.labels[i] ? "" : "miss"));
  }
  return line;
}

function strips(i) {
  const made = element("div", "case");
  made.append(element("div", "note", data.names[i] + (className(i) ? " (" + className(i) + ")" : "") + " and its nearest neighbours"));
  data.encoders.forEach((_, encoder) => made.append(strip(encoder, i)));
  return made;
}

const canvases = [];

function place(canvas, point) {
  const edge = 12, room = canvas.width - 2 * edge;
  return [edge + point[0] * room, edge + (1 - point[1]) * room];
}

function dot(context, x, y, radius, color) {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fillStyle = color;
  context.fill();
}

function draw(encoder) {
  const canvas = canvases[encoder], context = canvas.getContext("2d"), points = data.points[encoder];
  const radius = Math.max(2.2, Math.min(6, 90 / Math.sqrt(points.length)));
  context.clearRect(0, 0, canvas.width, canvas.height);
  points.forEach((point, i) => {
    if (state.hidden.has(data.labels[i])) return;
    context.globalAlpha = 0.8;
    dot(context, ...place(canvas, point), radius, data.colors[Math.max(0, data.labels[i])]);
  });
  context.globalAlpha = 1;
  if (state.at === null) return;
  const here = place(canvas, points[state.at]);
  context.lineWidth = 1.5;
  for (const other of data.neighbors[encoder][state.at]) {
    const there = place(canvas, points[other]);
    context.strokeStyle = "#1c2330";
    context.beginPath();
    context.moveTo(...here);
    context.lineTo(...there);
    context.stroke();
    dot(context, ...there, radius + 1, data.colors[Math.max(0, data.labels[other])]);
  }
  dot(context, ...here, radius + 5, "#1c2330");
  dot(context, ...here, radius + 2, data.colors[Math.max(0, data.labels[state.at])]);
}

function show(i) {
  state.at = i;
  canvases.forEach((_, encoder) => draw(encoder));
  const detail = document.getElementById("detail");
  detail.replaceChildren();
  if (i !== null) detail.append(strips(i));
}

function nearestPoint(encoder, event) {
  const canvas = canvases[encoder], box = canvas.getBoundingClientRect(), scale = canvas.width / box.width;
  const x = (event.clientX - box.left) * scale, y = (event.clientY - box.top) * scale;
  let best = null, least = 400;
  data.points[encoder].forEach((point, i) => {
    if (state.hidden.has(data.labels[i])) return;
    const [px, py] = place(canvas, point), distance = (px - x) ** 2 + (py - y) ** 2;
    if (distance < least) { least = distance; best = i; }
  });
  return best;
}

function makeMaps() {
  data.encoders.forEach((name, encoder) => {
    const box = element("div", "map"), canvas = element("canvas");
    const [trust, continuity, kept, k] = data.trust[encoder];
    canvas.width = canvas.height = 760;
    box.append(element("h3", "", name), canvas,
      element("div", "note", "trustworthiness " + trust.toFixed(2) + ", continuity " + continuity.toFixed(2) + ", " + Math.round(100 * kept) + " % of the " + k + " nearest neighbours kept"));
    document.getElementById("maps").append(box);
    canvases.push(canvas);
    canvas.addEventListener("mousemove", (event) => { if (state.kept === null) show(nearestPoint(encoder, event)); });
    canvas.addEventListener("mouseleave", () => { if (state.kept === null) show(null); });
    canvas.addEventListener("click", (event) => {
      const found = nearestPoint(encoder, event);
      state.kept = state.kept === found ? null : found;
      show(found);
    });
  });
  canvases.forEach((_, encoder) => draw(encoder));
}

function makeLegend() {
  data.classes.forEach((name, label) => {
    const entry = element("span"), color = element("i");
    color.style.background = data.colors[label];
    entry.append(color, document.createTextNode(name));
    entry.addEventListener("click", () => {
      state.hidden.has(label) ? state.hidden.delete(label) : state.hidden.add(label);
      entry.classList.toggle("off");
      canvases.forEach((_, encoder) => draw(encoder));
    });
    document.getElementById("legend").append(entry);
  });
}

function makeSortable(table) {
  table.querySelectorAll("thead th").forEach((head, column) => head.addEventListener("click", () => {
    const body = table.tBodies[0], rows = [...body.rows];
    const value = (row) => row.cells[column].textContent.replace(/,/g, "");
    const number = (row) => parseFloat(value(row));
    const up = head.dataset.up !== "true";
    head.dataset.up = up;
    rows.sort((a, b) => (isNaN(number(a)) || isNaN(number(b)) ? value(a).localeCompare(value(b)) : number(a) - number(b)));
    body.append(...(up ? rows : rows.reverse()));
  }));
}

makeLegend();
makeMaps();
const changed = document.getElementById("changed");
if (changed) data.changed.forEach((i) => changed.append(strips(i)));
document.querySelectorAll("table.sortable").forEach(makeSortable);
