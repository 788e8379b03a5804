/* What the hands do: scroll, zoom, pan, window, levels, keyboard. Draws at most once a frame. */

const byId = (id) => document.getElementById(id);

const PAN_PX = 24;   // Shift and an arrow

class Plane {
  constructor(root, scene, redraw) {
    this.root = root;
    this.scene = scene;
    this.name = root.dataset.view;
    this.view = VIEWS[this.name];
    this.canvas = root.querySelector("canvas");
    this.slider = root.querySelector("input");
    this.redraw = redraw;
    this.fit = null;
    const { n } = this.view;
    this.slider.min = scene.frame.low[n];
    this.slider.max = scene.frame.high[n];
    this.slider.step = "any";
    this.slider.addEventListener("input", () => { scene.focus[n] = +this.slider.value; scene.scroll(n, 0); redraw(); });
  }

  /* A box of patient space in the picture: the target's surroundings, or the whole frame. */
  fitTo({ low, high }) {
    const { u, v } = this.view;
    const box = this.canvas.getBoundingClientRect();
    const span = (a) => high[a] - low[a] + this.scene.frame.stepAlong(a);
    this.fit = {
      centre: [(low[u] + high[u]) / 2, (low[v] + high[v]) / 2],
      scale: Math.min(box.width / span(u), box.height / span(v)) || 1,
    };
    this.close = low !== this.scene.frame.low;
  }

  draw() {
    const box = this.canvas.getBoundingClientRect();
    if (!box.width) return;
    const ratio = Math.min(2, window.devicePixelRatio || 1);
    const [w, h] = [Math.round(box.width * ratio), Math.round(box.height * ratio)];
    if (this.canvas.width !== w || this.canvas.height !== h) { this.canvas.width = w; this.canvas.height = h; }
    if (!this.fit) this.fitTo(this.scene.surroundings);
    drawPlane(this.canvas, this.scene, this.view, this.fit, ratio);
    const at = this.scene.focus[this.view.n];
    this.slider.value = at;
    const text = `${"xyz"[this.view.n]} ${at.toFixed(1)} mm`;
    this.slider.setAttribute("aria-valuetext", text);
    this.root.querySelector(".at").textContent = text;
  }

  /* LPS point under a place of the screen. */
  pointAt(event) {
    const box = this.canvas.getBoundingClientRect();
    const point = this.scene.focus.slice();
    point[this.view.u] = this.fit.centre[0] + (this.view.su * (event.clientX - box.left - box.width / 2)) / this.fit.scale;
    point[this.view.v] = this.fit.centre[1] + (this.view.sv * (event.clientY - box.top - box.height / 2)) / this.fit.scale;
    return point;
  }

  zoom(factor, event) {
    const scale = Math.min(60, Math.max(0.4, this.fit.scale * factor));
    if (event) {
      const box = this.canvas.getBoundingClientRect(), point = this.pointAt(event);
      this.fit.centre = [
        point[this.view.u] - (this.view.su * (event.clientX - box.left - box.width / 2)) / scale,
        point[this.view.v] - (this.view.sv * (event.clientY - box.top - box.height / 2)) / scale,
      ];
    }
    this.fit.scale = scale;
    this.redraw();
  }

  pan(dx, dy) {
    this.fit.centre[0] -= (this.view.su * dx) / this.fit.scale;
    this.fit.centre[1] -= (this.view.sv * dy) / this.fit.scale;
    this.redraw();
  }
}

/* The distance between where a drag begins and where it is; with keys, between two places of the crosshair. */
function measureTool(scene, redraw) {
  let from = null, byKeys = null;
  const show = (plane, to) => { scene.measured = { view: plane.view, from, to }; redraw(); };
  return {
    down(plane, event) { byKeys = null; from = plane.pointAt(event); show(plane, from); },
    move(plane, event) { show(plane, plane.pointAt(event)); },
    /* The first time from the crosshair on, the second time up to it. */
    key(plane) {
      if (byKeys && scene.measured) { byKeys = null; return; }
      byKeys = plane;
      from = scene.focus.slice();
      show(plane, from);
    },
    follow() { if (byKeys && scene.measured) show(byKeys, scene.focus.slice()); else byKeys = null; },
  };
}

function viewerOf(scene) {
  let asked = false;
  const redraw = () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => { asked = false; planes.forEach((p) => p.draw()); readout(null); });
  };
  const planes = [...document.querySelectorAll(".plane")].map((root) => new Plane(root, scene, redraw));
  scene.tools.measure = measureTool(scene, redraw);
  const tool = () => document.querySelector('input[name="tool"]:checked').value;

  /* Voxel's HU and dose between its grid points, under the pointer or at the crosshair. */
  function readout(point) {
    const p = point ?? scene.focus;
    const { hu, gy } = scene.values(p);
    byId("read-where").textContent = point ? "Pointer" : "Crosshair";
    byId("read-at").textContent = mm(p);
    byId("read-at").dataset.lps = p.join(" ");
    byId("read-hu").textContent = Number.isFinite(hu) ? `${hu} HU` : "outside the CT";
    const distance = scene.measured && distanceOf(scene.measured);
    byId("read-mm").parentElement.hidden = !scene.measured;
    byId("read-mm").textContent = scene.measured ? `${distance.toFixed(1)} mm` : "";
    const top = 655.35;
    byId("read-gy").textContent = Number.isFinite(gy)
      ? `${gy >= top ? "> " : ""}${gy.toFixed(2)} Gy (${((100 * gy) / scene.prescription).toFixed(0)} %)${since(p, gy)}` : "outside the dose grid";
  }

  function since(p, gy) {
    const by = scene.difference ? gy - scene.difference.kept.linear(p) : NaN;
    return Number.isFinite(by) ? `, ${by < 0 ? "\u2212" : "+"}${Math.abs(by).toFixed(2)}` : "";
  }

  for (const plane of planes) wire(plane);

  function wire(plane) {
    const { canvas, view } = plane;
    let drag = null;
    let turned = 0;
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      if (event.ctrlKey || event.metaKey) return plane.zoom(Math.exp(-event.deltaY * 0.0025), event);
      // Fine wheels and touch pads send many small turns: one slice for each notch's worth.
      turned += event.deltaMode === 0 ? event.deltaY / 60 : event.deltaY;
      const steps = Math.trunc(turned);
      if (steps) { turned -= steps; scene.scroll(view.n, view.n === 2 ? -steps : steps); redraw(); }
    }, { passive: false });
    canvas.addEventListener("contextmenu", (event) => event.preventDefault());
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      plane.root.focus({ preventScroll: true });
      const kind = event.button === 2 ? "window" : event.button === 1 || event.shiftKey ? "pan" : tool();
      drag = { kind, x: event.clientX, y: event.clientY };
      if (kind === "cross") { scene.moveTo(plane.pointAt(event)); redraw(); }
      scene.tools[kind]?.down(plane, event);
      event.preventDefault();
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!drag) return readout(plane.pointAt(event));
      const [dx, dy] = [event.clientX - drag.x, event.clientY - drag.y];
      [drag.x, drag.y] = [event.clientX, event.clientY];
      if (drag.kind === "cross") { scene.moveTo(plane.pointAt(event)); redraw(); }
      else if (drag.kind === "pan") plane.pan(dx, dy);
      else if (drag.kind === "zoom") plane.zoom(Math.exp(-dy * 0.01));
      else if (scene.tools[drag.kind]) scene.tools[drag.kind].move(plane, event);
      else setWindow(scene.window.width * Math.exp(dx * 0.006), scene.window.level - dy * 1.5);
    });
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => { drag = null; });
    canvas.addEventListener("pointerleave", () => { if (!drag) readout(null); });
    plane.root.querySelector(".grow").addEventListener("click", () => grow(plane));
    canvas.addEventListener("dblclick", () => grow(plane));
    plane.root.addEventListener("keydown", (event) => key(plane, event));
  }

  function grow(plane) {
    const box = byId("planes"), now = box.dataset.large === plane.name ? "" : plane.name;
    box.dataset.large = now;
    planes.forEach((p) => { p.fit = null; p.root.querySelector(".grow").setAttribute("aria-pressed", String(p.name === now)); });
    redraw();
  }

  function key(plane, event) {
    if (event.target.tagName === "INPUT" || event.ctrlKey || event.metaKey || event.altKey) return;
    const { view } = plane;
    const along = (axis, sign) => { scene.scroll(axis, sign); scene.tools.measure.follow(); redraw(); };
    const pan = (dx, dy) => plane.pan(PAN_PX * dx, PAN_PX * dy);
    const actions = event.shiftKey && event.key.startsWith("Arrow") ? {
      ArrowLeft: () => pan(1, 0), ArrowRight: () => pan(-1, 0), ArrowUp: () => pan(0, 1), ArrowDown: () => pan(0, -1),
    } : {
      ArrowLeft: () => along(view.u, -view.su), ArrowRight: () => along(view.u, view.su),
      ArrowUp: () => along(view.v, -view.sv), ArrowDown: () => along(view.v, view.sv),
      PageUp: () => along(view.n, view.n === 2 ? 1 : -1), PageDown: () => along(view.n, view.n === 2 ? -1 : 1),
      "+": () => plane.zoom(1.2), "=": () => plane.zoom(1.2), "-": () => plane.zoom(1 / 1.2),
      0: () => { plane.fitTo(plane.close ? scene.frame : scene.surroundings); redraw(); }, f: () => grow(plane),
      i: () => flip("show-isodose"), w: () => flip("show-wash"), s: () => flip("show-structures"),
      escape: () => { if (byId("planes").dataset.large) grow(plane); },
      c: () => flip("show-catheters"), x: () => flip("show-crosshair"), m: () => scene.tools.measure.key(plane),
    };
    const action = actions[event.key] ?? actions[event.key.toLowerCase()];
    if (action) { action(); event.preventDefault(); }
  }

  function flip(id) { byId(id).click(); }

  function setWindow(width, level) {
    scene.window.width = Math.min(4000, Math.max(1, Math.round(width)));
    scene.window.level = Math.min(3000, Math.max(-1024, Math.round(level)));
    byId("window-width").value = scene.window.width;
    byId("window-level").value = scene.window.level;
    const match = [...byId("window-preset").options].find((o) => o.value === `${scene.window.width},${scene.window.level}`);
    byId("window-preset").value = match ? match.value : "";
    redraw();
  }

  for (const [id, name] of [["show-isodose", "isodose"], ["show-structures", "structures"], ["show-catheters", "catheters"], ["show-crosshair", "crosshair"]]) {
    byId(id).addEventListener("change", (event) => { scene.show[name] = event.target.checked; redraw(); });
  }
  byId("show-wash").addEventListener("change", (event) => {
    scene.wash.on = event.target.checked;
    byId("wash-controls").hidden = !scene.wash.on;
    redraw();
  });
  /* Doses beside the bar, at equal ratios; from 0 the steps are equal differences. */
  function tickWash() {
    const { from, to } = scene.wash;
    byId("wash-ticks").replaceChildren(...[0, 0.25, 0.5, 0.75, 1].map((t) => {
      const tick = element("span", {}, `${+(from > 0 ? from * (to / from) ** t : to * t).toPrecision(2)}`);
      tick.style.left = `${100 * t}%`;
      return tick;
    }));
  }
  for (const name of ["from", "to", "opacity"]) {
    const input = byId(`wash-${name}`);
    input.value = name === "opacity" ? scene.wash.opacity * 100 : scene.wash[name];
    input.addEventListener("input", () => {
      const value = parseFloat(input.value);
      if (!Number.isFinite(value)) return;
      scene.wash[name] = name === "opacity" ? value / 100 : value;
      tickWash();
      redraw();
    });
  }
  tickWash();
  byId("outlines").addEventListener("change", async (event) => {
    const outlines = event.target.value;
    if (outlines === "mask") await Promise.all(scene.structures.filter((s) => s.mask).map((s) => s.mask.filled()));
    scene.outlines = outlines;
    redraw();
  });
  byId("window-preset").addEventListener("change", (event) => {
    if (event.target.value) setWindow(...event.target.value.split(",").map(Number));
  });
  for (const id of ["window-width", "window-level"]) {
    byId(id).addEventListener("change", () => setWindow(+byId("window-width").value || 400, +byId("window-level").value || 0));
  }
  byId("reset-views").addEventListener("click", () => {
    planes.forEach((p) => { p.fit = null; });
    byId("planes").dataset.large = "";
    scene.measured = null;
    setWindow(400, 40);
  });
  const relist = listLevels(scene, redraw);
  listStructures(scene, redraw);
  new ResizeObserver(() => { planes.forEach((p) => { p.fit = null; }); redraw(); }).observe(byId("planes"));
  setWindow(400, 40);
  return { planes, redraw, relist };
}
