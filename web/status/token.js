// The token that was pasted, for as long as the tab is open. Without one the cookie counts.
const KEY = "tailcast.status.token";

export function token() {
  try {
    return sessionStorage.getItem(KEY) ?? "";
  } catch {
    return "";
  }
}

export function keep(text) {
  try {
    if (text) sessionStorage.setItem(KEY, text);
    else sessionStorage.removeItem(KEY);
  } catch {
    // A browser may refuse to keep anything; then only the login is left.
  }
}
