// The button is hidden without script, since it needs it.
const button = document.getElementById("print");
button.hidden = false;
button.addEventListener("click", () => window.print());
