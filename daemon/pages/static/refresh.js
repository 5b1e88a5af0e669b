// Shows the main part of a page anew every few seconds, unless the visitor is at work in it.
"use strict";

const main = document.getElementById("main");
const seconds = Number(main.dataset.refresh);

function atWork() {
  const form = document.activeElement && document.activeElement.closest("form, details, a, button");
  return document.hidden || (form !== null && main.contains(form)) || !document.getSelection().isCollapsed;
}

async function refresh() {
  if (atWork()) {
    return;
  }
  const answer = await fetch(location.href, { headers: { Accept: "text/html" }, redirect: "error" });
  if (!answer.ok) {
    return;
  }
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.getElementById("main");
  if (fresh !== null && !atWork()) {
    main.replaceChildren(...fresh.childNodes);
    document.title = page.title;
  }
}

if (seconds > 0) {
  // A daemon that is away for a moment is asked again the next time.
  setInterval(() => refresh().catch(() => undefined), seconds * 1000);
}
