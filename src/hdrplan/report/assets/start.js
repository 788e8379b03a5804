/* Unpack, then draw. The page says when it is ready, or in plain words why not. */
async function start() {
  const data = JSON.parse(byId("report-data").textContent);
  readableDvh(data.curves);
  const [ct, dose, masks] = await Promise.all([
    data.ct && Volume.ofPack(data.ct, true),
    Volume.ofPack(data.dose, false),
    Promise.all(data.structures.map((s) => Volume.ofMask(s.mask))),
  ]);
  const scene = new Scene(data, ct, dose, data.structures.map((s, rank) => ({ ...s, rank, mask: masks[rank], on: s.role !== "other" })));
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
