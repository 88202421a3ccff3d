// Who is not let in is told why, and how to come in.
import { keep } from "./token.js";
import { view } from "./view.js";

export function door(open) {
  const why = document.getElementById("door-why");
  const login = document.getElementById("login");
  const byToken = document.getElementById("by-token");
  let tried = false;

  login.addEventListener("submit", async (event) => {
    event.preventDefault();
    const { username, password } = login.elements;
    const trouble = await logIn(username.value, password.value);
    password.value = "";
    if (trouble !== null) return say(trouble);
    keep("");
    tried = true;
    open();
  });

  byToken.addEventListener("submit", (event) => {
    event.preventDefault();
    keep(byToken.elements.token.value.trim());
    byToken.reset();
    tried = true;
    open();
  });

  function say(words) {
    why.textContent = words;
  }

  function show(words, mode) {
    const isOpen = mode === "open";
    const title = isOpen ? "Only on the server's own machine" : "For administrators";
    document.getElementById("door-title").textContent = title;
    document.getElementById("door-here").hidden = !isOpen;
    login.hidden = byToken.hidden = isOpen;
    if (isOpen) document.getElementById("door-line").textContent = tunnel();
    say(isOpen || tried ? sentence(words) : "Log in as one, or bring a token.");
    // A token that is refused now will be refused again.
    keep("");
    view("door");
    document.body.dataset.link = "closed";
    const badge = document.getElementById("badge");
    badge.textContent = "Not let in";
    badge.dataset.state = "closed";
    document.getElementById("lost").hidden = true;
  }

  return { show };
}

/** What is wrong, or null. The server answers with a cookie. */
async function logIn(username, password) {
  try {
    const headers = { "content-type": "application/json" };
    const answer = await fetch("login", { method: "POST", headers, body: JSON.stringify({ username, password }) });
    return answer.ok ? null : sentence((await answer.json()).error);
  } catch {
    return "The server does not answer.";
  }
}

function sentence(words) {
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}.`;
}

function tunnel() {
  const port = location.port || (location.protocol === "https:" ? "443" : "80");
  return `ssh -L 8000:127.0.0.1:${port} ${location.hostname}\nhttp://127.0.0.1:8000/status`;
}
