// Runs a button's `func` as the page's own code. Loaded only on pages that opted in with data-allow-func, and the only place of that kind:
// what such a page must keep working are the scripts of others, who wrote JavaScript into their notifications.

/** Where a Content-Security-Policy forbids it, it says which button does nothing, and how to mend that. */
export function runFunc({ name, func }, warn = console.warn) {
  let code;
  try {
    code = new Function(func);
  } catch (error) {
    const mend = error instanceof SyntaxError ? "its func is no JavaScript" : "add 'unsafe-eval' to the page's script-src, or give the button url or cmd";
    warn(`tailcast: the button ${JSON.stringify(name)} cannot run its func: ${mend}`, error);
    return;
  }
  code.call(window);
}
