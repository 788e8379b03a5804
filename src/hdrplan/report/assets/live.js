/* A live session: what is touched goes to the server that this page came from; the newest touch wins. */

/* All that one press of a hand does to one thing is one entry of the history. */
const visit = Date.now().toString(36);
let press = 0;
let pressed = false;       // whether the mouse or a finger is down
addEventListener("pointerdown", () => { press++; pressed = true; }, true);
for (const end of ["pointerup", "pointercancel"]) addEventListener(end, () => { pressed = false; }, true);
addEventListener("keydown", (event) => { if (!event.repeat) press++; }, true);

const REST_MS = 700;      // after so long without a touch the plan is proven
const LOOK_MS = 2000;     // so often the page asks whether somebody else touched the plan
const LONG_MS = 500;      // what takes longer can be stopped

class Server {
  token = "";
  /* Draws a state, and says what was refused. */
  /** @type {(state: any) => Promise<void>} */
  show = async () => {};
  /** @type {(text: string | null) => void} */
  refuse = () => {};
  busy = false;
  /** Revision on the screen, what it was asked for (a number), and how many requests take long. */
  shown = -1; asked = -1; long = 0;
  /** @type {{ path: string, body?: any, kind: string }[]} */
  waiting = [];

  constructor(token, show, refuse) {
    Object.assign(this, { token, show, refuse });
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
    const answer = await fetch(path, { method: "POST", headers: { "content-type": "application/json", "x-hdrplan-token": this.token }, body: JSON.stringify(body ?? {}) })
      .catch(() => { throw new Error("this session is not answered any more. Start \u201chdrplan live\u201d again with the same case: it goes on where it was, at the address it prints."); });
    const said = await answer.json();
    if (!answer.ok) throw new Error(said.error ?? `the server answered ${answer.status}`);
    return said;
  }

  /* Touches that come while one is under way replace each other where they are of one kind. */
  touch(path, body, kind = path) {
    if (this.busy) {
      this.waiting = this.waiting.filter((w) => w.kind !== kind);
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
      // What was meant for another plan than the one that is asked for now is refused, and that one shown.
      const state = await this.stoppable(this.ask(path, { ...body, asked: this.asked }));
      this.refuse(null);
      await this.show(state);
      document.documentElement.dataset.latency = (performance.now() - began).toFixed(0);
    } catch (error) {
      await this.ask("/api/state").then(this.show).catch(() => {});
      this.refuse(error.message);
    }
    this.busy = false;
    const next = this.waiting.shift();
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
  scene.tools.catheter = catheterTool(scene, (name, end, places) => act("move_catheter", { name, ...places }, `move ${name} ${end}`));
  scene.tools.isodose = isodoseTool(scene, (point_mm, dose_gy, at_least) => act("ask_dose_at", { point_mm, dose_gy, at_least }, "isodose"));
  document.querySelector(".tools").append(toolButton("catheter", "Catheter", "drag a tip, a hub, or a whole catheter by its shaft"), toolButton("isodose", "Isodose", "drag a line to where the dose should reach or end"));
  const viewer = viewerOf(scene);
  let plot = readableDvh(data.curves), state = null;
  const studied = new Map();    // place of a study's words -> what was asked for when it was made

  addEventListener("beforeprint", () => drawPaper(scene));
  const server = new Server(data.token, show, (text) => {
    byId("refused").hidden = text === null;
    byId("refused").textContent = text ? text[0].toUpperCase() + text.slice(1) : "";
    // What was refused is not asked for: the field says again what is.
    if (text !== null && state && !pressed) drawGoals(state, act);
  });
  const act = (action, given, kind = `${action} ${given.number ?? given.ctv ?? given.catheter ?? ""} ${given.offset_mm ?? ""}`) =>
    server.touch("/api/do", { action, arguments: given, gesture: `${visit} ${press} ${kind}`.slice(0, 80) }, kind);
  const channels = new Channels(act);
  const comparison = new Comparison(scene, {
    ask: (path, body) => server.ask(path, body), fetchDose, table: colourTable(data.diverging), refuse: (text) => server.refuse(text),
    redraw: () => { viewer.redraw(); plot?.beside(comparison.curves); },
  });

  async function show(fresh) {
    if (fresh.revision < server.shown) return;
    Object.assign(server, { shown: fresh.revision, asked: fresh.asked });
    state = fresh;
    await showDose(fresh);
    Object.assign(scene, { catheters: fresh.catheters.filter((c) => c.on), dwells: fresh.dwells });
    follow(fresh.reference_gy);
    scene.longest = Math.max(1e-9, ...fresh.dwells.map((d) => d.time_s));
    viewer.redraw();
    const badge = byId("state");
    badge.textContent = `${fresh.text}`;
    badge.className = `verdict ${{ "proven at every point": "good", "no plan holds these limits": "bad", "prescription lowered": "bad" }[fresh.state] ?? "open"}`;
    badge.dataset.state = fresh.state;
    drawGoals(fresh, act, { ahead: pressed || server.waiting.length > 0 });
    channels.draw(fresh);
    drawMetrics(fresh);
    drawHistory(fresh, (place) => server.touch("/api/go", { place }));
    drawKept(fresh, { take: (name) => server.touch("/api/take", { name }), compare: (name) => comparison.begin(name) });
    showDvh(fresh.dvh);
    for (const [place, asked] of studied) sayAge(place, asked);
    const locks = fresh.dwells.filter((d) => d.locked).length;
    byId("unlock").textContent = locks ? `Unlock ${locks} time${locks > 1 ? "s" : ""}` : "Unlock all times";
    byId("unlock").disabled = locks === 0;
    byId("undo").disabled = fresh.at === 0;
    byId("redo").disabled = fresh.at === fresh.history.length - 1;
    byId("changed").hidden = fresh.changed.length === 0;
    byId("changed").textContent = `${fresh.changed.join(", ")} changed on the disk. This session, and what it saves, keep the case as it was opened; to plan the new one, save, end the session with Ctrl-C and start it again with another --saves folder.`;
    listCatheters(fresh.catheters);
    document.documentElement.dataset.revision = fresh.revision;
    comparison.follow().catch((error) => server.refuse(error.message));
  }

  /* The isodose of the prescription goes along with it, and the others are per cent of it. */
  function follow(prescription) {
    if (Math.abs(prescription - scene.prescription) < 1e-6) return;
    for (const level of scene.levels) if (Math.abs(level.gy - scene.prescription) < 1e-6) level.gy = prescription;
    scene.prescription = prescription;
    if (!byId("levels").contains(document.activeElement)) viewer.relist();
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
    if (comparison.curves.length) plot.beside(comparison.curves);
    else if (before.zoomed || before.cc || before.log) plot.draw();
  }

  async function fetchDose(query) {
    const answer = await fetch(`/api/dose?${query}`, { headers: { "x-hdrplan-token": data.token } });
    if (!answer.ok) throw new Error((await answer.json()).error ?? `the server answered ${answer.status}`);
    return new Volume({ ...JSON.parse(answer.headers.get("x-frame")), offset: 0 }, new Uint16Array(await answer.arrayBuffer()));
  }

  async function showDose(fresh) {
    scene.dose = await fetchDose(`revision=${fresh.revision}`);
    scene.levels.forEach((level) => { level.key = `dose ${fresh.revision}`; });
  }

  const sayAge = (place, asked) => { byId(place).textContent = asked === state.asked ? "" : "Of an earlier plan: you have touched it since."; };

  /* What takes some seconds runs beside the touches; it says so where it is of an earlier plan. */
  function study(button, place, waiting, path, draw) {
    click(button, async () => {
      byId(button).disabled = true;
      studied.delete(place);
      byId(place).textContent = waiting;
      try {
        const found = await server.stoppable(server.ask(path));
        draw(found);
        studied.set(place, found.asked);
        sayAge(place, found.asked);
        byId(place).dataset.revision = found.revision;
      } catch (error) { byId(place).textContent = error.message; }
      byId(button).disabled = false;
    });
  }

  const toMove = byId("move-name");
  function listCatheters(catheters) {
    const names = catheters.filter((c) => c.on).map((c) => c.name), before = toMove.value;
    if ([...toMove.options].map((o) => o.value).join("\n") === names.join("\n")) return;
    toMove.replaceChildren(...names.map((name) => element("option", {}, name)));
    if (names.includes(before)) toMove.value = before;
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
  byId("new-point").addEventListener("submit", (event) => {
    event.preventDefault();
    act("ask_dvh_point", { structure: byId("point-structure").value, volume_percent: +byId("point-percent").value, dose_gy: +byId("point-gy").value, at_least: byId("point-side").value === "least" });
  });
  dragCurves(() => plot, (given) => act("ask_dvh_point", given, "curve"));
  study("find-next", "next-said", "Looking for clear paths …", "/api/next-catheters", (found) => drawNext(found, (c) => act("add_catheter", { entry_mm: c.entry_mm, tip_mm: c.tip_mm }), (point) => { scene.moveTo(point); viewer.redraw(); }));
  study("find-ranges", "ranges-said", "Looking how far each limit reaches …", "/api/ranges", (found) => { tradeBetween(found); drawGoals(state, act, { anew: true }); });
  study("find-robustness", "robustness-said", "Delivering the plan 200 times …", "/api/robustness", drawRobustness);
  let tip = null;
  click("tip-here", () => { tip = scene.focus.slice(); byId("entry-here").disabled = false; byId("new-catheter-said").textContent = `Tip at ${mm(tip)} mm; now point at its entry.`; });
  click("entry-here", () => { act("add_catheter", { tip_mm: tip, entry_mm: scene.focus.slice() }); byId("entry-here").disabled = true; byId("new-catheter-said").textContent = ""; });
  byId("move-catheter").addEventListener("submit", (event) => {
    event.preventDefault();
    const c = scene.catheters.find((one) => one.name === toMove.value), end = byId("move-end").value, to = scene.focus.slice();
    const [hub, tip] = [c.points[0], c.points[c.points.length - 1]];
    const places = end === "whole" ? { tip_mm: to, hub_mm: hub.map((x, k) => x + to[k] - tip[k]) } : { [`${end}_mm`]: to };
    act("move_catheter", { name: c.name, ...places }, `move ${c.name} ${end}`);
  });
  addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !byId("stop").hidden) stop();
    if (!(event.ctrlKey || event.metaKey) || event.target instanceof HTMLInputElement && event.target.type === "text") return;
    const key = event.key.toLowerCase();
    if (key === "z" && !event.shiftKey) { server.touch("/api/undo"); event.preventDefault(); }
    else if (key === "y" || (key === "z" && event.shiftKey)) { server.touch("/api/redo"); event.preventDefault(); }
  });
  // Another page of this session, or a notebook, may touch the plan meanwhile.
  const look = async () => {
    if (document.hidden || server.busy || pressed) return;
    try {
      const { revision } = await server.ask("/api/seen");
      if (revision > server.shown && !server.busy && !pressed) {
        await show(await server.ask("/api/state"));
        clearTimeout(server.rest);
        server.rest = setTimeout(() => server.prove(), REST_MS);
      }
    } catch (error) { server.refuse(error.message); }
  };
  addEventListener("focus", look);
  setInterval(look, LOOK_MS);
  await show(await server.ask("/api/state"));
  server.rest = setTimeout(() => server.prove(), REST_MS);
  document.documentElement.dataset.ready = performance.now().toFixed(0);
}

live().catch((error) => {
  const note = byId("viewer-error");
  note.hidden = false;
  note.textContent = `The session could not start in this browser (${error.message}).`;
  console.error(error);
});
