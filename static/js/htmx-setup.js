// htmx under a strict Content-Security-Policy, with the CSRF header, and with refusals that are shown.
// 422 carries a form with its errors, 409 a panel as somebody else left it: where they are HTML, both are swapped.
// Every other 4xx and 5xx becomes an error toast (the "detail" of application/problem+json where there is one) and
// leaves the page as it was.
(() => {
  "use strict";
  if (!window.htmx) return;
  const { config } = window.htmx;
  config.includeIndicatorStyles = false;
  config.allowEval = false;
  config.allowScriptTags = false;
  config.historyCacheSize = 0;
  config.defaultFocusScroll = false;
  config.scrollBehavior = "instant";
  config.responseHandling = [
    { code: "204", swap: false },
    { code: "[23]..", swap: true },
    { code: "409|422", swap: true },
    { code: "[45]..", swap: false, error: true },
  ];

  const SAFE = new Set(["get", "head", "options", "trace"]);
  const strings = () => document.getElementById("ui-strings")?.dataset ?? {};

  function toast(text) {
    document.dispatchEvent(new CustomEvent("toast", { detail: { level: "error", text } }));
  }

  // A page that replaces a panel (session over, redirected to the login form) is a page: go there.
  function isWholePage(xhr) {
    return /^\s*<!doctype html/i.test(xhr.responseText ?? "");
  }

  function isHtml(xhr) {
    return (xhr.getResponseHeader("Content-Type") ?? "").includes("html");
  }

  function problemText(xhr) {
    const type = xhr.getResponseHeader("Content-Type") ?? "";
    if (type.includes("json")) {
      try {
        const problem = JSON.parse(xhr.responseText);
        if (problem.detail || problem.title) return String(problem.detail || problem.title);
      } catch {
        return null;
      }
    }
    if (type.startsWith("text/plain") && xhr.responseText.length < 300) return xhr.responseText.trim() || null;
    return null;
  }

  function statusText(status) {
    const text = strings();
    if (status === 401 || status === 403) return text.forbidden;
    if (status === 404) return text.missing;
    if (status === 409) return text.conflict;
    if (status === 429) return text.throttled;
    return text.failed;
  }

  document.addEventListener("htmx:configRequest", (event) => {
    if (SAFE.has(event.detail.verb)) return;
    const field = event.detail.elt.closest?.("form")?.querySelector("[name=csrfmiddlewaretoken]");
    const token = document.querySelector("meta[name=csrf-token]")?.content || field?.value;
    if (token) event.detail.headers["X-CSRFToken"] = token;
  });

  document.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr, target } = event.detail;
    if (xhr.status >= 400 && event.detail.shouldSwap && !isHtml(xhr)) {
      event.detail.shouldSwap = false;
      event.detail.isError = true;
      return;
    }
    if (target === document.body || !event.detail.shouldSwap || !isWholePage(xhr)) return;
    event.detail.shouldSwap = false;
    location.reload(); // the session is over: the page itself is then sent to the login form, and back
  });

  document.addEventListener("htmx:responseError", (event) => {
    const { xhr } = event.detail;
    // A reply that brings its own toast has said it already.
    if ((xhr.getResponseHeader("HX-Trigger") ?? "").includes('"toast"')) return;
    toast(problemText(xhr) ?? statusText(xhr.status));
  });

  document.addEventListener("htmx:sendError", () => toast(strings().unreachable));
  document.addEventListener("htmx:timeout", () => toast(strings().unreachable));
})();
