/* Long tables can be sorted by a column and narrowed to the rows that hold a word; wide ones can be moved with the keyboard.
   Without scripts they are plain tables. */
(() => {
  "use strict";
  const zh = document.documentElement.lang.startsWith("zh");
  const SORTABLE = 5, FILTERABLE = 12;
  const words = zh
    ? { filter: "筛选行", rows: (n, of) => `显示 ${of} 行中的 ${n} 行`, sort: "点击排序" }
    : { filter: "Filter rows", rows: (n, of) => `${n} of ${of} rows`, sort: "Click to sort" };
  const compare = new Intl.Collator(document.documentElement.lang, { numeric: true }).compare;
  const times = { "%": 0.01, "万": 1e4, "亿": 1e8 };
  const NUMBER = /^([-−+]?)[¥￥$€£]?\s?(\d[\d,]*(?:\.\d+)?)\s?(%|万|亿)?/;

  const valueOf = (row, at) => {
    const text = (row.cells[at]?.innerText ?? "").trim();
    const found = NUMBER.exec(text);
    if (!found) return { text, number: null };
    const size = Number(found[2].replaceAll(",", "")) * (times[found[3]] ?? 1);
    return { text, number: found[1] === "-" || found[1] === "−" ? -size : size };
  };

  const order = (one, other) => {
    if (one.number !== null && other.number !== null) return one.number - other.number;
    if (one.number === null && other.number === null) return compare(one.text, other.text);
    return one.number === null ? 1 : -1;
  };

  const makeSortable = (table, body, rows, below) => {
    const heads = [...table.tHead.rows[table.tHead.rows.length - 1].cells];
    heads.forEach((head, at) => {
      if (!head.innerText.trim()) return;
      const button = document.createElement("button");
      button.type = "button";
      button.className = "crm-sort";
      button.title = words.sort;
      button.append(...head.childNodes);
      head.append(button);
      head.setAttribute("aria-sort", "none");
      button.addEventListener("click", () => {
        const next = { none: "ascending", ascending: "descending", descending: "none" }[head.getAttribute("aria-sort")];
        heads.forEach((one) => one.hasAttribute("aria-sort") && one.setAttribute("aria-sort", "none"));
        head.setAttribute("aria-sort", next);
        const known = new Map(rows.map((row) => [row, valueOf(row, at)]));
        const sorted = next === "none" ? rows : [...rows].sort((a, b) => order(known.get(a), known.get(b)));
        body.append(...(next === "descending" ? sorted.reverse() : sorted), ...below);
      });
    });
  };

  const makeFilterable = (table, rows) => {
    const box = document.createElement("div");
    const label = document.createElement("label");
    const input = document.createElement("input");
    const count = document.createElement("output");
    box.className = "crm-filter";
    input.type = "search";
    label.append(`${words.filter} `, input);
    box.append(label, count);
    (table.closest(".crm-scroll") ?? table).before(box);
    const texts = new Map(rows.map((row) => [row, row.innerText.toLowerCase()]));
    input.addEventListener("input", () => {
      const wanted = input.value.trim().toLowerCase();
      let shown = 0;
      for (const row of rows) {
        row.hidden = !texts.get(row).includes(wanted);
        shown += row.hidden ? 0 : 1;
      }
      count.textContent = wanted ? words.rows(shown, rows.length) : "";
    });
  };

  const reach = () => {
    for (const box of document.querySelectorAll(".crm-scroll")) {
      if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
      else box.removeAttribute("tabindex");
    }
  };

  const prepare = () => {
    reach();
    window.addEventListener("resize", reach);
    document.addEventListener("toggle", reach, true);
    for (const table of document.querySelectorAll("table.crm-table:not(.crm-heat):not(.crm-definition)")) {
      const body = table.tBodies[0];
      if (!table.tHead || table.tBodies.length !== 1 || body.querySelector("[rowspan],[colspan]")) continue;
      const rows = [...body.rows].filter((row) => row.cells[0]?.innerText.trim()); // an axis stays where it is
      const below = [...body.rows].filter((row) => !rows.includes(row));
      if (rows.length >= SORTABLE) makeSortable(table, body, rows, below);
      if (rows.length >= FILTERABLE) makeFilterable(table, rows);
    }
  };
  document.readyState === "loading" ? document.addEventListener("DOMContentLoaded", prepare) : prepare();
})();
