/* A live session: what is touched goes to the server that this page came from; the newest touch wins. */

/* All that one press of a hand does to one thing is one entry of the history. */
const visit = Date.now().toString(36);
let press = 0;
for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, (event) => { if (!event.repeat) press++; }, true);

const REST_MS = 700;      // after so long without a touch the plan is proven
const LONG_MS = 500;      // what takes longer can be stopped

class Server {
  constructor(token, show, refuse) {
    Object.assign(this, { token, show, refuse, busy: false, next: null, shown: -1, long: 0 });
  }

  /* Shows the Stop button as long as something runs that takes long. */
  async stoppable(work) {
    let counted = false;
    const count = (by) => { this.long += by; byId("stop").hidden = this.long === 0; };
    const timer = setTimeout(() => { counted = true; count(1); }, LONG_MS);
    try { return await work; } finally {
      clearTimeout(timer);
      if (counted) count(-1);
    }
  }

  async ask(path, body) {
    const answer = await fetch(path, { method: "POST", headers: { "content-type": "application/json", "x-hdrplan-token": this.token }, body: JSON.stringify(body ?? {}) });
    const said = await answer.json();
    if (!answer.ok) throw new Error(said.error ?? `the server answered ${answer.status}`);
    return said;
  }

  /* Touches that come while one is under way replace each other where they are of one kind. */
  touch(path, body, kind = path) {
    if (this.busy) {
      this.waiting = (this.waiting ?? []).filter((w) => w.kind !== kind);
      this.waiting.push({ path, body, kind });
      return;
    }
    this.run(path, body);
  }

  async run(path, body) {
    this.busy = true;
    clearTimeout(this.rest);
    const began = performance.now();
    try {
      const state = await this.stoppable(this.ask(path, body));
      this.refuse(null);
      await this.show(state);
      document.documentElement.dataset.latency = (performance.now() - began).toFixed(0);
    } catch (error) {
      this.refuse(error.message);
    }
    this.busy = false;
    const next = this.waiting?.shift();
    if (next) this.run(next.path, next.body);
    else this.rest = setTimeout(() => this.prove(), REST_MS);
  }

  /* In the background: a touch meanwhile is not held up, and what comes back too late is dropped. */
  async prove() {
    const of = this.shown;
    document.documentElement.dataset.proving = "1";
    try {
      const state = await this.stoppable(this.ask("/api/settle"));
      if (!this.busy && this.shown === of) await this.show(state);
    } catch (error) { this.refuse(error.message); }
    delete document.documentElement.dataset.proving;
  }
}

async function live() {
  const data = JSON.parse(byId("report-data").textContent);
  const scene = await sceneOf(data);
  scene.tools.catheter = catheterTool(scene, (name, end, point) => act("move_catheter", { name, [`${end}_mm`]: point }, `move ${name} ${end}`));
  scene.tools.isodose = isodoseTool(scene, (point_mm, dose_gy, at_least) => act("ask_dose_at", { point_mm, dose_gy, at_least }, "isodose"));
  document.querySelector(".tools").append(toolButton("catheter", "Catheter", "drag a tip or a hub"), toolButton("isodose", "Isodose", "drag a line to where the dose should reach or end"));
  const viewer = viewerOf(scene);
  let plot = readableDvh(data.curves), state = null;

  const server = new Server(data.token, show, (text) => { byId("refused").hidden = text === null; byId("refused").textContent = text ?? ""; });
  const act = (action, given, kind = `${action} ${given.number ?? given.ctv ?? given.catheter ?? ""} ${given.offset_mm ?? ""}`) =>
    server.touch("/api/do", { action, arguments: given, gesture: `${visit} ${press} ${kind}`.slice(0, 80) }, kind);
  const channels = new Channels(act);

  async function show(fresh) {
    if (fresh.revision < server.shown) return;
    server.shown = fresh.revision;
    state = fresh;
    await showDose(fresh);
    Object.assign(scene, { catheters: fresh.catheters.filter((c) => c.on), dwells: fresh.dwells, prescription: fresh.prescriptions[0].value });
    scene.longest = Math.max(1e-9, ...fresh.dwells.map((d) => d.time_s));
    viewer.redraw();
    const badge = byId("state");
    badge.textContent = `${fresh.text}`;
    badge.className = `verdict ${{ "proven at every point": "good", "no plan holds these limits": "bad", "prescription lowered": "bad" }[fresh.state] ?? "open"}`;
    badge.dataset.state = fresh.state;
    drawGoals(fresh, act);
    channels.draw(fresh);
    drawMetrics(fresh);
    drawHistory(fresh, (place) => server.touch("/api/go", { place }));
    drawKept(fresh, { take: (name) => server.touch("/api/take", { name }), compare });
    showDvh(fresh.dvh);
    byId("undo").disabled = fresh.at === 0;
    byId("redo").disabled = fresh.at === fresh.history.length - 1;
    document.documentElement.dataset.revision = fresh.revision;
  }

  /* The figure comes whole from the package; zoom and axes stay as they are. */
  function showDvh(dvh) {
    const before = plot && { from: plot.from, to: plot.to, cc: plot.cc, log: plot.log, zoomed: plot.to < plot.whole.to || plot.from > 0 };
    const off = [...document.querySelectorAll("[data-toggle-curve]:not(:checked)")].map((box) => box.dataset.toggleCurve);
    byId("dvh-place").innerHTML = dvh.html;
    plot = readableDvh(dvh.curves);
    if (!plot || !before) return;
    for (const box of document.querySelectorAll("[data-toggle-curve]")) if (off.includes(box.dataset.toggleCurve)) box.click();
    Object.assign(plot, { cc: before.cc, log: before.log, ...(before.zoomed && { from: before.from, to: before.to }) });
    byId("dvh-cc").value = before.cc ? "cc" : "frac";
    byId("dvh-log").checked = before.log;
    if (before.zoomed || before.cc || before.log) plot.draw();
  }

  async function showDose(fresh) {
    const answer = await fetch(`/api/dose?revision=${fresh.revision}`, { headers: { "x-hdrplan-token": data.token } });
    if (!answer.ok) return;
    const frame = JSON.parse(answer.headers.get("x-frame"));
    scene.dose = new Volume({ ...frame, offset: 0, step: frame.step }, new Uint16Array(await answer.arrayBuffer()));
    scene.levels.forEach((level) => { level.key = `dose ${fresh.revision}`; });
  }

  /* What takes some seconds runs beside the touches; it says so where it is of an earlier plan. */
  function study(button, place, waiting, path, draw) {
    click(button, async () => {
      byId(button).disabled = true;
      byId(place).textContent = waiting;
      try {
        const found = await server.stoppable(server.ask(path));
        draw(found);
        byId(place).textContent = found.revision === server.shown ? "" : "Of the plan before your last touch.";
        byId(place).dataset.revision = found.revision;
      } catch (error) { byId(place).textContent = error.message; }
      byId(button).disabled = false;
    });
  }

  async function compare(name) {
    try { drawDifferences(name, (await server.ask("/api/compare", { name })).rows); } catch (error) { server.refuse(error.message); }
  }

  const click = (id, call) => byId(id).addEventListener("click", call);
  click("undo", () => server.touch("/api/undo"));
  click("redo", () => server.touch("/api/redo"));
  click("rest", () => act("optimise_rest", {}));
  click("unlock", () => act("unlock", {}));
  const stop = () => { server.ask("/api/stop").catch((error) => server.refuse(error.message)); };
  click("stop", stop);
  click("keep", () => server.touch("/api/keep", { name: byId("keep-name").value || `plan ${state.kept.length + 1}` }));
  click("save", async () => {
    byId("saved").textContent = "Saving: the commands of this plan run …";
    try { byId("saved").textContent = `Saved in ${(await server.ask("/api/save", { dicom: byId("save-dicom").checked, slicer: byId("save-slicer").checked })).said}`; } catch (error) { byId("saved").textContent = ""; server.refuse(error.message); }
  });
  byId("new-goal").addEventListener("submit", (event) => {
    event.preventDefault();
    act("add_goal", { structure: byId("new-structure").value, goal: byId("new-text").value, level: +byId("new-level").value });
  });
  byId("new-place").addEventListener("submit", (event) => {
    event.preventDefault();
    act("ask_dose_at", { point_mm: scene.focus, dose_gy: +byId("place-gy").value, at_least: byId("place-side").value === "least" });
  });
  dragCurves(() => plot, (given) => act("ask_dvh_point", given, "curve"));
  study("find-next", "next-said", "Looking for clear paths …", "/api/next-catheters", (found) => drawNext(found, (c) => act("add_catheter", { entry_mm: c.entry_mm, tip_mm: c.tip_mm }), (point) => { scene.moveTo(point); viewer.redraw(); }));
  study("find-ranges", "ranges-said", "Looking how far each limit reaches …", "/api/ranges", (found) => { tradeBetween(found); drawGoals(state, act, true); });
  study("find-robustness", "robustness-said", "Delivering the plan 200 times …", "/api/robustness", drawRobustness);
  let tip = null;
  click("tip-here", () => { tip = scene.focus.slice(); byId("entry-here").disabled = false; byId("new-catheter-said").textContent = `Tip at ${mm(tip)} mm; now point at its entry.`; });
  click("entry-here", () => { act("add_catheter", { tip_mm: tip, entry_mm: scene.focus.slice() }); byId("entry-here").disabled = true; byId("new-catheter-said").textContent = ""; });
  addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !byId("stop").hidden) stop();
    if (!(event.ctrlKey || event.metaKey) || event.target.tagName === "INPUT" && event.target.type === "text") return;
    const key = event.key.toLowerCase();
    if (key === "z" && !event.shiftKey) { server.touch("/api/undo"); event.preventDefault(); }
    else if (key === "y" || (key === "z" && event.shiftKey)) { server.touch("/api/redo"); event.preventDefault(); }
  });
  // Another page of this session may have touched the plan meanwhile.
  addEventListener("focus", () => { if (!server.busy) server.touch("/api/state"); });
  await show(await server.ask("/api/state"));
  server.rest = setTimeout(() => server.prove(), REST_MS);
  document.documentElement.dataset.ready = performance.now().toFixed(0);
}

function toolButton(value, text, hint) {
  const label = element("label", { title: hint });
  label.append(element("input", { type: "radio", name: "tool", value }), element("span", {}, text));
  return label;
}

/* Dragging the nearest tip or hub in the plane of a picture. */
function catheterTool(scene, moved) {
  const NEAR_PX = 14;
  let held = null;
  return {
    down(plane, event) {
      const at = plane.pointAt(event), { u, v } = plane.view;
      const ends = scene.catheters.flatMap((c) => [["hub", c.points[0]], ["tip", c.points[c.points.length - 1]]].map(([end, p]) => ({ c, end, p })));
      const away = ({ p }) => Math.hypot(p[u] - at[u], p[v] - at[v]) * plane.fit.scale;
      const nearest = ends.reduce((a, b) => (!a || away(b) < away(a) ? b : a), null);
      held = nearest && away(nearest) <= NEAR_PX ? { ...nearest, u, v, p: nearest.p.slice() } : null;
    },
    move(plane, event) {
      if (!held) return;
      const at = plane.pointAt(event);
      held.p[held.u] = at[held.u];
      held.p[held.v] = at[held.v];
      moved(held.c.name, held.end, held.p.slice());
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

live().catch((error) => {
  const note = byId("viewer-error");
  note.hidden = false;
  note.textContent = `The session could not start in this browser (${error.message}).`;
  console.error(error);
});
