// The page is loaded when its frames are, so the clients are notified. The script does not wait longer for a hanging frame.
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
