// The bell with the list of notifications: import "…/js/inbox.js", then <tailcast-inbox></tailcast-inbox>.
import { Inbox } from "./inbox/inbox.js";

Inbox.style = new URL("inbox/inbox.css", import.meta.url).href;
if (!customElements.get("tailcast-inbox")) customElements.define("tailcast-inbox", Inbox);
