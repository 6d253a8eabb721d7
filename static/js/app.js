// Behaviour that every page has: toasts, dialogs, confirmation, menus, byte counters, relative times, copying.
// Everything is delegated from the document, so what htmx or live.js brings in later needs no starting up.
//
//   [data-dialog-open="id"]  [data-dialog-close]            open, close a native <dialog>
//   [data-confirm="question"] on a form or a submit button  ask first; data-confirm-title, -label, -tone="danger"
//   <details data-menu>                                      closes on Escape, outside click, choice
//   [data-byte-limit="240"] on an input or textarea          counts UTF-8 bytes into [data-byte-count-for="<its id>"]
//   <time datetime data-relative>                            "3 minutes ago", kept current
//   [data-copy="text"] or [data-copy-from="#id"]             copies, then says so
//   [data-submit-on-change] on a form                        submits itself (language, filters without htmx)
//   HX-Trigger: {"toast": {"level": "success|info|warning|error", "text": "…", "title": "…"}}
//   HX-Trigger: {"dialog:close": ""}                         closes the dialog the request came from
(() => {
  "use strict";
  const TOAST_MS = 6000;
  const TOAST_MAX = 5;
  const encoder = new TextEncoder();
  const strings = () => document.getElementById("ui-strings")?.dataset ?? {};
  const fill = (text, values) => (text ?? "").replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");

  // ---- toasts
  const LEVELS = new Set(["success", "info", "warning", "error"]);

  function startToast(toast) {
    if (toast.classList.contains("toast-error") || toast.dataset.sticky !== undefined) return;
    let timer = 0;
    const stop = () => clearTimeout(timer);
    const start = () => {
      stop();
      timer = setTimeout(() => toast.remove(), TOAST_MS);
    };
    for (const name of ["pointerenter", "focusin"]) toast.addEventListener(name, stop);
    for (const name of ["pointerleave", "focusout"]) toast.addEventListener(name, start);
    start();
  }

  // An open dialog is in the browser's top layer: the toasts have to be put above it there.
  function raise(frame) {
    if (!frame.showPopover) return;
    frame.popover = "manual";
    if (frame.matches(":popover-open")) frame.hidePopover();
    frame.showPopover();
  }

  function showToast({ level = "info", text = "", title = "" } = {}) {
    const kind = LEVELS.has(level) ? level : "info";
    const region = document.getElementById(kind === "error" ? "toasts-urgent" : "toasts-polite");
    const model = document.getElementById(`toast-${kind}`);
    if (!region || !model || !(text || title)) return;
    const toast = model.content.firstElementChild.cloneNode(true);
    const heading = toast.querySelector(".toast-title");
    if (title) heading.textContent = title;
    else heading.remove();
    toast.querySelector(".toast-text").textContent = text;
    region.append(toast);
    if (document.querySelector("dialog[open]")) raise(region.parentElement);
    while (region.children.length > TOAST_MAX) region.firstElementChild.remove();
    startToast(toast);
  }

  document.addEventListener("toast", (event) => {
    const detail = event.detail ?? {};
    for (const item of Array.isArray(detail.value) ? detail.value : [detail]) showToast(item);
  });

  // ---- dialogs
  function openDialog(id) {
    const dialog = document.getElementById(id);
    if (dialog instanceof HTMLDialogElement && !dialog.open) dialog.showModal();
  }

  document.addEventListener("dialog:close", (event) => {
    const from = event.target.closest?.("dialog");
    for (const dialog of from ? [from] : document.querySelectorAll("dialog[open]")) dialog.close();
  });

  // Pressing the backdrop closes; a drag that began inside (selecting text) does not.
  let pressedOn = null;
  document.addEventListener("pointerdown", (event) => {
    pressedOn = event.target;
  });

  function isBackdrop(event) {
    const dialog = event.target;
    if (!(dialog instanceof HTMLDialogElement) || pressedOn !== dialog || dialog.dataset.modal === "strict") return false;
    const box = dialog.getBoundingClientRect();
    return (
      event.clientX < box.left || event.clientX > box.right || event.clientY < box.top || event.clientY > box.bottom
    );
  }

  // ---- confirmation
  function ask(source) {
    const dialog = document.getElementById("confirm-dialog");
    if (!dialog?.showModal) return Promise.resolve(true);
    const { confirm = "", confirmTitle, confirmLabel, confirmTone } = source;
    const accept = dialog.querySelector("[data-confirm-accept]");
    dialog.querySelector("[data-confirm-title]").textContent = confirmTitle || strings().confirmTitle || "";
    dialog.querySelector("[data-confirm-text]").textContent = confirm;
    accept.textContent = confirmLabel || strings().confirmLabel || "";
    accept.classList.toggle("btn-danger-solid", confirmTone === "danger");
    accept.classList.toggle("btn-primary", confirmTone !== "danger");
    dialog.returnValue = "";
    dialog.showModal();
    dialog.querySelector(confirmTone === "danger" ? "[data-confirm-cancel]" : "[data-confirm-accept]").focus();
    return new Promise((resolve) => {
      dialog.addEventListener("close", () => resolve(dialog.returnValue === "accept"), { once: true });
    });
  }

  const questionOf = (...elements) => elements.find((element) => element?.dataset?.confirm)?.dataset;

  document.addEventListener("htmx:confirm", (event) => {
    const { elt, triggeringEvent, question, issueRequest } = event.detail;
    const source = questionOf(triggeringEvent?.submitter, elt) ?? (question ? { confirm: question } : null);
    if (!source) return;
    event.preventDefault();
    ask(source).then((isAccepted) => {
      if (isAccepted) issueRequest(true);
    });
  });

  const HTMX_FORM = "[hx-get],[hx-post],[hx-put],[hx-patch],[hx-delete],[hx-boost='true'],[hx-boost='true'] *";
  const accepted = new WeakSet();

  document.addEventListener(
    "submit",
    (event) => {
      const form = event.target;
      if (window.htmx && form.matches(HTMX_FORM)) return;
      const source = questionOf(event.submitter, form);
      if (!source || accepted.delete(form)) return;
      event.preventDefault();
      event.stopPropagation();
      const { submitter } = event;
      ask(source).then((isAccepted) => {
        if (!isAccepted) return;
        accepted.add(form);
        form.requestSubmit(submitter);
      });
    },
    true,
  );

  // A plain form that is on its way shows it, and is not sent twice.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method === "dialog" || (window.htmx && form.matches(HTMX_FORM))) return;
    const button = event.submitter ?? form.querySelector("[type=submit]");
    if (!button?.classList.contains("btn") || form.method === "get") return;
    if (button.getAttribute("aria-busy") === "true") event.preventDefault();
    else button.setAttribute("aria-busy", "true");
  });

  addEventListener("pageshow", () => {
    for (const button of document.querySelectorAll("button[aria-busy=true][type=submit]")) {
      button.removeAttribute("aria-busy");
    }
  });

  // ---- one click listener for all of it
  function closeMenus(except) {
    for (const menu of document.querySelectorAll("details[data-menu][open]")) {
      if (!except || !menu.contains(except)) menu.open = false;
    }
  }

  async function copy(button) {
    const source = button.dataset.copyFrom ? document.querySelector(button.dataset.copyFrom) : null;
    const text = button.dataset.copy ?? source?.value ?? source?.textContent.trim() ?? "";
    try {
      await navigator.clipboard.writeText(text);
      showToast({ level: "success", text: strings().copied });
    } catch {
      showToast({ level: "error", text: strings().copyFailed });
    }
  }

  document.addEventListener("click", (event) => {
    const { target } = event;
    if (!(target instanceof Element)) return;
    closeMenus(target);
    if (isBackdrop(event)) {
      target.close();
      return;
    }
    const opener = target.closest("[data-dialog-open]");
    if (opener) openDialog(opener.dataset.dialogOpen);
    const closer = target.closest("[data-dialog-close]");
    if (closer) closer.closest("dialog")?.close();
    const toastClose = target.closest("[data-toast-close]");
    if (toastClose) toastClose.closest(".toast").remove();
    const copier = target.closest("[data-copy],[data-copy-from]");
    if (copier) copy(copier);
    const chosen = target.closest("details[data-menu] .menu-item");
    if (chosen) chosen.closest("details").open = false;
  });

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      const menu = event.target.closest?.("details[data-menu][open]");
      if (menu) menu.querySelector("summary").focus();
      closeMenus();
    }
    const isTyping = event.target.closest?.("input, textarea, select, [contenteditable]");
    if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey) {
      const search = document.querySelector("main input[type=search]");
      if (!search || document.querySelector("dialog[open]")) return;
      event.preventDefault();
      search.focus();
      search.select();
    }
  });

  document.addEventListener("focusout", (event) => {
    const menu = event.target.closest?.("details[data-menu][open]");
    if (menu && event.relatedTarget && !menu.contains(event.relatedTarget)) menu.open = false;
  });

  document.addEventListener("change", (event) => {
    event.target.closest?.("form[data-submit-on-change]")?.requestSubmit();
  });

  // ---- byte counters: Chat's limits are bytes of UTF-8, not characters
  function countBytes(input) {
    const limit = Number(input.dataset.byteLimit);
    const counter = input.id ? document.querySelector(`[data-byte-count-for="${CSS.escape(input.id)}"]`) : null;
    const used = encoder.encode(input.value.replace(/\r\n?/g, "\n")).length;
    const over = used - limit;
    if (counter) {
      counter.textContent = fill(over > 0 ? strings().bytesOver : strings().bytes, { used, limit, over });
      counter.toggleAttribute("data-over", over > 0);
    }
    input.setCustomValidity(over > 0 ? fill(strings().bytesInvalid, { used, limit, over }) : "");
    if (over > 0) input.setAttribute("aria-invalid", "true");
    else if (input.dataset.wasOver !== undefined) input.removeAttribute("aria-invalid");
    if (over > 0) input.dataset.wasOver = "";
  }

  document.addEventListener("input", (event) => {
    if (event.target.matches?.("[data-byte-limit]")) countBytes(event.target);
  });

  document.addEventListener("reset", (event) => {
    setTimeout(() => event.target.querySelectorAll("[data-byte-limit]").forEach(countBytes));
  });

  // ---- relative times
  const STEPS = [
    ["year", 31536000],
    ["month", 2592000],
    ["week", 604800],
    ["day", 86400],
    ["hour", 3600],
    ["minute", 60],
  ];
  const locale = document.documentElement.lang || undefined;
  const relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto", style: "short" });
  const absolute = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "medium" });

  function showTime(time) {
    const at = Date.parse(time.dateTime);
    if (Number.isNaN(at)) return;
    const seconds = Math.round((at - Date.now()) / 1000);
    const step = STEPS.find(([, length]) => Math.abs(seconds) >= length);
    const text = step ? relative.format(Math.trunc(seconds / step[1]), step[0]) : relative.format(0, "second");
    if (time.textContent !== text) time.textContent = text;
    if (!time.title) time.title = absolute.format(at);
  }

  const showTimes = (root) => root.querySelectorAll("time[data-relative]").forEach(showTime);

  // ---- what is new on the page: at start, after htmx, after live.js
  function enhance(root) {
    if (!root?.querySelectorAll) return;
    showTimes(root);
    if (root.matches?.("time[data-relative]")) showTime(root);
    root.querySelectorAll("[data-byte-limit]").forEach(countBytes);
    root.querySelectorAll("template[data-toast]").forEach((item) => {
      showToast({ ...item.dataset });
      item.remove();
    });
  }

  document.addEventListener("htmx:load", (event) => enhance(event.detail.elt));

  // A panel that replaces the control that asked for it takes the focus itself, so that it is not lost.
  let focusHome = "";
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { target } = event.detail;
    if (target?.id && target.contains(document.activeElement)) focusHome = target.id;
  });
  document.addEventListener("htmx:afterSettle", () => {
    const home = focusHome && document.activeElement === document.body ? document.getElementById(focusHome) : null;
    focusHome = "";
    if (!home) return;
    if (!home.hasAttribute("tabindex")) home.tabIndex = -1;
    home.focus({ preventScroll: true });
  });

  // Rows sorted by a number that moves may come again on the next page: the first stays.
  document.addEventListener("htmx:afterSettle", () => {
    const seen = new Set();
    for (const row of document.querySelectorAll("[data-unique]")) {
      if (seen.has(row.dataset.unique)) row.remove();
      seen.add(row.dataset.unique);
    }
  });
  document.addEventListener("live:swapped", (event) => enhance(event.target));
  setInterval(() => {
    if (!document.hidden) showTimes(document);
  }, 20000);

  document.querySelectorAll(".toast").forEach(startToast);
  enhance(document);
})();
