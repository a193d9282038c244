// The OP iframe: reports to the embedding page of a client whether the session of the browser has changed. The client sends the
// session_state of its response, which is bound to its origin, so that other origins learn nothing. The script sends no requests.
// Spec: OpenID Connect Session Management §3.1, §3.2.
(function () {
  "use strict";

  var longest = 2048;
  var question = /^([\x20-\x7e]+) ([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)$/;
  var cookie = document.currentScript.getAttribute("data-cookie") + "=";
  var start = [];
  var rounds = [];

  // SHA-256, for crypto.subtle is not there on plain http (FIPS 180-4). Its constants are the roots of the first primes.
  function fraction(root) {
    return ((root - Math.floor(root)) * 4294967296) | 0;
  }

  function prime(n) {
    for (var i = 2; i * i <= n; i++) {
      if (n % i === 0) {
        return false;
      }
    }
    return true;
  }

  for (var n = 2; rounds.length < 64; n++) {
    if (prime(n)) {
      if (start.length < 8) {
        start.push(fraction(Math.pow(n, 1 / 2)));
      }
      rounds.push(fraction(Math.pow(n, 1 / 3)));
    }
  }

  function turn(word, by) {
    return (word >>> by) | (word << (32 - by));
  }

  function extend(w, i) {
    var a = w[i - 15];
    var b = w[i - 2];
    var small = turn(a, 7) ^ turn(a, 18) ^ (a >>> 3);
    var large = turn(b, 17) ^ turn(b, 19) ^ (b >>> 10);
    return (w[i - 16] + small + w[i - 7] + large) | 0;
  }

  function step(s, constant, word) {
    var choice = (s[4] & s[5]) ^ (~s[4] & s[6]);
    var majority = (s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]);
    var first = (s[7] + (turn(s[4], 6) ^ turn(s[4], 11) ^ turn(s[4], 25)) + choice + constant + word) | 0;
    var second = ((turn(s[0], 2) ^ turn(s[0], 13) ^ turn(s[0], 22)) + majority) | 0;
    return [(first + second) | 0, s[0], s[1], s[2], (s[3] + first) | 0, s[4], s[5], s[6]];
  }

  function sha256(ascii) {
    var words = [];
    var hash = start.slice();
    var i, j;
    for (i = 0; i < ascii.length; i++) {
      words[i >> 2] |= ascii.charCodeAt(i) << (24 - 8 * (i % 4));
    }
    words[i >> 2] |= 128 << (24 - 8 * (i % 4));
    words[((ascii.length + 8) >> 6) * 16 + 15] = ascii.length * 8;
    for (i = 0; i < words.length; i += 16) {
      var w = [];
      var state = hash;
      for (j = 0; j < 64; j++) {
        w[j] = j < 16 ? words[i + j] | 0 : extend(w, j);
        state = step(state, rounds[j], w[j]);
      }
      for (j = 0; j < 8; j++) {
        state[j] = (state[j] + hash[j]) | 0;
      }
      hash = state;
    }
    return hash;
  }

  function base64url(words) {
    var bytes = "";
    for (var i = 0; i < words.length * 4; i++) {
      bytes += String.fromCharCode((words[i >> 2] >>> (24 - 8 * (i % 4))) & 255);
    }
    return window.btoa(bytes).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  }

  function browserState() {
    var all = document.cookie.split("; ");
    for (var i = 0; i < all.length; i++) {
      if (all[i].indexOf(cookie) === 0) {
        return all[i].slice(cookie.length);
      }
    }
    return "";
  }

  function answer(asked, origin) {
    var parts = question.exec(asked);
    if (!parts) {
      return "error";
    }
    var state = browserState();
    var now = base64url(sha256([parts[1], origin, state, parts[3]].join(" ")));
    return state !== "" && now === parts[2] ? "unchanged" : "changed";
  }

  window.addEventListener("message", function (event) {
    var ours = event.source === window || !event.source;
    if (ours || typeof event.data !== "string" || event.data.length > longest || !/^https?:\/\//.test(event.origin)) {
      return;
    }
    event.source.postMessage(answer(event.data, event.origin), event.origin);
  });
}());
