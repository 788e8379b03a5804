/* What a live session shows beside the pictures: goals, dwell times, metrics, history. Each panel is drawn from the state. */

const RANGES = { Gy: [0, 60, 0.1], "%": [0, 100, 0.5], cc: [0, 50, 0.1], s: [0, 1800, 5], "": [0, 10, 0.01] };

/* Number of a goal, or name of a CTV -> the values between which it can be traded while all others stay. */
let traded = new Map();
function tradeBetween(found) {
  traded = new Map(found.rows.map((r) => [r.number ?? r.structure, r]));
}

/* A number that is being typed and was not sent yet stays as it is, whatever arrives meanwhile. */
const typed = new WeakSet();
function half(input) {
  return input === document.activeElement && typed.has(input);
}
addEventListener("input", (event) => typed.add(event.target), true);
addEventListener("change", (event) => typed.delete(event.target), true);

/* A slider and a number that say the same; `send` is told while either moves. */
function limitInput(value, unit, label, send, trade) {
  let [low, high, step] = RANGES[unit] ?? RANGES[""];
  let top = Math.max(high, 1.5 * value);
  if (trade?.strictest != null && trade.loosest != null && trade.loosest > trade.strictest) {
    [low, top] = [trade.strictest, trade.loosest];
    step = +((top - low) / 200).toPrecision(1) || step;
  }
  const slider = element("input", { type: "range", min: low, max: top, step, "aria-label": `${label}, slider` });
  const number = element("input", { type: "number", min: low, step, "aria-label": label });
  const follow = (now) => { slider.value = now; if (!half(number)) number.value = +now.toFixed(3); };
  follow(value);
  slider.addEventListener("input", () => { number.value = slider.value; send(+slider.value); });
  number.addEventListener("change", () => { if (number.value !== "") { slider.value = number.value; send(+number.value); } });
  const box = element("span", { class: "live-limit" });
  box.append(slider, number, element("span", { class: "unit" }, unit));
  if (trade?.strictest != null) {
    const said = trade.loosest == null ? `up to ${+trade.strictest.toFixed(1)}` : `${+trade.strictest.toFixed(2)} to ${+trade.loosest.toFixed(2)}`;
    box.append(element("span", { class: "live-range", title: "Asked for most, and not asked for, while all others stay" }, said));
  }
  return Object.assign(box, { follow });
}

function resultCell({ on, met }) {
  const cell = element("td");
  const [kind, text] = !on ? ["unknown", "– off"] : met === null ? ["unknown", "– not judged"] : met ? ["met", "✓ met"] : ["missed", "✕ missed"];
  cell.append(element("span", { class: `state ${kind}` }, text));
  return cell;
}

function numberCell(value, unit = "") {
  return element("td", { class: "n" }, value === null || value === undefined ? "" : `${(+value).toFixed(2).replace(/^-(0\.00)$/, "$1")}${unit && ` ${unit}`}`);
}

/* Rows are kept as long as they are of the same goals: a slider must not vanish under the hand. They say what is asked for
   now, but for the control of a hand that is `ahead`: what it says is on its way. */
function drawGoals(state, act, { anew = false, ahead = false } = {}) {
  const body = byId("goal-rows"), controls = () => [...body.querySelectorAll("input")];
  const of = JSON.stringify([...state.prescriptions, ...state.goals].map((g) => [g.structure, g.metric, g.sense, g.unit]));
  const held = !anew && body.dataset.of === of, focused = controls().indexOf(document.activeElement);
  if (!held) {
    body.dataset.of = of;
    body.replaceChildren(...[...state.prescriptions.map((p) => prescriptionRow(p, act)), ...state.goals.map((g) => goalRow(g, act))]);
    controls()[focused]?.focus({ preventScroll: true });
  }
  [...state.prescriptions, ...state.goals].forEach((goal, k) => {
    const row = body.rows[k];
    if (held && !(ahead && row.contains(document.activeElement))) {
      row.querySelector(".live-limit").follow(goal.value);
      const [on, rank] = [row.cells[0].querySelector("input"), row.cells[5].querySelector("input")];
      Object.assign(on, { checked: goal.on });
      if (!half(rank)) rank.value = goal.level;
    }
    row.cells[3].replaceWith(numberCell(goal.reached));
    row.cells[4].replaceWith(resultCell(goal));
    row.classList.toggle("idle", goal.on === false);
  });
}

function nameCell(structure, metric) {
  const cell = element("th", { scope: "row" }, structure);
  cell.append(element("span", { class: "live-metric" }, metric));
  return cell;
}

function prescriptionRow(p, act) {
  const ctv = p.structure;
  return askedRow(p, `Prescription of ${ctv}`, "D100 ≥", traded.get(ctv), {
    value: (dose_gy) => act("prescribe", { ctv, dose_gy }),
    on: (on) => act("switch_prescription", { ctv, on }),
    level: (level) => act("set_prescription_level", { ctv, level }),
  });
}

function goalRow(g, act) {
  const { number } = g;
  return askedRow(g, `${g.structure} ${g.metric}`, `${g.metric} ${g.sense === ">=" ? "≥" : "≤"}`, traded.get(number), {
    value: (value) => act("set_goal", { number, value }),
    on: (on) => act("switch_goal", { number, on }),
    level: (level) => act("set_level", { number, level }),
  });
}

/* One row of what is asked for: whether it counts, its limit, and its level; `does` has what each control does. */
function askedRow(asked, label, metric, trade, does) {
  const row = element("tr"), counts = element("td"), limit = element("td"), level = element("td");
  const on = element("input", { type: "checkbox", "aria-label": `${label} counts` });
  on.checked = asked.on;
  on.addEventListener("change", () => does.on(on.checked));
  counts.append(on);
  limit.append(limitInput(asked.value, asked.unit, label, does.value, trade));
  const rank = element("input", { type: "number", min: 0, max: 9, "aria-label": `Level of ${label}` });
  rank.value = asked.level;
  rank.addEventListener("change", () => does.level(+rank.value));
  level.append(rank);
  row.append(counts, nameCell(asked.structure, metric), limit, element("td"), element("td"), level);
  return row;
}

/* Bars of dwell times, catheter by catheter; a bar is a slider for hands and keys. */
class Channels {
  constructor(act) {
    this.act = act;
    this.held = null;
  }

  draw(state) {
    if (this.held) return;
    const focused = document.activeElement?.dataset?.stop;
    const highest = Math.max(10, ...state.dwells.map((d) => d.time_s)) * 1.15;
    byId("channels").replaceChildren(...state.catheters.map((c) => this.channel(c, state.dwells.filter((d) => d.catheter === c.name), highest)));
    if (focused) document.querySelector(`[data-stop="${CSS.escape(focused)}"]`)?.focus();
  }

  channel(c, dwells, highest) {
    const box = element("figure"), head = element("figcaption"), bars = element("div", { class: "live-bars" });
    const label = element("label"), on = element("input", { type: "checkbox" });
    on.checked = c.on;
    on.addEventListener("change", () => this.act("switch_catheter", { name: c.name, on: on.checked }));
    const total = dwells.reduce((sum, d) => sum + d.time_s, 0);
    label.append(on, ` ${c.name} · ${total.toFixed(1)} s`);
    const gone = element("button", { type: "button", class: "quiet", "aria-label": `Take ${c.name} out`, title: "Take out" }, "×");
    gone.addEventListener("click", () => this.act("delete_catheter", { name: c.name }));
    head.append(label, gone);
    bars.append(...dwells.map((d) => this.bar(d, highest)));
    box.append(bars, head);
    return box;
  }

  bar(d, highest) {
    const stop = `${d.catheter}|${d.offset_mm}`;
    const bar = element("div", { class: d.locked ? "live-bar locked" : "live-bar", tabindex: 0, role: "slider", "data-stop": stop });
    const fill = element("div", { class: "live-fill" });
    const show = (seconds) => {
      fill.style.height = `${Math.max(1, (100 * seconds) / highest)}%`;
      const text = `${d.catheter}, ${d.offset_mm} mm from the tip: ${seconds.toFixed(1)} s${d.locked ? ", locked" : ""}`;
      bar.title = text;
      for (const [name, value] of [["label", text], ["valuenow", seconds.toFixed(1)], ["valuemin", 0], ["valuemax", highest.toFixed(0)]]) bar.setAttribute(`aria-${name}`, value);
    };
    show(d.time_s);
    bar.append(fill);
    const at = { catheter: d.catheter, offset_mm: d.offset_mm };
    const set = (seconds) => { show(seconds); this.act("set_time", { ...at, seconds }); };
    const under = (event) => {
      const box = bar.getBoundingClientRect();
      return Math.max(0, Math.round(10 * highest * Math.min(1, (box.bottom - event.clientY) / box.height)) / 10);
    };
    bar.addEventListener("pointerdown", (event) => { this.held = bar; bar.setPointerCapture(event.pointerId); set(under(event)); event.preventDefault(); bar.focus(); });
    bar.addEventListener("pointermove", (event) => { if (this.held === bar) set(under(event)); });
    for (const end of ["pointerup", "pointercancel"]) bar.addEventListener(end, () => { this.held = null; });
    bar.addEventListener("keydown", (event) => {
      const now = +bar.getAttribute("aria-valuenow");
      const keys = {
        ArrowUp: () => set(now + 1), ArrowDown: () => set(Math.max(0, now - 1)), PageUp: () => set(now + 10), PageDown: () => set(Math.max(0, now - 10)),
        Delete: () => set(0), l: () => this.act(d.locked ? "unlock" : "lock", at), L: () => this.act(d.locked ? "unlock" : "lock", at),
      };
      if (keys[event.key]) { keys[event.key](); event.preventDefault(); }
    });
    return bar;
  }
}

function drawMetrics(state) {
  byId("metric-rows").replaceChildren(...state.metrics.map((m) => {
    const row = element("tr");
    row.append(element("th", { scope: "row" }, m.name), ...m.values.map((v) => numberCell(v)));
    return row;
  }));
}

function drawHistory(state, go) {
  byId("history").replaceChildren(...state.history.map((label, k) => {
    const row = element("li"), button = element("button", { type: "button", class: "quiet" }, label);
    if (k === state.at) row.setAttribute("aria-current", "step");
    button.addEventListener("click", () => go(k));
    row.append(button);
    return row;
  }));
}

function drawKept(state, { take, compare }) {
  byId("kept-list").replaceChildren(...state.kept.map((name) => {
    const row = element("li", {}, `${name} `);
    for (const [text, call] of [["Compare", compare], ["Take it back", take]]) {
      const button = element("button", { type: "button", class: "button small" }, text);
      button.addEventListener("click", () => call(name));
      row.append(button, " ");
    }
    return row;
  }));
  if (!state.kept.length) byId("kept-list").append(element("li", { class: "small" }, "Keep a plan under a name to compare it with others."));
}

function drawDifferences(name, rows) {
  const table = byId("differences");
  table.hidden = false;
  table.caption.textContent = `Plan on the screen beside ${name}`;
  table.tBodies[0].replaceChildren(...rows.map(({ structure, metric, now, kept }) => {
    const row = element("tr");
    row.append(element("th", { scope: "row" }, structure), element("td", {}, metric), numberCell(now), numberCell(kept), numberCell(now === null || kept === null ? null : now - kept));
    return row;
  }));
}

function rowsInto(id, rows) {
  const table = byId(id);
  table.hidden = false;
  table.tBodies[0].replaceChildren(...rows);
}

/* Paths for one more catheter: what each buys, what it passes, and the buttons to look at it and to add it. */
function drawNext(found, add, look) {
  rowsInto("next-table", found.rows.slice(0, 8).map((c) => {
    const row = element("tr"), doing = element("td");
    const lower = c.saved_percent === null ? "makes the plan possible" : `${c.saved_percent.toFixed(1)} % less ${c.objective}`;
    const buys = c.more_gy > 0.005 ? `${c.more_gy.toFixed(2)} Gy more D100` : lower;
    for (const [text, call] of [["Look", () => look(c.tip_mm)], ["Add", () => add(c)]]) {
      const button = element("button", { type: "button", class: "button small" }, text);
      button.addEventListener("click", call);
      doing.append(button, " ");
    }
    row.append(element("th", { scope: "row" }, buys), element("td", {}, c.nearest.map((n) => `${n.name} ${n.mm.toFixed(0)} mm`).join(", ") || "nothing within 40 mm"), doing);
    return row;
  }));
}

function drawRobustness(found) {
  byId("robustness-table").caption.textContent = `${found.deliveries} simulated deliveries with the errors that have a source (\u201chdrplan robust\u201d takes others)`;
  rowsInto("robustness-table", found.rows.map((r) => {
    const row = element("tr"), percent = element("td", { class: "n" }, `${r.percent.toFixed(1)} %`);
    row.append(element("th", { scope: "row" }, r.ctv), percent, element("td", { class: "n" }, `${r.low_percent.toFixed(1)} to ${r.high_percent.toFixed(1)} %`),
      numberCell(r.planned_gy, "Gy"), numberCell(r.p50_gy, "Gy"), numberCell(r.p5_gy, "Gy"));
    return row;
  }));
}
