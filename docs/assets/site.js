"use strict";

/* The list of losses can be filtered: by words that a row has, in any order. Without scripts the list is whole. */

function addFilter(place) {
  const rows = [...document.querySelectorAll(".md-content table tbody tr")];
  const texts = rows.map((row) => row.textContent.toLowerCase().replace(/[-_\s]+/g, " "));
  const label = document.createElement("label");
  const field = document.createElement("input");
  const count = document.createElement("output");
  label.textContent = "Filter by name, formula or words, such as huber, robust or 交叉熵:";
  field.type = "search";
  label.append(field);
  place.append(label, count);
  field.addEventListener("input", () => {
    const words = field.value.toLowerCase().replace(/[-_\s]+/g, " ").trim().split(" ");
    let shown = 0;
    rows.forEach((row, i) => {
      row.hidden = !words.every((word) => texts[i].includes(word));
      shown += row.hidden ? 0 : 1;
    });
    for (const table of document.querySelectorAll(".md-content table")) {
      const isEmpty = !table.querySelector("tbody tr:not([hidden])");
      const box = table.closest(".md-typeset__scrollwrap") || table;
      box.hidden = isEmpty;
      const heading = box.previousElementSibling;
      if (heading && heading.tagName === "H2") heading.hidden = isEmpty;
    }
    count.textContent = words[0] ? `${shown} of ${rows.length} losses` : "";
  });
}

/* A browser lets no page that was opened from a folder read the index of the search. */
function sayThatSearchNeedsServer() {
  const field = document.querySelector(".md-search__input");
  if (!field) return;
  field.placeholder = "Search needs a web server";
  field.disabled = true;
}

addEventListener("load", () => {
  if (location.protocol === "file:") sayThatSearchNeedsServer();
  const place = document.getElementById("loss-filter");
  if (place) addFilter(place);
});
