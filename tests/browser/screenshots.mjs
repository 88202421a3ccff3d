// Makes the pictures of the documentation, or those that the command line names: docs/screenshots/*.png.
import { once } from "node:events";
import { appendFile, mkdir, stat } from "node:fs/promises";
import http from "node:http";
import { fileURLToPath } from "node:url";
import { launch, startServer, toast, visitor } from "./kit.mjs";

const FOLDER = new URL("../../docs/screenshots/", import.meta.url);
/** A README should load quickly. */
const MOST_BYTES = 300_000;
const PHONE = { viewport: { width: 390, height: 844 }, colorScheme: "light", deviceScaleFactor: 2, isMobile: true, hasTouch: true };
const PICTURES = [
  ["page-light", withToasts, { viewport: { width: 1280, height: 960 }, colorScheme: "light" }],
  ["page-dark", withToasts, { viewport: { width: 1280, height: 960 }, colorScheme: "dark" }],
  ["page-phone", withToasts, PHONE],
  ["inbox", withInbox, { viewport: { width: 1280, height: 760 }, colorScheme: "light" }],
  ["inbox-dark", withInbox, { viewport: { width: 1280, height: 760 }, colorScheme: "dark" }],
  ["inbox-phone", withInbox, PHONE],
  ["status-light", withStatus, { viewport: { width: 1280, height: 960 }, colorScheme: "light" }],
  ["status-dark", withStatus, { viewport: { width: 1280, height: 960 }, colorScheme: "dark" }],
  ["status-phone", withStatus, PHONE],
  ["examples", withExamples, { viewport: { width: 1280, height: 620 }, colorScheme: "light" }],
  ["toasts", withColours, { viewport: { width: 860, height: 460 }, colorScheme: "light" }],
  ["toasts-dark", withColours, { viewport: { width: 860, height: 460 }, colorScheme: "dark" }],
];
/** How long the load runs that the status page is pictured under, in milliseconds. */
const LOAD_TIME = 40_000;
const IMAGE = `data:image/svg+xml,${encodeURIComponent(
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 60 60"><rect width="60" height="60" fill="#1259b8"/><circle cx="30" cy="23" r="11" fill="#fff"/><path d="M8 62a22 22 0 0 1 44 0z" fill="#fff"/></svg>',
)}`;
/** One of each colour, with everything that a toast may have. */
const COLOURS = [
  { title: "Backup", text: "Nightly backup finished, 1.2 GB.", icon: "backup" },
  { title: "New mail", text: "Lunch at noon? The usual place.", color: "blue", icon: "email", button: [{ name: "Read", url: "/" }, { name: "Later", cmd: "later" }] },
  { title: "Deployed", text: "Version 2.1 is live. All checks passed.", color: "green", icon: "rocket_launch" },
  { title: "Disk", text: "80 % full", color: "yellow", icon: "warning" },
  { title: "Certificate", text: "Ends in 3 days.", color: "orange", icon: "schedule", button: { name: "Renew", url: "/" } },
  { title: "Payment failed", text: "The card of order 42 was declined.", color: "red", icon: "error" },
  { title: "ann", text: "Have you seen this?", color: "#fde68a", image: IMAGE },
  { title: "Night shift", text: "begins in ten minutes", color: "#1e293b", icon: "bedtime", button: { name: "On my way", cmd: "ok" } },
];

const cleanups = [];
const t = { after: (fn) => cleanups.push(fn) };
const browser = await launch();
try {
  await mkdir(FOLDER, { recursive: true });
  const wanted = ([name]) => process.argv.length < 3 || process.argv.includes(name);
  for (const [name, fill, options] of PICTURES.filter(wanted)) await picture(name, fill, options);
} finally {
  for (const cleanup of cleanups) await cleanup();
  await browser.close();
}

async function picture(name, fill, options) {
  const server = await startServer(t);
  const ann = await visitor(browser, server, options);
  await withoutPaths(ann.context);
  await fill(ann, server);
  const [page] = ann.context.pages();
  await page.evaluate(() => document.fonts.ready);

  const path = fileURLToPath(new URL(`${name}.png`, FOLDER));
  await page.screenshot({ path, animations: "disabled" });
  const { size } = await stat(path);
  console.log(`${name}.png ${Math.ceil(size / 1000)} kB`);
  if (size > MOST_BYTES) throw new Error(`${name}.png has ${size} bytes, more than ${MOST_BYTES}`);
}

async function withToasts(ann, server) {
  const page = await ann.open("ann");
  await page.evaluate(() => window.tailcast.on("event:price", () => {}));

  await server.append("all", { event: "price", data: { symbol: "ACME", eur: 42.17 } });
  await server.append("ann", { cmd: "progress", data: { job: "backup", percent: 64 } });
  await page.evaluate(() => window.tailcast.on("progress", () => {}));
  await server.notify("ann", { title: "Backup", text: "Nightly backup finished, 1.2 GB.", icon: "backup", time: 1 });
  await server.notify("ann", { title: "Deployed", text: "Version 2.1 is live. All checks passed.", color: "green", icon: "rocket_launch", time: 0 });
  await toast(page, "Deployed");
  await server.notify("ann", { title: "New mail", text: "Lunch at noon? The usual place.", color: "blue", icon: "email", sound: "bell", time: 0 });
  await toast(page, "New mail");
  await page.waitForFunction(() => document.querySelectorAll(".iziToast-opened").length === 2 && document.querySelectorAll(".iziToast").length === 2);
}

async function withInbox(ann, server) {
  const now = Math.floor(Date.now() / 1000);
  const note = (ago, data) => ({ time: now - ago, cmd: "notify", data });
  // Nobody has decided about the desktop yet; Chromium without a window would not ask.
  await ann.context.addInitScript(() => Object.defineProperty(Notification, "permission", { get: () => "default" }));
  await server.append("ann",
    note(9 * 86_400, { title: "Welcome", text: "Your account is ready.", icon: "celebration" }),
    note(26 * 3600, { title: "Backup", text: "Nightly backup finished, 1.2 GB.", icon: "backup", color: "blue" }),
    note(5400, { title: "Review", text: "Mira asks for your opinion on “Faster search”.", icon: "rate_review", color: "#7c3aed" }),
  );
  const page = await ann.open("ann");
  await page.waitForFunction(() => Object.keys(localStorage).some((key) => key.startsWith("tailcast.inbox ")));
  await page.evaluate(() => window.tailcast.on("notify", () => {}));
  await server.append("ann",
    note(840, { title: "Build failed", text: "3 of 214 tests failed on main.", icon: "error", color: "red", button: [{ name: "Logs", url: "/logs" }, { name: "Retry", url: "/retry" }] }),
    note(240, { title: "New mail", text: "Lunch at noon? The usual place.", icon: "email", color: "yellow", url: "/mail", image: "favicon.svg" }),
    note(0, { title: "Deployed", text: "Version 2.1 is live. All checks passed.", icon: "rocket_launch", color: "green" }),
  );
  await page.waitForFunction(() => document.querySelector("tailcast-inbox").unread === 3);
  await page.click("tailcast-inbox .bell");
  await page.waitForSelector("tailcast-inbox li >> nth=5");
  await page.waitForFunction(() => document.fonts.check('20px "Material Icons"'));
}

/** Half of the toasts on the left, half on the right. */
async function withColours(ann, server) {
  const page = await ann.ownPage("ann", "document.documentElement.style.cssText = 'color-scheme: light dark; background: light-dark(#f6f7f9, #14161a)';");
  const half = COLOURS.length / 2;
  const data = COLOURS.map((look, at) => ({ ...look, time: 0, position: at < half ? "topLeft" : "topRight" })).toReversed();
  await server.append("ann", ...data.map((data) => ({ cmd: "notify", data })));
  await page.waitForFunction((all) => document.querySelectorAll(".iziToast-opened").length === all, COLOURS.length);
}

/** The status page of a server under load. */
async function withStatus(admin, server) {
  const page = await admin.context.newPage();
  await page.goto(new URL("status", server.url).href);
  await page.waitForSelector("body[data-view=shown][data-link=open]");
  await page.evaluate(() => (document.getElementById("host").textContent = "push.example.org"));
  await load(server);
}

/** Users come, some of them more than once; records are appended in waves; one client reads nothing for a while. */
async function load(server) {
  const users = ["ann", "bob", "carol", "мойшэ", "dave", "erin", "美咲", "frank"];
  const files = await Promise.all([...users, "all"].map((user) => server.path(user)));
  const until = Date.now() + LOAD_TIME;
  const slow = await follow(server, "erin");
  for (let beat = 0; Date.now() < until; beat += 1) {
    if (beat < 80) (await follow(server, users[Math.floor((beat % 9) * (beat % 8) / 8)])).resume();
    const records = Array.from({ length: 4 + Math.round(3 * Math.sin(beat / 25)) }, (_, n) => `{"event":"price","data":${n}}\n`);
    await appendFile(files[beat % 3 === 0 ? users.length : beat % users.length], records.join(""));
    if (beat % 5 === 0) await fetch(new URL("writer", server.url), { method: "POST", body: new URLSearchParams({ user: "bob", data: "{}" }) });
    if (beat === 150) await appendFile(files[5], `{"data":"${"x".repeat(900_000)}"}\n`.repeat(16));
    if (beat === 400) slow.resume();
    await new Promise((resolve) => setTimeout(resolve, 40));
  }
}

async function follow(server, user) {
  const request = http.get(new URL(`events?user=${encodeURIComponent(user)}`, server.url));
  t.after(() => request.destroy());
  const [answer] = await once(request, "response");
  answer.on("error", () => {});
  return answer;
}

async function withExamples(ann, server) {
  const page = await ann.context.newPage();
  await page.goto(new URL("examples/", server.url).href);
  await page.waitForSelector("header");
}

/** A picture for everyone shows the command as it is when installed, not where this machine keeps it. */
async function withoutPaths(context) {
  await context.route("**/me", async (route) => {
    const answer = await route.fetch();
    await route.fulfill({ response: answer, json: { ...(await answer.json()), cli: "tailcast" } });
  });
}
