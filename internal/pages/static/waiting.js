"use strict";

// Reads the use of the application again while it waits for the first sign-in, for at most ten minutes. Without script, the link
// with the ID look-again reloads the page.
(function () {
  const ends = Date.now() + 10 * 60 * 1000;

  function look() {
    const section = document.querySelector("#use.waiting");
    if (!section || Date.now() > ends) {
      return;
    }
    const request = new XMLHttpRequest();
    request.open("GET", section.querySelector("#look-again").href);
    request.responseType = "document";
    request.addEventListener("load", () => {
      const renewed = request.status === 200 && request.response ? request.response.getElementById("use") : null;
      if (renewed && renewed.textContent !== section.textContent && !section.contains(document.activeElement)) {
        section.replaceWith(document.adoptNode(renewed));
      }
    });
    request.send();
    window.setTimeout(look, 5000);
  }

  window.setTimeout(look, 2000);
}());
