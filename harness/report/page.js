"use strict";
// Sorting of the boards and drawing of the figures. The numbers are all in the page; nothing is fetched.
(function () {
  function sortBy(heading) {
    const table = heading.closest("table");
    const body = table.tBodies[0];
    const at = heading.cellIndex;
    const first = heading.dataset.first;
    const other = first === "ascending" ? "descending" : "ascending";
    const order = heading.getAttribute("aria-sort") === first ? other : first;
    const sign = order === "ascending" ? 1 : -1;
    const value = (row) => row.cells[at].dataset.value;
    const numeric = heading.dataset.kind === "number";
    const compare = (a, b) => (numeric ? Number(a) - Number(b) : a.localeCompare(b, "en"));
    const rows = Array.from(body.rows);
    rows.sort((a, b) => {
      const [x, y] = [value(a), value(b)];
      if (x === undefined || y === undefined) return (x === undefined) - (y === undefined); // undefined is last either way
      return sign * compare(x, y);
    });
    for (const each of table.tHead.rows[0].cells) each.setAttribute("aria-sort", each === heading ? order : "none");
    body.append(...rows);
  }

  function themed(layout) {
    const style = getComputedStyle(document.documentElement);
    const ink = style.getPropertyValue("--ink").trim();
    const rule = style.getPropertyValue("--rule").trim();
    const paper = style.getPropertyValue("--raised").trim();
    const axis = (given) => ({ ...given, gridcolor: rule, linecolor: rule, tickcolor: rule });
    const axes = Object.keys(layout).filter((name) => /^[xy]axis[0-9]*$/.test(name));
    return {
      ...layout,
      font: { ...layout.font, color: ink, family: "system-ui, sans-serif" },
      hoverlabel: { bgcolor: paper, bordercolor: rule, font: { color: ink } },
      ...Object.fromEntries(axes.map((name) => [name, axis(layout[name])])),
    };
  }

  function drawAll() {
    const figures = JSON.parse(document.getElementById("figures").textContent);
    const options = { responsive: true, displaylogo: false, displayModeBar: false };
    for (const [key, figure] of Object.entries(figures)) {
      const hidden = document.getElementById(key).closest("[hidden]"); // has no width; drawn when it is chosen
      if (!hidden) Plotly.react(key, figure.data, themed(figure.layout), options);
    }
  }

  function choose(select) {
    const shown = document.getElementById(select.dataset.chooses).children;
    for (let i = 0; i < shown.length; i++) shown[i].hidden = i !== select.selectedIndex;
    drawAll();
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("th button");
    if (button) sortBy(button.closest("th"));
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches("select[data-chooses]")) choose(event.target);
  });
  for (const select of document.querySelectorAll("select[data-chooses]")) select.selectedIndex = 0; // after a reload
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
  drawAll();
})();
