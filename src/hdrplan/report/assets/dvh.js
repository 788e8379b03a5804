/* Reading the DVH: the curves are drawn by the package, the page only says what lies under the pointer. */
function readableDvh(curves) {
  const svg = byId("dvh");
  if (!svg || !curves.length) return;
  const { left, top, width, height, gyMax } = Object.fromEntries(Object.entries(svg.dataset).map(([k, v]) => [k, +v]));
  const line = svg.querySelector(".hover-line"), dot = svg.querySelector(".hover-dot"), out = byId("dvh-read");
  const share = (curve, gy) => {
    const d = curve.gy;
    if (gy <= d[0]) return 1;
    if (gy > d[d.length - 1]) return 0;
    let low = 0, high = d.length - 1;
    while (high - low > 1) { const middle = (low + high) >> 1; if (d[middle] < gy) low = middle; else high = middle; }
    const t = (gy - d[low]) / (d[high] - d[low] || 1);
    return curve.frac[low] + t * (curve.frac[high] - curve.frac[low]);
  };
  svg.addEventListener("pointermove", (event) => {
    const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    const gy = ((point.x - left) / width) * gyMax, frac = 1 - (point.y - top) / height;
    if (gy < 0 || gy > gyMax || frac < -0.02 || frac > 1.02) return;
    const shown = curves.filter((c) => !svg.querySelector(`[data-curve="${c.rank}"]`).classList.contains("off"));
    const best = shown.reduce((a, c) => (!a || Math.abs(share(c, gy) - frac) < Math.abs(share(a, gy) - frac) ? c : a), null);
    if (!best) return;
    const value = share(best, gy);
    line.setAttribute("x1", point.x); line.setAttribute("x2", point.x); line.setAttribute("visibility", "visible");
    dot.setAttribute("cx", point.x); dot.setAttribute("cy", top + (1 - value) * height); dot.setAttribute("visibility", "visible");
    out.textContent = `${best.name}: ${gy.toFixed(2)} Gy or more in ${(100 * value).toFixed(1)} % = ${(best.volume_cc * value).toFixed(2)} cc`;
  });
  svg.addEventListener("pointerleave", () => {
    line.setAttribute("visibility", "hidden");
    dot.setAttribute("visibility", "hidden");
    out.textContent = out.dataset.idle;
  });
  for (const box of document.querySelectorAll("[data-toggle-curve]")) {
    box.addEventListener("change", () => {
      for (const rank of box.dataset.toggleCurve.split(" ")) {
        for (const part of svg.querySelectorAll(`[data-curve="${rank}"]`)) part.classList.toggle("off", !box.checked);
      }
    });
  }
}
