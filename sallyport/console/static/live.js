// Keeps every [data-live="URL"] element fresh: fetches the fragment each second while the page is seen.
"use strict";

const PERIOD_MS = 1000;

function keepFresh(element) {
  const pulse = document.querySelector(".pulse");
  let failures = 0;

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
        // The server escapes whatever is stored; its fragments are as safe as its pages.
        if (fragment !== element.lastFragment) element.innerHTML = fragment;
        element.lastFragment = fragment;
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
