/* The viewer: three planes through one point. Radiological convention: the patient's left is on the right of the picture. */

const VIEWS = {
  axial: { u: 0, v: 1, n: 2, su: 1, sv: 1, edges: ["R", "L", "A", "P"] },
  coronal: { u: 0, v: 2, n: 1, su: 1, sv: -1, edges: ["R", "L", "S", "I"] },
  sagittal: { u: 1, v: 2, n: 0, su: 1, sv: -1, edges: ["A", "P", "S", "I"] },
};
const AXES = [["R", "L"], ["A", "P"], ["I", "S"]];   // negative, positive end of x, y, z
const VIRIDIS = ["#440154", "#482878", "#3e4a89", "#31688e", "#26828e", "#1f9e89", "#35b779", "#6ece58", "#b5de2b", "#fde725"];
const WASH = colourTable(VIRIDIS);
const NEAR_MM = 3;      // half thickness of the slab in which catheters and dwells are drawn in full

function colourTable(stops) {
  const rgb = stops.map((s) => [1, 3, 5].map((i) => parseInt(s.slice(i, i + 2), 16)));
  const table = new Uint8Array(256 * 3);
  for (let i = 0; i < 256; i++) {
    const t = (i / 255) * (rgb.length - 1), k = Math.min(Math.floor(t), rgb.length - 2);
    for (let c = 0; c < 3; c++) table[3 * i + c] = rgb[k][c] + (rgb[k + 1][c] - rgb[k][c]) * (t - k);
  }
  return table;
}

function mm(point) {
  return point.map((v, k) => `${AXES[k][v >= 0 ? 1 : 0]} ${Math.abs(v).toFixed(1)}`).join("  ");
}

/* What is to be seen; every view and the printed pages draw from one scene. */
class Scene {
  /** @type {Volume | null} */
  ct = null;
  /** @type {any} a Volume, or planes of one */
  dose = null;
  /** @type {any[]} */
  structures = [];

  constructor(data, ct, dose, structures) {
    Object.assign(this, { ct, dose, structures });
    this.prescription = data.prescription_gy;
    this.catheters = data.catheters;
    this.dwells = data.dwells;
    this.longest = Math.max(1e-9, ...data.dwells.map((d) => d.time_s));
    this.levels = data.levels.map((l) => ({ ...l, on: true }));
    this.window = { width: 400, level: 40 };
    // Equal ratios of dose are equal steps of colour: from a quarter to five times the prescription, where sources are.
    this.wash = { on: false, from: data.prescription_gy * 0.25, to: data.prescription_gy * 5, opacity: 0.45, ratio: true };
    this.show = { isodose: true, structures: true, catheters: true, crosshair: true };
    this.others = [];      // lines of another plan, drawn as levels are
    this.difference = null;   // a wash of the difference to another plan, instead of that of the dose
    this.tools = {};       // name -> what a drag with it does: down(plane, event), move(plane, event)
    this.measured = null;
    this.outlines = "shape";
    this.focus = data.focus.slice();
    this.frame = ct ?? dose;
    this.surroundings = this.around(structures.filter((t) => t.role === "CTV").map((t) => t.mask));
    this.lattices = new Map();
    this.paths = new Map();
  }

  /* What is looked at first: the targets and the 50 mm round them. */
  around(masks) {
    if (!masks.length) return this.frame;
    return {
      low: this.frame.low.map((edge, a) => Math.max(edge, Math.min(...masks.map((m) => m.low[a])) - 50)),
      high: this.frame.high.map((edge, a) => Math.min(edge, Math.max(...masks.map((m) => m.high[a])) + 50)),
    };
  }

  /* Paths are kept: scrolling back and forth or zooming draws the same lines again. */
  pathOf(key, volume, view, at, level, closer = 1) {
    const place = `${view.n}|${at.toFixed(4)}`;
    const full = `${key}|${level}|${place}`;
    if (!this.paths.has(full)) {
      if (this.paths.size > 4000) { this.paths.clear(); this.lattices.clear(); }
      const field = `${key}|${place}`;
      if (!this.lattices.has(field)) this.lattices.set(field, lattice(volume, view, at, closer));
      const values = this.lattices.get(field);
      this.paths.set(full, values && outline(values, level));
    }
    return this.paths.get(full);
  }

  /* A shape's outline is its level 0, seen four times as close as its grid: straight chords stay inside by micrometres. */
  outlineOf(s, view, at) {
    return this.outlines === "shape" && s.shape
      ? this.pathOf(`shape${s.rank}`, s.shape, view, at, 0, 4)
      : this.pathOf(`mask${s.rank}`, s.mask, view, at, 0.5);
  }

  values(point) {
    const hu = this.ct ? this.ct.nearest(point) : NaN;
    return { hu, gy: this.dose.linear(point) };
  }

  moveTo(point) {
    this.focus = point.map((v, k) => Math.min(this.frame.high[k], Math.max(this.frame.low[k], v)));
  }

  /* Next slice of the CT along an axis; slices lie on voxel centres where the grid is not turned. */
  scroll(axis, steps) {
    const step = this.frame.stepAlong(axis), low = this.frame.low[axis];
    const at = low + Math.round((this.focus[axis] - low) / step + steps) * step;
    const to = this.focus.slice();
    to[axis] = at;
    this.moveTo(to);
  }
}

/* Draw one plane. `fit` = { centre: [u, v] in mm, scale: px per mm }; `head` px at the top are kept free of letters. */
function drawPlane(canvas, scene, view, fit, ratio, { crosshair = true, head = 34 } = {}) {
  const context = canvas.getContext("2d");
  const width = canvas.width, height = canvas.height;
  const at = scene.focus[view.n];
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.fillStyle = "#0b0f14";
  context.fillRect(0, 0, width, height);

  // Picture: one sample per CSS pixel, scaled up on dense screens.
  const w = Math.ceil(width / ratio), h = Math.ceil(height / ratio);
  const pixel = 1 / fit.scale;
  const p0 = [0, 0, 0], du = [0, 0, 0], dv = [0, 0, 0];
  p0[view.u] = fit.centre[0] + view.su * (0.5 - width / ratio / 2) * pixel;
  p0[view.v] = fit.centre[1] + view.sv * (0.5 - height / ratio / 2) * pixel;
  p0[view.n] = at;
  du[view.u] = view.su * pixel;
  dv[view.v] = view.sv * pixel;
  const image = new ImageData(w, h);
  const values = new Float32Array(w * h);
  if (scene.ct) {
    scene.ct.plane(p0, du, dv, w, h, values);
    const low = scene.window.level - scene.window.width / 2, gain = 255 / scene.window.width;
    for (let i = 0, o = 0; i < values.length; i++, o += 4) {
      const grey = values[i] === values[i] ? (values[i] - low) * gain : 12;
      image.data[o] = image.data[o + 1] = image.data[o + 2] = grey;
      image.data[o + 3] = 255;
    }
  } else {
    for (let o = 0; o < image.data.length; o += 4) { image.data[o] = 24; image.data[o + 1] = 28; image.data[o + 2] = 34; image.data[o + 3] = 255; }
  }
  const wash = scene.difference ?? scene.wash;
  if (wash.on) {
    const { from, to, volume = scene.dose, table = WASH, fades = false, ratio: byRatio = false } = wash;
    const shade = byRatio && from > 0 ? (v) => Math.log(v / from) / (Math.log(to / from) || 1) : (v) => (v - from) / (to - from || 1);
    volume.plane(p0, du, dv, w, h, values);
    for (let i = 0, o = 0; i < values.length; i++, o += 4) {
      // A difference fades out toward zero; a dose stops at its lower level. Outside its grid nothing is known.
      if (!(fades ? Number.isFinite(values[i]) : values[i] >= from)) continue;
      const opacity = wash.opacity * (fades ? Math.sqrt(Math.min(1, Math.abs(values[i] / to))) || 0 : 1);
      const t = 3 * Math.min(255, Math.max(0, Math.round(255 * shade(values[i]))));
      for (let c = 0; c < 3; c++) image.data[o + c] += (table[t + c] - image.data[o + c]) * opacity;
    }
  }
  const buffer = (canvas.buffer ??= document.createElement("canvas"));
  if (buffer.width !== w || buffer.height !== h) { buffer.width = w; buffer.height = h; }
  buffer.getContext("2d").putImageData(image, 0, 0);
  context.imageSmoothingEnabled = true;
  context.drawImage(buffer, 0, 0, w * ratio, h * ratio);

  // Lines, in plane millimetres.
  const scale = fit.scale * ratio;
  const toPixel = (u, v) => [width / 2 + view.su * (u - fit.centre[0]) * scale, height / 2 + view.sv * (v - fit.centre[1]) * scale];
  const inMillimetres = () => context.setTransform(view.su * scale, 0, 0, view.sv * scale,
    width / 2 - view.su * fit.centre[0] * scale, height / 2 - view.sv * fit.centre[1] * scale);
  const stroke = (path, colour, px, dash) => {
    inMillimetres();
    context.lineJoin = "round";
    context.setLineDash((dash ?? []).map((d) => (d * ratio) / scale));
    context.strokeStyle = "rgba(0,0,0,.55)";
    context.lineWidth = ((px + 1.4) * ratio) / scale;
    context.stroke(path);
    context.strokeStyle = colour;
    context.lineWidth = (px * ratio) / scale;
    context.stroke(path);
    context.setLineDash([]);
  };
  if (scene.show.structures) {
    // Targets last: their line stays whole where an organ's touches it.
    for (const s of [...scene.structures].sort((a, b) => Number(a.role === "CTV") - Number(b.role === "CTV"))) {
      if (!s.on) continue;
      const line = scene.outlineOf(s, view, at);
      if (line) stroke(line.path, s.colour, s.role === "CTV" ? 2.4 : 1.7, s.dash);
    }
  }
  const labels = [];
  if (scene.show.isodose) {
    for (const level of [...scene.levels, ...scene.others]) {
      if (!level.on || !(level.gy > 0)) continue;
      const line = scene.pathOf(level.key ?? "dose", level.volume ?? scene.dose, view, at, level.gy);
      if (!line) continue;
      const prescribed = Math.abs(level.gy - scene.prescription) < 1e-6;
      stroke(line.path, level.colour, prescribed ? 2.2 : 1.3, level.dash);
      labels.push({ line, level });
    }
  }
  if (scene.show.catheters) drawCatheters(context, scene, view, at, toPixel, ratio);
  context.setTransform(1, 0, 0, 1, 0, 0);
  drawLabels(context, labels, toPixel, ratio, width, height);
  if (crosshair && scene.show.crosshair) {
    const [x, y] = toPixel(scene.focus[view.u], scene.focus[view.v]);
    context.strokeStyle = "rgba(255,255,255,.65)";
    context.lineWidth = ratio;
    const gap = 8 * ratio;
    context.beginPath();
    for (const [a, b, c, d] of [[0, y, x - gap, y], [x + gap, y, width, y], [x, 0, x, y - gap], [x, y + gap, x, height]]) {
      context.moveTo(a, b); context.lineTo(c, d);
    }
    context.stroke();
  }
  if (scene.measured?.view === view) drawMeasured(context, scene.measured, toPixel, ratio);
  drawFrame(context, view, scale, ratio, width, height, head);
}
