"use strict";
/* Volumes in patient space. World = LPS in mm; voxel arrays z, y, x with x fastest, as in the package. */

async function inflated(text) {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/* Undo pack.py: join the bytes, unfold the sign, add the predicted value back (along y, then along x). */
function unpredicted(planes, [nz, ny, nx], signed) {
  const n = nz * ny * nx;
  const values = new Int16Array(n);
  for (let i = 0; i < n; i++) {
    const folded = planes[i] | (planes[n + i] << 8);
    values[i] = (folded >>> 1) ^ -(folded & 1);
  }
  for (let z = 0; z < nz; z++) {
    const slice = z * ny * nx;
    for (let i = slice + nx; i < slice + ny * nx; i++) values[i] += values[i - nx];
    for (let y = 0; y < ny; y++) {
      const row = slice + y * nx;
      for (let i = row + 1; i < row + nx; i++) values[i] += values[i - 1];
    }
  }
  return signed ? values : new Uint16Array(values.buffer);
}

class Volume {
  nx = 0; ny = 0; nz = 0;
  /* Of a mask whose voxels wait. */
  /** @type {any} */
  pack = null;

  constructor(pack, values) {
    this.values = values;
    [this.nz, this.ny, this.nx] = pack.shape;
    this.n = [this.nx, this.ny, this.nz];
    this.origin = pack.origin;
    this.spacing = pack.spacing;
    this.direction = pack.direction;
    this.offset = pack.offset ?? 0;
    this.step = pack.step ?? 1;
    const [low, high] = [[Infinity, Infinity, Infinity], [-Infinity, -Infinity, -Infinity]];
    for (const i of [0, this.nx - 1]) for (const j of [0, this.ny - 1]) for (const k of [0, this.nz - 1]) {
      this.world([i, j, k]).forEach((v, a) => { low[a] = Math.min(low[a], v); high[a] = Math.max(high[a], v); });
    }
    this.low = low;
    this.high = high;
  }

  static async ofPack(pack, signed) {
    return new Volume(pack, unpredicted(await inflated(pack.data), pack.shape, signed));
  }

  /* A mask gets a rim of empty voxels, so that its outline closes. Its voxels are unpacked by filled(). */
  static emptyMask(pack) {
    const shape = pack.shape.map((n) => n + 2);
    const padded = new Volume({ ...pack, shape }, null);
    return Object.assign(new Volume({ ...pack, shape, origin: padded.world([-1, -1, -1]) }, null), { pack });
  }

  static ofMask(pack) { return Volume.emptyMask(pack).filled(); }

  async filled() {
    if (this.values) return this;
    const bits = await inflated(this.pack.bits);
    const [nz, ny, nx] = this.pack.shape;
    const values = new Uint8Array((nz + 2) * (ny + 2) * (nx + 2));
    for (let z = 0, i = 0; z < nz; z++) for (let y = 0; y < ny; y++) {
      const row = ((z + 1) * (ny + 2) + y + 1) * (nx + 2) + 1;
      for (let x = 0; x < nx; x++, i++) values[row + x] = (bits[i >> 3] >> (i & 7)) & 1;
    }
    this.values = values;
    return this;
  }

  /* The shape that doses were judged on, and the mask; the voxels of a mask wait until somebody wants to see them. */
  static async ofStructure(structure, voxels = false) {
    const mask = Volume.emptyMask(structure.mask);
    if (voxels || !structure.shape) await mask.filled();
    return { mask, shape: structure.shape && (await Volume.ofPack(structure.shape, true)) };
  }

  world(index) {
    const s = index.map((v, k) => v * this.spacing[k]);
    return [0, 1, 2].map((r) => this.origin[r] + this.direction[3 * r] * s[0] + this.direction[3 * r + 1] * s[1] + this.direction[3 * r + 2] * s[2]);
  }

  index(point) {
    const d = point.map((v, r) => v - this.origin[r]);
    return [0, 1, 2].map((k) => this.turned(d, k) / this.spacing[k]);
  }

  turned(vector, k) {
    return this.direction[k] * vector[0] + this.direction[3 + k] * vector[1] + this.direction[6 + k] * vector[2];
  }

  /* Value of the voxel that holds the point: what the array says there. NaN outside. */
  nearest(point) {
    const [i, j, k] = this.index(point).map((v) => Math.floor(v + 0.5));
    if (i < 0 || j < 0 || k < 0 || i >= this.nx || j >= this.ny || k >= this.nz) return NaN;
    return this.offset + this.step * this.values[(k * this.ny + j) * this.nx + i];
  }

  linear(point) {
    const out = new Float32Array(1);
    this.plane(point, [0, 0, 0], [0, 0, 0], 1, 1, out);
    return out[0];
  }

  /* Linear interpolation on a plane: p0 + a*du + b*dv for a < nu, b < nv. NaN beyond half a voxel outside. */
  plane(p0, du, dv, nu, nv, out) {
    const { values, nx, ny, nz, offset, step } = this;
    const start = this.index(p0);
    const iu = [0, 1, 2].map((k) => this.turned(du, k) / this.spacing[k]);
    const iv = [0, 1, 2].map((k) => this.turned(dv, k) / this.spacing[k]);
    const row = nx, slab = nx * ny;
    const [mx, my, mz] = [nx - 1, ny - 1, nz - 1];
    const slack = 0.5 + 1e-9;
    for (let b = 0, o = 0; b < nv; b++) {
      for (let a = 0; a < nu; a++, o++) {
        let x = start[0] + a * iu[0] + b * iv[0];
        let y = start[1] + a * iu[1] + b * iv[1];
        let z = start[2] + a * iu[2] + b * iv[2];
        if (!(x >= -slack && y >= -slack && z >= -slack && x <= mx + slack && y <= my + slack && z <= mz + slack)) {
          out[o] = NaN;
          continue;
        }
        x = x < 0 ? 0 : x > mx ? mx : x;
        y = y < 0 ? 0 : y > my ? my : y;
        z = z < 0 ? 0 : z > mz ? mz : z;
        const i = x | 0, j = y | 0, k = z | 0;
        const fx = x - i, fy = y - j, fz = z - k;
        const c = k * slab + j * row + i;
        const ox = i < mx ? 1 : 0, oy = j < my ? row : 0, oz = k < mz ? slab : 0;
        let value = (values[c] * (1 - fx) + values[c + ox] * fx) * (1 - fy)
          + (values[c + oy] * (1 - fx) + values[c + oy + ox] * fx) * fy;
        if (fz > 1e-9) {
          const d = c + oz;
          const upper = (values[d] * (1 - fx) + values[d + ox] * fx) * (1 - fy)
            + (values[d + oy] * (1 - fx) + values[d + oy + ox] * fx) * fy;
          value += (upper - value) * fz;
        }
        out[o] = offset + step * value;
      }
    }
    return out;
  }

  /* Distance of neighbouring slices along a world axis; on a grid that is not turned, its spacing. */
  stepAlong(axis) {
    let best = Infinity;
    for (let k = 0; k < 3; k++) {
      const cosine = Math.abs(this.direction[3 * axis + k]);
      if (cosine > 0.5) best = Math.min(best, this.spacing[k]);
    }
    return Number.isFinite(best) ? best : Math.min(...this.spacing);
  }
}

/* Second dose minus first, where both are known. */
class Difference {
  constructor(first, second) { this.first = first; this.second = second; this.spare = new Float32Array(0); }
  plane(p0, du, dv, nu, nv, out) {
    if (this.spare.length < nu * nv) this.spare = new Float32Array(nu * nv);
    this.first.plane(p0, du, dv, nu, nv, this.spare);
    this.second.plane(p0, du, dv, nu, nv, out);
    for (let i = 0; i < nu * nv; i++) out[i] -= this.spare[i];
    return out;
  }
}
