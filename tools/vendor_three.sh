#!/usr/bin/env bash
# Bundle the parts of three.js that the 3D page uses into src/hdrplan/report/assets/vendor/three.min.js.
# Needs node and npm; run it only to move to another version. The result is committed, so users need neither.
set -euo pipefail
version=0.187.0
here=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --silent "three@$version" esbuild@0.25
cat > entry.js <<'JS'
export {
  AmbientLight, BufferAttribute, BufferGeometry, CanvasTexture, CylinderGeometry, DirectionalLight, DoubleSide, Group,
  Mesh, MeshBasicMaterial, MeshStandardMaterial, OrthographicCamera, Quaternion, Scene, SphereGeometry, Sprite,
  SpriteMaterial, Vector3, WebGLRenderer,
} from "three";
export { OrbitControls } from "three/examples/jsm/controls/OrbitControls.js";
JS
npx esbuild entry.js --bundle --minify --format=iife --global-name=THREE --legal-comments=none --outfile=three.min.js
vendor="$here/src/hdrplan/report/assets/vendor"
{
  echo "/* three.js $version, MIT License, Copyright 2010-2026 three.js authors (see three.LICENSE); bundled by tools/vendor_three.sh */"
  cat three.min.js
} > "$vendor/three.min.js"
cp node_modules/three/LICENSE "$vendor/three.LICENSE"
