// The commands that every page has. Toasts are loaded when the first one arrives.

export function builtIn(root) {
  const notify = async (data, run) => {
    const { notify } = await import("./toaster.js");
    return notify(data, { root, run });
  };
  return new Map([
    ["notify", notify],
    ["reload", () => location.reload()],
  ]);
}
