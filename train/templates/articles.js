"use strict";
for (const section of document.querySelectorAll("section.document")) {
  const buttons = section.querySelectorAll("button.actor");
  const choose = (actor) => {
    section.classList.toggle("focused", actor !== null);
    for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.show === actor));
    for (const mark of section.querySelectorAll("mark")) mark.classList.toggle("chosen", mark.dataset.actor === actor);
  };
  for (const button of buttons) {
    button.addEventListener("click", () => choose(button.getAttribute("aria-pressed") === "true" ? null : button.dataset.show));
  }
  section.addEventListener("keydown", (event) => { if (event.key === "Escape") choose(null); });
}
