// The command reload: changed stylesheets are swapped where they stand; for anything else the page is loaded again, and
// shown where it was.
import { keepPlace, restorePlace } from "./place.js";
import { isObject } from "./record.js";

/** The query parameter that makes a swapped stylesheet another one for caches. */
const FRESH = "tailcast-reload";
/** Each stylesheet, and the one that takes its place once it is there. */
const coming = new Map();

/** Shows the page where it was when it was reloaded, if it was, and returns what does the command. */
export function reloader() {
  restorePlace();
  return (data) => {
    const sheets = isObject(data) && data.css === true ? stylesheets(document, data) : [];
    if (sheets.length > 0) return sheets.forEach(swap);
    keepPlace();
    location.reload();
  };
}

/** The page's own links to what has changed; all of them if some of that is imported, or not named. */
function stylesheets(page, { paths, more }) {
  const arriving = new Set(coming.values());
  const links = [...page.querySelectorAll("link[rel~=stylesheet][href]")].filter((link) => !arriving.has(link) && isOwn(link));
  const named = links.filter((link) => isNamed(link.href, paths));
  const isImported = [...page.styleSheets].flatMap(imports).some((href) => isNamed(href, paths));
  return more || isImported || named.length === 0 ? links : named;
}

const isOwn = ({ href }) => parsed(href)?.origin === location.origin;

/** Null for one like "http://[", which stays as it was written. */
function parsed(href) {
  return URL.canParse(href) ? new URL(href) : null;
}

/** What a stylesheet imports, and what that imports. */
function imports(sheet) {
  const rules = readable(sheet).filter(({ styleSheet }) => styleSheet?.href);
  return rules.flatMap(({ styleSheet }) => [styleSheet.href, ...imports(styleSheet)]);
}

function readable(sheet) {
  try {
    return [...sheet.cssRules];
  } catch {
    // Of another site.
    return [];
  }
}

/** Whether one of the paths is where this address ends: the page's folder may be below or above the changed one's. */
export function isNamed(href, paths) {
  const path = plain(parsed(href)?.pathname ?? "");
  return Array.isArray(paths) && paths.some((name) => typeof name === "string" && name !== "" && path.endsWith(`/${name}`));
}

function plain(path) {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** The old one stays until the new one is there, so that the page is never without, and stays for good if that fails. */
function swap(link) {
  coming.get(link)?.remove();
  const fresh = link.cloneNode();
  const address = new URL(link.href);
  address.searchParams.set(FRESH, Date.now().toString(36));
  fresh.href = address.href;
  const end = (goes) => {
    if (coming.get(link) !== fresh) return;
    coming.delete(link);
    goes.remove();
  };
  fresh.addEventListener("load", () => end(link));
  fresh.addEventListener("error", () => end(fresh));
  coming.set(link, fresh);
  link.after(fresh);
}
