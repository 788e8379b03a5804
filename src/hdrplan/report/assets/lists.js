/* Lists beside the pictures: isodoses and structures, to show, hide and go to. */

/** @param {string} tag @param {Record<string, any>} [attributes] @param {any} [text] @returns {any} */
function element(tag, attributes = {}, text) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;   // text only: names come from files
  return made;
}

function listLevels(scene, redraw) {
  const list = byId("levels");
  const spare = ["#ffffff", "#b39ddb", "#ffcc80", "#80deea", "#f48fb1"];
  const fill = () => {
    list.replaceChildren(...scene.levels.map((level) => {
      const row = element("li");
      const on = element("input", { type: "checkbox", "aria-label": `Isodose ${level.gy} Gy` });
      on.checked = level.on;
      on.addEventListener("change", () => { level.on = on.checked; redraw(); });
      const swatch = element("span", { class: "swatch line" });
      swatch.style.backgroundColor = level.colour;
      const gy = element("input", { type: "number", min: "0", step: "0.5", value: level.gy, "aria-label": "Isodose level in Gy" });
      const share = element("span", { class: "share" }, `${((100 * level.gy) / scene.prescription).toFixed(0)} %`);
      gy.addEventListener("input", () => {
        const value = parseFloat(gy.value);
        if (!(value > 0)) return;
        level.gy = value;
        share.textContent = `${((100 * value) / scene.prescription).toFixed(0)} %`;
        redraw();
      });
      const remove = element("button", { type: "button", class: "quiet", "aria-label": `Remove isodose ${level.gy} Gy` }, "×");
      remove.addEventListener("click", () => { scene.levels.splice(scene.levels.indexOf(level), 1); fill(); redraw(); });
      row.append(on, swatch, gy, element("span", { class: "unit" }, "Gy"), share, remove);
      return row;
    }));
  };
  byId("add-level").addEventListener("click", () => {
    const highest = Math.max(0, ...scene.levels.map((l) => l.gy));
    scene.levels.push({ gy: +(highest + scene.prescription / 2).toFixed(1), colour: spare[scene.levels.length % spare.length], on: true });
    fill();
    redraw();
  });
  fill();
  return fill;
}

function listStructures(scene, redraw) {
  byId("structures").replaceChildren(...scene.structures.map((s) => {
    const row = element("li"), label = element("label");
    const on = element("input", { type: "checkbox" });
    on.checked = s.on;
    on.addEventListener("change", async () => {
      if (!s.mask) Object.assign(s, await Volume.ofStructure(s.packed, scene.outlines === "mask"));
      s.on = on.checked;
      redraw();
    });
    const swatch = element("span", { class: s.role === "CTV" ? "swatch line thick" : s.dash[0] < 3 ? "swatch dotted" : "swatch dashed" });
    swatch.style.color = s.colour;
    label.append(on, swatch, element("span", { class: "name" }, s.name), element("span", { class: "share" }, s.role));
    const go = element("button", { type: "button", class: "quiet", "aria-label": `Go to ${s.name}`, title: "Go to" }, "◎");
    go.addEventListener("click", () => { scene.moveTo(s.centre); scene.frame.low.forEach((_, a) => scene.scroll(a, 0)); redraw(); });
    row.append(label, go);
    return row;
  }));
}

/* Unpack what a page carries. Structures that are off at first are unpacked when they are switched on. */
async function sceneOf(data) {
  const [ct, dose, structures] = await Promise.all([
    data.ct && Volume.ofPack(data.ct, true),
    Volume.ofPack(data.dose, false),
    Promise.all(data.structures.map(async (s, rank) => {
      const on = s.role !== "other";
      return { ...s, rank, on, packed: s, ...(on ? await Volume.ofStructure(s) : { mask: null, shape: null }) };
    })),
  ]);
  const scene = new Scene(data, ct, dose, structures);
  for (let axis = 0; axis < 3; axis++) scene.scroll(axis, 0);
  return scene;
}
