/* What is drawn over a slice: distances, catheters, doses of isodoses, and the ends of the patient. */

/** @param {{ from: number[], to: number[] }} measured */
function distanceOf({ from, to }) {
  return Math.hypot(...to.map((v, k) => v - from[k]));
}

/* A line between two places, and its length. */
function drawMeasured(context, { view, from, to }, toPixel, ratio) {
  const [a, b] = [from, to].map((p) => toPixel(p[view.u], p[view.v]));
  for (const { colour, px } of [{ colour: "#05080b", px: 4 }, { colour: "#ffe082", px: 2 }]) {
    context.strokeStyle = colour;
    context.lineWidth = px * ratio;
    context.beginPath();
    context.moveTo(...a); context.lineTo(...b);
    context.stroke();
  }
  context.font = `600 ${13 * ratio}px system-ui, sans-serif`;
  context.textAlign = "left";
  context.textBaseline = "middle";
  context.lineWidth = 3.5 * ratio;
  context.strokeStyle = "rgba(5,8,11,.85)";
  const text = `${distanceOf({ from, to }).toFixed(1)} mm`;
  context.strokeText(text, b[0] + 9 * ratio, b[1]);
  context.fillStyle = "#ffe082";
  context.fillText(text, b[0] + 9 * ratio, b[1]);
}

/* The part of a catheter inside the slab is drawn in full, the rest as a faint projection. */
function drawCatheters(context, scene, view, at, toPixel, ratio) {
  context.setTransform(1, 0, 0, 1, 0, 0);
  const line = (points, colour, px) => {
    context.strokeStyle = colour;
    context.lineWidth = px * ratio;
    context.beginPath();
    points.forEach((p, i) => { const q = toPixel(p[view.u], p[view.v]); i ? context.lineTo(...q) : context.moveTo(...q); });
    context.stroke();
  };
  for (const catheter of scene.catheters) {
    line(catheter.points, "rgba(222,232,240,.28)", 1);
    for (let i = 0; i + 1 < catheter.points.length; i++) {
      const [a, b] = [catheter.points[i], catheter.points[i + 1]];
      const run = b[view.n] - a[view.n];
      let [t0, t1] = [0, 1];
      if (Math.abs(run) < 1e-9) {
        if (Math.abs(a[view.n] - at) > NEAR_MM) continue;
      } else {
        const cuts = [(at - NEAR_MM - a[view.n]) / run, (at + NEAR_MM - a[view.n]) / run].sort((p, q) => p - q);
        [t0, t1] = [Math.max(0, cuts[0]), Math.min(1, cuts[1])];
        if (t0 >= t1) continue;
      }
      const part = [t0, t1].map((t) => a.map((v, k) => v + t * (b[k] - v)));
      line(part, "#05080b", 3.6);
      line(part, "#eef4f8", 1.8);
    }
  }
  for (const dwell of scene.dwells) {
    if (dwell.time_s <= 0 || Math.abs(dwell.at[view.n] - at) > NEAR_MM) continue;
    const [x, y] = toPixel(dwell.at[view.u], dwell.at[view.v]);
    context.beginPath();
    context.arc(x, y, (2 + 3.5 * Math.sqrt(dwell.time_s / scene.longest)) * ratio, 0, 2 * Math.PI);
    context.fillStyle = "#ffffff";
    context.strokeStyle = "#05080b";
    context.lineWidth = 1.4 * ratio;
    context.fill();
    context.stroke();
  }
}

/* One value on each isodose, where it does not cover another. */
function drawLabels(context, labels, toPixel, ratio, width, height) {
  const taken = [];
  context.font = `600 ${11 * ratio}px system-ui, sans-serif`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  labels.forEach(({ line, level }, rank) => {
    const longest = line.lines.reduce((best, l) => (l.length > best.length ? l : best), []);
    if (longest.length < 12) return;
    const text = `${+level.gy.toFixed(2)}`;
    const half = context.measureText(text).width / 2 + 3 * ratio;
    for (let k = 0; k < 12; k++) {
      const [x, y] = toPixel(...longest[Math.floor(longest.length * (((rank * 5 + k * 3) % 12) / 12))]);
      const box = [x - half, y - 8 * ratio, x + half, y + 8 * ratio];
      const hits = taken.some((b) => box[0] < b[2] && box[2] > b[0] && box[1] < b[3] && box[3] > b[1]);
      if (hits || box[0] < 24 * ratio || box[1] < 30 * ratio || box[2] > width - 24 * ratio || box[3] > height - 30 * ratio) continue;
      taken.push(box);
      context.lineWidth = 3.5 * ratio;
      context.lineJoin = "round";
      context.strokeStyle = "rgba(5,8,11,.85)";
      context.strokeText(text, x, y);
      context.fillStyle = level.colour;
      context.fillText(text, x, y);
      break;
    }
  });
}

/* Which end of the patient each edge shows, and a scale. */
function drawFrame(context, view, scale, ratio, width, height, head) {
  context.font = `600 ${13 * ratio}px system-ui, sans-serif`;
  context.textBaseline = "middle";
  const write = (text, x, y, align) => {
    context.textAlign = align;
    context.lineWidth = 3 * ratio;
    context.strokeStyle = "rgba(5,8,11,.8)";
    context.strokeText(text, x, y);
    context.fillStyle = "#f4f8fb";
    context.fillText(text, x, y);
  };
  const pad = 9 * ratio;
  write(view.edges[0], pad, height / 2, "left");
  write(view.edges[1], width - pad, height / 2, "right");
  write(view.edges[2], width / 2, head * ratio + 8 * ratio, "center");
  write(view.edges[3], width / 2, height - pad - 5 * ratio, "center");
  context.font = `500 ${12 * ratio}px system-ui, sans-serif`;
  const bar = [100, 50, 20, 10, 5, 2, 1].find((m) => m * scale <= width * 0.3) ?? 1;
  const [x, y] = [pad, height - pad - 2 * ratio];
  context.strokeStyle = "#f4f8fb";
  context.lineWidth = 2 * ratio;
  context.beginPath();
  context.moveTo(x, y - 4 * ratio); context.lineTo(x, y); context.lineTo(x + bar * scale, y); context.lineTo(x + bar * scale, y - 4 * ratio);
  context.stroke();
  write(`${bar} mm`, x + 4 * ratio, y - 11 * ratio, "left");
}
