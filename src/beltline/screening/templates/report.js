"use strict";
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const list = $("#cards"), cards = all(".card"), detail = $("#detail"), keys = $("#keys"), stage = $("#stage");
  const byClass = $("#by-class"), byTruth = $("#by-truth"), byName = $("#by-name"), byOrder = $("#by-order");
  let decision = "", current = -1;

  const classes = JSON.parse(list.dataset.classes);

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

  // ---- the full list of classes, made when somebody asks for it ----
  const percent = (p) => (p > 0.99 && p < 1 ? "> 99 %" : p > 0 && p < 0.01 ? "< 1 %" : `${Math.round(p * 100)} %`);
  function element(name, className, text = "") {
    const made = document.createElement(name);
    made.className = className;
    made.textContent = text;
    return made;
  }
  function bar({ label, threshold, p, alarm }) {
    const row = element("li", alarm ? "bar is-alarm" : "bar"), track = element("span", "bar-track");
    const fill = element("i", ""), tick = element("b", "");
    row.dataset.label = label;
    track.setAttribute("aria-hidden", "true");
    fill.style.width = `${100 * p}%`;
    tick.style.left = `${100 * threshold}%`;
    track.append(fill, tick);
    row.append(element("span", "bar-name", label.replaceAll("_", " ")), track, element("span", "bar-value", percent(p)));
    if (alarm) row.lastChild.append(element("span", "sr", " alarm"));
    return row;
  }
  function complete(card) {
    const place = $(".bars-all", card), alarmed = card.dataset.labels.split(" ");
    if (place.childElementCount || !card.dataset.p) return;
    const rows = card.dataset.p.split(",").map((p, i) => (
      { label: classes[i][0], threshold: classes[i][1], p, alarm: alarmed.includes(classes[i][0]) }))
      .filter((row) => row.p).map((row) => ({ ...row, p: Number(row.p) }));
    rows.sort((a, b) => b.alarm - a.alarm || b.p - a.p);
    place.append(...rows.map(bar));
  }
  list.addEventListener("toggle", (event) => complete(event.target.closest(".card")), true);

  // ---- tags: none over another, none cut off ----
  const apart = (a, b) => a.right <= b.left || a.left >= b.right || a.bottom <= b.top || a.top >= b.bottom;
  const moved = (r, x, y) => ({ left: r.left + x, right: r.right + x, top: r.top + y, bottom: r.bottom + y });
  function steps(rect, area) {
    const found = [], row = rect.bottom - rect.top + 1;
    for (let y = Math.ceil((area.top - rect.top) / row) * row; rect.bottom + y <= area.bottom; y += row) {
      for (let x = Math.ceil((area.left - rect.left) / 12) * 12; rect.right + x <= area.right; x += 12) found.push([x, y]);
    }
    return found.sort((a, b) => Math.hypot(...a) - Math.hypot(...b));
  }
  function untangle(view) {
    const frame = $(".frame", view), tags = all(".tag", view).reverse(), area = view.getBoundingClientRect();
    if (!frame || !area.width) return;
    $(".leads", view)?.remove();
    tags.forEach((tag) => { tag.style.translate = ""; });
    const rects = tags.map((tag) => tag.getBoundingClientRect());
    const zoomed = frame.getBoundingClientRect().width / frame.offsetWidth, taken = [], far = [];
    tags.forEach((tag, i) => {
      const rect = rects[i];
      if (!rect.width) return;
      const outside = rect.right < area.left || rect.left > area.right || rect.bottom < area.top || rect.top > area.bottom;
      const free = (r) => taken.every((other) => apart(r, other));
      const [x, y] = outside ? [0, 0] : [[0, 0], ...steps(rect, area)].find(([dx, dy]) => {
        const there = moved(rect, dx, dy);
        return there.left >= area.left && there.right <= area.right && there.top >= area.top && there.bottom <= area.bottom && free(there);
      }) ?? [0, 0];
      taken.push(moved(rect, x, y));
      if (x || y) tag.style.translate = `${x / zoomed}px ${y / zoomed}px`;
      if (Math.hypot(x, y) > 1.5 * rect.height) far.push([tag, rect, moved(rect, x, y)]);
    });
    if (far.length) lead(view, far);
  }
  function lead(view, far) {
    const canvas = $(".canvas", view), from = canvas.getBoundingClientRect();
    const space = $(".draw", canvas).namespaceURI, svg = document.createElementNS(space, "svg");
    svg.setAttribute("class", "leads");
    svg.setAttribute("viewBox", `0 0 ${from.width} ${from.height}`);
    svg.setAttribute("preserveAspectRatio", "none");
    far.forEach(([tag, was, is]) => ["casing", tag.matches(".tag-truth") ? "lead-truth" : ""].forEach((name) => {
      const line = document.createElementNS(space, "line");
      const ends = { x1: was.left + 6, y1: was.bottom, x2: Math.min(Math.max(was.left + 6, is.left), is.right), y2: (is.top + is.bottom) / 2 };
      Object.entries(ends).forEach(([key, value]) => line.setAttribute(key, value - (key[0] === "x" ? from.left : from.top)));
      line.setAttribute("class", name);
      svg.append(line);
    }));
    canvas.insertBefore(svg, $(".tag", canvas));
  }

  // ---- what comes into sight: the larger picture, tags set apart ----
  function sharpen(view) {
    const picture = $(".scan", view), larger = picture && picture.dataset.larger;
    if (!larger) return;
    const loader = new Image(); // the thumbnail stays until the file is there, and if it is not
    loader.onload = () => { picture.src = larger; delete picture.dataset.larger; };
    loader.src = larger;
  }
  const inSight = new Set();
  const seen = new IntersectionObserver((entries) => entries.forEach(({ target, isIntersecting }) => {
    if (!isIntersecting) { inSight.delete(target); return; }
    inSight.add(target);
    sharpen(target);
    untangle(target);
  }), { rootMargin: "300px" });
  all(".view").forEach((view) => seen.observe(view));
  const sizes = new ResizeObserver(() => [...inSight, stage].forEach(untangle));
  [list, stage].forEach((part) => sizes.observe(part));

  // ---- the open scan: zoom about the pointer, drag to pan ----
  const zoom = { k: 1, x: 0, y: 0 };
  function place() {
    const frame = $(".frame", stage);
    if (!frame) return;
    frame.style.transform = `translate(${zoom.x}px, ${zoom.y}px) scale(${zoom.k})`;
    frame.style.setProperty("--inv", String(1 / zoom.k));
    untangle(stage);
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
    complete(card);
    stage.replaceChildren($(".view", card).cloneNode(true));
    const body = $(".card-body", card).cloneNode(true);
    all("details", body).forEach((part) => { part.open = true; });
    $("#side").replaceChildren(...body.childNodes);
    $("#detail-badge").replaceChildren($(".badge", card).cloneNode(true));
    $("#detail-name").textContent = $(".file", card).textContent;
    $("#detail-count").textContent = `${current + 1} of ${visible.length}`;
    sharpen(stage);
    if (!detail.open) { detail.showModal(); detail.focus(); }
    fit();
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
    if (bar && $(".extra", root)) untangle($(".view", root));
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
