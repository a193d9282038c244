// The page has loaded when its frames have, so whoever listens there has heard. One that hangs is not waited for.
(function () {
  "use strict";

  var link = document.getElementById("continue");
  var left = false;

  function leave() {
    if (!left) {
      left = true;
      window.location.replace(link.href);
    }
  }

  window.addEventListener("load", leave);
  window.setTimeout(leave, 4000);
}());
