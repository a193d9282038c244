// Replaces the state of the page when the file is ready. Without script, the link with the ID refresh reloads the page. The script
// stops after ten minutes.
(function () {
  "use strict";

  const ends = Date.now() + 10 * 60 * 1000;
  const state = document.getElementById("state");

  async function refresh() {
    try {
      const response = await fetch(document.getElementById("refresh").href, { credentials: "same-origin", redirect: "error", cache: "no-store" });
      const page = new DOMParser().parseFromString(await response.text(), "text/html");
      const renewed = page.getElementById("state");
      if (response.ok && renewed && !renewed.querySelector("#refresh")) {
        const focused = state.contains(document.activeElement);
        state.replaceChildren(...renewed.childNodes);
        if (focused) {
          state.querySelector("a, button").focus();
        }
        return;
      }
    } catch {
      // The server cannot be reached now.
    }
    if (Date.now() < ends) {
      window.setTimeout(refresh, 2000);
    }
  }

  window.setTimeout(refresh, 500);
}());
