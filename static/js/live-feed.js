// A feed: a bounded list that keeps still while somebody reads it. Loaded before live.js.
//
//   <div class="feed">
//     <button data-live-filter="feed-rows" data-kind="like" aria-pressed="true">        pressed = shown
//     <button data-live-pause aria-pressed="false">                                      hold by hand
//     <div class="feed-stage">
//       <div class="feed-scroller" data-live-scroller tabindex="0" role="log" aria-live="off">
//         <ol class="feed-rows" id="feed-rows" data-live-feed data-live-max="200">
//           <li class="feed-row" id="message-<id>" data-kind="text|system|join|gift|like|operator|warning|blocked">
//       <button class="btn feed-pill" data-live-pill hidden> <span data-live-pill-count></span> new
//
// data-live-feed="append" where new rows come at the bottom.
//
// It is held while the pointer is over it, while something in it has focus, while it is scrolled away from its live
// edge (top when rows are prepended, bottom when appended), or by the pause button. What arrives meanwhile waits; the
// pill says how many and lets them in. Which kinds are hidden is remembered in localStorage.
(() => {
  "use strict";
  const EDGE_PX = 24;
  const KEY = "greenroom.feed.";
  const states = new WeakMap();

  function stateOf(list) {
    let state = states.get(list);
    if (state) return state;
    const frame = list.closest(".feed") ?? list.parentElement;
    state = {
      list,
      frame,
      scroller: list.closest("[data-live-scroller]") ?? list,
      stage: list.closest(".feed-stage") ?? list.closest("[data-live-scroller]") ?? list,
      edge: "top",
      buffer: [],
      count: 0,
      isHovered: false,
      isFocused: false,
      isHeld: false,
      isSpoken: (list.closest("[data-live-scroller]") ?? list).getAttribute("aria-live") === "polite",
      isForced: false, // the pill was pressed: let rows in until the reader leaves or scrolls away
    };
    states.set(list, state);
    watch(state);
    return state;
  }

  function isAtEdge({ scroller, edge }) {
    if (edge === "top") return scroller.scrollTop <= EDGE_PX;
    return scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight <= EDGE_PX;
  }

  function isPaused(state) {
    if (state.isHeld || !isAtEdge(state)) return true;
    return !state.isForced && (state.isHovered || state.isFocused);
  }

  function watch(state) {
    const { scroller, stage } = state; // the stage holds the pill too: reaching for it must not let go
    stage.addEventListener("pointerenter", (event) => {
      if (event.pointerType !== "mouse") return;
      state.isHovered = true;
      show(state);
    });
    stage.addEventListener("pointerleave", () => {
      state.isHovered = false;
      state.isForced = false;
      resume(state);
    });
    stage.addEventListener("focusin", () => {
      state.isFocused = true;
      show(state);
    });
    stage.addEventListener("focusout", (event) => {
      if (stage.contains(event.relatedTarget)) return;
      state.isFocused = false;
      if (!state.isHovered) state.isForced = false;
      resume(state);
    });
    scroller.addEventListener(
      "scroll",
      () => {
        if (isAtEdge(state)) resume(state);
        else {
          state.isForced = false;
          show(state);
        }
      },
      { passive: true },
    );
  }

  function show(state) {
    const paused = isPaused(state);
    const pill = state.frame.querySelector("[data-live-pill]");
    if (pill) {
      pill.hidden = !(paused && state.count);
      pill.querySelector("[data-live-pill-count]").textContent = String(state.count);
    }
    state.frame.toggleAttribute("data-live-paused", paused);
    // A feed that is read aloud falls silent while it is held.
    if (state.isSpoken) state.scroller.setAttribute("aria-live", paused ? "off" : "polite");
    state.frame.dataset.liveEdge = state.edge;
  }

  function resume(state) {
    if (!isPaused(state)) letIn(state);
    show(state);
  }

  function letIn(state) {
    const { buffer } = state;
    state.buffer = [];
    state.count = 0;
    for (const { html, insert } of buffer) insert(html);
    if (state.list.children.length >= Number(state.list.dataset.liveMax)) olderLink(state.list)?.removeAttribute("hidden");
    toEdge(state);
  }

  function toEdge({ scroller, edge }) {
    scroller.scrollTop = edge === "top" ? 0 : scroller.scrollHeight;
  }

  // Called by live.js for every prepend and append whose target is a feed.
  function receive(list, event, insert) {
    const state = stateOf(list);
    state.edge = event.swap === "prepend" ? "top" : "bottom";
    state.buffer.push({ html: event.html, insert });
    state.count += Number(event.count ?? 1);
    const max = Number(list.dataset.liveMax) || 200;
    if (state.buffer.length > max) state.buffer.splice(0, state.buffer.length - max);
    if (isPaused(state)) show(state);
    else letIn(state);
  }

  // ---- pill, pause, filters
  function listIn(frame) {
    return frame?.querySelector("[data-live-feed]");
  }

  document.addEventListener("click", (event) => {
    const pill = event.target.closest?.("[data-live-pill]");
    const pause = event.target.closest?.("[data-live-pause]");
    const filter = event.target.closest?.("button[data-live-filter]");
    const list = listIn((pill ?? pause)?.closest(".feed"));
    if (pill && list) {
      const state = stateOf(list);
      setHeld(state, false);
      state.isForced = true;
      letIn(state);
      show(state);
      state.scroller.focus({ preventScroll: true });
    } else if (pause && list) {
      const state = stateOf(list);
      setHeld(state, !state.isHeld);
      resume(state);
    } else if (filter) {
      setShown(filter, filter.getAttribute("aria-pressed") !== "true");
    }
  });

  function setHeld(state, isHeld) {
    state.isHeld = isHeld;
    state.frame.querySelector("[data-live-pause]")?.setAttribute("aria-pressed", String(isHeld));
  }

  function setShown(filter, isShown) {
    const list = document.getElementById(filter.dataset.liveFilter);
    filter.setAttribute("aria-pressed", String(isShown));
    list?.classList.toggle(`hide-${filter.dataset.kind}`, !isShown);
    try {
      localStorage.setItem(`${KEY}${filter.dataset.liveFilter}.${filter.dataset.kind}`, isShown ? "" : "hide");
    } catch {
      // not remembered, still filtered
    }
  }

  function restoreFilters() {
    for (const filter of document.querySelectorAll("button[data-live-filter]")) {
      let isHidden = false;
      try {
        isHidden = localStorage.getItem(`${KEY}${filter.dataset.liveFilter}.${filter.dataset.kind}`) === "hide";
      } catch {
        return;
      }
      if (isHidden) setShown(filter, false);
    }
  }

  function start() {
    for (const list of document.querySelectorAll("[data-live-feed]")) {
      if (states.has(list)) continue;
      const state = stateOf(list);
      if (list.dataset.liveFeed === "append") state.edge = "bottom";
      toEdge(state);
      show(state);
    }
    restoreFilters();
  }

  // <a data-older-than="feed-rows">: asks for what is older than the last row that is still there, because rows
  // that fell off the end of a bounded list must be found again.
  function olderLink(list) {
    return list?.id ? document.querySelector(`[data-older-than="${CSS.escape(list.id)}"]`) : null;
  }

  document.addEventListener("htmx:configRequest", (event) => {
    const list = document.getElementById(event.detail.elt.dataset?.olderThan ?? "");
    const last = list?.querySelector(":scope > [data-seq]:last-child")?.dataset.seq;
    if (last) event.detail.parameters.before = last;
  });

  window.greenroomFeeds = { receive };
  document.addEventListener("htmx:afterSettle", start);
  start();
})();
