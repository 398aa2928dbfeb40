"use strict";
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const list = $("#cards"), cards = all(".card"), detail = $("#detail"), keys = $("#keys"), stage = $("#stage");
  const byClass = $("#by-class"), byTruth = $("#by-truth"), byName = $("#by-name"), byOrder = $("#by-order");
  let decision = "", current = -1;

  const shown = () => all(".card").filter((card) => !card.hidden);

  function filter() {
    const text = byName.value.trim().toLowerCase();
    for (const card of cards) {
      const d = card.dataset;
      card.hidden = (decision && d.decision !== decision)
        || (byClass.value && !d.labels.split(" ").includes(byClass.value))
        || (byTruth && byTruth.value && !d.flags.split(" ").includes(byTruth.value))
        || (text && !d.name.toLowerCase().includes(text));
    }
    const count = shown().length;
    $("#shown").textContent = `${count} shown`;
    $("#empty").hidden = count > 0;
    all(".tile[data-decision]").forEach((tile) => tile.setAttribute("aria-pressed", String(tile.dataset.decision === decision)));
    current = -1;
  }

  function order() {
    const how = { rank: (a, b) => a.dataset.rank - b.dataset.rank,
      file: (a, b) => a.dataset.name.localeCompare(b.dataset.name, undefined, { numeric: true }),
      slow: (a, b) => b.dataset.ms - a.dataset.ms };
    list.append(...cards.sort(how[byOrder.value]));
    current = -1;
  }

  function choose(value) { decision = value; filter(); }

  function toggle(name) {
    const off = document.body.classList.toggle(`no-${name}`);
    all(`[data-toggle="${name}"]`).forEach((button) => button.setAttribute("aria-pressed", String(!off)));
  }

  function move(by) {
    const visible = shown();
    if (!visible.length) return;
    const focused = visible.indexOf(document.activeElement && document.activeElement.closest(".card"));
    const from = detail.open ? current : focused >= 0 ? focused : current;
    current = Math.min(Math.max(from + by, 0), visible.length - 1);
    if (detail.open) { show(visible[current]); } else {
      visible[current].focus({ preventScroll: true });
      visible[current].scrollIntoView({ block: "nearest" });
    }
  }

  // ---- the open scan: zoom about the pointer, drag to pan ----
  const zoom = { k: 1, x: 0, y: 0 };
  function place() {
    const frame = $(".frame", stage);
    if (!frame) return;
    frame.style.transform = `translate(${zoom.x}px, ${zoom.y}px) scale(${zoom.k})`;
    frame.style.setProperty("--inv", String(1 / zoom.k));
  }
  function fit() { Object.assign(zoom, { k: 1, x: 0, y: 0 }); place(); }
  function scale(factor, clientX, clientY) {
    const frame = $(".frame", stage);
    if (!frame) return;
    const rect = frame.getBoundingClientRect(), area = stage.getBoundingClientRect();
    const px = clientX ?? area.left + area.width / 2, py = clientY ?? area.top + area.height / 2;
    const k = Math.min(Math.max(zoom.k * factor, 1), 16), real = k / zoom.k;
    zoom.x += (px - rect.left) * (1 - real);
    zoom.y += (py - rect.top) * (1 - real);
    zoom.k = k;
    if (k === 1) { fit(); } else { place(); }
  }

  function show(card) {
    const visible = shown();
    current = visible.indexOf(card);
    stage.replaceChildren($(".view", card).cloneNode(true));
    const body = $(".card-body", card).cloneNode(true);
    all("details", body).forEach((part) => { part.open = true; });
    $("#side").replaceChildren(...body.childNodes);
    $("#detail-badge").replaceChildren($(".badge", card).cloneNode(true));
    $("#detail-name").textContent = $(".file", card).textContent;
    $("#detail-count").textContent = `${current + 1} of ${visible.length}`;
    fit();
    if (!detail.open) { detail.showModal(); detail.focus(); }
  }

  // ---- one class at a time: pointing at a bar dims the marks of the others ----
  function single(event) {
    const bar = event.target.closest(".bar");
    const root = event.target.closest(".card, #detail");
    if (!root) return;
    const label = bar && event.type === "pointerover" ? bar.dataset.label : null;
    const marks = all(".view [data-label]", root);
    const known = label && marks.some((mark) => mark.dataset.label === label);
    marks.forEach((mark) => {
      mark.classList.toggle("dim", Boolean(known) && mark.dataset.label !== label);
      mark.classList.toggle("hot", mark.dataset.label === label);
    });
  }
  document.addEventListener("pointerover", single);
  document.addEventListener("pointerout", single);

  all(".tile[data-decision]").forEach((tile) => tile.addEventListener("click", () => choose(tile.dataset.decision)));
  all("[data-toggle]").forEach((button) => button.addEventListener("click", () => toggle(button.dataset.toggle)));
  [byClass, byTruth].forEach((select) => select && select.addEventListener("change", filter));
  byOrder.addEventListener("change", order);
  byName.addEventListener("input", filter);
  $("#keys-open").addEventListener("click", () => keys.showModal());
  $("#reset").addEventListener("click", () => {
    byClass.value = ""; byName.value = ""; if (byTruth) byTruth.value = ""; choose("");
  });
  list.addEventListener("click", (event) => {
    const view = event.target.closest(".view:not(.view-empty)");
    if (view) show(view.closest(".card"));
  });

  const acts = { in: () => scale(1.5), out: () => scale(1 / 1.5), fit, prev: () => move(-1), next: () => move(1), close: () => detail.close() };
  all("[data-act]").forEach((button) => button.addEventListener("click", () => acts[button.dataset.act]()));
  detail.addEventListener("close", () => { const card = shown()[current]; if (card) card.focus(); });
  stage.addEventListener("wheel", (event) => {
    event.preventDefault();
    scale(Math.exp(-event.deltaY * 0.0015), event.clientX, event.clientY);
  }, { passive: false });
  stage.addEventListener("dblclick", (event) => (zoom.k > 1 ? fit() : scale(2.5, event.clientX, event.clientY)));
  let grip = null;
  stage.addEventListener("pointerdown", (event) => {
    grip = { x: event.clientX - zoom.x, y: event.clientY - zoom.y };
    stage.setPointerCapture(event.pointerId);
    stage.classList.add("dragging");
  });
  stage.addEventListener("pointermove", (event) => {
    if (!grip || zoom.k === 1) return;
    zoom.x = event.clientX - grip.x; zoom.y = event.clientY - grip.y;
    place();
  });
  ["pointerup", "pointercancel"].forEach((name) => stage.addEventListener(name, () => { grip = null; stage.classList.remove("dragging"); }));

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || keys.open) return;
    if (event.target.matches("input, select, textarea")) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    const tiles = ["", "alarm", "no_machine_result", "clear"];
    const actions = { j: () => move(1), k: () => move(-1), ArrowRight: () => detail.open && move(1), ArrowLeft: () => detail.open && move(-1),
      m: () => toggle("marks"), h: () => toggle("heat"), t: () => toggle("truth"), "?": () => keys.showModal(),
      "+": () => detail.open && scale(1.5), "=": () => detail.open && scale(1.5), "-": () => detail.open && scale(1 / 1.5), "0": () => detail.open && fit() };
    if (event.key === "/" && !detail.open) { event.preventDefault(); byName.focus(); return; }
    if (event.key === "Enter" && !detail.open && event.target.matches(".card") && $(".view:not(.view-empty)", event.target)) { show(event.target); return; }
    if ("1234".includes(event.key) && !detail.open) { choose(tiles[event.key - 1]); return; }
    if (actions[event.key]) { actions[event.key](); }
  });
})();
