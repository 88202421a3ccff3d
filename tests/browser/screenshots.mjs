// Makes the pictures of the documentation: docs/screenshots/page-{light,dark,phone}.png and examples.png.
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

const cleanups = [];
const t = { after: (fn) => cleanups.push(fn) };
const browser = await launch();
try {
  await mkdir(FOLDER, { recursive: true });
  for (const [name, options] of PICTURES) await picture(name, options);
  await examples();
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

  await take(page, name);
}

async function examples() {
  const server = await startServer(t);
  const ann = await visitor(browser, server, { viewport: { width: 1280, height: 620 }, colorScheme: "light" });
  const page = await ann.context.newPage();
  await page.goto(new URL("examples/", server.url).href);
  await page.waitForSelector("header");
  await page.evaluate(() => document.fonts.ready);
  await take(page, "examples");
}

async function take(page, name) {
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
