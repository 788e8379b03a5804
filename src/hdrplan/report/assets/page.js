/* What every page has. */
document.getElementById("print")?.addEventListener("click", () => window.print());
