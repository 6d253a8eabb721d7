// Loaded in <head> without defer, so that the reader's theme is set before the first paint.
// Stored choice: localStorage "greenroom.theme" = "light" | "dark"; absent means: as the system does.
(() => {
  "use strict";
  const KEY = "greenroom.theme";
  const root = document.documentElement;

  function stored() {
    try {
      const value = localStorage.getItem(KEY);
      return value === "light" || value === "dark" ? value : null;
    } catch {
      return null; // storage is switched off: follow the system
    }
  }

  function isDark() {
    const chosen = root.dataset.theme;
    return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  }

  function showState() {
    for (const button of document.querySelectorAll("[data-theme-toggle]")) {
      button.setAttribute("aria-pressed", String(isDark()));
    }
  }

  const choice = stored();
  if (choice) root.dataset.theme = choice;

  document.addEventListener("DOMContentLoaded", showState);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", showState);
  addEventListener("storage", (event) => {
    if (event.key !== KEY) return;
    if (event.newValue) root.dataset.theme = event.newValue;
    else delete root.dataset.theme;
    showState();
  });
  document.addEventListener("click", (event) => {
    if (!event.target.closest?.("[data-theme-toggle]")) return;
    root.dataset.theme = isDark() ? "light" : "dark";
    try {
      localStorage.setItem(KEY, root.dataset.theme);
    } catch {
      // the choice then lasts as long as the page
    }
    showState();
  });
})();
