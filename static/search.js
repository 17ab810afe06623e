// A field that hides what it does not find.

/**
 * Shows the items that have all words of the field. An item is `{text, elements}`; a group without a visible item is
 * hidden, and `nothing` is shown if there is no item left.
 */
export function searchable(field, items, groups, nothing) {
  const filter = () => {
    const words = field.value.toLowerCase().split(/\s+/);
    let found = 0;
    for (const { text, elements } of items) {
      const fits = words.every((word) => text.includes(word));
      if (fits) found += 1;
      for (const element of elements) element.hidden = !fits;
    }
    const shown = new Set(items.flatMap(({ elements }) => elements.filter(({ hidden }) => !hidden)));
    for (const group of groups) group.hidden = ![...shown].some((element) => group.contains(element));
    nothing.hidden = found > 0;
  };
  const clear = () => {
    field.value = "";
    filter();
    field.focus();
  };
  field.addEventListener("input", filter);
  field.addEventListener("keydown", (event) => {
    if (event.key === "Escape") clear();
  });
  nothing.querySelector("button").addEventListener("click", clear);
}
