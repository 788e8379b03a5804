/* Two plans beside each other and their difference, all three on one slice. */

async function startComparison() {
  const data = JSON.parse(byId("report-data").textContent);
  readableDvh(data.curves);
  const [ct, doses, fields] = await Promise.all([
    data.ct && Volume.ofPack(data.ct, true),
    Promise.all(data.plans.map((p) => Volume.ofPack(p.dose, false))),
    Promise.all(data.structures.map((s) => Volume.ofStructure(s))),
  ]);
  const structures = data.structures.map((s, rank) => ({ ...s, rank, ...fields[rank], on: true }));
  const frame = ct ?? doses[0];
  const state = { view: "axial", focus: data.focus.slice(), fit: null, span: data.prescription_gy * 0.5 };
  const table = colourTable(data.diverging);
  const canvases = ["first", "second", "difference"].map((id) => byId(id));
  const scenes = canvases.map((_, k) => {
    const plan = k < 2 ? data.plans[k] : { catheters: [], dwells: [] };
    const scene = new Scene({ ...data, catheters: plan.catheters, dwells: plan.dwells }, ct, doses[Math.min(k, doses.length - 1)], structures);
    scene.frame = frame;
    return scene;
  });
  const chosen = () => [+byId("choose-first").value, +byId("choose-second").value];

  /* Give each panel the plans chosen. */
  function assign() {
    const [a, b] = chosen();
    [a, b].forEach((k, panel) => {
      const scene = scenes[panel], plan = data.plans[k];
      Object.assign(scene, { dose: doses[k], catheters: plan.catheters, dwells: plan.dwells });
      scene.longest = Math.max(1e-9, ...plan.dwells.map((d) => d.time_s));
      scene.levels = data.levels.map((l) => ({ ...l, on: true, key: `dose${k}` }));
    });
    const last = scenes[2];
    last.wash.volume = new Difference(doses[a], doses[b]);
    last.levels = [a, b].map((k, i) => ({ gy: data.prescription_gy, colour: i ? "#d89882" : "#fdf11c", dash: i ? [7, 4] : [], on: true, key: `dose${k}`, volume: doses[k] }));
    draw();
  }

  let asked = false;
  function draw() {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      const view = VIEWS[state.view];
      const ratio = Math.min(2, window.devicePixelRatio || 1);
      scenes.forEach((scene, k) => {
        const canvas = canvases[k], box = canvas.getBoundingClientRect();
        canvas.width = Math.round(box.width * ratio);
        canvas.height = Math.round(box.height * ratio);
        scene.focus = state.focus;
        if (!state.fit) {
          const { low, high } = scenes[0].surroundings;
          const span = (a) => high[a] - low[a] + frame.stepAlong(a);
          state.fit = { centre: [(low[view.u] + high[view.u]) / 2, (low[view.v] + high[view.v]) / 2], scale: Math.min(box.width / span(view.u), box.height / span(view.v)) };
        }
        Object.assign(scene.wash, k < 2 ? { on: false } : { on: true, from: -state.span, to: state.span, fades: true, opacity: 0.85, table });
        drawPlane(canvas, scene, view, state.fit, ratio);
      });
      byId("slice").min = frame.low[view.n];
      byId("slice").max = frame.high[view.n];
      byId("slice").value = state.focus[view.n];
      byId("slice-at").textContent = `${"xyz"[view.n]} ${state.focus[view.n].toFixed(1)} mm`;
      readout(state.focus);
    });
  }

  function readout(point) {
    const [a, b] = chosen();
    const [first, second] = [doses[a].linear(point), doses[b].linear(point)];
    const text = (v) => (Number.isFinite(v) ? `${v.toFixed(2)} Gy` : "–");
    byId("read-at").textContent = mm(point);
    byId("read-at").dataset.lps = point.join(" ");
    byId("read-first").textContent = text(first);
    byId("read-second").textContent = text(second);
    const difference = second - first;
    byId("read-difference").textContent = Number.isFinite(difference) ? `${difference > 0 ? "+" : ""}${difference.toFixed(2)} Gy` : "–";
  }

  function scrolled(steps) {
    const { n } = VIEWS[state.view];
    scenes[0].focus = state.focus;
    scenes[0].scroll(n, steps);
    state.focus = scenes[0].focus;
    draw();
  }

  for (const canvas of canvases) {
    const pointAt = (event) => {
      const box = canvas.getBoundingClientRect(), view = VIEWS[state.view], point = state.focus.slice();
      point[view.u] = state.fit.centre[0] + (view.su * (event.clientX - box.left - box.width / 2)) / state.fit.scale;
      point[view.v] = state.fit.centre[1] + (view.sv * (event.clientY - box.top - box.height / 2)) / state.fit.scale;
      return point;
    };
    let turned = 0;
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      if (event.ctrlKey || event.metaKey) {
        state.fit.scale = Math.min(60, Math.max(0.4, state.fit.scale * Math.exp(-event.deltaY * 0.0025)));
        return draw();
      }
      turned += event.deltaMode === 0 ? event.deltaY / 60 : event.deltaY;
      const steps = Math.trunc(turned);
      turned -= steps;
      if (steps) scrolled(state.view === "axial" ? -steps : steps);
    }, { passive: false });
    canvas.addEventListener("pointermove", (event) => {
      if (event.buttons & 1) { scenes[0].frame = frame; scenes[0].moveTo(pointAt(event)); state.focus = scenes[0].focus; draw(); }
      else readout(pointAt(event));
    });
    canvas.addEventListener("pointerdown", (event) => { scenes[0].moveTo(pointAt(event)); state.focus = scenes[0].focus; draw(); });
    canvas.addEventListener("pointerleave", () => readout(state.focus));
    canvas.addEventListener("keydown", (event) => {
      const steps = { PageUp: 1, PageDown: -1, ArrowUp: 1, ArrowDown: -1 }[event.key];
      if (steps) { scrolled(state.view === "axial" ? steps : -steps); event.preventDefault(); }
    });
  }
  byId("slice").addEventListener("input", (event) => { state.focus = state.focus.slice(); state.focus[VIEWS[state.view].n] = +event.target.value; scrolled(0); });
  byId("span").value = state.span;
  byId("span").addEventListener("input", (event) => { const v = parseFloat(event.target.value); if (v > 0) { state.span = v; byId("span-low").textContent = `−${v} Gy`; byId("span-high").textContent = `+${v} Gy`; draw(); } });
  byId("span").dispatchEvent(new Event("input"));
  for (const box of document.querySelectorAll('input[name="view"]')) {
    box.addEventListener("change", () => { state.view = box.value; state.fit = null; draw(); });
  }
  for (const id of ["choose-first", "choose-second"]) byId(id).addEventListener("change", assign);
  new ResizeObserver(() => { state.fit = null; draw(); }).observe(byId("pair"));
  assign();
  requestAnimationFrame(() => requestAnimationFrame(() => { document.documentElement.dataset.ready = performance.now().toFixed(0); }));
}

startComparison().catch((error) => {
  const note = byId("viewer-error");
  note.hidden = false;
  note.textContent = `The pictures could not start in this browser (${error.message}). The tables and the DVH are complete.`;
  console.error(error);
});
