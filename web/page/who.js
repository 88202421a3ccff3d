// Who this browser is, and how to become someone else.

/** As the server sees it: bytes, not letters. */
const LONGEST_NAME = 180;

export function who(user) {
  if (user === null) return;
  const button = document.getElementById("who");
  button.querySelector(".initial").textContent = initial(user);
  button.querySelector(".name").textContent = user;
  button.title = user;
  button.hidden = false;

  const dialog = document.getElementById("rename");
  const name = document.getElementById("rename-name");
  button.addEventListener("click", () => {
    name.value = user;
    dialog.showModal();
    name.select();
  });
}

export function nameForms() {
  for (const input of document.querySelectorAll(".name-form input")) {
    input.addEventListener("input", () => input.setCustomValidity(complaint(input.value)));
  }
}

/** What is wrong with a name, or nothing. */
export function complaint(name) {
  const bytes = new TextEncoder().encode(name).length;
  if (bytes > LONGEST_NAME) return `This name takes ${bytes} bytes; ${LONGEST_NAME} fit.`;
  if (name === "all") return "“all” is everyone; choose a name of your own.";
  return "";
}

function initial(user) {
  const [first] = new Intl.Segmenter().segment(user.trim() || "?");
  return first.segment.toLocaleUpperCase();
}
