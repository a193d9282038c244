// A field named "submit" would hide the form's own method, so it is taken from the prototype.
HTMLFormElement.prototype.submit.call(document.forms[0]);
