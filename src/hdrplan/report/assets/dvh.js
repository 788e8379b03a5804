/* The DVH: drawn by the package, drawn anew here where somebody zooms or changes an axis, and read by one line. */
const DECADES = 3;     // of volume on a logarithmic axis

function shareAt(curve, gy) {
  const d = curve.gy;
  if (gy <= d[0]) return 1;
  if (gy > d[d.length - 1]) return 0;
  let low = 0, high = d.length - 1;
  while (high - low > 1) { const middle = (low + high) >> 1; if (d[middle] < gy) low = middle; else high = middle; }
  const t = (gy - d[low]) / (d[high] - d[low] || 1);
  return curve.frac[low] + t * (curve.frac[high] - curve.frac[low]);
}

function ticksBetween(low, high, wanted) {
  const raw = Math.max(high - low, 1e-9) / wanted, power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= raw * 0.999);
  const ticks = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high * (1 + 1e-9); k++) ticks.push(+(k * step).toPrecision(12));
  return ticks;
}

/** @typedef {{ rank: number, name: string, volume_cc: number, gy: number[], frac: number[] }} Curve */

class DvhPlot {
  // In units of the drawing, and the dose at the right end; written into the figure by the package.
  left = 0; top = 0; width = 0; height = 0; gyMax = 0;
  // The range on the screen, Gy; volumes in cc, on a logarithmic axis.
  from = 0; to = 0; cc = false; log = false;
  /** @type {{ curve: Curve, path: SVGPathElement }[]} */
  others = [];

  /** @param {SVGSVGElement} svg @param {Curve[]} curves */
  constructor(svg, curves) {
    this.svg = svg;
    this.curves = curves;
    Object.assign(this, Object.fromEntries(Object.entries(svg.dataset).map(([k, v]) => [k, +v])));
    this.whole = { from: 0, to: this.gyMax };
    Object.assign(this, this.whole, { cc: false, log: false });
  }

  /* Curves of another plan, dotted, in the colours of the same structures; they are hidden with them. */
  beside(curves) {
    for (const path of this.svg.querySelectorAll(".beside")) path.remove();
    this.others = curves.flatMap((curve) => {
      const own = this.curves.find((c) => c.name === curve.name);
      if (!own) return [];
      const line = this.svg.querySelector(`.curve[data-curve="${own.rank}"]`), path = document.createElementNS("http://www.w3.org/2000/svg", "path");
      path.setAttribute("class", line.classList.contains("off") ? "beside off" : "beside");
      path.dataset.curve = String(own.rank);
      path.setAttribute("stroke", line.getAttribute("stroke"));
      line.before(path);
      return [{ curve, path }];
    });
    this.draw();
  }

  shown() { return this.curves.filter((c) => !this.svg.querySelector(`.curve[data-curve="${c.rank}"]`).classList.contains("off")); }
  highest() { return this.cc ? Math.max(1e-3, ...this.shown().map((c) => c.volume_cc)) : 100; }
  volume(curve, frac) { return this.cc ? frac * curve.volume_cc : 100 * frac; }
  x(gy) { return this.left + (this.width * (gy - this.from)) / (this.to - this.from); }
  gy(x) { return this.from + ((x - this.left) / this.width) * (this.to - this.from); }
  y(volume) {
    const share = this.log ? 1 + Math.log10(Math.max(volume, 1e-12) / this.highest()) / DECADES : volume / this.highest();
    return this.top + this.height * (1 - Math.min(1, Math.max(0, share)));
  }

  lineOf(curve) {
    const inner = curve.gy.map((gy, k) => [gy, curve.frac[k]]).filter(([gy]) => gy > this.from && gy < this.to);
    const ends = [[this.from, shareAt(curve, this.from)], ...inner, [this.to, shareAt(curve, this.to)]];
    // Nothing has no place on a logarithmic axis: the line ends where it meets the floor.
    const last = ends.findIndex(([, frac]) => this.y(this.volume(curve, frac)) >= this.top + this.height - 1e-6);
    const points = this.log && last >= 0 ? ends.slice(0, Math.max(2, last + 1)) : ends;
    return `M${points.map(([gy, frac]) => `${this.x(gy).toFixed(2)},${this.y(this.volume(curve, frac)).toFixed(2)}`).join("L")}`;
  }

  draw() {
    for (const curve of this.curves) {
      this.svg.querySelector(`.curve[data-curve="${curve.rank}"]`).setAttribute("d", this.lineOf(curve));
    }
    for (const { curve, path } of this.others) path.setAttribute("d", this.lineOf(curve));
    for (const mark of this.svg.querySelectorAll("[data-gy]")) {
      const gy = +mark.dataset.gy, inside = gy >= this.from && gy <= this.to;
      const curve = this.curves.find((c) => String(c.rank) === mark.dataset.curve);
      const at = mark.dataset.frac === undefined ? 0 : this.y(curve ? this.volume(curve, +mark.dataset.frac) : 100 * mark.dataset.frac);
      mark.setAttribute("transform", `translate(${this.x(gy).toFixed(1)},${at.toFixed(1)})`);
      mark.setAttribute("visibility", inside ? "visible" : "hidden");
    }
    this.drawAxes();
    byId("dvh-volume").textContent = `Volume (${this.cc ? "cc" : "%"})`;
  }

  drawAxes() {
    const made = [], bottom = this.top + this.height, right = this.left + this.width, high = this.highest();
    const add = (tag, attributes, text) => {
      const e = document.createElementNS(this.svg.namespaceURI, tag);
      for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v);
      if (text !== undefined) e.textContent = text;
      made.push(e);
    };
    for (const gy of ticksBetween(this.from, this.to, 10)) {
      const x = this.x(gy);
      add("line", { class: "grid", x1: x, x2: x, y1: this.top, y2: bottom });
      add("text", { class: "tick", x, y: bottom + 18, "text-anchor": "middle" }, gy);
    }
    const decades = [...Array(DECADES + 1).keys()].map((k) => +(10 ** (Math.floor(Math.log10(high)) - k)).toPrecision(3));
    const volumes = this.log ? decades.flatMap((d) => [d, 3 * d]).filter((v) => v <= high && v >= high / 10 ** DECADES) : ticksBetween(0, high, 5);
    for (const volume of volumes) {
      const y = this.y(volume);
      add("line", { class: "grid", x1: this.left, x2: right, y1: y, y2: y });
      add("text", { class: "tick", x: this.left - 8, y, dy: 4, "text-anchor": "end" }, volume);
    }
    this.svg.querySelector(".axes").replaceChildren(...made);
  }
}

function readableDvh(curves) {
  const svg = byId("dvh");
  if (!svg || !curves.length) return null;
  const plot = new DvhPlot(svg, curves), line = svg.querySelector(".hover-line"), out = byId("dvh-read");
  const cells = [...document.querySelectorAll("[data-read-curve]")];

  /* One line through all curves: the volume of every structure at its dose, and in words the curve under the pointer. */
  function read(gy, frac) {
    line.setAttribute("x1", plot.x(gy)); line.setAttribute("x2", plot.x(gy)); line.setAttribute("visibility", "visible");
    for (const cell of cells) {
      const curve = curves[+cell.dataset.readCurve], value = shareAt(curve, gy);
      cell.textContent = `${(100 * value).toFixed(1)} % ${(curve.volume_cc * value).toFixed(2)} cc`;
    }
    byId("dvh-gy").value = gy.toFixed(2);
    const near = frac === undefined ? null : plot.shown().reduce((a, c) =>
      (!a || Math.abs(plot.y(plot.volume(c, shareAt(c, gy))) - frac) < Math.abs(plot.y(plot.volume(a, shareAt(a, gy))) - frac) ? c : a), null);
    if (!near) { out.textContent = `Volumes that receive ${gy.toFixed(2)} Gy or more are beside the names.`; return; }
    const value = shareAt(near, gy);
    out.textContent = `${near.name}: ${gy.toFixed(2)} Gy or more in ${(100 * value).toFixed(1)} % = ${(near.volume_cc * value).toFixed(2)} cc`;
  }

  const pointOf = (event) => new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
  const chosen = svg.querySelector(".chosen");
  let start = null;
  svg.addEventListener("pointerdown", (event) => { if (event.pointerType === "mouse") start = pointOf(event).x; event.preventDefault(); });
  svg.addEventListener("pointermove", (event) => {
    const { x, y } = pointOf(event), gy = plot.gy(x);
    if (gy < plot.from || gy > plot.to) return;
    if (start !== null && event.buttons) {
      chosen.setAttribute("x", Math.min(start, x)); chosen.setAttribute("width", Math.abs(x - start)); chosen.setAttribute("visibility", "visible");
    }
    read(gy, y);
  });
  const finish = (event) => {
    chosen.setAttribute("visibility", "hidden");
    const x = pointOf(event).x;
    if (start !== null && event.type === "pointerup" && Math.abs(x - start) > 10) zoom(plot.gy(Math.min(start, x)), plot.gy(Math.max(start, x)));
    start = null;
  };
  for (const end of ["pointerup", "pointerleave", "pointercancel"]) svg.addEventListener(end, finish);
  svg.addEventListener("dblclick", () => zoom(plot.whole.from, plot.whole.to));

  function zoom(from, to) {
    plot.from = Math.max(0, Math.min(from, plot.gyMax)); plot.to = Math.min(plot.gyMax, to);
    if (!(plot.to - plot.from > plot.gyMax / 1000)) Object.assign(plot, plot.whole);
    byId("dvh-from").value = +plot.from.toFixed(2); byId("dvh-to").value = +plot.to.toFixed(2);
    line.setAttribute("visibility", "hidden");
    plot.draw();
  }
  for (const id of ["dvh-from", "dvh-to"]) byId(id).addEventListener("change", () => zoom(+byId("dvh-from").value, +byId("dvh-to").value));
  byId("dvh-whole").addEventListener("click", () => zoom(plot.whole.from, plot.whole.to));
  byId("dvh-gy").addEventListener("input", (event) => { if (event.target.value !== "") read(+event.target.value); });
  byId("dvh-cc").addEventListener("change", (event) => { plot.cc = event.target.value === "cc"; plot.draw(); });
  byId("dvh-log").addEventListener("change", (event) => { plot.log = event.target.checked; plot.draw(); });
  for (const box of document.querySelectorAll("[data-toggle-curve]")) {
    box.addEventListener("change", () => {
      for (const rank of box.dataset.toggleCurve.split(" ")) {
        for (const part of svg.querySelectorAll(`[data-curve="${rank}"]`)) part.classList.toggle("off", !box.checked);
      }
      plot.draw();
    });
  }
  addEventListener("beforeprint", () => zoom(plot.whole.from, plot.whole.to));
  byId("dvh-to").value = +plot.gyMax.toFixed(2);
  byId("dvh-bar").hidden = false;
  return plot;
}
