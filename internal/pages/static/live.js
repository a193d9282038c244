"use strict";

// Renews the element with the ID live every five seconds for ten minutes, from the page of the link with the ID
// look-again, unless the page is hidden or the focus is in the element. Without script, the link reloads the page.
const ends = Date.now() + 10 * 60 * 1000;
const live = document.getElementById("live");
const pauses = () => document.hidden || live.contains(document.activeElement);

function wait() {
  if (Date.now() < ends) {
    window.setTimeout(load, 5000);
  }
}

function load() {
  if (pauses()) {
    wait();
    return;
  }
  // It parses the page without a string of markup, which Trusted Types would reject, and without running scripts.
  const request = new XMLHttpRequest();
  request.open("GET", document.getElementById("look-again").href);
  request.responseType = "document";
  request.addEventListener("load", () => {
    const renewed = request.response?.getElementById("live");
    if (request.status !== 200 || !renewed) {
      return; // the sign-in has ended
    }
    if (!pauses()) {
      live.replaceChildren(...renewed.childNodes);
    }
    wait();
  });
  request.addEventListener("error", wait);
  request.send();
}

if (live) {
  wait();
}
