// The state of the connection, in words.
const WORDS = new Map([
  ["connecting", "Connecting…"],
  ["open", "Live"],
  ["waiting", "Reconnecting…"],
  ["closed", "Closed"],
]);

export function badge(tailcast) {
  const place = document.getElementById("badge");
  const show = (state) => {
    place.dataset.state = state;
    place.textContent = WORDS.get(state) ?? state;
  };
  show(tailcast.state);
  tailcast.on("state", show);
}
