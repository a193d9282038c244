"use strict";

// Each field with the class copy gets a button that copies its value. The page has the texts.
for (const field of document.querySelectorAll(".copy")) {
  field.addEventListener("focus", () => field.select());
  if (!navigator.clipboard) {
    continue;
  }
  const texts = document.getElementById("snippet-texts").dataset;
  const button = document.createElement("button");
  const label = document.createElement("span");
  label.className = "hidden";
  label.textContent = " " + (field.labels[0]?.textContent ?? field.ariaLabel);
  const show = text => button.replaceChildren(text, label);
  button.type = "button";
  button.className = "copy-button";
  button.setAttribute("aria-live", "polite");
  show(texts.copy);
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(field.value);
    show(texts.copied);
    setTimeout(() => show(texts.copy), 4000);
  });
  field.after(button);
}
