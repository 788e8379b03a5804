const data = JSON.parse(document.getElementById("report-data").textContent);
const shape = data.axes.map((axis) => axis.values.length);
const sliders = data.axes.map((_, k) => document.getElementById(`axis-${k}`));

function flat(at) {
  return at.reduce((sum, j, k) => sum * shape[k] + j, 0);
}

function text(value, digits) {
  return value === null ? "impossible" : value.toFixed(digits);
}

function chosen() {
  return sliders.map((slider) => Number(slider.value));
}

function cell(row, words, number) {
  const td = document.createElement("td");
  td.textContent = words;
  if (number) td.className = "n";
  row.append(td);
}

function show() {
  const at = chosen();
  const i = flat(at);
  data.axes.forEach((axis, k) => {
    document.getElementById(`out-${k}`).textContent = `${axis.values[at[k]].toFixed(2)} ${axis.unit}`;
  });
  const ok = data.value[i] !== null;
  document.getElementById("value").textContent = ok ? `${text(data.value[i], 3)} ${data.unit}` : "These limits exclude each other: proven.";
  document.getElementById("bound").textContent = ok ? `${text(data.bound[i], 3)} ${data.unit}` : "";
  document.getElementById("total").textContent = ok ? `${text(data.total_s[i], 0)} s` : "";
  const met = document.getElementById("met");
  if (met) met.textContent = ok ? data.left_out.map((label, j) => `${label}: ${data.met[i][j] ? "met" : "missed"}`).join("; ") : "";
  document.getElementById("save").disabled = !ok;
  const rows = document.getElementById("rows");
  rows.replaceChildren();
  data.axes.forEach((axis, k) => {
    axis.values.forEach((value, j) => {
      const other = at.slice();
      other[k] = j;
      const row = document.createElement("tr");
      if (j === at[k]) row.className = "chosen";
      const n = flat(other);
      cell(row, j === at[k] ? `${axis.label} (chosen)` : axis.label, false);
      cell(row, `${value.toFixed(2)} ${axis.unit}`, true);
      cell(row, text(data.value[n], 3), true);
      cell(row, text(data.total_s[n], 0), true);
      rows.append(row);
    });
  });
}

function save() {
  const i = flat(chosen());
  const plan = structuredClone(data.plan);
  plan.dwells.forEach((dwell, k) => { dwell.time_s = data.times_s[i][k]; });
  plan.total_time_s = plan.dwells.reduce((sum, dwell) => sum + dwell.time_s, 0);
  plan.trak_gy = plan.strength.value_u * 1e-6 * plan.total_time_s / 3600;
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([JSON.stringify(plan, null, 2)], { type: "application/json" }));
  link.download = "plan.json";
  link.click();
  URL.revokeObjectURL(link.href);
}

function firstPossible() {
  let i = data.value.length - 1;
  while (i > 0 && data.value[i] === null) i -= 1;
  for (let k = shape.length - 1; k >= 0; k -= 1) {
    sliders[k].value = i % shape[k];
    i = Math.floor(i / shape[k]);
  }
}

sliders.forEach((slider) => slider.addEventListener("input", show));
document.getElementById("save").addEventListener("click", save);
firstPossible();
show();
