/* Unpack, then draw. The page says when it is ready, or in plain words why not. */
async function start() {
  const data = JSON.parse(byId("report-data").textContent);
  readableDvh(data.curves);
  // Structures that are off at first are unpacked when they are switched on.
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
  viewerOf(scene);
  let drawn = false;
  const paper = () => { if (!drawn) { drawn = true; drawPaper(scene); } };
  addEventListener("beforeprint", paper);
  requestAnimationFrame(() => {
    document.documentElement.dataset.ready = performance.now().toFixed(0);
    setTimeout(paper, 500);   // also for printers that do not announce themselves
  });
}

start().catch((error) => {
  const note = byId("viewer-error");
  note.hidden = false;
  note.textContent = `The viewer could not start in this browser (${error.message}). The tables and the DVH are complete.`;
  console.error(error);
});
