// Passkeys on the sign-in page and on the pages that create one (Web Authentication Level 3).
(() => {
  const supported = Boolean(window.PublicKeyCredential && navigator.credentials);

  const decode = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const encode = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const descriptors = (list) => (list || []).map((each) => ({ ...each, id: decode(each.id) }));

  // fields copies the members of a response that are buffers.
  const fields = (response, names) => Object.fromEntries(names.filter((name) => response[name]).map((name) => [name, encode(response[name])]));

  const serialize = (credential, response) => JSON.stringify({
    id: credential.id,
    rawId: encode(credential.rawId),
    type: credential.type,
    authenticatorAttachment: credential.authenticatorAttachment || undefined,
    clientExtensionResults: { credProps: credential.getClientExtensionResults().credProps },
    response,
  });

  // call runs an optional method and ignores its failure: signals are hints.
  const call = async (method, argument) => {
    try {
      await PublicKeyCredential[method]?.(argument);
    } catch {}
  };

  const capabilities = async () => {
    try {
      return (await PublicKeyCredential.getClientCapabilities?.()) || {};
    } catch {
      return {};
    }
  };

  const has = async (known, method) => known ?? (await PublicKeyCredential[method]?.().catch(() => false)) ?? false;

  // silentFailed names the stored time of the last failed attempt to create a passkey without a
  // dialog. An attempt delays the user, so it is not repeated for a while.
  const silentFailed = "ostiary-passkey-silent-failed";
  const recall = (name) => {
    try {
      return localStorage.getItem(name);
    } catch {
      return null; // storage is off
    }
  };
  const remember = (name, value) => {
    try {
      localStorage.setItem(name, value);
    } catch {}
  };

  // The sign-in page, and the page for a second factor.

  const signIn = async (box) => {
    const button = box.querySelector("button");
    const fault = box.querySelector(".fault");
    const form = document.querySelector("main form");
    const renewal = 4 * 60 * 1000; // a challenge is valid for five minutes
    let pending; // the AbortController of the conditional request
    let timer;
    let busy = false;

    const post = (url, parameters) =>
      fetch(url, { method: "POST", body: new URLSearchParams({ request: box.dataset.request, ...parameters }), credentials: "same-origin", redirect: "error" });

    const show = (text) => {
      fault.querySelector("p").textContent = text;
      fault.hidden = !text;
    };

    // use asks the authenticator for a passkey and sends its response.
    const use = async (request) => {
      const answer = await post(box.dataset.options, {});
      if (!answer.ok) {
        if (answer.status === 400) location.reload(); // the page says what happened
        throw new Error("no options");
      }
      const { publicKey, state } = await answer.json();
      publicKey.challenge = decode(publicKey.challenge);
      publicKey.allowCredentials = descriptors(publicKey.allowCredentials);
      const credential = await navigator.credentials.get({ publicKey, ...request });
      busy = true;
      show("");
      const response = fields(credential.response, ["clientDataJSON", "authenticatorData", "signature", "userHandle"]);
      const parameters = { state, credential: serialize(credential, response) };
      for (const name of ["remember", "trust_device"]) {
        if (form.elements[name]?.checked) parameters[name] = "on";
      }
      const finished = await post(box.dataset.finish, parameters);
      const body = await finished.json();
      if (finished.ok) {
        const signals = body.accepted && call("signalAllAcceptedCredentials", body.accepted);
        await Promise.race([signals, new Promise((done) => setTimeout(done, 500))]);
        location.assign(body.location);
        return;
      }
      busy = false;
      if (finished.status === 400) location.reload();
      if (body.unknown) await call("signalUnknownCredential", body.unknown);
      show(finished.status === 401 ? box.dataset.rejected : box.dataset.failed);
    };

    // wait offers passkeys in the name field, until the button is pressed.
    const wait = async () => {
      clearTimeout(timer);
      const own = (pending = new AbortController());
      timer = setTimeout(() => own.abort("renew"), renewal);
      let again = false;
      try {
        await use({ mediation: "conditional", signal: own.signal });
        again = !busy;
      } catch {
        again = own.signal.aborted && own.signal.reason === "renew";
      }
      if (again) wait();
    };

    const known = await capabilities();
    const conditional =
      document.querySelector('[autocomplete~="webauthn"]') !== null && (await has(known.conditionalGet, "isConditionalMediationAvailable"));
    if (box.dataset.create !== undefined) {
      const platform = await has(known.userVerifyingPlatformAuthenticator, "isUserVerifyingPlatformAuthenticatorAvailable");
      const tried = Date.now() - Number(recall(silentFailed)) < 30 * 24 * 60 * 60 * 1000;
      if (platform) form.elements.passkey.value = known.conditionalCreate && !tried ? "silent" : "page";
    }
    button.addEventListener("click", async () => {
      if (busy) return;
      pending?.abort("button");
      clearTimeout(timer);
      show("");
      button.disabled = true;
      try {
        await use({});
      } catch {
        busy = false;
        show(box.dataset.failed);
      }
      button.disabled = false;
      if (!busy && conditional) wait();
    });
    box.hidden = false;
    if (conditional) wait();
  };

  // The pages that create a passkey, for an account or with a new one, or add a security key.

  const create = async (form) => {
    const { options, silentOptions, silentState, offer } = form.dataset;
    const button = form.querySelector("#passkey, #add-passkey, #add-security-key");
    const fault = document.getElementById(form.id.replace("create", "fault"));
    const later = document.getElementById("later");
    const { username, name } = form.elements; // of a new account

    const make = async (text, request) => {
      const publicKey = JSON.parse(text);
      publicKey.challenge = decode(publicKey.challenge);
      publicKey.user.id = decode(publicKey.user.id);
      publicKey.excludeCredentials = descriptors(publicKey.excludeCredentials);
      if (username) {
        publicKey.user.name = username.value.trim();
        publicKey.user.displayName = name?.value.trim() || publicKey.user.name;
      }
      const credential = await navigator.credentials.create({ publicKey, ...request });
      const response = fields(credential.response, ["clientDataJSON", "attestationObject"]);
      response.transports = credential.response.getTransports?.() || [];
      form.elements.credential.value = serialize(credential, response);
    };

    if (silentOptions) {
      try {
        if (!supported) throw new Error("no passkeys");
        const limit = new AbortController();
        setTimeout(() => limit.abort(), 1500);
        await make(silentOptions, { mediation: "conditional", signal: limit.signal });
        form.elements.state.value = silentState;
        form.elements.mode.value = "silent";
        form.submit();
        return;
      } catch {
        remember(silentFailed, Date.now());
      }
      if (offer === undefined) {
        later.click();
        return;
      }
      const heading = document.querySelector("h1");
      document.title = document.title.replace(heading.textContent, heading.dataset.then);
      heading.textContent = heading.dataset.then;
      document.querySelector(".under-way").hidden = true;
      document.getElementById("passkey-offer").hidden = false;
    }
    if (!supported) return;
    button.hidden = false;
    button.parentElement.hidden = false;
    button.addEventListener("click", async () => {
      if (username && !username.reportValidity()) return;
      if (form.elements.terms && !form.elements.terms.reportValidity()) return;
      button.disabled = true;
      fault.hidden = true;
      try {
        await make(options, {});
        for (const each of form.querySelectorAll("[type=password]")) each.disabled = true; // the account gets none
        form.submit();
      } catch {
        fault.hidden = false;
        button.disabled = false;
      }
    });
  };

  // The list of passkeys of an account.

  const signal = (list) =>
    call("signalAllAcceptedCredentials", {
      rpId: list.dataset.rpId,
      userId: list.dataset.userId,
      allAcceptedCredentialIds: [...list.querySelectorAll("[data-id]")].map((each) => each.dataset.id),
    });

  const list = document.getElementById("passkeys");
  if (supported && list) signal(list);
  const user = document.getElementById("passkey-user")?.dataset;
  if (supported && user) call("signalCurrentUserDetails", { rpId: user.rpId, userId: user.userId, name: user.name, displayName: user.displayName });
  if (supported) document.querySelectorAll("#passkey-sign-in, #security-key-sign-in").forEach(signIn);
  document.querySelectorAll("#passkey-create, #security-key-create").forEach(create);
})();
