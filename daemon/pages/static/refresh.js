// Shows the main part of a page anew every few seconds, unless the visitor is at work in it.
"use strict";

const main = document.getElementById("main");
const seconds = Number(main.dataset.refresh);

function atWork() {
  const focus = document.activeElement && document.activeElement.closest("form, details, a, button");
  const fields = [...main.querySelectorAll("input, textarea")];
  return (
    document.hidden ||
    (focus !== null && main.contains(focus)) ||
    !document.getSelection().isCollapsed ||
    // What was opened or filled in, and left for a moment.
    main.querySelector("details[open]") !== null ||
    fields.some((field) => field.value !== field.defaultValue || field.checked !== field.defaultChecked)
  );
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
