// What a page does beyond plain HTML: it refreshes its live parts when the server says that
// something changed, ticks all boxes at once, and asks before a button that cannot be taken back.
"use strict";

// --- boxes and questions ---------------------------------------------------------------------

document.addEventListener("change", (event) => {
  const all = event.target.dataset.all;
  if (!all) return;
  for (const box of event.target.form.elements) {
    if (box.type === "checkbox" && box.name === all) box.checked = event.target.checked;
  }
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-confirm]");
  if (button && !confirm(button.dataset.confirm)) event.preventDefault();
});

// --- refreshing ------------------------------------------------------------------------------

const parts = () => document.querySelectorAll("[data-live]");
const nameOf = (box) => box.name + "\n" + box.value + "\n" + (box.dataset.all || "");

// What the person has ticked or typed in a part stays as it is.
function keepInput(from, to) {
  const ticked = new Set();
  for (const box of from.querySelectorAll("input[type=checkbox]")) {
    if (box.checked) ticked.add(nameOf(box));
  }
  for (const box of to.querySelectorAll("input[type=checkbox]")) {
    box.checked = ticked.has(nameOf(box));
  }
  for (const field of from.querySelectorAll("input:not([type])")) {
    const same = to.querySelector(`input[name="${field.name}"]:not([type])`);
    if (same) same.value = field.value;
  }
}

// Somebody types in the part, or has text of it selected: it is not pulled away from them.
function isInUse(part) {
  const active = document.activeElement;
  const isTyping = active && part.contains(active) && active.matches("input:not([type=checkbox])");
  const selection = getSelection();
  const isSelecting = !selection.isCollapsed && part.contains(selection.anchorNode);
  return isTyping || isSelecting;
}

let isBusy = false;
let isStale = false;

async function refresh() {
  isStale = true;
  if (isBusy || document.hidden) return;
  isBusy = true;
  try {
    while (isStale) {
      isStale = false;
      const answer = await fetch(location.href, { headers: { "X-Live": "1" } });
      // The session is over: the page that says so.
      if (answer.redirected) return location.reload();
      if (!answer.ok) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of parts()) {
        const now = fresh.getElementById(part.id);
        if (!now || now.innerHTML === part.dataset.seen || isInUse(part)) continue;
        const seen = now.innerHTML;
        const focused = part.contains(document.activeElement) && document.activeElement;
        keepInput(part, now);
        part.replaceChildren(...now.childNodes);
        part.dataset.seen = seen;
        if (focused && focused.name) {
          const same = [...part.querySelectorAll("[name]")].find(
            (it) => it.name === focused.name && it.value === focused.value,
          );
          if (same) same.focus({ preventScroll: true });
        }
      }
    }
  } catch {
    // The server does not answer: the next event, after it came back, refreshes.
  } finally {
    isBusy = false;
  }
}

if (parts().length > 0) {
  const events = new EventSource("/live");
  events.onmessage = refresh;
  addEventListener("pagehide", () => events.close());
  document.addEventListener("visibilitychange", () => { if (isStale) refresh(); });
}
