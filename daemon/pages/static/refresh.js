// Shows the main part of a page anew every few seconds, unless the visitor is at work in it, or does not want it.
"use strict";

const main = document.getElementById("main");
const freshness = document.getElementById("freshness");
const pause = document.getElementById("pause");
const seconds = Number(main.dataset.refresh);
let newest = new Date();

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

function say(words, alarms) {
  if (freshness.textContent !== words) {
    freshness.textContent = words;
    freshness.classList.toggle("alarm", alarms);
  }
}

function isPaused() {
  return pause.getAttribute("aria-pressed") === "true";
}

async function fetched() {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" }, redirect: "error" });
  if (!answer.ok) {
    throw new Error(`HTTP ${answer.status}`);
  }
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

async function refresh() {
  if (atWork() || isPaused()) {
    return;
  }
  let page;
  try {
    page = await fetched();
  } catch {
    // The daemon is away, or the session is over: what is shown is old, and must not pass for the state of now.
    say(`Not up to date: shown as of ${newest.toLocaleTimeString()}. Load the page again.`, true);
    return;
  }
  newest = new Date();
  say(`Shown anew every ${seconds} seconds.`, false);
  const fresh = page.getElementById("main");
  if (fresh !== null && !atWork()) {
    main.replaceChildren(...fresh.childNodes);
    document.title = page.title;
  }
}

if (seconds > 0) {
  pause.hidden = false;
  pause.addEventListener("click", () => {
    pause.setAttribute("aria-pressed", String(!isPaused()));
    say(isPaused() ? `Shown as of ${newest.toLocaleTimeString()}.` : `Shown anew every ${seconds} seconds.`, false);
  });
  setInterval(refresh, seconds * 1000);
}
