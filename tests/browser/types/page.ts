// A page in TypeScript: what the declarations must accept, and what they must not.
import { connect, type Notification, type Tailcast } from "../../../js/tailcast.js";

const tailcast: Tailcast = connect({ root: "https://push.example/", query: { channel: "news" }, token: null, onToken: async (refused) => refused, missed: 3 });
const stop: () => void = tailcast.on("event:price", (price: { eur: number }, record) => console.log(price.eur, record.data.eur, record.missed));
tailcast.on("state", (state) => state === "unauthorized");
tailcast.on("ready", ({ user, channels }) => [user?.length, channels.length]);
tailcast.on("record", ({ event, id }) => [event, id.length]);
tailcast.on("progress", (data) => data.percent);
tailcast.fetch("history?limit=5").then((answer) => answer.json());
document.addEventListener("tailcast", ({ detail }) => detail.close());
const notification: Notification = { title: "x", button: [{ name: "Open", url: "/" }, { name: "Run", cmd: "x" }], position: "topRight", time: 0 };
stop();

// @ts-expect-error no such state
tailcast.on("state", (state) => state === "opened");
// @ts-expect-error no such option
connect({ rot: "/" });
// @ts-expect-error a button without a name
const wrong: Notification = { button: { url: "/" } };
// @ts-expect-error read only
tailcast.user = "ann";

export { notification, wrong };
