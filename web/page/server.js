// What the pages ask of the server, which may stand anywhere below its origin.
const ROOT = new URL("../", import.meta.url);

export async function me() {
  const answer = await fetch(new URL("me", ROOT), { headers: { accept: "application/json" } });
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  return answer.json();
}

/** Publishes by the same request as the shown curl line; throws with the server's own words. */
export async function write(user, record) {
  const body = new URLSearchParams({ user, data: JSON.stringify(record) });
  const answer = await fetch(writerAddress(), { method: "POST", body }).catch(() => {
    throw new Error("the server does not answer");
  });
  if (!answer.ok) throw new Error((await answer.text()).replace(/^ERROR: /, "").trim() || `status ${answer.status}`);
}

export const writerAddress = () => new URL("writer", ROOT).href;
