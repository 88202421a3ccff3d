// The try-it page: puts its parts together.
import { client } from "./page/client.js";
import { composer } from "./page/composer.js";
import { copyButtons } from "./page/copy.js";
import { listenForm } from "./page/listen.js";
import { log, tryLine } from "./page/log.js";
import { me } from "./page/server.js";
import { nameForms, who } from "./page/who.js";

copyButtons();
nameForms();
document.getElementById("script-src").textContent = new URL("js/sse.js", document.baseURI).href;

const tailcast = await client();
log(tailcast);
listenForm(tailcast);

try {
  const { user, cli: told } = await me();
  // Only who sits at the server is told.
  const cli = told ?? "tailcast";
  who(user);
  tryLine(cli, user ?? "all");
  if (user !== null) composer({ tailcast, user, cli });
  document.body.dataset.view = user === null ? "welcome" : "ready";
} catch (error) {
  const trouble = document.getElementById("trouble");
  trouble.textContent = `The server does not say who you are (${error.message}). Load the page again when it runs.`;
  trouble.hidden = false;
}
