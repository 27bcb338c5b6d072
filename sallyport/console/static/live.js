// Keeps every [data-live="URL"] element fresh: fetches the fragment each second while the page is seen.
"use strict";

const PERIOD_MS = 1000;

function keepFresh(element) {
  const pulse = document.querySelector(".pulse");
  let failures = 0;
  let shown = "";

  const refresh = async () => {
    if (!document.hidden && !element.matches(":focus-within")) {
      try {
        const response = await fetch(element.dataset.live, { credentials: "same-origin", redirect: "error" });
        if (response.status === 401) {
          location.assign("/login");
          return;
        }
        if (!response.ok) throw new Error(String(response.status));
        const fragment = await response.text();
        if (fragment !== shown) replace(element, fragment);
        shown = fragment;
        failures = 0;
      } catch {
        failures += 1;
      }
      if (pulse) {
        pulse.classList.toggle("lost", failures > 2);
        pulse.textContent = failures > 2 ? "connection lost, trying again" : "live";
      }
    }
    setTimeout(refresh, PERIOD_MS * Math.min(1 + failures, 10));
  };
  setTimeout(refresh, PERIOD_MS);
}

// The server escapes whatever is stored: its fragments are as safe as its pages. Tables stay where they were scrolled to.
function replace(element, fragment) {
  const places = [...element.querySelectorAll(".scroll")].map((part) => part.scrollLeft);
  element.innerHTML = fragment;
  element.querySelectorAll(".scroll").forEach((part, number) => { part.scrollLeft = places[number] ?? 0; });
}

document.querySelectorAll("[data-live]").forEach(keepFresh);

// A form with data-confirm asks first.
document.addEventListener("submit", (event) => {
  const question = event.target.dataset.confirm;
  if (question && !confirm(question)) event.preventDefault();
});
// A select with data-submit sends its form when changed.
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-submit]")) event.target.form.requestSubmit();
});
