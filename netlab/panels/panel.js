// The page's half of a panel. Python sends the elements of named parts, as head0, head1, …; here they are put in place, and what the reader does goes
// back in one message: which control, and all fields. What was typed or opened, and the focus, stay as they are.

const PARTS = ["head", "said", "controls", "stage", "more"];
const STARTS = new Set(["value", "checked"]);               // attributes that say only how a control begins
const keyOf = node => node.nodeType === Node.ELEMENT_NODE ? node.getAttribute("data-key") : null;

const alike = (was, now) => was.nodeName === now.nodeName && keyOf(was) === keyOf(now);

function patch(was, now) {                                  // make `was` like `now`, a node of the same kind
  if (was.isEqualNode(now)) return;
  if (was.nodeType !== Node.ELEMENT_NODE) return void (was.data = now.data);
  const put = was.getAttribute("data-put") !== now.getAttribute("data-put");    // Python's own text, whatever was typed
  for (const name of was.getAttributeNames())
    if (!now.hasAttribute(name) && name !== "open") {
      was.removeAttribute(name);
      if (STARTS.has(name) && name !== "value") was[name] = false;
    }
  for (const name of now.getAttributeNames()) {
    const value = now.getAttribute(name), differs = was.getAttribute(name) !== value;
    if (differs) was.setAttribute(name, value);
    if ((differs || put) && STARTS.has(name) && name in was) was[name] = name === "value" ? value : true;
  }
  const chosen = now.value;
  let at = was.firstChild, child = now.firstChild;
  for (; at && child && alike(at, child); at = at.nextSibling, child = child.nextSibling) patch(at, child);
  if (at || child) arrange(was, at, child);                   // as a rule there are none left
  if (put && was.nodeName === "SELECT") was.value = chosen;
}

function arrange(parent, at, child) {                         // what stands from `at` on becomes like `child` and those after it
  const rest = [], wanted = new Set(), keyed = new Map();
  for (; child; child = child.nextSibling) rest.push(child) && wanted.add(keyOf(child));
  for (let next, old = at; old; old = next) {               // what goes first, so that what stays need not be moved
    next = old.nextSibling;
    if (wanted.has(keyOf(old))) keyed.set(keyOf(old), old);
    else {
      if (old === at) at = next;
      old.remove();
    }
  }
  for (const child of rest) {
    const match = keyOf(child) ? keyed.get(keyOf(child)) : at;
    if (!match || !alike(match, child)) {
      parent.insertBefore(child, at);
      continue;
    }
    if (match === at) at = at.nextSibling;
    else parent.insertBefore(match, at);
    patch(match, child);
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

function made(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content;
}

function render({model, el}) {
  const places = Object.fromEntries(PARTS.map(name => [name, el.appendChild(document.createElement("div"))]));
  for (const name of PARTS) places[name].className = `nl-${name}`;
  const shown = {}, show = () => {
    const had = el.contains(document.activeElement) && document.activeElement, {key} = had.dataset ?? {}, beside = had.previousElementSibling;
    if (shown.look !== model.get("look")) {
      if (shown.look) el.classList.remove(...shown.look.split(" "));
      el.classList.add("nl-panel", ...(shown.look = model.get("look")).split(" "));
    }
    for (const name of PARTS) {
      const old = shown[name] ?? [], now = shown[name] = [], box = places[name];
      for (let html; html = model.get(name + now.length); ) now.push(html);
      if (now.length === old.length)                        // as a rule, few of its elements have changed
        now.forEach((html, n) => html === old[n] || patch(box.children[n], made(html).firstChild));
      else {
        const like = document.createElement("div");
        like.className = box.className;
        like.append(made(now.join("")));
        patch(box, like);
      }
    }
    if (key && !el.contains(document.activeElement))        // what had the focus has another place now, or is gone
      (el.querySelector(`[data-key="${CSS.escape(key)}"]`) ?? beside)?.focus();
  };
  model.on("change", show);
  model.on("comm_live_update", () => el.classList.add("jupyter-widgets-disconnected"));     // the kernel has restarted
  show();
  const gone = document.createElement("div");
  el.prepend(gone);
  gone.className = "nl-gone";
  gone.textContent = "Python was started anew, and this panel is gone. Run the first code cell of the page, then this one.";

  const value = control => control.type === "checkbox" ? (control.checked ? "on" : "") : control.value.toWellFormed?.() ?? control.value;
  const send = (action, about = "") => {
    const named = [...el.querySelectorAll("[name]")].filter(control => control.type !== "radio" || control.checked);
    model.send({do: action, about, fields: Object.fromEntries(named.map(control => [control.name, [value(control), +control.dataset.put]]))});
  };
  el.addEventListener("click", event => {
    const button = event.target.closest("button[data-do]");
    if (button && button.getAttribute("aria-disabled") !== "true") send(button.dataset.do, button.value);
  });
  for (const kind of ["change", "input"])
    el.addEventListener(kind, event => {
      if (event.target.dataset[kind]) send(event.target.dataset[kind], event.target.name);
    });
  el.addEventListener("keydown", event => {
    const {enter, change, drag} = event.target.dataset;
    if (event.key === "Enter" && (enter || change) && !(event.isComposing || event.ctrlKey || event.metaKey)) send(enter || change, event.target.name);
    else if (drag && /^(Arrow|Home|End|Page)/.test(event.key)) send(drag, event.key);
    else return;
    event.preventDefault();
  });
  let grip = null, last = "";
  el.addEventListener("pointerdown", event => {
    grip = event.target.closest("[data-drag]");
    if (!grip) return;
    grip.focus();
    el.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  el.addEventListener("pointermove", event => {
    const over = grip && document.elementFromPoint(event.clientX, event.clientY)?.closest("[data-at]");
    if (!over || !el.contains(over)) return;
    const {left, width} = over.getBoundingClientRect(), place = +over.dataset.at + (event.clientX > left + width / 2);
    if (place !== last) send(grip.dataset.drag, String(last = place));
  });
  el.addEventListener("pointerup", () => grip = null);
  // JupyterLab takes what is typed on a button or a list for its own short cuts: d d deletes the cell. Control and Command keys,
  // Escape, and Shift+Enter where Enter means nothing stay its own.
  const guard = ({target, key, ctrlKey, metaKey, shiftKey}) => {
    if (!el.contains(target)) return;
    const runs = key === "Enter" && shiftKey && !target.dataset.enter && !target.dataset.change;
    target.toggleAttribute("data-lm-suppress-shortcuts", !(ctrlKey || metaKey || key === "Escape" || runs));
  };
  window.addEventListener("keydown", guard, true);
  return () => window.removeEventListener("keydown", guard, true);
}

export default {render};
