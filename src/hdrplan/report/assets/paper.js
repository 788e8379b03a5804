/* Pictures of the printed pages: three planes through the target, then slices through it. Drawn once the page is up. */
function drawPaper(scene) {
  const target = scene.structures.find((s) => s.role === "CTV");
  for (const figure of document.querySelectorAll(".paper[data-view]")) {
    const view = VIEWS[figure.dataset.view], canvas = figure.querySelector("canvas");
    const paper = Object.create(scene);
    paper.show = { isodose: true, structures: true, catheters: true, crosshair: false };
    Object.assign(paper, { wash: { ...scene.wash, on: false }, difference: null, others: [] });
    paper.focus = (target?.centre ?? scene.focus).slice();
    const share = parseFloat(figure.dataset.share);
    if (target && Number.isFinite(share)) {
      const low = target.mask.low[2] + target.mask.stepAlong(2), high = target.mask.high[2] - target.mask.stepAlong(2);
      paper.focus[2] = low + share * (high - low);
    }
    paper.scroll = Scene.prototype.scroll;
    paper.scroll(view.n, 0);
    const ratio = 2;
    const reach = target ? Math.max(...[0, 1, 2].map((a) => target.mask.high[a] - target.mask.low[a])) + 70 : 200;
    const fit = { centre: [paper.focus[view.u], paper.focus[view.v]], scale: canvas.width / ratio / reach };
    drawPlane(canvas, paper, view, fit, ratio, { crosshair: false, head: 4 });
    figure.querySelector("figcaption").textContent =
      `${figure.dataset.view[0].toUpperCase()}${figure.dataset.view.slice(1)}, ${"xyz"[view.n]} = ${paper.focus[view.n].toFixed(1)} mm`;
  }
}
