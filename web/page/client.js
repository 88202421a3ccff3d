// The client that js/sse.js starts, as any page gets hold of it.
import { whenClient } from "../js/inbox/client.js";

export const client = () => new Promise((found) => void whenClient(found));
