// Replaces the parts that have changed, so that nothing flickers and nothing that is open closes.
"use strict";
const PAUSE = 2000;
let parts = new Map();

function read(root) {
  return new Map([...root.querySelectorAll("[data-part]")].map((part) => [part.id, part]));
}

async function refresh() {
  try {
    const response = await fetch("/", {
      headers: { Accept: "text/html" },
      signal: AbortSignal.timeout(5000),
    });
    if (!response.ok) throw new Error(response.status);
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    for (const [id, part] of read(page)) {
      const html = part.innerHTML;
      if (parts.get(id) === html) continue;
      const open = document.querySelector(`#${id} details`)?.open;
      document.getElementById(id).innerHTML = html;
      if (open) document.querySelector(`#${id} details`).open = true;
      parts.set(id, html);
    }
    document.title = page.title;
    document.body.classList.remove("stale");
  } catch {
    document.body.classList.add("stale");
  }
}

async function run() {
  if (!document.hidden) await refresh();
  setTimeout(run, PAUSE);
}

parts = new Map([...read(document)].map(([id, part]) => [id, part.innerHTML]));
document.addEventListener("visibilitychange", () => document.hidden || refresh());
setTimeout(run, PAUSE);
