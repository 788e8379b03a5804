/* What every page has. */
document.getElementById("print")?.addEventListener("click", () => window.print());
/* Paper has no folds: what is closed is opened for it, and closed again. */
addEventListener("beforeprint", () => {
  for (const fold of document.querySelectorAll("details:not([open])")) { fold.open = true; fold.dataset.folded = ""; }
});
addEventListener("afterprint", () => {
  for (const fold of document.querySelectorAll("details[data-folded]")) { fold.open = false; delete fold.dataset.folded; }
});
