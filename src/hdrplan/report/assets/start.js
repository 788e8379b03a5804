/* Unpack, then draw. The page says when it is ready, or in plain words why not. */
async function start() {
  const data = JSON.parse(byId("report-data").textContent);
  readableDvh(data.curves);
  const scene = await sceneOf(data);
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
