"use strict";
(() => {
  const root = document.documentElement;

  // Colours: as the system says, or as chosen here. Some browsers keep nothing for local files.
  const scheme = document.getElementById("scheme");
  const kept = (value) => {
    try { return value === undefined ? localStorage.getItem("w4s-scheme") : localStorage.setItem("w4s-scheme", value); }
    catch { return null; }
  };
  const colour = () => { if (scheme.value) root.dataset.scheme = scheme.value; else delete root.dataset.scheme; };
  scheme.value = kept() ?? "";
  if (scheme.selectedIndex < 0) scheme.selectedIndex = 0;
  colour();
  scheme.addEventListener("change", () => { kept(scheme.value); colour(); });

  // A link to a candidate opens it, and whatever it lies in.
  const reveal = () => {
    let at = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const target = at;
    for (; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
    if (target && target.tagName === "DETAILS") {
      target.scrollIntoView();
      target.querySelector("summary").focus({ preventScroll: true });
    }
  };
  addEventListener("hashchange", reveal);
  reveal();

  for (const button of document.querySelectorAll("button[data-all]")) {
    button.addEventListener("click", () => {
      for (const one of document.querySelectorAll(`#${button.dataset.all} > details`)) one.open = "open" in button.dataset;
    });
  }

  // What a dot or a box stands for, beside it.
  const tip = document.getElementById("tip");
  const show = (event) => {
    const mark = event.target.closest("[data-tip]");
    if (!mark) return;
    tip.textContent = mark.dataset.tip;
    tip.hidden = false;
    const at = mark.getBoundingClientRect();
    const left = Math.min(Math.max(8, at.left + at.width / 2 - tip.offsetWidth / 2), innerWidth - tip.offsetWidth - 8);
    const above = at.top - tip.offsetHeight - 8;
    tip.style.left = `${left}px`;
    tip.style.top = `${above > 4 ? above : at.bottom + 8}px`;
  };
  const hide = () => { tip.hidden = true; };
  addEventListener("pointerover", (event) => (event.target.closest && event.target.closest("[data-tip]") ? show(event) : hide()));
  addEventListener("focusin", show);
  addEventListener("focusout", hide);
  addEventListener("scroll", hide, { passive: true, capture: true });
  addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });

  // One stop for the Tab key in each picture; arrows go from mark to mark.
  for (const picture of document.querySelectorAll("svg.chart, svg.tree")) {
    const marks = [...picture.querySelectorAll("[data-tip]")];
    marks.forEach((mark, index) => mark.setAttribute("tabindex", index ? "-1" : "0"));
    picture.addEventListener("keydown", (event) => {
      const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, Home: -Infinity, End: Infinity };
      const now = marks.indexOf(document.activeElement);
      if (now < 0 || !(event.key in steps)) return;
      event.preventDefault();
      const next = marks[Math.min(marks.length - 1, Math.max(0, now + steps[event.key]))];
      marks[now].setAttribute("tabindex", "-1");
      next.setAttribute("tabindex", "0");
      next.focus();
    });
  }

  // Two workflows, problem by problem.
  const WORDS = { won: "won", lost: "lost", both: "right in both", none: "wrong in both", miss: "not measured" };
  const verdict = (a, b) => {
    if (a == null || b == null) return "miss";
    if (Math.abs(b - a) > 1e-9) return b > a ? "won" : "lost";
    return a > 0.5 ? "both" : "none";
  };
  for (const section of document.querySelectorAll(".problems")) {
    const source = section.querySelector("script[type='application/json']");
    if (!source) continue;
    const flows = JSON.parse(source.textContent);
    const [a, b] = section.querySelectorAll("select");
    const draw = () => {
      const first = flows[a.value], second = flows[b.value];
      const found = { won: [], lost: [], both: [], none: [], miss: [] };
      const squares = first.scores.map((score, index) => {
        const kind = verdict(score, second.scores[index]);
        found[kind].push(index + 1);
        const square = document.createElement("i");
        square.className = `sq ${kind}`;
        square.title = `problem ${index + 1}: ${WORDS[kind]}`;
        square.textContent = { won: "+", lost: "−", miss: "?" }[kind] ?? "";
        return square;
      });
      section.querySelector(".squares").replaceChildren(...squares);
      section.querySelector(".sum").textContent =
        Object.keys(WORDS).filter((kind) => kind !== "miss" || found.miss.length)
          .map((kind) => `${found[kind].length} ${WORDS[kind]}`).join(", ") +
        `, of ${squares.length} private problems`;
      for (const kind of ["won", "lost"]) section.querySelector(`[data-list=${kind}]`).textContent = found[kind].join(", ") || "none";
      section.querySelectorAll(".public > li").forEach((item, index) => {
        const one = first.answers[index], two = second.answers[index];
        const kind = verdict(one && one.score, two && two.score);
        const mark = item.querySelector(".mark");
        mark.className = `mark ${kind}`;
        mark.textContent = `[${WORDS[kind]}]`;
        for (const [side, answer] of [["a", one], ["b", two]]) {
          const score = answer && answer.score != null ? ` (score ${Number(answer.score.toFixed(2))})` : "";
          item.querySelector(`[data-answer=${side}]`).textContent = answer ? `${answer.text || "no answer"}${score}` : "not measured";
        }
      });
    };
    a.addEventListener("change", draw);
    b.addEventListener("change", draw);
    section.querySelector("[data-swap]").addEventListener("click", () => { [a.value, b.value] = [b.value, a.value]; draw(); });
    draw();
  }
})();
