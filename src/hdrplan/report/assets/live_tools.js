/* What a hand does in the pictures and the DVH of a live session, and a kept plan beside the one on the screen. */

function toolButton(value, text, hint) {
  const label = element("label", { title: hint });
  label.append(element("input", { type: "radio", name: "tool", value }), element("span", {}, text));
  return label;
}

/* Distance of a point from a segment, all in one plane. */
/** @param {number[]} at @param {number[]} a @param {number[]} b */
function awayFrom([x, y], [ax, ay], [bx, by]) {
  const [dx, dy] = [bx - ax, by - ay], length2 = dx * dx + dy * dy;
  const t = length2 ? Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / length2)) : 0;
  return Math.hypot(ax + t * dx - x, ay + t * dy - y);
}

/* Dragging the nearest tip or hub in the plane of a picture; where neither is near, the whole catheter by its shaft. */
function catheterTool(scene, moved) {
  const NEAR_PX = 14, SHAFT_PX = 8;
  let held = null;
  return {
    down(plane, event) {
      const at = plane.pointAt(event), { u, v } = plane.view, flat = (p) => [p[u], p[v]];
      const found = scene.catheters.flatMap((c) => {
        const tip = c.points[c.points.length - 1], [hub] = c.points;
        const ends = [["hub", hub], ["tip", tip]].map(([end, p]) => ({ c, end, px: plane.fit.scale * Math.hypot(p[u] - at[u], p[v] - at[v]), near: NEAR_PX }));
        const shaft = Math.min(...c.points.slice(1).map((p, k) => awayFrom(flat(at), flat(c.points[k]), flat(p))));
        return [...ends, { c, end: "whole", px: plane.fit.scale * shaft, near: SHAFT_PX }];
      }).filter((one) => one.px <= one.near);
      // An end lies on its shaft: it comes first wherever it is near.
      const rank = (one) => one.px + (one.end === "whole" ? 1000 : 0);
      const nearest = found.reduce((a, b) => (!a || rank(b) < rank(a) ? b : a), null);
      held = nearest && { ...nearest, u, v, from: at, hub: nearest.c.points[0], tip: nearest.c.points[nearest.c.points.length - 1] };
    },
    move(plane, event) {
      if (!held) return;
      const at = plane.pointAt(event), by = [0, 0, 0];
      for (const axis of [held.u, held.v]) by[axis] = at[axis] - held.from[axis];
      const ends = held.end === "whole" ? ["hub", "tip"] : [held.end];
      moved(held.c.name, held.end, Object.fromEntries(ends.map((end) => [`${end}_mm`, held[end].map((x, k) => x + by[k])])));
    },
  };
}

/* Dragging an isodose: the place under the pointer is to have at least its dose, or at most where the line moves inward. */
function isodoseTool(scene, asked) {
  const NEAR_PX = 10;
  let held = null;
  return {
    down(plane, event) {
      const at = plane.pointAt(event), { u, v } = plane.view, dose = scene.dose, here = dose.linear(at);
      const crosses = (gy) => [...Array(16).keys()].some((k) => {
        const near = at.slice();
        near[u] += (NEAR_PX / plane.fit.scale) * Math.cos((k * Math.PI) / 8);
        near[v] += (NEAR_PX / plane.fit.scale) * Math.sin((k * Math.PI) / 8);
        return (dose.linear(near) - gy) * (here - gy) <= 0;
      });
      const levels = scene.levels.filter((l) => l.on && l.gy > 0 && crosses(l.gy));
      const nearest = levels.reduce((a, b) => (!a || Math.abs(here / b.gy - 1) < Math.abs(here / a.gy - 1) ? b : a), null);
      held = nearest && { gy: nearest.gy, dose };
    },
    move(plane, event) {
      if (!held) return;
      const at = plane.pointAt(event), before = held.dose.linear(at);
      if (Number.isFinite(before)) asked(at, held.gy, before < held.gy);
    },
  };
}

/* Dragging a curve of the DVH along the axis of dose. The figure is drawn anew meanwhile: the window keeps the hold. */
function dragCurves(plotNow, asked) {
  const NEAR_PX = 7;
  let held = null;
  const at = (plot, event) => new DOMPoint(event.clientX, event.clientY).matrixTransform(plot.svg.getScreenCTM().inverse());
  const nearest = (plot, { x, y }) => {
    const away = (c) => Math.abs(plot.y(plot.volume(c, shareAt(c, plot.gy(x)))) - y);
    const steep = (c) => [-NEAR_PX, NEAR_PX].map((d) => plot.y(plot.volume(c, shareAt(c, plot.gy(x + d)))));
    const near = plot.shown().filter((c) => away(c) <= NEAR_PX || (steep(c)[0] - y) * (steep(c)[1] - y) < 0);
    return near.reduce((a, b) => (!a || away(b) < away(a) ? b : a), null);
  };
  const inside = (plot, { x }) => plot.gy(x) >= plot.from && plot.gy(x) <= plot.to;
  byId("dvh-place").addEventListener("pointerdown", (event) => {
    const plot = plotNow();
    if (!plot || event.button || !plot.svg.contains(event.target)) return;
    const point = at(plot, event), curve = inside(plot, point) ? nearest(plot, point) : null;
    if (!curve) return;
    // The volume is the pointer's: the curve may be steep. The whole volume and none have goals of their own.
    const share = plot.log || plot.cc ? shareAt(curve, plot.gy(point.x)) : Math.min(1, Math.max(0, 1 - (point.y - plot.top) / plot.height));
    const percent = share > 0.995 ? 100 : Math.max(0.1, +(100 * share).toPrecision(3));
    held = { name: curve.name, percent, gy: plot.gy(point.x) };
    event.stopPropagation();
    event.preventDefault();
  }, true);
  addEventListener("pointermove", (event) => {
    const plot = plotNow();
    if (!held) {
      if (plot && plot.svg.contains(event.target)) plot.svg.classList.toggle("takes", Boolean(nearest(plot, at(plot, event))));
      return;
    }
    const gy = Math.max(0, plot.gy(at(plot, event).x));
    if (Math.abs(gy - held.gy) * plot.width > 3 * (plot.to - plot.from)) {
      asked({ structure: held.name, volume_percent: held.percent, dose_gy: +gy.toFixed(2), at_least: gy > held.gy });
    }
  });
  for (const end of ["pointerup", "pointercancel"]) addEventListener(end, () => { held = null; });
}

/* A kept plan beside the one on the screen: dose, DVH and metrics, followed until somebody ends it. */
class Comparison {
  /** @type {string | null} */
  name = null;
  /* Of the kept plan. */
  /** @type {Curve[]} */
  curves = [];
  /** @type {Volume | null} */
  dose = null;
  key = "";

  /** @param {Scene} scene @param {{ ask: (path: string, body: any) => Promise<any>, fetchDose: (query: string) => Promise<Volume>, redraw: () => void, table: Uint8Array, refuse: (text: string) => void }} page */
  constructor(scene, { ask, fetchDose, redraw, table, refuse }) {
    this.scene = scene;
    this.ask = ask;
    this.fetchDose = fetchDose;
    this.redraw = redraw;
    this.table = table;
    this.refuse = refuse;
    byId("compare-end").addEventListener("click", () => this.end());
  }

  async begin(name) {
    try {
      const dose = await this.fetchDose(`kept=${encodeURIComponent(name)}`);
      Object.assign(this, { name, dose, key: `kept ${name} ${performance.now()}` });
      await this.follow();
    } catch (error) { this.refuse(error.message); }
  }

  end() {
    this.name = null;
    Object.assign(this.scene, { difference: null, others: [] });
    this.curves = [];
    byId("compared").hidden = true;
    byId("differences").hidden = true;
    this.redraw();
  }

  /* After every touch: what differs now. */
  async follow() {
    if (this.name === null) return;
    const found = await this.ask("/api/compare", { name: this.name });
    if (found.name !== this.name) return;
    const { scene } = this, span = scene.prescription / 2;
    this.curves = found.curves;
    scene.difference = { on: true, volume: new Difference(this.dose, scene.dose), table: this.table, from: -span, to: span, fades: true, opacity: 0.85, kept: this.dose };
    scene.others = [{ gy: scene.prescription, colour: "#d89882", dash: [7, 4], on: true, key: this.key, volume: this.dose }];
    drawDifferences(this.name, found.rows);
    byId("compared").hidden = false;
    byId("compared-said").textContent = `Beside \u201c${this.name}\u201d: the pictures show where the dose is higher (red) or lower (blue) than there, in full colour from ${+span.toFixed(1)} Gy. Its ${+scene.prescription.toFixed(2)} Gy line is dashed, its DVH curves are dotted, its metrics are under Kept plans.`;
    this.redraw();
  }
}
