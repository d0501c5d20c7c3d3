// Not a module: it runs before the page is painted, so that the chosen colours are there from the start.
try {
  document.documentElement.dataset.theme = localStorage.getItem("negatoscope.theme") ?? "auto";
} catch {
  document.documentElement.dataset.theme = "auto";
}
