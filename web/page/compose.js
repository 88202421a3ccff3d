// What stands in the form → the record. Pure. What is as by default is left out.
const STAYS = 5_000;

export function compose(values) {
  const data = {};
  for (const name of ["title", "text", "color", "icon", "image", "sound", "url", "position"]) {
    const value = values[name]?.trim();
    if (value) data[name] = value;
  }
  if (data.sound && Number(values.volume) !== 100) data.volume = Number(values.volume) / 100;
  if (Number(values.time) !== STAYS) data.time = Number(values.time);
  const [name, url] = [values.buttonName?.trim(), values.buttonUrl?.trim()];
  if (name && url) data.button = { name, url };
  if (values.toastId?.trim()) data.id = values.toastId.trim();
  if (values.desktop) data.desktop = true;
  return { cmd: "notify", data };
}

/** The toast of the Check button. */
export function check(user) {
  const data = {
    title: "Check",
    text: `It works: this went through the file of ${user} and came back.`,
    color: "green",
    icon: "check_circle",
    sound: "bell",
  };
  return { cmd: "notify", data };
}
