"use strict";
(function () {
  var MARKERS = { against: "▼", neutral: "●", favor: "▲" };
  var PAGE_SIZE = 25;

  function element(name, text, className) {
    var node = document.createElement(name);
    if (text !== undefined && text !== null) node.textContent = text;
    if (className) node.className = className;
    return node;
  }

  function cellValue(row, column) {
    var cell = row.cells[column];
    var text = cell.dataset.value !== undefined ? cell.dataset.value : cell.textContent.trim();
    var number = Number(text.replace(/−/g, "-").replace(/[\u202f %]/g, ""));
    return text === "" || text === "–" ? null : isNaN(number) ? text.toLowerCase() : number;
  }

  function compare(a, b) {
    if (typeof a === "number" && typeof b === "number") return a - b;
    return String(a).localeCompare(String(b), "en", { numeric: true });
  }

  function sortTable(table, header) {
    var column = header.cellIndex, body = table.tBodies[0];
    var state = header.getAttribute("aria-sort");
    var rows = Array.from(body.rows);
    var numeric = rows.some(function (row) { return typeof cellValue(row, column) === "number"; });
    var descending = state ? state === "ascending" : numeric;
    rows.sort(function (x, y) {
      var a = cellValue(x, column), b = cellValue(y, column);
      if (a === null || b === null) return (a === null) - (b === null);
      return descending ? compare(b, a) : compare(a, b);
    });
    rows.forEach(function (row) { body.appendChild(row); });
    Array.from(header.parentNode.cells).forEach(function (each) { each.removeAttribute("aria-sort"); });
    header.setAttribute("aria-sort", descending ? "descending" : "ascending");
  }

  document.querySelectorAll("table.sortable").forEach(function (table) {
    table.querySelectorAll("thead button").forEach(function (button) {
      button.addEventListener("click", function () { sortTable(table, button.closest("th")); });
    });
  });

  document.querySelectorAll("input[data-filter]").forEach(function (input) {
    var rows = Array.from(document.getElementById(input.dataset.filter).tBodies[0].rows);
    var status = document.querySelector('[data-count="' + input.dataset.filter + '"]');
    input.addEventListener("input", function () {
      var wanted = input.value.trim().toLowerCase(), shown = 0;
      rows.forEach(function (row) {
        row.hidden = wanted !== "" && row.textContent.toLowerCase().indexOf(wanted) < 0;
        shown += row.hidden ? 0 : 1;
      });
      status.textContent = wanted ? shown + " of " + rows.length : "";
    });
  });

  function openTarget() {
    var node = location.hash && document.getElementById(location.hash.slice(1));
    if (node && node.tagName === "DETAILS") node.open = true;
  }
  window.addEventListener("hashchange", openTarget);
  openTarget();

  function signed(stance) { return element("span", MARKERS[stance] + " " + stance, "stance " + stance); }
  function percent(share) { return Math.round(100 * share) + " %"; }

  function startBrowser(root) {
    var data = JSON.parse(document.getElementById("sentence-data").textContent);
    var systems = JSON.parse(root.dataset.systems);
    var form = root.querySelector("form"), list = document.getElementById("browser-list");
    var status = document.getElementById("browser-status"), label = document.getElementById("browser-page");
    var previous = document.getElementById("browser-previous"), next = document.getElementById("browser-next");
    var page = 0, matches = [];

    function field(name) { return form.elements.namedItem(name); }
    function rows() { return data[field("split").value].rows; }
    function firstSystem() { return field("first") ? Number(field("first").value) : 0; }
    function secondSystem() { return field("second") ? Number(field("second").value) : 0; }

    function fill(select, names) {
      while (select.options.length > 1) select.remove(1);
      names.sort().forEach(function (name) { select.add(new Option(name, name)); });
    }
    function fillChoices() {
      var actors = new Set(), phenomena = new Set();
      rows().forEach(function (row) {
        row.actors.forEach(function (each) { actors.add(each.actor); });
        row.phenomena.forEach(function (each) { phenomena.add(each); });
      });
      fill(field("actor"), Array.from(actors));
      fill(field("phenomenon"), Array.from(phenomena));
    }

    var KINDS = {
      "right": function (row, actor, a) { return a.pred === actor.gold; },
      "wrong": function (row, actor, a) { return a.pred !== actor.gold; },
      "flip": function (row, actor, a) { return a.pred !== actor.gold && a.pred !== "neutral" && actor.gold !== "neutral"; },
      "other": function (row, actor, a) {
        return a.pred !== actor.gold && row.actors.some(function (each) { return each !== actor && each.gold === a.pred; });
      },
      "split": function (row, actor, a) { return a.agreement < 1; },
      "fixed": function (row, actor, a, b) { return a.pred !== actor.gold && b.pred === actor.gold; },
      "broken": function (row, actor, a, b) { return a.pred === actor.gold && b.pred !== actor.gold; },
      "differ": function (row, actor, a, b) { return a.pred !== b.pred; },
      "both-wrong": function (row, actor, a, b) { return a.pred !== actor.gold && b.pred !== actor.gold; },
      "both-right": function (row, actor, a, b) { return a.pred === actor.gold && b.pred === actor.gold; }
    };

    function actorMatches(row, actor) {
      var a = actor.says[firstSystem()], b = actor.says[secondSystem()], kind = field("kind").value;
      return (!field("actor").value || actor.actor === field("actor").value) &&
        (!field("gold").value || actor.gold === field("gold").value) &&
        (!field("pred").value || b.pred === field("pred").value) &&
        (b.confidence === null || (b.confidence * 100 >= Number(field("from").value) - 0.5 && b.confidence * 100 <= Number(field("to").value) + 0.5)) &&
        (!kind || KINDS[kind](row, actor, a, b));
    }

    function refresh() {
      var text = field("text").value.trim().toLowerCase(), phenomenon = field("phenomenon").value, answers = 0;
      field("low").value = field("from").value + " %";
      field("high").value = field("to").value + " %";
      matches = rows().filter(function (row) {
        if (phenomenon && row.phenomena.indexOf(phenomenon) < 0) return false;
        if (text && rowText(row).toLowerCase().indexOf(text) < 0) return false;
        var found = row.actors.filter(function (actor) { return actorMatches(row, actor); }).length;
        answers += found;
        return found > 0;
      });
      page = 0;
      var held = data[field("split").value];
      status.textContent = matches.length + " sentences with " + answers + " matching answers, of " + held.shown + " sentences" +
        (held.shown < held.total ? " held in this page (" + held.total + " in the split; those with errors come first)." : ".");
      show();
    }

    function rowText(row) {
      return row.parts.map(function (part) { return typeof part === "string" ? part : part[1]; }).join("") + " " + row.doc;
    }

    function markMention(row, part) {
      var actor = row.actors[part[0]], says = actor.says[secondSystem()], wrong = says.pred !== actor.gold;
      var mark = element("mark", part[1], "gold-" + actor.gold + " pred-" + says.pred + (wrong ? " wrong" : ""));
      var signs = element("span", MARKERS[actor.gold] + (wrong ? "→" + MARKERS[says.pred] : ""), "signs");
      signs.setAttribute("aria-hidden", "true");
      mark.title = actor.actor + ": gold " + actor.gold + ", predicted " + says.pred;
      mark.appendChild(signs);
      return mark;
    }

    function answerLine(row, actor) {
      var line = element("li");
      line.append(element("b", actor.actor), " ", signed(actor.gold));
      actor.says.forEach(function (says, number) {
        var right = says.pred === actor.gold;
        line.append(systems.length > 1 ? " · " + systems[number] + " " : " → ", right && systems.length === 1 ? "right" : signed(says.pred));
        if (!right) line.append(" ✗");
        if (says.confidence !== null) line.append(" " + percent(says.confidence));
        if (says.agreement < 1) line.append(", " + percent(says.agreement) + " of seeds");
      });
      return line;
    }

    function show() {
      var pages = Math.max(1, Math.ceil(matches.length / PAGE_SIZE));
      list.replaceChildren.apply(list, matches.slice(page * PAGE_SIZE, (page + 1) * PAGE_SIZE).map(function (row) {
        var item = element("li"), text = element("p", null, "sentence-text"), says = element("ul", null, "says");
        var where = [row.title || row.doc, "sentence " + row.sent].concat(row.genre ? [row.genre] : [], row.phenomena);
        row.parts.forEach(function (part) { text.append(typeof part === "string" ? part : markMention(row, part)); });
        row.actors.forEach(function (actor) { says.append(answerLine(row, actor)); });
        item.append(element("p", where.join(" · "), "where"), text, says);
        return item;
      }));
      label.textContent = "page " + (page + 1) + " of " + pages;
      previous.disabled = page === 0;
      next.disabled = page >= pages - 1;
    }

    form.addEventListener("submit", function (event) { event.preventDefault(); });
    form.addEventListener("input", function (event) { if (event.target.name === "split") fillChoices(); refresh(); });
    form.addEventListener("reset", function () { setTimeout(function () { fillChoices(); refresh(); }); });
    previous.addEventListener("click", function () { page -= 1; show(); });
    next.addEventListener("click", function () { page += 1; show(); });
    fillChoices();
    refresh();
  }
  var browser = document.getElementById("browser");
  if (browser) startBrowser(browser);

  var command = document.getElementById("compare-command");
  function writeCommand() {
    var chosen = Array.from(document.querySelectorAll("input[name=run]:checked")).map(function (each) { return each.value; });
    command.textContent = chosen.length > 1 ? command.dataset.prefix + chosen.join(" ") : command.dataset.hint;
  }
  if (command) {
    document.querySelectorAll("input[name=run]").forEach(function (box) { box.addEventListener("change", writeCommand); });
    document.getElementById("copy-command").addEventListener("click", function () {
      var range = document.createRange();
      range.selectNodeContents(command);
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      if (navigator.clipboard) navigator.clipboard.writeText(command.textContent).catch(function () {});
    });
    writeCommand();
  }
})();
