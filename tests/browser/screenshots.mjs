// Makes the pictures of the documentation: docs/screenshots/page-{light,dark,phone}.png and toasts{,-dark}.png.
import { mkdir, stat } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { launch, startServer, toast, visitor } from "./kit.mjs";

const FOLDER = new URL("../../docs/screenshots/", import.meta.url);
/** A README should load quickly. */
const MOST_BYTES = 300_000;
const PICTURES = [
  ["page-light", { viewport: { width: 1280, height: 960 }, colorScheme: "light" }],
  ["page-dark", { viewport: { width: 1280, height: 960 }, colorScheme: "dark" }],
  ["page-phone", { viewport: { width: 390, height: 844 }, colorScheme: "light", deviceScaleFactor: 2, isMobile: true, hasTouch: true }],
];
const TOASTS = [
  ["toasts", { viewport: { width: 860, height: 460 }, colorScheme: "light" }],
  ["toasts-dark", { viewport: { width: 860, height: 460 }, colorScheme: "dark" }],
];
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
  for (const [name, options] of PICTURES.filter(wanted)) await picture(name, options);
  for (const [name, options] of TOASTS.filter(wanted)) await colours(name, options);
} finally {
  for (const cleanup of cleanups) await cleanup();
  await browser.close();
}

async function picture(name, options) {
  const server = await startServer(t);
  const ann = await visitor(browser, server, options);
  await withoutPaths(ann.context);
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
  await page.evaluate(() => document.fonts.ready);

  await save(page, name);
}

/** Half of the toasts on the left, half on the right. */
async function colours(name, options) {
  const server = await startServer(t);
  const ann = await visitor(browser, server, options);
  const page = await ann.ownPage("ann", "document.documentElement.style.cssText = 'color-scheme: light dark; background: light-dark(#f6f7f9, #14161a)';");
  const half = COLOURS.length / 2;
  const data = COLOURS.map((look, at) => ({ ...look, time: 0, position: at < half ? "topLeft" : "topRight" })).toReversed();
  await server.append("ann", ...data.map((data) => ({ cmd: "notify", data })));
  await page.waitForFunction((all) => document.querySelectorAll(".iziToast-opened").length === all, COLOURS.length);
  await page.evaluate(() => document.fonts.ready);
  await save(page, name);
}

async function save(page, name) {
  const path = fileURLToPath(new URL(`${name}.png`, FOLDER));
  await page.screenshot({ path, animations: "disabled" });
  const { size } = await stat(path);
  console.log(`${name}.png ${Math.ceil(size / 1000)} kB`);
  if (size > MOST_BYTES) throw new Error(`${name}.png has ${size} bytes, more than ${MOST_BYTES}`);
}

/** A picture for everyone shows the command as it is when installed, not where this machine keeps it. */
async function withoutPaths(context) {
  await context.route("**/me", async (route) => {
    const answer = await route.fetch();
    await route.fulfill({ response: answer, json: { ...(await answer.json()), cli: "tailcast" } });
  });
}
