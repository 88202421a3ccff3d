// Tabs that show tokens of different users do not share a connection.

/** Names whom a token is for, without giving it away: it becomes part of a lock's name and of a key in the storage. */
export function scope(token) {
  if (token === null) return "";
  // goSSE's client sends base64 of {"token","id"}.
  const own = token.includes(".") ? token : (decoded(token)?.token ?? "");
  const claims = decoded(String(own).split(".")[1] ?? "");
  const user = claims?.userId ?? claims?.sub;
  return user === undefined ? `token ${digest(token)}` : `user ${JSON.stringify([user, claims.channel ?? null])}`;
}

function decoded(part) {
  try {
    const bytes = Uint8Array.from(atob(part.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return null;
  }
}

/** FNV-1a in 32 bits: enough to tell two users of one browser apart, and too little to find the token. */
function digest(text) {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash.toString(16);
}
