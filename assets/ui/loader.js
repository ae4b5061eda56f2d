// Starts the app; a file of its own because the content security policy allows no inline scripts.
import init from "{{js}}";

const themes = ["light", "dark"];
try {
  const theme = localStorage.getItem("aplomb-theme");
  const root = document.documentElement.dataset;
  if (themes.includes(theme)) root.theme = theme;
  if (localStorage.getItem("aplomb-contrast")) root.contrast = "more";
  if (localStorage.getItem("aplomb-compact")) root.density = "compact";
} catch {
  // No storage: the system's wish holds.
}

init({ module_or_path: "{{wasm}}" }).catch((error) => {
  const page = document.createElement("main");
  page.className = "stopped card";
  page.setAttribute("role", "alert");
  const title = document.createElement("h1");
  title.textContent = "Aplomb does not start";
  const body = document.createElement("p");
  body.textContent = "The browser could not load the app. Reload the page; if it stays like this, use a current browser.";
  const detail = document.createElement("pre");
  detail.className = "stopped-detail";
  detail.textContent = String(error);
  page.append(title, body, detail);
  document.body.append(page);
});
