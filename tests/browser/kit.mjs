// The kit of the browser tests: the real program on a free port, and Chromium that forgives nothing.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFile, mkdtemp, readFile, rm } from "node:fs/promises";
import http from "node:http";
import https from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { chromium } from "playwright-core";

const BIN = process.env.TAILCAST_BIN ?? fileURLToPath(new URL("../../target/release/tailcast", import.meta.url));
const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const ARGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
/** The one deadline: whatever is waited for is there within this many milliseconds, or the test fails. */
export const DEADLINE = 10_000;
/** What the server sends with pages, for pages that a test makes itself. */
const CSP = "default-src 'none'; script-src 'self'; style-src 'self'; img-src * data:; font-src 'self'; media-src 'self'; connect-src 'self'";
const run = promisify(execFile);
const AXE = await readFile(new URL("node_modules/axe-core/axe.min.js", import.meta.url), "utf8");
/** Of each browser context, whose it is. */
const visitors = new WeakMap();

/**
 * Starts the program with an own folder of streams; it ends with the test `t`. `args` and `env` are added to its own;
 * with `tls` it has a certificate that nobody has signed.
 */
export async function startServer(t, { args = [], env = {}, tls = false } = {}) {
  const folder = await mkdtemp(join(tmpdir(), "tailcast streams "));
  const server = new Server(join(folder, "streams"), [...args, ...(tls ? await certificateOptions(folder) : [])], env);
  t.after(async () => {
    // Browsers leave first: a server that goes away is something they complain about.
    await Promise.all(server.visitors.map((visitor) => visitor.context.close()));
    await server.stop();
    await rm(folder, { recursive: true, force: true });
    for (const visitor of server.visitors) visitor.assertClean();
  });
  await server.start();
  return server;
}

async function certificateOptions(folder) {
  const { key, chain } = await certificate(folder);
  return ["--tls-cert", chain, "--tls-key", key];
}

/** Files of a key and of a certificate that nobody has signed. */
async function certificate(folder) {
  const [key, chain] = [join(folder, "key.pem"), join(folder, "chain.pem")];
  const ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
  const name = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"];
  await run("openssl", ["req", "-x509", ...ec, ...name, "-keyout", key, "-out", chain]);
  return { key, chain };
}

/** Another site with one page, which is at its origin with a slash; it runs the script that `page.script` holds then. */
export async function startSite(t, { host = "127.0.0.1", tls = false } = {}) {
  const folder = await mkdtemp(join(tmpdir(), "tailcast site "));
  const page = { origin: "", script: "" };
  const answer = (request, response) => {
    const isScript = request.url === "/page.js";
    response.setHeader("content-type", isScript ? "text/javascript; charset=utf-8" : "text/html; charset=utf-8");
    const html = '<!doctype html><title>page</title><link rel="icon" href="data:,"><script src="/page.js"></script>';
    response.end(isScript ? page.script : html);
  };
  const files = tls ? await certificate(folder) : {};
  const site = tls
    ? https.createServer({ key: await readFile(files.key), cert: await readFile(files.chain) }, answer)
    : http.createServer(answer);
  site.listen(0, "127.0.0.1");
  await once(site, "listening");
  t.after(async () => {
    site.closeAllConnections();
    site.close();
    await rm(folder, { recursive: true, force: true });
  });
  page.origin = `${tls ? "https" : "http"}://${host}:${site.address().port}`;
  return page;
}

class Server {
  #child = null;
  #port = 0;
  url = "";
  /** Of the control interface, if there is one. */
  control = "";
  visitors = [];

  constructor(streams, args, env) {
    this.streams = streams;
    this.args = args;
    this.env = env;
  }

  /** On a free port at first, on the same one later. */
  async start() {
    const args = ["serve", "--bind", `127.0.0.1:${this.#port}`, "--streams", this.streams, ...this.args];
    this.#child = spawn(BIN, args, { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...this.env } });
    [this.url, this.control = ""] = await addresses(this.#child);
    this.#port = new URL(this.url).port;
  }

  async stop() {
    if (this.#child === null || this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await ended;
  }

  /** Holds its breath, as a machine that is cut off does: nothing is closed, and nothing comes. */
  pause() {
    this.#child.kill("SIGSTOP");
  }

  resume() {
    this.#child.kill("SIGCONT");
  }

  /** `user` is a name, or a list of one and its options. */
  async path(user) {
    const { stdout } = await run(BIN, ["path", ...[user].flat(), "--streams", this.streams]);
    return stdout.replace(/\n$/, "");
  }

  /** Appends a line for each record to the user's file in one write, as any other program would. */
  async append(user, ...records) {
    await appendFile(await this.path(user), records.map((record) => `${JSON.stringify(record)}\n`).join(""));
  }

  notify(user, data) {
    return this.append(user, { cmd: "notify", data });
  }
}

/** Where it serves, and its control interface, as it says in its first line. */
function addresses(child) {
  return new Promise((resolve, reject) => {
    let said = "";
    const listen = (data) => {
      said += data;
      const line = /^tailcast listens on .*\n/m.exec(said);
      if (line) resolve(line[0].match(/https?:\/\/127\.0\.0\.1:[1-9]\d*\//g));
    };
    child.stdout.on("data", listen);
    child.stderr.on("data", (data) => (said += data));
    child.once("error", (error) => reject(new Error(`cannot start ${BIN}: ${error.message}`)));
    child.once("exit", (code) => reject(new Error(`${BIN} ended with ${code} before it served:\n${said}`)));
    setTimeout(() => reject(new Error(`${BIN} told no address:\n${said}`)), DEADLINE).unref();
  });
}

/** `autoplay` is Chromium's policy for sounds. */
export async function launch({ autoplay = "no-user-gesture-required" } = {}) {
  return chromium.launch({ executablePath: CHROMIUM, args: [...ARGS, `--autoplay-policy=${autoplay}`] });
}

/** A fresh browser profile, closed before its server; whatever it complains about fails the test, unless `allow`ed. */
export async function visitor(browser, server, options = {}) {
  const context = await browser.newContext({ ignoreHTTPSErrors: server.url.startsWith("https:"), ...options });
  context.setDefaultTimeout(DEADLINE);
  const visitor = new Visitor(context, server);
  server.visitors.push(visitor);
  visitors.set(context, visitor);
  await visitor.watch();
  return visitor;
}

class Visitor {
  #complaints = [];
  #allowed = [];
  requests = [];
  warnings = [];
  /** Origins that the test asks besides. */
  friends = [];

  constructor(context, server) {
    this.context = context;
    this.server = server;
  }

  async watch() {
    const origin = new URL(this.server.url).origin;
    this.context.on("weberror", (error) => this.#complain(`error: ${error.error().stack ?? error.error()}`));
    this.context.on("console", (message) => {
      if (message.type() === "warning") this.warnings.push(message.text());
      if (message.type() === "error") this.#complain(`console: ${message.text()} ${message.location().url}`);
    });
    this.context.on("dialog", (dialog) => {
      this.#complain(`dialog: ${dialog.message()}`);
      dialog.dismiss();
    });
    this.context.on("request", (request) => {
      const url = new URL(request.url());
      this.requests.push(url);
      if (!["data:", "blob:"].includes(url.protocol) && ![origin, ...this.friends].includes(url.origin)) this.#complain(`foreign request: ${url}`);
    });
    await this.context.exposeFunction("tailcastTestViolation", (text) => this.#complain(`content security policy: ${text}`));
    await this.context.addInitScript(() => {
      const tell = (event) => window.tailcastTestViolation(`${event.effectiveDirective} ${event.blockedURI} ${event.sample}`);
      document.addEventListener("securitypolicyviolation", tell);
    });
  }

  /** A complaint that the test itself provokes. */
  allow(pattern) {
    this.#allowed.push(pattern);
  }

  #complain(text) {
    this.#complaints.push(text);
  }

  assertClean() {
    const left = this.#complaints.filter((text) => !this.#allowed.some((pattern) => pattern.test(text)));
    assert.deepEqual(left, [], "the browser complained");
  }

  /** Resolves with the first request whose path matches, even if it was made before. */
  requested(path) {
    const asked = this.requests.find((url) => url.pathname === path);
    return asked ?? this.context.waitForEvent("request", (request) => new URL(request.url()).pathname === path);
  }

  /** The try-it page, once it is live; with a name unless it is null. */
  async open(name = null) {
    const page = await this.context.newPage();
    await page.goto(this.server.url);
    if (name !== null) {
      await page.fill("#welcome-name", name);
      await page.press("#welcome-name", "Enter");
    }
    await page.waitForSelector(`body[data-view=${name === null ? "welcome" : "ready"}]`);
    await page.waitForSelector("#badge[data-state=open]");
    return page;
  }

  /**
   * A page of somebody else's site, with the client included and `script` as its own code. `html` are attributes of its root, `sse` those
   * of the client's script, `csp` its policy; without `wait` it may not be live yet.
   */
  async ownPage(name, script, { html: root = "", sse = "", csp = CSP, wait = true } = {}) {
    await this.context.request.get(new URL(`sseCookie?set=${encodeURIComponent(name)}`, this.server.url).href);
    const page = await this.context.newPage();
    const html =
      `<!doctype html><html lang="en" ${root}><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">` +
      '<title>own</title><link rel="icon" href="data:,">' +
      `<script src="own.js"></script><script async id="ssescript" src="../js/sse.js" ${sse}></script>`;
    const headers = csp ? { "content-security-policy": csp } : {};
    await page.route("**/site/own.html", (route) => route.fulfill({ contentType: "text/html", headers, body: html }));
    await page.route("**/site/own.js", (route) => route.fulfill({ contentType: "text/javascript", body: script }));
    await page.goto(new URL("site/own.html", this.server.url).href);
    if (wait) await page.waitForFunction(() => window.tailcast?.state === "open" && window.tailcast.user !== null);
    return page;
  }
}

/** Fails if axe-core finds what keeps people out, in all of the page or in what a selector names. */
export async function assertAccessible(page, selector) {
  // Axe puts a style into shadow trees, which the page's policy refuses.
  visitors.get(page.context())?.allow(/style-src/);
  // By the debugger: the policy would refuse it as a script.
  await page.evaluate(AXE);
  const { violations } = await page.evaluate((selector) => window.axe.run(selector ?? document), selector);
  const told = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join("\n")}`);
  assert.deepEqual(told, [], "axe found something");
}

/** The toasts on the page, oldest first: what a person reads, and what stands behind it. */
export function toasts(page) {
  return page.$$eval(".iziToast", (found) =>
    found.map((toast) => ({
      title: toast.querySelector(".iziToast-title")?.textContent ?? null,
      text: toast.querySelector(".iziToast-message")?.textContent ?? null,
      icon: toast.querySelector(".iziToast-icon.material-icons")?.textContent ?? null,
      colour: [...toast.classList].find((name) => name.startsWith("iziToast-color-"))?.slice(15) ?? null,
      buttons: [...toast.querySelectorAll(".iziToast-buttons > *")].map((button) => button.textContent),
    })),
  );
}

/** Waits for the toast with this text or title and returns its element. */
export function toast(page, text) {
  return page.waitForSelector(`.iziToast:has-text(${JSON.stringify(text)})`);
}
