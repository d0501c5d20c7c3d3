// @ts-check
// Not a module, so that it runs before the first paint and the page starts in the chosen theme.
try {
  document.documentElement.dataset.theme = localStorage.getItem("negatoscope.theme") ?? "auto";
} catch {
  document.documentElement.dataset.theme = "auto";
}
