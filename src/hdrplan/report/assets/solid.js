/* Structures, isodoses, catheters and dwells in space. Scene coordinates are LPS in mm from the target's centre. */

/* Undo solid.py: join the four planes of bytes, unfold the sign, add up row by row (three columns). */
async function undiffed(text) {
  const planes = await inflated(text);
  const n = planes.length / 4;
  const values = new Int32Array(n);
  for (let i = 0; i < n; i++) {
    const folded = (planes[i] | (planes[n + i] << 8) | (planes[2 * n + i] << 16) | (planes[3 * n + i] << 24)) >>> 0;
    values[i] = (folded >>> 1) ^ -(folded & 1);
  }
  for (let i = 3; i < n; i++) values[i] += values[i - 3];
  return values;
}

async function startSolid() {
  const data = JSON.parse(document.getElementById("report-data").textContent);
  const canvas = document.getElementById("solid");
  const renderer = new THREE.WebGLRenderer({ canvas, antialias: true, preserveDrawingBuffer: true });
  renderer.setPixelRatio(Math.min(2, window.devicePixelRatio || 1));
  renderer.setClearColor(0x0b0f14);
  const scene = new THREE.Scene();
  scene.add(new THREE.AmbientLight(0xffffff, 1.1));
  const lamp = new THREE.DirectionalLight(0xffffff, 2.2);
  scene.add(lamp);
  const camera = new THREE.OrthographicCamera(-1, 1, 1, -1, -4000, 4000);
  const controls = new THREE.OrbitControls(camera, canvas);
  const local = (p) => new THREE.Vector3(p[0] - data.focus[0], p[1] - data.focus[1], p[2] - data.focus[2]);

  const groups = await Promise.all(data.bodies.map(async (body, rank) => {
    const [vertices, triangles] = await Promise.all([undiffed(body.vertices), undiffed(body.triangles)]);
    const geometry = new THREE.BufferGeometry();
    geometry.setAttribute("position", new THREE.BufferAttribute(Float32Array.from(vertices, (v) => v * body.step), 3));
    geometry.setIndex(new THREE.BufferAttribute(new Uint32Array(triangles.buffer), 1));
    geometry.computeVertexNormals();
    const material = new THREE.MeshStandardMaterial({ color: body.colour, roughness: 0.75, side: THREE.DoubleSide });
    // Where two surfaces coincide, the one named first is in front, the same in every picture.
    Object.assign(material, { polygonOffset: true, polygonOffsetFactor: rank, polygonOffsetUnits: 8 * rank });
    const mesh = new THREE.Mesh(geometry, material);
    mesh.userData.rank = rank;
    fade(mesh, body.opacity);
    mesh.visible = body.on;
    scene.add(mesh);
    return mesh;
  }));

  function fade(mesh, opacity) {
    mesh.material.opacity = opacity;
    mesh.material.transparent = opacity < 1;
    mesh.material.depthWrite = opacity > 0.6;
    mesh.renderOrder = (opacity > 0.6 ? 1 : 100) + mesh.userData.rank;
  }

  const needles = new THREE.Group(), stops = new THREE.Group();
  const white = new THREE.MeshStandardMaterial({ color: 0xe8eef2, roughness: 0.4 });
  for (const catheter of data.catheters) {
    for (let i = 0; i + 1 < catheter.points.length; i++) {
      const [a, b] = [local(catheter.points[i]), local(catheter.points[i + 1])];
      const along = b.clone().sub(a);
      const tube = new THREE.Mesh(new THREE.CylinderGeometry(0.7, 0.7, along.length(), 12), white);
      tube.position.copy(a).addScaledVector(along, 0.5);
      tube.quaternion.setFromUnitVectors(new THREE.Vector3(0, 1, 0), along.clone().normalize());
      needles.add(tube);
    }
  }
  const bright = new THREE.MeshBasicMaterial({ color: 0xffffff });
  const longest = Math.max(1e-9, ...data.dwells.map((d) => d.time_s));
  for (const dwell of data.dwells) {
    if (dwell.time_s <= 0) continue;
    const ball = new THREE.Mesh(new THREE.SphereGeometry(0.9 + 2.6 * Math.cbrt(dwell.time_s / longest), 20, 14), bright);
    ball.position.copy(local(dwell.at));
    stops.add(ball);
  }
  scene.add(needles, stops);

  const extent = 75, letters = [];
  for (const [letter, place] of Object.entries({ R: [-1, 0, 0], L: [1, 0, 0], A: [0, -1, 0], P: [0, 1, 0], I: [0, 0, -1], S: [0, 0, 1] })) {
    const label = document.createElement("canvas");
    label.width = label.height = 64;
    const pen = label.getContext("2d");
    pen.font = "700 44px system-ui, sans-serif";
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.fillStyle = "#f4f8fb";
    pen.fillText(letter, 32, 34);
    const sprite = new THREE.Sprite(new THREE.SpriteMaterial({ map: new THREE.CanvasTexture(label), depthTest: false }));
    sprite.position.set(...place.map((v) => v * extent));
    sprite.scale.set(9, 9, 1);
    sprite.renderOrder = 999;
    letters.push(sprite);
    scene.add(sprite);
  }

  let asked = false;
  const draw = () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      lamp.position.copy(camera.position).add(new THREE.Vector3(60, -60, 120));
      // The letters of the axis that is looked along would lie on one another.
      const sight = camera.position.clone().sub(controls.target).normalize();
      for (const letter of letters) letter.visible = Math.abs(letter.position.clone().normalize().dot(sight)) < 0.9;
      renderer.render(scene, camera);
    });
  };
  /* Paper is white: what is bright on the screen is dark on it. */
  const onPaper = (paper) => {
    renderer.setClearColor(paper ? 0xffffff : 0x0b0f14);
    white.color.set(paper ? 0x51616f : 0xe8eef2);
    bright.color.set(paper ? 0x17222d : 0xffffff);
    for (const letter of letters) letter.material.color.set(paper ? 0x17222d : 0xffffff);
    renderer.render(scene, camera);
  };
  addEventListener("beforeprint", () => onPaper(true));
  addEventListener("afterprint", () => onPaper(false));
  const SIDES = { anterior: [0, -1, 0], posterior: [0, 1, 0], left: [1, 0, 0], right: [-1, 0, 0], superior: [0, 0, 1], inferior: [0, 0, -1] };
  SIDES.catheters = entrySide();

  /* From where the catheters come, turned half way to anterior and a little from above: how a person stands beside the table. */
  function entrySide() {
    const hubs = data.catheters.map((c) => local(c.points[0]).normalize());
    const from = hubs.reduce((sum, hub) => sum.add(hub), new THREE.Vector3()).setZ(0);
    if (from.length() < 1e-3) return SIDES.anterior;
    from.normalize().add(new THREE.Vector3(0, -0.6, 0)).setZ(0.3).normalize();
    return from.toArray();
  }

  function seenFrom(name) {
    const side = SIDES[name];
    // Up is the patient's head; seen from above or below, anterior.
    const along = Math.abs(side[2]) > 0.99;
    camera.up.set(0, along ? -1 : 0, along ? 0 : 1);
    controls.target.set(0, 0, 0);
    camera.position.set(...side.map((v) => v * 500));
    camera.zoom = 1;
    camera.updateProjectionMatrix();
    controls.update();
    canvas.dataset.from = name;
    draw();
  }
  for (const button of document.querySelectorAll("[data-from]")) button.addEventListener("click", () => seenFrom(button.dataset.from));

  const rows = data.bodies.map((body, k) => ({ name: body.name, colour: body.colour, on: body.on, opacity: body.opacity, show: (on) => { groups[k].visible = on; }, fade: (v) => fade(groups[k], v) }));
  rows.push({ name: "Catheters", colour: "#e8eef2", on: true, show: (on) => { needles.visible = on; } });
  rows.push({ name: "Dwells", colour: "#ffffff", on: true, show: (on) => { stops.visible = on; } });
  document.getElementById("bodies").replaceChildren(...rows.map((row) => {
    const item = document.createElement("li"), label = document.createElement("label");
    const box = Object.assign(document.createElement("input"), { type: "checkbox", checked: row.on });
    box.addEventListener("change", () => { row.show(box.checked); draw(); });
    const swatch = Object.assign(document.createElement("span"), { className: "swatch line thick" });
    swatch.style.backgroundColor = row.colour;
    label.append(box, swatch, Object.assign(document.createElement("span"), { className: "name", textContent: row.name }));
    item.append(label);
    if (row.fade) {
      const slider = Object.assign(document.createElement("input"), { type: "range", min: 5, max: 100, value: row.opacity * 100 });
      slider.setAttribute("aria-label", `Opacity of ${row.name}`);
      slider.addEventListener("input", () => { row.fade(slider.value / 100); draw(); });
      item.append(slider);
    }
    return item;
  }));

  function resize() {
    const { width: w, height: h } = canvas.getBoundingClientRect();
    if (!w || !h) return;
    renderer.setSize(w, h, false);
    // The letters stand 75 mm from the middle: they are in the picture on an upright screen, too.
    const half = 85 * Math.max(1, h / w);
    Object.assign(camera, { left: (-half * w) / h, right: (half * w) / h, top: half, bottom: -half });
    camera.updateProjectionMatrix();
    draw();
  }
  controls.addEventListener("change", draw);
  new ResizeObserver(resize).observe(canvas);
  resize();
  seenFrom("catheters");
  requestAnimationFrame(() => requestAnimationFrame(() => { document.documentElement.dataset.ready = performance.now().toFixed(0); }));
}

startSolid().catch((error) => {
  const note = document.getElementById("viewer-error");
  note.hidden = false;
  note.textContent = `The 3D view needs WebGL, which this browser does not give (${error.message}).`;
  document.documentElement.dataset.ready = "failed";
});
