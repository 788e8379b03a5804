/* Outlines by marching squares on a lattice of a plane. Returns a Path2D in plane millimetres, or null. */

/* Values of a volume on the plane through `at` of a view. On a grid that is not turned the lattice is the
   voxel centres, or `closer` times as close. */
function lattice(volume, view, at, closer = 1) {
  const { u, v, n } = view;
  const eps = 1e-6;
  const half = volume.stepAlong(n) / 2;
  if (at < volume.low[n] - half - eps || at > volume.high[n] + half + eps) return null;
  const su = volume.stepAlong(u) / closer, sv = volume.stepAlong(v) / closer;
  const nu = Math.round((volume.high[u] - volume.low[u]) / su) + 1;
  const nv = Math.round((volume.high[v] - volume.low[v]) / sv) + 1;
  const p0 = [0, 0, 0];
  p0[u] = volume.low[u]; p0[v] = volume.low[v]; p0[n] = at;
  const du = [0, 0, 0], dv = [0, 0, 0];
  du[u] = su; dv[v] = sv;
  return { values: volume.plane(p0, du, dv, nu, nv, new Float32Array(nu * nv)), nu, nv, su, sv, u0: volume.low[u], v0: volume.low[v] };
}

/* Corner order: 0 = (a, b), 1 = (a+1, b), 2 = (a+1, b+1), 3 = (a, b+1); edge k joins corner k and k+1. */
const MARCH = [[], [3, 0], [0, 1], [3, 1], [1, 2], null, [0, 2], [3, 2], [2, 3], [2, 0], null, [2, 1], [1, 3], [1, 0], [0, 3], []];

function outline(field, level) {
  const { values, nu, nv, su, sv, u0, v0 } = field;
  const next = new Map();      // crossing -> crossings it is joined to
  const place = new Map();     // crossing -> [u, v]
  const join = (p, q) => { (next.get(p) ?? next.set(p, []).get(p)).push(q); };
  for (let b = 0; b + 1 < nv; b++) {
    for (let a = 0; a + 1 < nu; a++) {
      const i = b * nu + a;
      const c = [values[i], values[i + 1], values[i + nu + 1], values[i + nu]];
      const kind = (c[0] >= level ? 1 : 0) | (c[1] >= level ? 2 : 0) | (c[2] >= level ? 4 : 0) | (c[3] >= level ? 8 : 0);
      if (kind === 0 || kind === 15 || !(c[0] + c[1] + c[2] + c[3] === c[0] + c[1] + c[2] + c[3])) continue;
      const edges = MARCH[kind] ?? saddle(kind, (c[0] + c[1] + c[2] + c[3]) / 4 >= level);
      const crossing = (edge) => {
        // Each lattice edge has one number, seen from either of its cells: 2i along u, 2i + 1 along v.
        const id = [2 * i, 2 * (i + 1) + 1, 2 * (i + nu), 2 * i + 1][edge];
        if (!place.has(id)) {
          const t = (p, q) => (level - p) / (q - p);
          const [du, dv] = [[t(c[0], c[1]), 0], [1, t(c[1], c[2])], [t(c[3], c[2]), 1], [0, t(c[0], c[3])]][edge];
          place.set(id, [u0 + (a + du) * su, v0 + (b + dv) * sv]);
        }
        return id;
      };
      for (let e = 0; e < edges.length; e += 2) {
        const p = crossing(edges[e]), q = crossing(edges[e + 1]);
        join(p, q); join(q, p);
      }
    }
  }
  return place.size ? traced(next, place) : null;
}

function saddle(kind, middleInside) {
  if (kind === 5) return middleInside ? [3, 2, 1, 0] : [3, 0, 1, 2];
  return middleInside ? [0, 3, 2, 1] : [0, 1, 2, 3];
}

/* Segments to lines: open ones from their ends first, then the loops. */
function traced(next, place) {
  const lines = [];
  const follow = (start) => {
    const line = [place.get(start)];
    let here = start;
    while (next.get(here)?.length) {
      const to = next.get(here).pop();
      const back = next.get(to);
      back.splice(back.indexOf(here), 1);
      line.push(place.get(to));
      here = to;
    }
    lines.push(line);
  };
  for (const [id, to] of next) if (to.length === 1) follow(id);
  for (const [id, to] of next) if (to.length) follow(id);
  const path = new Path2D();
  for (const line of lines) {
    line.forEach(([x, y], i) => (i ? path.lineTo(x, y) : path.moveTo(x, y)));
    const [a, b] = [line[0], line[line.length - 1]];
    if (Math.hypot(a[0] - b[0], a[1] - b[1]) < 1e-9) path.closePath();
  }
  return { path, lines };
}
