// Proof of work on the sign-up page: a number for which the SHA-256 of challenge and number begins
// with zero bits. Without it, and without this script, the server allows fewer sign-ups of a network.
(() => {
  const form = document.querySelector("form[data-challenge]");
  if (!form || !window.crypto?.subtle) return;
  const { challenge, bits } = form.dataset;
  const status = document.getElementById("proof-status");
  const field = form.elements.proof;
  const encoder = new TextEncoder();
  const batch = 256; // digests that are computed together, off the main thread

  const zeros = (digest) => {
    let n = 0;
    for (const byte of new Uint8Array(digest)) {
      n += Math.clz32(byte) - 24;
      if (byte) break;
    }
    return n;
  };

  const solve = async () => {
    for (let from = 0; ; from += batch) {
      const texts = Array.from({ length: batch }, (_, i) => `${challenge}.${from + i}`);
      const digests = await Promise.all(texts.map((text) => crypto.subtle.digest("SHA-256", encoder.encode(text))));
      const found = digests.findIndex((digest) => zeros(digest) >= Number(bits));
      if (found >= 0) return texts[found];
    }
  };

  const solved = solve().then(
    (text) => {
      field.value = text;
    },
    () => {}, // the form works without it
  );
  let waiting = false;
  form.addEventListener("submit", async (event) => {
    if (field.value || event.submitter?.name === "decision") return;
    event.preventDefault();
    if (waiting) return;
    waiting = true;
    status.textContent = status.dataset.text;
    await solved;
    HTMLFormElement.prototype.submit.call(form);
  });
})();
