"use strict";

// Shows, while the address is typed, what is wrong with it or which redirect URIs it allows, by the rules of the server, which
// decides. Fields that the chosen application does not need are hidden.
(function () {
  const field = document.getElementById("redirect-uri");
  const preset = document.getElementById("preset");
  const kind = document.getElementById("kind");
  const name = document.getElementById("name");
  const shown = document.getElementById("redirect-uri-check");
  const texts = document.getElementById("checks").dataset;
  const presets = JSON.parse(texts.presets);
  let suggested = "";

  // parse returns the URL, or null.
  function parse(text) {
    try {
      return new URL(text);
    } catch {
      return null;
    }
  }

  function isLoopback(host) {
    return host === "localhost" || host === "127.0.0.1" || host === "[::1]";
  }

  // fault returns what is wrong with a redirect URI, or an empty string.
  function fault(text, native) {
    const url = parse(text);
    if (!url || /\s/.test(text)) {
      return texts.url;
    }
    if (/[#*]/.test(text)) {
      return texts.fragment;
    }
    if (url.protocol === "https:" || url.protocol === "http:") {
      if (!/^https?:\/\/[^/]/i.test(text)) {
        return texts.url;
      }
      return url.protocol === "https:" || isLoopback(url.hostname) ? "" : texts.https;
    }
    return native && url.protocol.includes(".") ? "" : texts.scheme;
  }

  // check returns the lines below the field for the address of an application, or for redirect URIs.
  function check(chosen) {
    const lines = field.value.split("\n").map(line => line.trim()).filter(line => line !== "");
    if (lines.length === 0) {
      return [];
    }
    if (!chosen || !chosen.patterns) {
      return lines.map(line => fault(line, kind.value === "native")).filter(text => text !== "").slice(0, 1);
    }
    const wrong = fault(lines[0], false);
    if (wrong) {
      return [wrong];
    }
    for (const pattern of chosen.patterns) {
      const path = pattern.replace("{app}", "").replace("{provider}", "ostiary");
      if (path !== "" && lines[0].endsWith(path) && lines[0].length > path.length) {
        return [texts.allow.replace("{uri}", lines[0])];
      }
    }
    const url = parse(lines[0]);
    if (url.search !== "") {
      return [texts.query];
    }
    const route = url.pathname.replace(/\/+$/, "");
    if (chosen.origin && route !== "") {
      return [texts.path];
    }
    return chosen.patterns.map(pattern => texts.allow.replace("{uri}", pattern.replace("{app}", url.origin + route).replace("{provider}", "ostiary")));
  }

  function show() {
    const chosen = presets[preset.value];
    const needs = chosen ? chosen.patterns !== null : presets[kind.value].patterns !== null;
    kind.closest(".field").hidden = Boolean(chosen);
    field.closest(".field").hidden = !needs;
    if (name.value === suggested) {
      suggested = chosen ? chosen.name : "";
      name.value = suggested;
    }
    shown.replaceChildren(...(needs ? check(chosen) : []).map(text => {
      const line = document.createElement("p");
      line.textContent = text;
      return line;
    }));
  }

  for (const each of [field, preset, kind]) {
    each.addEventListener("input", show);
  }
  show();
}());
