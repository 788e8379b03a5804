const byId = (id) => document.getElementById(id);
const data = JSON.parse(document.getElementById("report-data").textContent);
const shape = data.axes.map((axis) => axis.values.length);
const sliders = data.axes.map((_, k) => document.getElementById(`axis-${k}`));

function flat(at) {
  return at.reduce((sum, j, k) => sum * shape[k] + j, 0);
}

function text(value, digits) {
  return value === null ? "impossible" : value.toFixed(digits);
}

function chosen() {
  return sliders.map((slider) => Number(slider.value));
}

function cell(row, words, number) {
  const td = document.createElement("td");
  td.textContent = words;
  if (number) td.className = "n";
  row.append(td);
}

function show() {
  const at = chosen();
  const i = flat(at);
  data.axes.forEach((axis, k) => {
    document.getElementById(`out-${k}`).textContent = `${axis.values[at[k]].toFixed(2)} ${axis.unit}`;
  });
  const ok = data.value[i] !== null;
  document.getElementById("value").textContent = ok ? `${text(data.value[i], 3)} ${data.unit}` : "These limits exclude each other: proven.";
  document.getElementById("bound").textContent = ok ? `${text(data.bound[i], 3)} ${data.unit}` : "";
  document.getElementById("total").textContent = ok ? `${text(data.total_s[i], 0)} s` : "";
  document.getElementById("hash").textContent = data.hash[i] ?? "";
  const met = document.getElementById("met");
  if (met) met.textContent = ok ? data.left_out.map((label, j) => `${label.replace("<=", "≤").replace(">=", "≥")}: ${data.met[i][j] ? "met" : "missed"}`).join("; ") : "";
  document.getElementById("save").disabled = !ok;
  chart();
  draw(i);
  const rows = document.getElementById("rows");
  rows.replaceChildren();
  data.axes.forEach((axis, k) => {
    axis.values.forEach((value, j) => {
      const other = at.slice();
      other[k] = j;
      const row = document.createElement("tr");
      if (j === at[k]) row.className = "chosen";
      const n = flat(other);
      cell(row, j === at[k] ? `${axis.label} (chosen)` : axis.label, false);
      cell(row, `${value.toFixed(2)} ${axis.unit}`, true);
      cell(row, text(data.value[n], 3), true);
      cell(row, text(data.total_s[n], 0), true);
      rows.append(row);
    });
  });
}

const CHART = { left: 64, top: 16, width: 636, height: 306 };

/* One thick line along the chosen axis, thin ones for the values of the next axis. */
function chart() {
  const svg = byId("chart"), k = +byId("chart-axis").value, at = chosen();
  const other = data.axes.length > 1 ? (k + 1) % data.axes.length : -1;
  const lineAt = (fixed) => data.axes[k].values.map((x, j) => {
    const place = fixed.slice();
    place[k] = j;
    return { x, j, y: data.value[flat(place)] };
  }).filter((p) => p.y !== null);
  const lines = other < 0 ? [] : data.axes[other].values.map((_, m) => { const fixed = at.slice(); fixed[other] = m; return lineAt(fixed); });
  const main = lineAt(at), all = [...lines.flat(), ...main];
  byId("chart-other").textContent = other < 0 ? "nothing" : data.axes[other].label;
  const parts = [];
  const add = (tag, attributes, text) => {
    const e = document.createElementNS(svg.namespaceURI, tag);
    for (const [name, value] of Object.entries(attributes)) e.setAttribute(name, value);
    if (text !== undefined) e.textContent = text;
    parts.push(e);
    return e;
  };
  const [x0, x1] = [Math.min(...data.axes[k].values), Math.max(...data.axes[k].values)];
  const [low, high] = [Math.min(...all.map((p) => p.y)), Math.max(...all.map((p) => p.y))];
  const margin = 0.06 * (high - low) || 0.05 * Math.abs(high) || 1;
  const X = (x) => CHART.left + (CHART.width * (x - x0)) / (x1 - x0 || 1);
  const Y = (y) => CHART.top + CHART.height * (1 - (y - low + margin) / (high - low + 2 * margin));
  for (const tick of ticksBetween(x0, x1, 8)) {
    add("line", { class: "grid", x1: X(tick), x2: X(tick), y1: CHART.top, y2: CHART.top + CHART.height });
    add("text", { class: "tick", x: X(tick), y: CHART.top + CHART.height + 18, "text-anchor": "middle" }, tick);
  }
  for (const tick of ticksBetween(low - margin, high + margin, 6)) {
    add("line", { class: "grid", x1: CHART.left, x2: CHART.left + CHART.width, y1: Y(tick), y2: Y(tick) });
    add("text", { class: "tick", x: CHART.left - 8, y: Y(tick), dy: 4, "text-anchor": "end" }, tick);
  }
  add("text", { class: "axis", x: CHART.left + CHART.width / 2, y: 372, "text-anchor": "middle" }, `${data.axes[k].label} limit (${data.axes[k].unit})`);
  add("text", { class: "axis", x: 14, y: CHART.top + CHART.height / 2, "text-anchor": "middle", transform: `rotate(-90 14 ${CHART.top + CHART.height / 2})` }, `Minimum ${data.objective} (${data.unit})`);
  const path = (line) => `M${line.map((p) => `${X(p.x)},${Y(p.y)}`).join("L")}`;
  for (const line of lines) if (line.length > 1) add("path", { class: "gain", fill: "none", d: path(line) });
  if (main.length > 1) add("path", { class: "front", d: path(main) });
  for (const p of main) {
    const dot = add("circle", { class: p.j === at[k] ? "plan" : "better", r: p.j === at[k] ? 7 : 5, cx: X(p.x), cy: Y(p.y), tabindex: 0 });
    dot.append(Object.assign(document.createElementNS(svg.namespaceURI, "title"), { textContent: `${p.x.toFixed(2)} ${data.axes[k].unit}: ${p.y.toFixed(3)} ${data.unit}` }));
    dot.addEventListener("click", () => { sliders[k].value = p.j; show(); });
  }
  svg.replaceChildren(...parts);
}

/* The dose of the chosen times on three planes: times times rates. Looks like a Volume to the viewer. */
class PlanesDose {
  /** @type {any[]} */
  planes = [];
  /** @type {number[]} */
  low = [];
  /** @type {number[]} */
  high = [];

  static async of(packs) {
    const made = new PlanesDose();
    made.planes = await Promise.all(Object.entries(packs).map(async ([name, p]) => {
      const bytes = await inflated(p.rates), whole = new Uint16Array(bytes.buffer), size = p.across[1] * p.down[1];
      return { ...p, view: VIEWS[name], size, rates: Float32Array.from(whole, (v) => Math.exp(p.log_low + p.log_step * v)), gy: new Float32Array(size) };
    }));
    const all = [0, 1, 2].map((axis) => made.planes.flatMap((p) => (axis === p.view.u ? ends(p.across, p) : axis === p.view.v ? ends(p.down, p) : [])));
    made.low = all.map((v) => Math.min(...v));
    made.high = all.map((v) => Math.max(...v));
    return made;
  }

  update(times) {
    for (const p of this.planes) {
      p.gy.fill(0);
      times.forEach((t, d) => { if (t > 0) for (let i = 0; i < p.size; i++) p.gy[i] += t * p.rates[d * p.size + i]; });
    }
  }

  stepAlong() { return this.planes[0].step_mm; }

  plane(p0, du, dv, nu, nv, out) {
    const p = this.planes.find(({ view }) => du[view.n] === 0 && dv[view.n] === 0), { u, v } = p.view;
    const [nx, ny] = [p.across[1], p.down[1]];
    for (let b = 0, o = 0; b < nv; b++) for (let a = 0; a < nu; a++, o++) {
      const x = (p0[u] + a * du[u] + b * dv[u] - p.across[0]) / p.step_mm, y = (p0[v] + a * du[v] + b * dv[v] - p.down[0]) / p.step_mm;
      if (!(x >= 0 && y >= 0 && x <= nx - 1 && y <= ny - 1)) { out[o] = NaN; continue; }
      const i = Math.min(x | 0, nx - 2), j = Math.min(y | 0, ny - 2), fx = x - i, fy = y - j, c = j * nx + i;
      out[o] = (p.gy[c] * (1 - fx) + p.gy[c + 1] * fx) * (1 - fy) + (p.gy[c + nx] * (1 - fx) + p.gy[c + nx + 1] * fx) * fy;
    }
    return out;
  }
}

function ends([first, count], { step_mm }) { return [first, first + (count - 1) * step_mm]; }

/* Isodoses and DVHs follow the sliders. */
async function follow() {
  const curves = data.curves.map((c) => ({ ...c, frac: c.gy.map(() => 0) }));
  const plot = readableDvh(curves);
  const [ct, dose, fields] = await Promise.all([data.ct && Volume.ofPack(data.ct, true), PlanesDose.of(data.planes), Promise.all(data.structures.map((s) => Volume.ofStructure(s)))]);
  const scene = new Scene(data, ct, dose, data.structures.map((s, rank) => ({ ...s, rank, ...fields[rank], on: true })));
  scene.frame = dose;
  return (i) => {
    const volumes = data.volumes[i], times = data.times_s[i];
    curves.forEach((c) => { c.frac = volumes ? volumes[c.rank].map((v) => v / 1000) : c.gy.map(() => 0); });
    plot.draw();
    dose.update(times ?? []);
    scene.paths.clear(); scene.lattices.clear();
    scene.dwells = data.dwells.map((d, k) => ({ ...d, time_s: times ? times[k] : 0 }));
    scene.longest = Math.max(1e-9, ...scene.dwells.map((d) => d.time_s));
    for (const { view } of dose.planes) {
      const canvas = byId(`view-${Object.keys(VIEWS).find((name) => VIEWS[name] === view)}`), ratio = Math.min(2, devicePixelRatio || 1);
      const box = canvas.getBoundingClientRect();
      canvas.width = Math.round(box.width * ratio); canvas.height = Math.round(box.height * ratio);
      const middle = [view.u, view.v].map((a) => (dose.low[a] + dose.high[a]) / 2);
      const scale = Math.min(box.width / (dose.high[view.u] - dose.low[view.u]), box.height / (dose.high[view.v] - dose.low[view.v]));
      drawPlane(canvas, scene, view, { centre: middle, scale }, ratio, { crosshair: false, head: 4 });
    }
  };
}

function save() {
  const i = flat(chosen());
  const plan = structuredClone(data.plan);
  plan.dwells.forEach((dwell, k) => { dwell.time_s = data.times_s[i][k]; });
  plan.total_time_s = plan.dwells.reduce((sum, dwell) => sum + dwell.time_s, 0);
  plan.trak_gy = plan.strength.value_u * 1e-6 * plan.total_time_s / 3600;
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([JSON.stringify(plan, null, 2)], { type: "application/json" }));
  link.download = "plan.json";
  link.click();
  URL.revokeObjectURL(link.href);
}

function firstPossible() {
  let i = data.value.length - 1;
  while (i > 0 && data.value[i] === null) i -= 1;
  for (let k = shape.length - 1; k >= 0; k -= 1) {
    sliders[k].value = i % shape[k];
    i = Math.floor(i / shape[k]);
  }
}

/* Draws the plan of a row. */
/** @type {(row: number) => void} */
let draw = () => {};
sliders.forEach((slider) => slider.addEventListener("input", show));
byId("save").addEventListener("click", save);
byId("chart-axis").addEventListener("change", chart);
firstPossible();
show();
follow().then((drawn) => {
  draw = drawn;
  show();
  addEventListener("resize", show);
  document.documentElement.dataset.ready = "1";
}).catch((error) => {
  byId("viewer-error").hidden = false;
  byId("viewer-error").textContent = `The pictures could not be drawn in this browser (${error.message}). The table is complete.`;
  console.error(error);
});
