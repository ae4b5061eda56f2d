// Times what a person sees. `arm` waits for the last event of a kind before `until` holds, and for the paint after that.
window.probe ??= {
  arm(kinds, key, until) {
    const taken = { start: null, end: null };
    probe.taken = taken;
    const begin = (event) => {
      if (!key || event.key === key) taken.start = event.timeStamp;
    };
    kinds.forEach((kind) => addEventListener(kind, begin, { capture: true }));
    const look = () => {
      if (probe.taken !== taken) return;
      if (taken.start === null || !until()) return requestAnimationFrame(look);
      kinds.forEach((kind) => removeEventListener(kind, begin, { capture: true }));
      const painted = new MessageChannel();
      painted.port1.onmessage = () => (taken.end = performance.now());
      painted.port2.postMessage(0);
    };
    requestAnimationFrame(look);
  },
  millis() {
    return probe.taken?.end ? probe.taken.end - probe.taken.start : null;
  },
  first() {
    return document.querySelector("[data-testid=records] tr[data-id]")?.dataset.id ?? null;
  },
  // The longest time that a row stood in sight without its content, by its number.
  watchRows() {
    probe.longest = 0;
    const blank = new Map();
    const look = (now) => {
      const box = document.querySelector(".vscroll");
      if (!box) return;
      const { top, bottom } = box.getBoundingClientRect();
      const seen = new Set();
      let covered = top + 40;
      for (const row of box.querySelectorAll("tbody tr:not(.gap)")) {
        const at = row.getBoundingClientRect();
        if (at.bottom <= top + 40 || at.top >= bottom) continue;
        covered = Math.max(covered, at.bottom);
        if (!row.dataset.id) seen.add(row.getAttribute("aria-rowindex"));
      }
      if (covered < bottom - 60) seen.add("nothing drawn");
      for (const index of seen) {
        if (!blank.has(index)) blank.set(index, now);
        probe.longest = Math.max(probe.longest, now - blank.get(index));
      }
      for (const index of blank.keys()) if (!seen.has(index)) blank.delete(index);
      requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  },
};
