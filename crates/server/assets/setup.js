// Moves the secret of a setup link from the address into the form, and out of the history.
"use strict";
{
  const secret = location.hash.slice(1);
  if (secret) {
    document.getElementById("secret").value = secret;
    history.replaceState(null, "", location.pathname);
    document.getElementById("password").focus();
  }
}
