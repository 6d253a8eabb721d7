// One EventSource a page, and what its events do to it. The protocol:
//
//   event: live    data: one swap or an array of swaps                     id: always
//       a swap is {"topic", "target", "swap", "html", "count"}
//       target     id of an element; one that is not on the page is ignored
//       swap       prepend | append | replace (the element) | inner (its children) | text | refresh
//       refresh    dispatches live:refresh on the target, for panels with hx-trigger="live:refresh"
//       count      how many messages the html of a feed carries (default 1)
//   event: reset   the server could not replay: every [data-live-panel] gets live:refresh
//
// Topics: those in <body data-live-url="/live/?topics=a,b"> and in every [data-live-topics="c d"] on the page,
// looked at again after each htmx swap. <body data-live-last-id> is the last event the page already shows, so that
// nothing between rendering and connecting is lost. A row that carries an id and is already there is replaced,
// so a replay doubles nothing. Feeds are in live-feed.js, which registers itself as window.greenroomFeeds.
(() => {
  "use strict";
  const HIDDEN_MS = 60000;
  const REFRESH_MS = 500;
  const BACKOFF_MS = [500, 1000, 2000, 5000, 10000, 20000, 30000];
  const feeds = window.greenroomFeeds;

  let source = null;
  let connectedTo = "";
  let lastId = document.body.dataset.liveLastId ?? "";
  let failures = 0;
  let retryTimer = 0;
  let hiddenTimer = 0;

  // ---- connection
  function wanted() {
    const url = new URL(document.body.dataset.liveUrl || "/live/", location.href);
    const topics = new Set((url.searchParams.get("topics") ?? "").split(",").filter(Boolean));
    for (const element of document.querySelectorAll("[data-live-topics]")) {
      for (const topic of element.dataset.liveTopics.split(/[\s,]+/)) if (topic) topics.add(topic);
    }
    if (!topics.size) return null;
    url.search = "";
    return { path: url.href, topics: [...topics].sort().join(",") };
  }

  function showState(state) {
    for (const indicator of document.querySelectorAll("[data-live-state]")) indicator.dataset.liveState = state;
  }

  function close() {
    clearTimeout(retryTimer);
    source?.close();
    source = null;
    connectedTo = "";
  }

  function connect() {
    const want = wanted();
    if (!want) {
      close();
      showState("idle");
      return;
    }
    const key = want.path + want.topics;
    if (source && key === connectedTo && source.readyState !== EventSource.CLOSED) return;
    close();
    connectedTo = key;
    const query = new URLSearchParams({ topics: want.topics });
    if (lastId) query.set("last_event_id", lastId);
    showState("connecting");
    source = new EventSource(`${want.path}?${query}`);
    source.addEventListener("open", () => {
      failures = 0;
      showState("live");
    });
    source.addEventListener("live", (event) => {
      if (event.lastEventId) lastId = event.lastEventId;
      enqueue(event.data);
    });
    source.addEventListener("reset", (event) => {
      if (event.lastEventId) lastId = event.lastEventId;
      // Spread out, so that a restarted server is not asked by every page at once.
      setTimeout(refreshPanels, Math.random() * 1000);
    });
    source.addEventListener("error", lost);
  }

  function lost() {
    if (source?.readyState === EventSource.CONNECTING && navigator.onLine && failures < 3) {
      failures += 1; // the browser retries by itself and sends Last-Event-ID
      showState("connecting");
      return;
    }
    close();
    showState(failures < 3 && navigator.onLine ? "connecting" : "offline");
    const wait = BACKOFF_MS[Math.min(failures, BACKOFF_MS.length - 1)];
    failures += 1;
    retryTimer = setTimeout(connect, wait * (0.75 + Math.random() / 2));
  }

  document.addEventListener("visibilitychange", () => {
    clearTimeout(hiddenTimer);
    // Browsers allow six connections a host: a page nobody looks at gives its own back.
    if (document.hidden) hiddenTimer = setTimeout(close, HIDDEN_MS);
    else if (!source) connect();
  });
  addEventListener("pagehide", close);
  addEventListener("pageshow", (event) => {
    if (event.persisted) connect();
  });
  addEventListener("online", () => {
    failures = 0;
    close();
    connect();
  });
  addEventListener("offline", () => showState("offline"));

  // ---- applying, once a frame, newest state only
  let queue = [];
  let isScheduled = false;

  function enqueue(data) {
    let swaps;
    try {
      swaps = [JSON.parse(data)].flat();
    } catch {
      return; // not ours
    }
    swaps = swaps.filter((swap) => typeof swap?.target === "string");
    if (!swaps.length) return;
    queue.push(...swaps);
    if (isScheduled) return;
    isScheduled = true;
    if (document.hidden) setTimeout(flush, 250);
    else requestAnimationFrame(flush);
  }

  const WHOLE = new Set(["replace", "inner", "text"]);

  function flush() {
    const batch = queue;
    queue = [];
    isScheduled = false;
    const newest = new Map();
    batch.forEach((event, index) => {
      if (WHOLE.has(event.swap)) newest.set(event.target, index);
    });
    batch.forEach((event, index) => {
      if (WHOLE.has(event.swap) && newest.get(event.target) !== index) return;
      apply(event);
    });
  }

  function apply(event) {
    const target = document.getElementById(event.target);
    if (!target) return;
    if (event.swap === "refresh") refresh(target);
    else if (event.swap === "prepend" || event.swap === "append") add(target, event);
    else if (WHOLE.has(event.swap)) swapWhole(target, event);
  }

  function nodesOf(html) {
    const template = document.createElement("template");
    template.innerHTML = html ?? "";
    return template.content;
  }

  function settle(element) {
    window.htmx?.process(element);
    element.dispatchEvent(new CustomEvent("live:swapped", { bubbles: true }));
  }

  function add(target, event) {
    const insert = (html) => insertRows(target, html, event.swap);
    if (target.dataset.liveFeed !== undefined && feeds) feeds.receive(target, event, insert);
    else insert(event.html);
  }

  function insertRows(target, html, swap) {
    const fragment = nodesOf(html);
    const fresh = [...fragment.children];
    for (const row of fresh) {
      const twin = row.id && document.getElementById(row.id);
      if (twin && target.contains(twin)) twin.replaceWith(row);
    }
    if (swap === "prepend") target.prepend(fragment);
    else target.append(fragment);
    const max = Number(target.dataset.liveMax) || (target.dataset.liveFeed === undefined ? 0 : 200);
    while (max && target.children.length > max) {
      (swap === "prepend" ? target.lastElementChild : target.firstElementChild).remove();
    }
    for (const row of fresh) if (row.isConnected) settle(row);
  }

  // ---- replacing, but never under the reader's hands
  const waiting = new Map();
  const EDITABLE = "input:not([type=button], [type=submit]), textarea, select, [contenteditable]";

  function isDirty(control) {
    if (control instanceof HTMLSelectElement) return [...control.options].some((o) => o.selected !== o.defaultSelected);
    if (control.type === "checkbox" || control.type === "radio") return control.checked !== control.defaultChecked;
    return control.value !== control.defaultValue;
  }

  function mustWait(target) {
    const active = document.activeElement;
    if (active && target.contains(active) && active.matches(EDITABLE)) return true;
    if (target.matches("dialog[open], [data-menu][open]")) return true;
    if (target.querySelector("dialog[open], details[data-menu][open]")) return true;
    // data-live-guard on a form: what was typed and not yet sent also holds its panel.
    return [...target.querySelectorAll("form[data-live-guard]")].some((form) => [...form.elements].some(
      (control) => control.matches("input, textarea, select") && control.type !== "hidden" && isDirty(control),
    ));
  }

  function swapWhole(target, event) {
    if (event.swap === "text") {
      if (target.textContent !== event.html) target.textContent = event.html ?? "";
      return;
    }
    if (mustWait(target)) {
      waiting.set(event.target, event);
      return;
    }
    waiting.delete(event.target);
    const focusedId = target.contains(document.activeElement) ? document.activeElement.id : "";
    const fragment = nodesOf(event.html);
    if (event.swap === "inner") {
      target.replaceChildren(fragment);
      settle(target);
    } else {
      const fresh = [...fragment.children];
      target.replaceWith(fragment);
      fresh.forEach(settle);
    }
    if (focusedId) document.getElementById(focusedId)?.focus({ preventScroll: true });
  }

  function applyWaiting() {
    for (const [id, event] of [...waiting]) {
      const target = document.getElementById(id);
      if (!target) waiting.delete(id);
      else if (!mustWait(target)) swapWhole(target, event);
    }
  }

  for (const name of ["focusout", "reset", "close", "toggle", "change"]) {
    document.addEventListener(name, () => waiting.size && setTimeout(applyWaiting), true);
  }

  // ---- panels that reload themselves: never twice at once, and not more often than data-live-refresh-ms
  const refreshes = new Map(); // by id, because the answer replaces the element

  function refresh(target, leastWait = 0) {
    const id = target.id;
    const state = refreshes.get(id) ?? { at: -Infinity, timer: 0, isAsked: false, isWantedAgain: false };
    refreshes.set(id, state);
    if (state.isAsked) {
      state.isWantedAgain = true; // the answer on its way may be older than this
      return;
    }
    if (state.timer) return;
    const pause = Number(target.dataset.liveRefreshMs) || REFRESH_MS;
    const wait = Math.max(leastWait, state.at + pause - performance.now());
    if (wait > 0) state.timer = setTimeout(fire, wait, id);
    else fire(id);
  }

  function fire(id) {
    const state = refreshes.get(id);
    const target = document.getElementById(id);
    state.timer = 0;
    if (!target) refreshes.delete(id);
    else if (mustWait(target)) refresh(target, 1000);
    else {
      state.at = performance.now();
      target.dispatchEvent(new CustomEvent("live:refresh"));
    }
  }

  function refreshState(event) {
    const { requestConfig } = event.detail; // its elt stays the panel, even when the answer has replaced that
    return requestConfig?.triggeringEvent?.type === "live:refresh" ? refreshes.get(requestConfig.elt.id) : undefined;
  }

  document.addEventListener("htmx:beforeRequest", (event) => {
    const state = refreshState(event);
    if (state) state.isAsked = true;
  });

  document.addEventListener("htmx:afterRequest", (event) => {
    const state = refreshState(event);
    if (!state?.isAsked) return;
    state.isAsked = false;
    const target = document.getElementById(event.detail.requestConfig.elt.id);
    if (state.isWantedAgain && target) refresh(target);
    state.isWantedAgain = false;
  });

  // The reader may have begun to type while the answer was on its way: then it is asked for again later.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { target } = event.detail;
    const state = refreshState(event);
    if (!state || !mustWait(target)) return;
    event.detail.shouldSwap = false;
    state.isWantedAgain = true;
  });

  function refreshPanels() {
    for (const panel of document.querySelectorAll("[data-live-panel]")) refresh(panel);
  }

  document.addEventListener("htmx:afterSettle", (event) => {
    // What htmx just brought is newer than what waited for the same element.
    if (event.target?.id) waiting.delete(event.target.id);
    connect();
  });
  connect();
})();
